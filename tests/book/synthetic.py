"""A results folder with made-up facts but real manifests, as the book reads it."""

import json
from datetime import UTC, datetime

import nbformat

from adrl_core.commentary.report import Commentary
from adrl_core.report.facts import Fact, FactStore
from adrl_core.report.inputs import inputs
from adrl_core.report.jobs import Job, jobs
from adrl_core.report.manifest import describe
from adrl_core.report.stages import MANIFEST, MARKETS, NOTEBOOK, STAGES, VARIANTS

PROFILE = "paper"
OTHER_PROFILE = "smoke"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><path d="M2 18L38 2" stroke="#223"/></svg>'
FIGURE = {
    "title": "Learning",
    "caption": "Reward {fact}`published.full.reward.mean`.",
    "alt": "A *rising* line.",
}


def interval(value: float, stage: str) -> Fact:
    """A made-up mean over two runs."""
    return Fact(
        value=value,
        unit="reward per episode",
        format=".1f",
        low=value - 10,
        high=value + 10,
        interval="95 % t interval",
        n=2,
        unit_of_analysis="training runs",
        source=f"{stage}/evaluation.parquet",
        row="mean of reward",
        stage=stage,
    )


FACTS = {
    "published.full.reward.mean": interval(512.34, "published/full/evaluate"),
    "published.random.reward.mean": interval(-21.06, "published/baselines"),
    "published.full.versus.random.reward.word": Fact(
        value="above", source="published/full/evaluate/evaluation.parquet", stage="published/full/evaluate"
    ),
    "published.full.minus.random.reward.p": Fact(value=0.003, format="p", n=2, source="tables"),
    "study.seeds": Fact(value=2, source="published/full/train/manifest.json"),
    "config.full.bidding.discount": Fact(value=0.99, format="g", source="adrl_core"),
    "claim.C074": Fact(value=511.0, format=".0f", unit="reward", source="report"),
}


COMMENTARY = Commentary(
    profile=PROFILE, model="", source="template", warning="", final=(), periodic=(), recommendations=()
)


def make_results(
    markets: tuple[str, ...] = MARKETS,
    variants: tuple[str, ...] = VARIANTS[OTHER_PROFILE],
    profile: str = PROFILE,
) -> None:
    """Write every stage of a study below ADRL_RESULTS."""
    for work in jobs(profile, markets, variants, profile, {}):
        make_stage(work)


def make_stage(work: Job) -> None:
    """Write one stage: notebook, outputs, manifest."""
    work.directory.mkdir(parents=True, exist_ok=True)
    text = f"# {work.title}\n\nA line that rises. More words."
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell("draw()")]
    cells[1].outputs = [
        nbformat.v4.new_output("display_data", {"image/svg+xml": SVG, "text/plain": "figure"})
    ]
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python", "pygments_lexer": "ipython3"},
    }
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), work.directory / NOTEBOOK)
    for name in STAGES[work.stage].outputs:
        (work.directory / name).write_text(f"{work.title} {name}")
    if work.stage == "summary":
        FactStore(profile=work.profile, facts=FACTS).save(work.directory / "facts.json")
        (work.directory / "figures").mkdir(exist_ok=True)
        (work.directory / "figures" / "learning.svg").write_text(SVG)
        (work.directory / "figures" / "learning.json").write_text(json.dumps(FIGURE))
    if work.stage == "commentary":
        COMMENTARY.save(work.directory / "commentary.json")
        COMMENTARY.facts({}).save(work.directory / "facts.json")
    describe(work, inputs(work), datetime.now(UTC)).save(work.directory / MANIFEST)
