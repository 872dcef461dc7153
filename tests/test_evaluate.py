"""Evaluation: the same bank for everyone, sums that add up, the same numbers every time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from adrl_core.agents.policy import Action
from adrl_core.agents.team import TeamPolicy
from adrl_core.config import Study
from adrl_core.evaluate import BANK_SEED, SEARCH_SEED, Traced, evaluate_baselines, evaluate_team, play
from adrl_core.market import Market, Step, make_market
from adrl_core.market.presets import CHANNELS, STEPS
from adrl_core.train import load_team, train

STUDY = Study.validated(
    market="channels",
    variant="full+controller.hidden=16+budget.hidden=16+bidding.hidden=16+bidding.updates_per_episode=2",
    seeds=2,
    episodes=2,
    evaluation_episodes=6,
)
TOTALS = ["reward", "conversions", "clicks", "impressions", "spend", "profit"]


class Constant:
    """Always the same bid, split evenly, with a record of the steps seen."""

    name = "constant"

    def __init__(self, bid: float) -> None:
        self.bid, self.steps = bid, list[Step]()

    def reset(self, market: Market) -> None:
        """Nothing to start."""

    def act(self, state: Tensor) -> Action:
        """The bid, in every row, as if both agents were asked."""
        rows = len(state)
        uniform = torch.full((rows, CHANNELS), 1.0 / CHANNELS)
        return Action(torch.full((rows,), self.bid), uniform, torch.full((rows,), 2.0))

    def observe(self, step: Step) -> None:
        """Keep the step."""
        self.steps.append(step)


def bank(n: int) -> tuple[NDArray, NDArray]:
    """The first n episodes of the bank."""
    return np.full(n, BANK_SEED), np.arange(n)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A team trained for a moment."""
    folder = tmp_path_factory.mktemp("train")
    train(STUDY, folder)
    return folder / "checkpoint.pt"


def test_the_bank_is_apart_from_training_and_search() -> None:
    largest = Study.model_fields["seeds"].metadata[1].le
    assert largest < BANK_SEED != SEARCH_SEED > largest


def test_play_adds_up_the_steps() -> None:
    policy = Constant(4.5)
    frame = play(policy, make_market("channels"), *bank(4))
    assert list(frame.columns) == ["episode", *TOTALS, "roi"] and len(policy.steps) == STEPS
    np.testing.assert_array_equal(frame["episode"], range(4))
    expected = {
        "reward": [step.shaped for step in policy.steps],
        "profit": [step.profit for step in policy.steps],
        **{name: [getattr(step.auctions, name) for step in policy.steps] for name in TOTALS[1:5]},
    }
    for name, values in expected.items():
        np.testing.assert_allclose(frame[name], torch.stack(values).double().sum(0), err_msg=name)
    np.testing.assert_allclose(frame["roi"], frame["profit"] / frame["spend"])


def test_who_spends_nothing_has_no_return() -> None:
    frame = play(Constant(0.01), make_market("pacing"), *bank(3))
    assert not frame[["spend", "roi", "reward"]].any(axis=None)


def test_the_fee_is_paid_for_every_agent_asked() -> None:
    free, charged = (play(Constant(4.5), make_market("channels", fee=fee), *bank(3)) for fee in (0.0, 0.25))
    np.testing.assert_allclose(charged["reward"], free["reward"] - 0.25 * 2 * STEPS, rtol=1e-5)
    pd.testing.assert_frame_equal(charged.drop(columns="reward"), free.drop(columns="reward"))


def test_profit_training_is_reported_in_the_published_reward() -> None:
    shaped, profit = (
        play(Constant(4.5), make_market("channels", reward=r), *bank(3)) for r in ("shaped", "profit")
    )
    pd.testing.assert_frame_equal(shaped, profit)


def test_evaluation_is_the_same_every_time(checkpoint: Path) -> None:
    (first, first_steps), (second, second_steps) = (evaluate_team(STUDY, checkpoint) for _ in range(2))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    pd.testing.assert_frame_equal(first_steps, second_steps, check_exact=True)
    assert list(first.columns) == ["policy", "seed", "episode", *TOTALS, "roi"]
    assert set(first["policy"]) == {STUDY.variant}
    assert first[["seed", "episode"]].to_numpy().tolist() == [[s, e] for s in range(2) for e in range(6)]


class Scripted(Constant):
    """Bids the number of the row plus the step, on the first channel alone."""

    def act(self, state: Tensor) -> Action:
        """Another bid in every row and step; one agent asked."""
        rows = torch.arange(float(len(state)))
        allocation = torch.zeros(len(state), CHANNELS)
        allocation[:, 0] = 1.0
        return Action(rows + len(self.steps) % STEPS, allocation, torch.ones(len(state)))


def test_traced_steps_are_means_over_each_run() -> None:
    """Rows 0, 1, 2 are the first run and 3, 4, 5 the second; two plays of equal length count alike."""
    traced = Traced(Scripted(0.0), runs=2)
    for _ in range(2):
        play(traced, make_market("channels"), *bank(6))
    steps = traced.steps()
    assert steps["step"].tolist() == [*range(STEPS)] * 2
    assert steps["bid"].tolist() == [1.0 + t for t in range(STEPS)] + [4.0 + t for t in range(STEPS)]
    assert set(steps["allocation_search"]) == {1.0} and set(steps["allocation_video"]) == {0.0}
    assert set(steps["asked"]) == {1.0}


def test_baselines_leave_a_row_a_policy_and_step() -> None:
    episodes, steps = evaluate_baselines(Study.validated(market="published", evaluation_episodes=3))
    assert len(steps) == STEPS * episodes["policy"].nunique() and len(episodes) * STEPS == 3 * len(steps)
    bids = steps.set_index("policy")["bid"]
    assert set(bids["constant_max"]) == {5.0} and set(bids["fixed"]) == {2.5}


def test_a_larger_bank_begins_with_the_smaller_one(checkpoint: Path) -> None:
    """And a run's episodes do not depend on the runs beside it."""
    whole = evaluate_team(STUDY, checkpoint).episodes
    learner = load_team(STUDY, checkpoint)
    seeds, episodes = bank(4)
    small = play(TeamPolicy(learner), make_market("channels"), np.tile(seeds, 2), np.tile(episodes, 2))
    prefix = whole[whole["episode"] < 4].reset_index(drop=True)
    pd.testing.assert_frame_equal(small, prefix.drop(columns=["policy", "seed"]), check_exact=True)


def test_two_policies_meet_the_same_markets() -> None:
    low, high = Constant(1.0), Constant(4.5)
    for policy in (low, high):
        play(policy, make_market("channels"), *bank(3))
    for cheap, dear in zip(low.steps, high.steps, strict=True):
        assert torch.equal(cheap.state[:, [1, 2, 3, 7]], dear.state[:, [1, 2, 3, 7]])
