"""Every decision on record: a guarded and supervised team whose steps go to an audit trail."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn

from adrl_core.agents.policy import Action
from adrl_core.agents.team import TeamPolicy
from adrl_core.governance.audit import Trail
from adrl_core.governance.guardrails import KINDS, Guarded
from adrl_core.governance.oversight import Supervised
from adrl_core.market import Market, Step


@contextmanager
def overhearing(**modules: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Yield a dictionary that fills with each module's output, (rows, outputs), as it is evaluated.

    What is recorded is then what was decided on, without a second evaluation. Modules put out
    (runs, batch, outputs), rows being ordered run by run.
    """
    heard: dict[str, Tensor] = {}

    def keep(name: str, module: nn.Module, inputs: Any, output: Tensor) -> None:
        heard[name] = output.flatten(0, 1)

    handles = [module.register_forward_hook(partial(keep, name)) for name, module in modules.items()]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


class Recorded:
    """The stack from a team to the market, with a record in the trail for each row and step.

    A record holds: seed, episode and step; state as the market shows it, (STATE_SIZE,); policy_hash; live,
    false where the baseline acted; mode, q_values (BID_LEVELS,) and the specialists' proposals, asked or not
    (level, and allocation (CHANNELS,)), all null where the team was not consulted; wanted and final, a bid
    and an allocation each, before and after the safety layer; asked; overrides, the names of what was wrong.

    Records are appended before the action is returned: nothing reaches the market that is not on record.

    Args:
        guarded: the safety layer, around `supervised`.
        supervised: around the team, or around a fault that befell it.
        team: the trained team.
        trail: open for appending.
    """

    def __init__(self, guarded: Guarded, supervised: Supervised, team: TeamPolicy, trail: Trail) -> None:
        self.guarded, self.supervised, self.team, self.trail = guarded, supervised, team, trail
        self.name = guarded.name

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to."""
        self.guarded.reset(market)
        self.market = market
        self.keys = market.seeds.tolist(), market.episodes.tolist()

    def act(self, state: Tensor) -> Action:
        """The stack's actions, once they are on record."""
        learner = self.team.learner
        with overhearing(q_values=learner.bidding.online, logits=learner.budget.network.actor) as heard:
            action = self.guarded.act(state)
        self.trail.append(self._records(state, action, heard))
        return action

    def observe(self, step: Step) -> None:
        """See what the last action brought."""
        self.guarded.observe(step)

    def _records(self, state: Tensor, action: Action, heard: dict[str, Tensor]) -> Iterator[dict[str, Any]]:
        wanted = self.guarded.proposed
        columns: dict[str, list[Any]] = {
            "seed": self.keys[0],
            "episode": self.keys[1],
            "state": state.tolist(),
            "live": self.supervised.live.tolist(),
            "wanted": _named(bid=wanted.bid, allocation=wanted.allocation),
            "final": _named(bid=action.bid, allocation=action.allocation),
            "overrides": [
                [kind for kind, broken in zip(KINDS, row, strict=True) if broken]
                for row in self.guarded.overridden.tolist()
            ],
        }
        if action.asked is not None:
            columns["asked"] = action.asked.tolist()
        if heard:
            columns["mode"] = self.team.mode.tolist()
            columns["q_values"] = heard["q_values"].tolist()
            columns["proposals"] = _named(
                level=heard["q_values"].argmax(1), allocation=heard["logits"].softmax(1)
            )
        common: dict[str, Any] = {"asked": None, "mode": None, "q_values": None, "proposals": None}
        common |= {"step": self.market.t, "policy_hash": self.supervised.policy_hash}
        for row in zip(*columns.values(), strict=True):
            yield common | dict(zip(columns, row, strict=True))


def _named(**columns: Tensor) -> list[dict[str, Any]]:
    """A dictionary a row."""
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]
