"""Directive of a study's own markets: what policies and teams earn on them, from the facts of the profile."""

from pathlib import Path

import pandas as pd
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from adrl_core.config import MARKET_NAMES
from adrl_core.config_markets import Constants
from adrl_core.evidence.figures.style import label
from adrl_core.evidence.tables import evaluated_markets, trained_variants
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
        folder = results_of(self.env).folder
        markets = [market for market in evaluated_markets(folder) if market not in MARKET_NAMES]
        text = "\n".join(_page(folder, market) for market in markets) or NONE
        holder = nodes.Element()
        self.state.nested_parse(StringList(text.splitlines(), source=""), self.content_offset, holder)
        return holder.children


def _page(folder: Path, market: str) -> str:
    """MyST text about one market."""
    reference = pd.read_parquet(folder / market / "baselines" / "evaluation.parquet", columns=["policy"])
    policies = [*reference["policy"].unique(), *trained_variants(folder, market)]
    rows = "\n".join(f"{policy} | {label(str(policy))}" for policy in policies)
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
