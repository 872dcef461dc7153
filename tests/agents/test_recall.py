"""What an episode shows of its market, against a loop and a posterior; and plans that looked alike."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from adrl_core.agents.outcomes import CONTEXT, context, number_of_terms, terms
from adrl_core.agents.planner import PlanningTeam
from adrl_core.agents.recall import (
    CLICK_RATE,
    CLICKS,
    CONVERSION_RATE,
    IMPRESSIONS,
    PRICE_SCALE,
    RECALLED,
    LikePlans,
    Recall,
    shrunk_log_rate,
)
from adrl_core.config import Study, completed, parse_variant
from adrl_core.market import Auctions, make_market
from adrl_core.market.presets import STATE_SIZE, STEPS

SMALL = "planner+planning.memory=2000+planning.updates_per_episode=3"
RECALLING = f"{SMALL}+planning.recall=0.9"


def test_a_shrunk_rate_is_a_posterior_mean() -> None:
    """Gamma prior of shape worth x typical and rate worth; the posterior by SciPy."""
    posterior = stats.gamma(7.0 + 50.0 * 0.06, scale=1.0 / (200.0 + 50.0))
    found = shrunk_log_rate(torch.tensor(7.0), torch.tensor(200.0), 0.06, 50.0)
    assert float(found) == pytest.approx(math.log(posterior.mean() / 0.06), abs=1e-6)


def test_nothing_seen_says_nothing() -> None:
    state = torch.rand(3, STATE_SIZE)
    extended = Recall(0.9, 3).extend(state)
    assert torch.equal(extended[:, :STATE_SIZE], state)
    np.testing.assert_allclose(extended[:, STATE_SIZE:], np.zeros((3, len(RECALLED))), atol=1e-6)


def test_without_memory_states_are_left_alone() -> None:
    recall, state = Recall(0.0, 2), torch.rand(2, STATE_SIZE)
    ones = torch.ones(2)
    recall.observe(state, Auctions(ones, ones, ones, ones))
    assert recall.extend(state) is state


def test_recalled_against_a_loop() -> None:
    generator, rows, kept = np.random.default_rng(5), 4, 0.8
    recall = Recall(kept, rows)
    sums = np.zeros((4, rows))
    for _ in range(6):
        state = generator.uniform(0.2, 1.0, (rows, STATE_SIZE))
        counts = generator.integers(0, 40, (3, rows)).astype(float)
        spent = generator.uniform(0.0, 20.0, rows)
        tensors = (torch.from_numpy(column).float() for column in (*counts, spent))
        recall.observe(torch.from_numpy(state).float(), Auctions(*tensors))
        sums = kept * sums + np.vstack((counts, spent / (5.0 * state[:, 1])))
    impressions, clicks, conversions, price = sums
    clicked = (clicks + IMPRESSIONS * CLICK_RATE) / (impressions + IMPRESSIONS)
    converted = (conversions + CLICKS * CONVERSION_RATE) / (clicks + CLICKS)
    paid = (price + CLICKS) / (clicks + CLICKS)
    expected = np.column_stack(
        (np.log(clicked / CLICK_RATE), np.log(converted / CONVERSION_RATE), PRICE_SCALE * np.log(paid))
    )
    found = recall.extend(torch.zeros(rows, STATE_SIZE))[:, STATE_SIZE:]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_plans_that_looked_alike_count() -> None:
    plans = LikePlans(1, 2, 1)
    nothing = plans.spend_to_go(3, torch.zeros(1, 2, 1))
    assert nothing.shape == (1, 2, 2)
    assert (nothing == 0.0).all()
    for spend, recalled in ((100.0, -1.0), (300.0, 1.0)):
        plans.add(torch.full((1, STEPS, 2), spend), torch.full((1, STEPS, 1), recalled))
    width = LikePlans.WIDTH
    at = torch.tensor([[-1.0], [0.0], [0.1], [1.0]])[None]
    weights = stats.norm.pdf((at[0].numpy() - np.array([-1.0, 1.0])) / width)
    expected = weights @ np.array([100.0, 300.0]) / weights.sum(1)
    np.testing.assert_allclose(plans.spend_to_go(3, at)[0, :, 0], expected, rtol=1e-5)


def test_only_the_latest_plans_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LikePlans, "PLANS", 2)
    plans = LikePlans(1, 1, 1)
    for spend in (1.0, 5.0, 9.0):
        plans.add(torch.full((1, STEPS, 1), spend), torch.zeros(1, STEPS, 1))
    assert float(plans.spend_to_go(0, torch.zeros(1, 1, 1))) == pytest.approx(7.0)


def test_what_is_recalled_comes_behind_the_context() -> None:
    state = torch.rand(2, STATE_SIZE + 3)
    found = context(state)
    assert torch.equal(found[:, : len(CONTEXT)], context(state[:, :STATE_SIZE]))
    assert torch.equal(found[:, len(CONTEXT) :], state[:, STATE_SIZE:])


def test_terms_of_what_is_recalled_against_a_loop() -> None:
    generator = np.random.default_rng(1)
    seen, bid = generator.normal(size=len(CONTEXT) + 2), -0.4
    variables = [*seen, bid]
    products = [a * b for i, a in enumerate(variables) for b in variables[i:]]
    expected = [*variables, *products, *(bid * bid * v for v in variables)]
    found = terms(torch.from_numpy(seen), torch.tensor(bid, dtype=torch.float64))
    assert found.shape == (number_of_terms(2),)
    np.testing.assert_allclose(found, expected)


def taught(runs: int, episodes: int = 2) -> PlanningTeam:
    """A team with memory after a few episodes."""
    learner, market = PlanningTeam(parse_variant(RECALLING), range(runs)), make_market("pacing")
    for number in range(episodes):
        learner.play_episode(market, number, 10)
        learner.learn(number, 10)
    return learner


def test_a_run_with_memory_alone_equals_itself_among_others() -> None:
    alone, among = taught(1).networks(), taught(3).networks()
    for part in ("planner", "plans"):
        for name, values in alone[part].items():
            if name != "taken":
                assert torch.equal(values[0], among[part][name][0]), name


def test_memory_is_resumed_and_acts_as_trained() -> None:
    whole, first = taught(2, episodes=2), taught(2, episodes=1)
    second = PlanningTeam(parse_variant(RECALLING), range(2))
    second.load_state_dict(first.state_dict())
    market = make_market("pacing")
    second.play_episode(market, 1, 10)
    second.learn(1, 10)
    acting = PlanningTeam(parse_variant(RECALLING), range(2))
    acting.load_networks(whole.networks())
    seeds, episodes = np.repeat(90, 4), np.tile([0, 1], 2)
    bids = []
    for learner in (whole, second, acting):
        policy, state = learner.policy(), market.reset(seeds, episodes)
        policy.reset(market)
        played = []
        with torch.inference_mode():
            for _ in range(5):
                action = policy.act(state)
                step = market.step(*action)
                policy.observe(step)
                state = step.state
                played.append(torch.cat((action.bid[:, None], action.allocation), 1))
        bids.append(torch.stack(played))
    assert torch.equal(bids[0], bids[1])
    assert torch.equal(bids[0], bids[2])


def test_settings_recorded_before_there_was_memory_mean_none() -> None:
    study = Study.validated(market="shift", variant="planner")
    settings = study.settings(("market", "team"))
    recorded = {**settings, "team": {**settings["team"], "planning": dict(settings["team"]["planning"])}}
    del recorded["team"]["planning"]["recall"]
    assert completed(recorded) == settings
