"""`adrl calibrate`: from a log to a preset file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adrl_core.config import ConfigurationError, validate


def _pairs(option: str, given: list[str]) -> dict[str, str]:
    """Options of the form KEY=VALUE."""
    pairs = [text.partition("=") for text in given]
    for text, (key, equals, value) in zip(given, pairs, strict=True):
        if not (key and equals and value):
            raise ConfigurationError(f"--{option} {text!r}: expected NAME=VALUE")
    return {key: value for key, _, value in pairs}


def calibrate(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="CSV, Parquet, or lines `click price ctr`.")],
    name: Annotated[str, typer.Option(help="Of the market: the preset file is called NAME.json.")],
    price_per: Annotated[str, typer.Option(help="What prices are paid for: click, impression or mille.")],
    base: Annotated[
        str, typer.Option(help="Preset for what a log cannot tell: channels, margin or pacing.")
    ] = "channels",
    column: Annotated[
        list[str], typer.Option(metavar="NAME=THEIRS", help="The log's own name of a column; repeatable.")
    ] = [],  # noqa: B006  (Typer copies defaults)
    channel: Annotated[
        list[str],
        typer.Option(metavar="NAME=VALUE", help="The value of the channel column that stands for a channel."),
    ] = [],  # noqa: B006
    episode_hours: Annotated[
        float, typer.Option(min=0.01, help="Length of an episode, for a log with times only.")
    ] = 24.0,
    step_auctions: Annotated[
        int, typer.Option(min=0, help="Take so many consecutive auctions as a step.", show_default=False)
    ] = 0,
    unit: Annotated[
        float | None, typer.Option(help="The log's money in one unit of the market's.", show_default=False)
    ] = None,
    conversion_value: Annotated[
        float | None, typer.Option(help="What a conversion is worth, in the log's money.", show_default=False)
    ] = None,
    conversion_rate: Annotated[
        float | None, typer.Option(help="Conversions per click, if the log has none.", show_default=False)
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="Money for an episode, in the log's money.", show_default=False)
    ] = None,
    auctions: Annotated[
        float | None, typer.Option(help="Auctions a step and channel, not the log's.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a preset of that name.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Fit and tell, but write nothing.")] = False,
) -> None:
    """Fit a market of the channels family to your own log, and write it as a preset file.

    Columns: click and price; if there are: ctr (predicted click rate), conversion, bid, won, channel, time,
    episode, step. Then `adrl study quick --markets published,channels,NAME --name mine` runs the report.
    """
    from adrl_core.calibrate import fit, preset, read
    from adrl_core.calibrate.money import Terms

    given: Mapping[str, Any] = {
        "price_per": price_per,
        "base": base,
        "unit": unit,
        "conversion_value": conversion_value,
        "conversion_rate": conversion_rate,
        "budget": budget,
        "auctions": auctions,
    }
    terms = validate(Terms, dict(given))
    path = preset.preset_path(name, force or dry_run)
    names, values = _pairs("column", column), _pairs("channel", channel)
    auctions_read = read.read_auctions(log, names, values, episode_hours, step_auctions)
    found = fit.calibrate(auctions_read, terms)
    content = preset.preset(found, log, auctions_read.rows, terms)
    preset.show(content)
    if dry_run:
        typer.echo(f"would write {path}")
        return
    picture = preset.save(content, found, path)
    typer.echo(f"{path}: written; its plots: {picture}")
