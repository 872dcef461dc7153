"""Directive of a study's own markets: what policies and teams earn on them, from the facts of the profile."""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from adrl_core.config import MARKET_NAMES
from adrl_core.config_markets import Constants
from adrl_core.evidence.figures.style import label
from adrl_core.report.facts import FactStore
from adrl_core.report.sphinx_facts import results_of
from adrl_core.report.sphinx_tables import ReportDirective

NONE = "This study has no market of its own."
POLICIES = """\
```{{fact-table}}
:market: {market}
:columns: reward.mean Reward; profit.mean Profit; spend.mean Spend; conversions.mean Conversions
:caption: Policies and teams on `{market}`.
:name: tab-own-{market}

{rows}
```
"""
CONSTANTS = """\
:::{{table}} Constants of `{market}`, beside those of `channels`.
:name: tab-own-constants-{market}

| Constant | `{market}` | `channels` |
| --- | --- | --- |
{rows}
:::
"""
FIGURES = """\
```{{result-figure}} learning-{market}
```

```{{result-figure}} evaluation-{market}
```
"""


class OwnMarkets(ReportDirective):
    """For each market that is not built in: its policies, its constants, its figures."""

    def run(self) -> list[nodes.Node]:
        """The tables and figures, or one sentence where there are none."""
        store = results_of(self.env).store
        self.env.note_dependency(str(results_of(self.env).folder / "facts.json"))
        text = "\n".join(_page(store, market) for market in own_markets(store)) or NONE
        holder = nodes.Element()
        self.state.nested_parse(StringList(text.splitlines(), source=""), self.content_offset, holder)
        return holder.children


def own_markets(store: FactStore) -> list[str]:
    """Markets whose constants are among the facts though they are not built in, sorted."""
    found = {
        key.split(".")[1] for key in store.facts if key.startswith("constant.") and key.endswith(".budget")
    }
    return sorted(found - set(MARKET_NAMES))


def policies(store: FactStore, market: str) -> list[str]:
    """Policies and teams with a reward on a market, those that do not learn first."""
    ends, found = (f"{market}.", ".reward.mean"), []
    for key, fact in store.facts.items():
        policy = key.removeprefix(ends[0]).removesuffix(ends[1])
        if key == policy.join(ends) and fact.stage in (f"{market}/baselines", f"{market}/{policy}/evaluate"):
            found.append((fact.stage != f"{market}/baselines", policy))
    return [policy for _, policy in sorted(found)]


def _page(store: FactStore, market: str) -> str:
    """MyST text about one market."""
    rows = "\n".join(f"{policy} | {label(policy)}" for policy in policies(store, market))
    constants = "\n".join(
        f"| {name.replace('_', ' ')} | {{fact}}`constant.{market}.{name}` "
        f"| {{fact}}`constant.channels.{name}` |"
        for name in Constants.model_fields
    )
    parts = (POLICIES.format(market=market, rows=rows), CONSTANTS.format(market=market, rows=constants))
    return "\n".join((*parts, FIGURES.format(market=market)))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("own-markets", OwnMarkets)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
