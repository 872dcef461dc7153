"""The page of a study's own markets: built from facts, and links that would lead nowhere are no links."""

import json
from pathlib import Path

import pytest

from adrl_core.config_markets import Constants
from adrl_core.market.presets import PRESETS
from adrl_core.report.facts import Fact
from tests.book import synthetic
from tests.book.small_book import build_page

METRICS = ("reward", "profit", "spend", "conversions")
EXTENSIONS = ["myst_nb", "adrl_core.report.sphinx_facts", "adrl_core.report.sphinx_markets"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a book on made-up results of `channels` and of a market called mine."""
    root = tmp_path_factory.mktemp("own")
    constants = {name: getattr(PRESETS["channels"], name) for name in Constants.model_fields}
    (root / "presets").mkdir()
    (root / "presets" / "mine.json").write_text(json.dumps({"constants": constants}))
    facts = dict(synthetic.FACTS)
    for market in ("channels", "mine"):
        source = f"{market}/baselines/manifest.json"
        facts |= {f"constant.{market}.{name}": Fact(value=1.5, source=source) for name in constants}
        for policy, stage in (("random", f"{market}/baselines"), ("full", f"{market}/full/evaluate")):
            facts |= {f"{market}.{policy}.{m}.mean": synthetic.interval(77.7, stage) for m in METRICS}
        facts[f"{market}.full.minus.random.reward.mean"] = synthetic.interval(1.0, f"{market}/full/evaluate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADRL_RESULTS", str(root / "results"))
        patch.setenv("ADRL_PRESETS", str(root / "presets"))
        patch.setattr(synthetic, "FACTS", facts)
        synthetic.make_results(("channels", "mine"), ("full",))
        for name in ("learning-mine", "evaluation-mine"):
            figure = root / "results" / synthetic.PROFILE / "figures" / name
            figure.with_suffix(".svg").write_text(synthetic.SVG)
            figure.with_suffix(".json").write_text(json.dumps({**synthetic.FIGURE, "caption": "Rising."}))
        (root / "book").mkdir()
        build_page(
            root,
            "{fact}`mine.random.reward.mean` {fact}`channels.random.reward.mean`\n\n```{own-markets}\n```",
            extensions=EXTENSIONS,
            adrl_profile=synthetic.PROFILE,
            numfig=True,
            exclude_patterns=["notebooks/mine-*"],
        )
    return root


def test_own_markets_have_tables_and_figures(built: Path) -> None:
    html = (built / "html" / "index.html").read_text()
    for words in ("Policies and teams on", "Random", "77.7", "price noise", 'id="tab-own-mine"', "Rising."):
        assert words in html, words
    assert "tab-own-channels" not in html
    assert "minus" not in html


def test_facts_of_runs_without_a_page_are_not_linked(built: Path) -> None:
    html = (built / "html" / "index.html").read_text()
    assert (built / "book" / "notebooks" / "mine-baselines.ipynb").exists()
    assert "notebooks/channels-baselines.html" in html
    assert "notebooks/mine-baselines.html" not in html
