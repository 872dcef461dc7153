"""What the Business Advisor recommends: fixed sentences, each printed only where its findings hold."""

from collections.abc import Sequence
from typing import NamedTuple

from adrl_core.commentary.finding import Finding, Relation


class Advice(NamedTuple):
    """A recommendation and what must have been found for it to be given."""

    text: str
    """With facts as roles."""
    needs: dict[str, tuple[Relation, ...]]
    """Key of a finding -> the relations that support the recommendation."""


ADVICE: Sequence[Advice] = (
    Advice(
        "Where a market is like the published one, bid the maximum and train nothing.",
        {"published.full.versus.constant_max.reward": (Relation.BELOW, Relation.OPEN)},
    ),
    Advice(
        "Where bid, allocation and timing all matter, prefer the tuned settings to the published ones.",
        {
            "channels.tuned.versus.full.reward": (Relation.ABOVE,),
            "channels.tuned.versus.best_constant.reward": (Relation.ABOVE,),
        },
    ),
    Advice(
        "Before trusting a single training with the published settings, compare it with the best "
        "constant policy.",
        {"channels.full.versus.best_constant.reward": (Relation.OPEN, Relation.BELOW)},
    ),
    Advice(
        "As long as asking an agent is free, leave the Controller out: always asking both costs no reward "
        "that the runs could detect.",
        {
            "published.ablation.no_controller.reward": (Relation.UNSEEN, Relation.HARMS),
            "channels.ablation.no_controller.reward": (Relation.UNSEEN, Relation.HARMS),
        },
    ),
    Advice(
        "Take uniform replay: it is simpler, and no loss was detected.",
        {
            "published.ablation.uniform_replay.reward": (Relation.UNSEEN, Relation.HARMS),
            "channels.ablation.uniform_replay.reward": (Relation.UNSEEN, Relation.HARMS),
        },
    ),
    Advice(
        "Do not judge a training by its first ten episodes.",
        {"published.full.training.ten.reward": (Relation.STEADY,)},
    ),
    Advice(
        "Put the safety layer before the market: its price is known, that of a broken limit is not.",
        {
            "governance.guardrails.channels.enforced.broken.mean": (Relation.BELOW,),
            "governance.guardrails.channels.enforced.share": (Relation.BELOW, Relation.OPEN),
        },
    ),
    Advice(
        "Where the state must carry noise, train with the noise.",
        {"governance.privacy.with.epsilon_1.minus_without": (Relation.ABOVE,)},
    ),
    Advice(
        "Where margins are thin, train on what you want to earn, not on a reward that stands for it.",
        {"governance.integrity.shaped.minus.profit.profit": (Relation.BELOW,)},
    ),
    Advice(
        "Before training networks, try a bandit with a linear model of the reward.",
        {"rivals.channels.bandit.minus.team.reward": (Relation.ABOVE,)},
    ),
    Advice(
        "Where money runs out before the episode does, put a price on it, as the online linear program does; "
        "the tuned networks, which look no further than a step, come to no more than a constant policy.",
        {
            "harder.pacing.tuned.versus.best_constant.reward": (Relation.BELOW, Relation.OPEN),
            "rivals.pacing.online_lp.minus.team.reward": (Relation.ABOVE,),
        },
    ),
    Advice(
        "Put no real money behind any of this before it has been tried on logs of your own auctions.",
        {},
    ),
)


def advise(findings: Sequence[Finding]) -> list[str]:
    """The recommendations that the findings support, in a fixed order."""
    held = {finding.key: finding.relation for finding in findings}
    return [
        advice.text
        for advice in ADVICE
        if all(held.get(key) in relations for key, relations in advice.needs.items())
    ]
