"""Writing what a calibration found as a preset file, with its plots beside it."""

import sys
from pathlib import Path

import matplotlib as mpl
from rich.console import Console
from rich.table import Table

from adrl_core.calibrate.fit import Calibrated
from adrl_core.calibrate.money import Terms
from adrl_core.calibrate.plots import draw
from adrl_core.config import ConfigurationError
from adrl_core.config_markets import Calibration, Preset, new_market_name, presets_folder
from adrl_core.evidence.figures.style import STYLE
from adrl_core.files import replacing, sha256, write_text
from adrl_core.market.reward import CONVERSION_VALUE


def preset_path(name: str, force: bool) -> Path:
    """Where the preset of that name belongs.

    Raises:
        ConfigurationError: the name will not do, or the file is there and may not be replaced.
    """
    path = presets_folder() / f"{new_market_name(name)}.json"
    if path.exists() and not force:
        raise ConfigurationError(f"name = {name!r}: {path} is there already; --force replaces it")
    return path


def preset(found: Calibrated, log: Path, rows: int, terms: Terms) -> Preset:
    """The content of a preset file.

    Args:
        found: what was fitted.
        log: the file that it was fitted to.
        rows: auctions in it.
        terms: on which.
    """
    return Preset(
        constants=found.constants,
        calibration=Calibration(
            base=terms.base,
            log=log.name,
            sha256=sha256(log),
            rows=rows,
            used=found.used,
            price_per=terms.price_per,
            unit=found.unit,
            observed=found.observed,
            estimates=found.estimates,
            assumed=found.assumed,
            match={name: one.match for name, one in found.comparisons.items()},
            win_rates={name: one.win_rates for name, one in found.comparisons.items()},
            notes=found.notes,
        ),
    )


def save(content: Preset, found: Calibrated, path: Path) -> Path:
    """Write the plots and then the preset, each whole or not at all; returns the path of the plots."""
    picture = path.with_suffix(".svg")
    with mpl.rc_context(STYLE), replacing(picture) as partial:
        draw(found.comparisons).savefig(partial, metadata={"Date": None}, bbox_inches="tight")
    write_text(path, content.model_dump_json(indent=2) + "\n")
    return picture


def show(content: Preset) -> None:
    """Print what was found, what was assumed, how well it fits, and what to know."""
    about = content.calibration
    assert about
    # Away from a terminal, rich would assume 80 columns and break the lines.
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(
        f"{about.rows:,} auctions, {about.used:,} prices used ({about.observed}); one unit of the market's "
        f"money is {about.unit:.4g} of the log's, so a conversion is worth "
        f"{CONVERSION_VALUE * about.unit:.4g} there"
    )
    found = Table("constant", "estimate", "error", "95 % interval", "rests on", title="From the log")
    for name, one in about.estimates.items():
        numbers = (f"{one.value:.4g}", f"{one.error:.2g}", f"[{one.low:.4g}, {one.high:.4g}]")
        found.add_row(name, *numbers, f"{one.n:,} {one.unit}")
    console.print(found)
    assumed = Table("constant", "why it is not from the log", title="Not from the log")
    for name, reason in about.assumed.items():
        assumed.add_row(name, reason)
    console.print(assumed)
    for name, match in about.match.items():
        verdict = "close" if match.fits else "NOT close: do not read much into bids there"
        console.print(
            f"{name}: a log-normal is off by {match.distance:.3f} at most (by chance {match.critical:.3f}), "
            f"the fitted market's win rate by {match.market_distance:.3f}: {verdict}"
        )
    for note in about.notes:
        console.print(f"note: {note}")
