"""Why a team decides as it does: Shapley values of its choices, checked, and put into plain words.

What a coalition of features is worth is the mean choice where these are the state's own and the others come
from background states (interventional Shapley values, Lundberg & Lee 2017; Janzing et al. 2020). Ten features
have 1024 coalitions, so the values are exact up to the background. Features that move together, such as
clicks and conversions, are thereby torn apart: some of the states that are put together never occur.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adrl_core.agents.team import BIDDING_ONLY, BOTH, BUDGET_ONLY, MODES, TeamLearner
from adrl_core.market.presets import DEFAULT_LEVEL, STATE_NAMES, STATE_SIZE

Choice = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Maps states (n, STATE_SIZE) to one number each, (n,)."""
ASKED = ("the Bidding agent alone", "the Budget agent alone", "both specialists")


def single_run(learner: TeamLearner, run: int) -> TeamLearner:
    """The team of one run by itself."""
    alone = TeamLearner(learner.config, [learner.seeds[run]], learner.device)
    networks = learner.networks()
    alone.load_networks(
        {
            agent: {name: w[run : run + 1] for name, w in network.items()}
            for agent, network in networks.items()
        }
    )
    return alone


def asks_both(team: TeamLearner) -> Choice:
    """The Controller's probability of asking both specialists, for a team of one run."""

    @torch.inference_mode()
    def probability(states: NDArray[np.float64]) -> NDArray[np.float64]:
        logits = team.controller.network.policy(_rows(team, states))
        return logits.softmax(2)[0, :, BOTH].double().numpy()

    return probability


def greedy_bid(team: TeamLearner, bids: Tensor) -> Choice:
    """The Bidding agent's bid, in currency units, for a team of one run."""

    @torch.inference_mode()
    def bid(states: NDArray[np.float64]) -> NDArray[np.float64]:
        return bids[team.bidding.greedy(_rows(team, states))[0]].double().numpy()

    return bid


def channel_share(team: TeamLearner, channel: int) -> Choice:
    """The Budget agent's share for a channel, for a team of one run."""

    @torch.inference_mode()
    def share(states: NDArray[np.float64]) -> NDArray[np.float64]:
        return team.budget.greedy(_rows(team, states)).softmax(2)[0, :, channel].double().numpy()

    return share


@torch.inference_mode()
def choices(team: TeamLearner, state: NDArray[np.float64]) -> tuple[int, NDArray, NDArray]:
    """What a team of one run does in one state: mode, values of the bid levels, shares of the budget."""
    row = _rows(team, state[None])
    mode = int(team.controller.greedy(row)[0, 0]) if team.config.ask in ("controller", "both_first") else BOTH
    shares = team.budget.greedy(row).softmax(2)[0, 0]
    return mode, team.bidding.online(row)[0, 0].double().numpy(), shares.double().numpy()


def _rows(team: TeamLearner, states: NDArray[np.float64]) -> Tensor:
    return torch.as_tensor(states, dtype=team.scale.dtype)[None] * team.scale


def shapley_values(
    choice: Choice, states: NDArray[np.float64], background: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Exact Shapley values of a choice in each state, (n, STATE_SIZE).

    A row adds up to the choice there less the mean choice over the background.

    Args:
        choice: to be explained.
        states: (n, STATE_SIZE).
        background: (m, STATE_SIZE), where the features come from that a coalition lacks.
    """
    import shap  # takes seconds, and whoever only tells a decision does not need it

    masker = shap.maskers.Independent(background, max_samples=len(background))
    explainer = shap.explainers.Exact(choice, masker)
    return np.asarray(explainer(states, silent=True).values, dtype=float)


def permutation_importance(choice: Choice, states: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    """Mean absolute change of the choice if one feature is shuffled over the states, (STATE_SIZE,).

    A feature that the choice does not read has importance 0 (Breiman 2001, with the choice itself as target).
    """
    generator, own = np.random.default_rng(seed), choice(states)
    importance = np.empty(STATE_SIZE)
    for feature in range(STATE_SIZE):
        shuffled = states.copy()
        shuffled[:, feature] = generator.permutation(shuffled[:, feature])
        importance[feature] = np.abs(choice(shuffled) - own).mean()
    return importance


def explained(
    mode: int,
    level: int,
    bids: Sequence[float],
    shares: Sequence[float],
    channels: Sequence[str],
    state: Sequence[float],
    shapley: Sequence[float],
    usual_bid: float,
) -> str:
    """One decision in plain words.

    Args:
        mode: who was asked, as in `agents.team`.
        level: bid level that was chosen.
        bids: bid of every level, in currency units.
        shares: of the budget, by channel.
        channels: their names.
        state: the features as the networks are shown them, (STATE_SIZE,).
        shapley: Shapley values of the bid, (STATE_SIZE,), in currency units.
        usual_bid: mean bid over the background states.
    """
    if not 0 <= mode < MODES:
        raise ValueError(f"mode = {mode}: allowed are 0 to {MODES - 1}")
    bid, top = bids[level], int(np.argmax(shares))
    step = "above" if bid >= usual_bid else "below"
    order = np.argsort(-np.abs(shapley))[:3]
    reasons = [
        f"{STATE_NAMES[i]} at {state[i]:.2f} {'raised' if shapley[i] > 0 else 'lowered'} it by "
        f"{abs(shapley[i]):.2f}"
        for i in order
        if shapley[i] != 0.0
    ]
    because = f": {_listed(reasons)}" if reasons else ""
    bidding = (
        f"The bid is {bid:.2f}, level {level + 1} of {len(bids)}, {abs(bid - usual_bid):.2f} {step} this "
        f"team's usual bid of {usual_bid:.2f}{because}."
        if mode != BUDGET_ONLY
        else f"The bid is the default, {bids[DEFAULT_LEVEL]:.2f}, as for any bid that nobody was asked for."
    )
    splitting = (
        f"Most of the budget, {shares[top]:.0%}, went to {channels[top]}."
        if mode != BIDDING_ONLY
        else "The budget was split evenly, as nobody was asked how to split it."
    )
    return f"The Controller asked {ASKED[mode]}. {bidding} {splitting}"


def _listed(things: Sequence[str]) -> str:
    return f"{', '.join(things[:-1])} and {things[-1]}" if len(things) > 1 else things[0]
