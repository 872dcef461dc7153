"""Explanations on trial: do they find what is known, do two methods agree, what do they say of the teams?"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from adrl_core.agents.team import BOTH, TeamLearner, TeamPolicy
from adrl_core.config import Study
from adrl_core.evaluate import BANK_SEED
from adrl_core.governance.explanations import (
    Choice,
    asks_both,
    channel_share,
    choices,
    greedy_bid,
    permutation_importance,
    shapley_values,
    single_run,
)
from adrl_core.governance.trials.bank import trial_episodes
from adrl_core.market import make_market
from adrl_core.market.presets import CHANNEL_NAMES, STATE_NAMES, STATE_SIZE, STEPS

EPISODES = 5
"""Held-out episodes whose states are explained."""
EXPLAINED, BACKGROUND, SHUFFLED = 30, 30, 400
"""States of each run that are explained, that stand in for missing features, and that are shuffled."""
GRID = 40
"""Points on each axis of a landscape."""
AXES = ("competition", "time remaining")
"""Features over which choices are mapped."""
WEIGHTS = {"competition": 2.0, "cost per click": -1.0}
"""The linear policy whose importances are known; it reads no other feature."""


@torch.inference_mode()
def visited_states(study: Study, learner: TeamLearner) -> NDArray[np.float64]:
    """States that each run meets on held-out episodes, (runs, episodes x STEPS, STATE_SIZE)."""
    episodes = min(EPISODES, trial_episodes(study))
    market, policy = make_market(study.market), TeamPolicy(learner)
    numbers = np.tile(np.arange(episodes), len(learner.seeds))
    state = market.reset(np.full(len(numbers), BANK_SEED), numbers)
    policy.reset(market)
    visited = []
    for _ in range(STEPS):
        visited.append(state)
        state = market.step(*policy.act(state)).state
    by_row = torch.stack(visited, 1).double().numpy()
    return by_row.reshape(len(learner.seeds), episodes * STEPS, STATE_SIZE)


def sample(states: NDArray[np.float64], count: int, seed: int) -> NDArray[np.float64]:
    """Some of the states, drawn without replacement."""
    chosen = np.random.default_rng(seed).choice(len(states), min(count, len(states)), replace=False)
    return states[chosen]


def product_values(
    states: NDArray[np.float64], background: NDArray[np.float64], i: int, j: int
) -> NDArray[np.float64]:
    """Shapley values of the choice x_i x_j, by hand: each gets half of what it adds first and last."""
    x, y = states[:, i], states[:, j]
    x0, y0, none = (
        background[:, i].mean(),
        background[:, j].mean(),
        (background[:, i] * background[:, j]).mean(),
    )
    values = np.zeros_like(states)
    values[:, i] = 0.5 * ((x * y0 - none) + (x * y - x0 * y))
    values[:, j] = 0.5 * ((x0 * y - none) + (x * y - x * y0))
    return values


def known_trial(states: NDArray[np.float64]) -> pd.DataFrame:
    """Policies with known Shapley values: the largest deviation, and what features get that are not read."""
    explained, background = sample(states, EXPLAINED, 1), sample(states, BACKGROUND, 2)
    weights = np.array([WEIGHTS.get(name, 0.0) for name in STATE_NAMES])
    i, j = (STATE_NAMES.index(name) for name in WEIGHTS)
    known: dict[str, tuple[Choice, NDArray[np.float64]]] = {
        "linear": (lambda x: x @ weights, weights * (explained - background.mean(0))),
        "product": (lambda x: x[:, i] * x[:, j], product_values(explained, background, i, j)),
    }
    rows = []
    for name, (choice, truth) in known.items():
        found = shapley_values(choice, explained, background)
        shuffled = permutation_importance(choice, sample(states, SHUFFLED, 3))
        unread = [k for k in range(STATE_SIZE) if k not in (i, j)]
        rows.append(
            {
                "policy": name,
                "largest_deviation": np.abs(found - truth).max(),
                "largest_value": np.abs(truth).max(),
                "unread_shapley": np.abs(found[:, unread]).max(),
                "unread_permutation": shuffled[unread].max(),
            }
        )
    return pd.DataFrame(rows)


def importance_trial(study: Study, learner: TeamLearner, states: NDArray[np.float64]) -> pd.DataFrame:
    """How much each feature matters to each choice of each run, by both methods.

    Returns:
        A row a run, choice and feature: seed, choice, feature, shapley (mean absolute value), slope
        (correlation of the value with the feature; 0 if there is none), permutation, and gap, by how much the
        values of a state miss the choice less the mean choice at most.
    """
    bids, frames = make_market(study.market).bids, []
    for run, seed in enumerate(learner.seeds):
        team = single_run(learner, run)
        explained, background = sample(states[run], EXPLAINED, 1), sample(states[run], BACKGROUND, 2)
        of_team = {"bid": greedy_bid(team, bids), "asks both": asks_both(team)}
        of_team["share of search"] = channel_share(team, CHANNEL_NAMES.index("search"))
        for name, choice in of_team.items():
            values = shapley_values(choice, explained, background)
            gap = values.sum(1) - (choice(explained) - choice(background).mean())
            frames.append(
                pd.DataFrame(
                    {
                        "seed": seed,
                        "choice": name,
                        "feature": STATE_NAMES,
                        "shapley": np.abs(values).mean(0),
                        "slope": _correlation(values, explained),
                        "permutation": permutation_importance(choice, sample(states[run], SHUFFLED, 3)),
                        "gap": np.abs(gap).max(),
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def _correlation(values: NDArray[np.float64], states: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b = values - values.mean(0), states - states.mean(0)
    scale = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    return np.divide((a * b).sum(0), scale, out=np.zeros(STATE_SIZE), where=scale > 1e-12)


@torch.inference_mode()
def landscape(study: Study, learner: TeamLearner, states: NDArray[np.float64]) -> pd.DataFrame:
    """Choices over two features, all others at the median of the visited states.

    Returns:
        A row a point of the grid: the two features, bid (mean over the runs, in currency units), asks_both
        (share of the runs), and the share of the budget of each channel (mean over the runs).
    """
    bids = make_market(study.market).bids
    flat = states.reshape(-1, STATE_SIZE)
    x, y = (STATE_NAMES.index(name) for name in AXES)
    low, high = np.quantile(flat[:, [x, y]], (0.01, 0.99), axis=0)
    grid_x, grid_y = np.meshgrid(np.linspace(low[0], high[0], GRID), np.linspace(low[1], high[1], GRID))
    points = np.tile(np.median(flat, axis=0), (GRID * GRID, 1))
    points[:, x], points[:, y] = grid_x.ravel(), grid_y.ravel()
    rows = torch.as_tensor(points, dtype=learner.scale.dtype) * learner.scale
    rows = rows.expand(len(learner.seeds), -1, -1).contiguous()
    shares = learner.budget.greedy(rows).softmax(2).mean(0)
    return pd.DataFrame(
        {
            AXES[0]: points[:, x],
            AXES[1]: points[:, y],
            "bid": bids[learner.bidding.greedy(rows)].double().mean(0).numpy(),
            "asks_both": (learner.controller.greedy(rows) == BOTH).double().mean(0).numpy(),
        }
        | {f"allocation_{name}": shares[:, c].double().numpy() for c, name in enumerate(CHANNEL_NAMES)}
    )


@torch.inference_mode()
def q_landscape(study: Study, learner: TeamLearner, states: NDArray[np.float64]) -> pd.DataFrame:
    """What a bid level falls short of the best one, by the Bidding agent's own values.

    Returns:
        A row a step and level: shortfall, in units of the reward, mean over runs and episodes.
    """
    runs, level_bids = len(learner.seeds), make_market(study.market).bids
    rows = torch.as_tensor(states, dtype=learner.scale.dtype) * learner.scale
    values = learner.bidding.online(rows).double() / study.team.reward_scale
    short = (values.amax(2, keepdim=True) - values).reshape(runs, -1, STEPS, len(level_bids)).mean((0, 1))
    steps, levels = np.meshgrid(np.arange(STEPS), level_bids.numpy(), indexing="ij")
    return pd.DataFrame({"step": steps.ravel(), "bid": levels.ravel(), "shortfall": short.numpy().ravel()})


class Told(NamedTuple):
    """A single decision, as tables."""

    features: pd.DataFrame
    """A row a feature: its value and its Shapley value for the bid."""
    choice: pd.DataFrame
    """One row: mode, level, usual_bid, the bid of each level and the share of each channel."""


def single_decision(study: Study, learner: TeamLearner, states: NDArray[np.float64]) -> Told:
    """The decision of the first run on the first episode in which the bid is farthest from the usual one."""
    bids, team = make_market(study.market).bids, single_run(learner, 0)
    choice, background = greedy_bid(team, bids), sample(states[0], BACKGROUND, 2)
    usual = float(choice(background).mean())
    step = int(np.abs(choice(states[0][:STEPS]) - usual).argmax())
    state = states[0][step]
    mode, values, shares = choices(team, state)
    told = {"step": step, "mode": mode, "level": int(values.argmax()), "usual_bid": usual}
    told |= {f"bid_{level}": bid for level, bid in enumerate(bids.tolist())}
    told |= {f"allocation_{name}": share for name, share in zip(CHANNEL_NAMES, shares, strict=True)}
    shapley = shapley_values(choice, state[None], background)[0]
    features = pd.DataFrame({"feature": STATE_NAMES, "value": state, "shapley": shapley})
    return Told(features, pd.DataFrame([told]))
