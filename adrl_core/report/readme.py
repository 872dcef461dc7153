"""The table of results in the README, written from the facts so that it cannot go stale."""

import re
from pathlib import Path

from adrl_core.files import write_text
from adrl_core.report.facts import FactStore
from adrl_core.report.stages import ROOT

README = ROOT / "README.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"

ROWS = (
    ("Random", "random", "random", "claim.C079"),
    ("Fixed", "fixed", "fixed", "claim.C084"),
    ("Greedy, state carried over episodes", "greedy_carried", "greedy_carried", "claim.C089"),
    ("Greedy, reset each episode", "greedy_reset", "greedy_reset", ""),
    ("Constant maximum bid", "constant_max", "max_uniform", ""),
    ("Best constant bid and allocation", "", "best_constant", ""),
    ("Team, published settings", "full", "full", "claim.C074"),
    ("Team, tuned", "tuned", "tuned", ""),
    ("Planning team", "planner", "planner", ""),
    ("State oracle", "", "oracle", ""),
)
"""Label, policy on each market, and what the published report prints for it on its own market."""


def table(store: FactStore) -> str:
    """The Markdown table of mean evaluation rewards with their intervals."""
    lines = [
        "| Policy | reported in the publication | `published` market | `channels` market |",
        "| --- | --- | --- | --- |",
    ]
    for label, published, channels, claim in ROWS:
        reported = store[claim].text() if claim else ""
        cells = [_cell(store, "published", published), _cell(store, "channels", channels)]
        lines.append(f"| {label} | {reported} | {cells[0]} | {cells[1]} |")
    sizes = {key: store[f"study.{key}"].text() for key in ("seeds", "episodes", "evaluation_episodes")}
    lines += [
        "",
        f"Mean reward on {sizes['evaluation_episodes']} held-out episodes with its 95 % interval: for the "
        f"teams over {sizes['seeds']} training runs of {sizes['episodes']} episodes, for the others over the "
        "held-out episodes.",
    ]
    return "\n".join(lines)


def _cell(store: FactStore, market: str, policy: str) -> str:
    if not policy:
        return ""
    fact = store[f"{market}.{policy}.reward.mean"]
    return f"{fact.text()} {fact.text('interval')}"


def rendered(text: str, store: FactStore) -> str:
    """The README's text with its table written anew.

    Raises:
        ValueError: the marks between which the table stands are missing.
    """
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{README.name}: no {BEGIN} ... {END}, between which the results stand")
    return pattern.sub(lambda _: f"{BEGIN}\n{table(store)}\n{END}", text)


def update(store: FactStore, path: Path = README) -> None:
    """Write the table into the README."""
    write_text(path, rendered(path.read_text(encoding="utf-8"), store))


def is_current(store: FactStore, path: Path = README) -> bool:
    """Whether the README's table says what the facts say."""
    text = path.read_text(encoding="utf-8")
    return rendered(text, store) == text
