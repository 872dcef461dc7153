"""Markets whose rivals react, against hand-computed steps and numerical integrals."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from adrl_core.market import make_market
from adrl_core.market.channels import ChannelsMarket, reach
from adrl_core.market.contested import (
    CONTESTS,
    Advertisers,
    ContestedMarket,
    Shill,
    factor,
    paced,
    raised_moments,
    rival_spend,
)
from adrl_core.market.presets import PRESETS, STEPS

RIVALS = {"advertisers": (Advertisers(), None), "shill": (None, Shill()), "both": (Advertisers(), Shill())}
UNIFORM = (1 / 3, 1 / 3, 1 / 3)


def market(name: str = "both", preset: str = "margin", **options: Any) -> ContestedMarket:
    advertisers, shill = RIVALS[name]
    return ContestedMarket(PRESETS[preset], advertisers, shill, **options)


def play(world: ChannelsMarket, seeds: list[int], episodes: list[int]) -> dict[str, torch.Tensor]:
    """Every step's outcomes under bids and allocations that vary, the same for the same (seed, episode)."""
    world.reset(seeds, episodes)
    actions = [np.random.default_rng([s, e]) for s, e in zip(seeds, episodes, strict=True)]
    steps = []
    for _ in range(STEPS):
        level = torch.tensor([int(a.integers(10)) for a in actions])
        split = torch.tensor(np.stack([a.dirichlet((1, 1, 1)) for a in actions]), dtype=torch.float32)
        step = world.step(world.bids[level], split)
        bid = world.bids[level]
        steps.append((*vars(step.auctions).values(), bid))
    names = ("impressions", "clicks", "conversions", "spend", "bid")
    return dict(zip(names, (torch.stack(column) for column in zip(*steps, strict=True)), strict=True))


def constant(world: ChannelsMarket, bid: float, split: tuple[float, ...] = UNIFORM, steps: int = STEPS):
    world.reset([3, 4], [0, 1])
    action = world.bids.new_full((2,), bid), world.bids.new_tensor(split).expand(2, 3)
    return [world.step(*action) for _ in range(steps)]


def test_the_multiplier_after_one_step() -> None:
    rivals = Advertisers(rate=0.1, slack=0.5, field=0.7)
    before = torch.tensor([0.5, 0.5, 0.01, 1.1428])
    after = paced(rivals, before, torch.tensor([0.4, 0.9, 0.0, 1.0]))
    torch.testing.assert_close(after, torch.tensor([0.47, 0.52, 0.0, 1.5 / 0.7 - 1.0]))
    money = torch.tensor([1.0, 1.0, 0.0])
    found = factor(rivals, torch.tensor([0.5, 0.0, 0.2]), money)
    torch.testing.assert_close(found, torch.tensor([1.0, 1.5, 0.7]))


@pytest.mark.parametrize(("bid", "over"), [(0.8, 1.0), (2.0, 1.3), (3.5, 0.7), (1.5, 0.9)])
def test_what_an_advertiser_spends_by_integration(bid: float, over: float) -> None:
    field, entered, median, sd = 0.7, 0.6, 1.9, 0.35
    law = stats.lognorm(sd, scale=median)
    # Piecewise, so that the quadrature sees every kink.
    kinks = sorted({bid / over, bid / field, 1e-9, 60.0})
    ours = sum(
        integrate.quad(lambda p: max(bid, field * p) * law.pdf(p) * (over * p > bid), low, high)[0]
        for low, high in pairwise(kinks)
    )
    expected = (1 - entered) * field + entered * ours / law.mean()
    logs = (torch.tensor(math.log(x), dtype=torch.float64) for x in (bid, median, over))
    log_bid, log_median, log_over = logs
    found = rival_spend(field, torch.tensor(entered), log_bid, log_median, torch.tensor(sd), log_over)
    assert found.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("bid", "floor"), [(2.0, 0.0), (2.0, 1.7), (0.9, 0.85), (5.0, 2.5)])
def test_prices_with_a_shill_by_integration(bid: float, floor: float) -> None:
    median, sd = 1.9, 0.35
    law = stats.lognorm(sd, scale=median)
    expected = [
        sum(
            integrate.quad(lambda p, k=k: max(p, floor) ** k * law.pdf(p), low, high)[0]
            for low, high in ((0.0, floor), (floor, bid))
        )
        / law.cdf(bid)
        for k in (1, 2)
    ]
    as_tensor = {"dtype": torch.float64}
    log_median = torch.tensor(math.log(median), **as_tensor)
    z = torch.tensor(math.log(bid / median) / sd, **as_tensor)
    mean, square = raised_moments(log_median, torch.tensor(sd), z, torch.tensor(floor, **as_tensor))
    assert mean.item() == pytest.approx(expected[0], rel=1e-5)
    assert square.item() == pytest.approx(expected[1], rel=1e-5)


def test_a_bid_that_cannot_win_costs_itself() -> None:
    mean, square = raised_moments(*(torch.tensor(x) for x in (0.0, 0.1, -40.0, 0.01)))
    bid = math.exp(-4.0)
    torch.testing.assert_close(torch.stack((mean, square)), torch.tensor([bid, bid * bid]))


@pytest.mark.parametrize("preset", ["channels", "margin", "pacing", "shift"])
def test_without_strength_the_market_is_calm(preset: str) -> None:
    seeds, episodes = [1, 1, 7], [0, 5, 2]
    calm = play(make_market(preset), seeds, episodes)  # type: ignore[arg-type]
    nobody = ContestedMarket(PRESETS[preset])
    powerless = ContestedMarket(PRESETS[preset], Advertisers(strength=0.0), Shill(chance=0.0))
    for world in (nobody, powerless):
        for name, values in play(world, seeds, episodes).items():
            assert torch.equal(values, calm[name]), name


@pytest.mark.parametrize("name", RIVALS)
def test_rows_do_not_depend_on_their_batch(name: str) -> None:
    seeds, episodes = [1, 2, 3, 1], [0, 4, 1, 9]
    together = play(market(name), seeds, episodes)
    again = play(market(name), seeds, episodes)
    assert all(torch.equal(again[column], values) for column, values in together.items())
    for row in range(4):
        alone = play(market(name), [seeds[row]], [episodes[row]])
        for column, values in alone.items():
            assert torch.equal(values[:, 0], together[column][:, row]), column


@pytest.mark.parametrize("preset", ["margin", "pacing"])
@pytest.mark.parametrize("name", RIVALS)
def test_nobody_spends_what_he_does_not_have(name: str, preset: str) -> None:
    world = market(name, preset)
    seen = play(world, [5] * 20, list(range(20)))
    assert (seen["spend"] <= seen["bid"] * seen["clicks"] * (1 + 1e-6)).all()
    assert (seen["spend"].double().sum(0) <= PRESETS[preset].budget + 1e-3).all()
    assert (world.money >= 0).all()
    if world.advertisers:
        budget = world.advertisers.field * world.turnover.sum(0)
        assert (world.money < budget).all()
        over = (world.log_median - make_log_median(world)).exp()
        slack, field = world.advertisers.slack, world.advertisers.field
        assert (over <= 1 + slack + 1e-5).all()
        assert (over >= field - 1e-5).all()


def make_log_median(world: ContestedMarket) -> torch.Tensor:
    """Log median prices of the same episodes without rivals."""
    calm = ChannelsMarket(world.constants)
    calm.reset(world.seeds, world.episodes)
    return calm.log_median


def test_the_first_step_against_advertisers_by_hand() -> None:
    world, split = market("advertisers"), (0.5, 0.0, 0.5)
    constant(world, 4.5, split, steps=1)
    rivals, calm = Advertisers(), make_log_median(world)[0]
    mean = (calm + world.log_sd.square() / 2).exp()
    entered = reach(world.constants, torch.tensor(split))
    won = torch.special.ndtr((math.log(4.5) - calm) / world.log_sd)
    # At a bid above nearly all prices, an auction that we enter costs it our bid or is lost.
    spent = (1 - entered) * rivals.field + entered * (1 - won) * 4.5 / mean
    torch.testing.assert_close(world.multiplier, 0.5 - 0.1 * (0.7 - spent), atol=2e-4, rtol=0)
    torch.testing.assert_close(world.multiplier[:, 1], torch.full((2,), 0.5))
    paid = 0.7 * world.turnover.sum(0) - world.money
    torch.testing.assert_close(paid, spent * world.turnover[0], rtol=2e-2, atol=1e-2)


def test_who_is_left_alone_stays_calm_and_who_is_outbid_raises_prices() -> None:
    world = market("advertisers")
    constant(world, 4.5, (1.0, 0.0, 0.0))
    over = (world.log_median - make_log_median(world)).exp().mean(1)
    torch.testing.assert_close(over[:-1, 1:], torch.ones(STEPS - 1, 2))
    assert (over[1:10, 0] > over[:9, 0]).all()
    assert over[10:, 0].min() > 1.4


def test_an_advertiser_out_of_money_stands_aside() -> None:
    world = market("advertisers")
    world.reset([3, 4], [0, 1])
    world.money[0] = 0.0
    torch.testing.assert_close(world.log_factor()[0].exp(), torch.full((3,), 0.7))
    torch.testing.assert_close(world.log_factor()[1], torch.zeros(3))


def test_a_shill_takes_money_and_nothing_else() -> None:
    world = market("shill", "channels")
    contested, calm = (constant(w, 4.0) for w in (world, ContestedMarket(PRESETS["channels"])))
    for a, b in zip(contested, calm, strict=True):
        assert torch.equal(a.auctions.impressions, b.auctions.impressions)
        assert torch.equal(a.auctions.conversions, b.auctions.conversions)
    spend, before = (sum(step.auctions.spend.sum().item() for step in w) for w in (contested, calm))
    assert 1.05 * before < spend
    # Weight a step: the rate times the share of auctions in which it meets us.
    met = reach(world.constants, torch.tensor(UNIFORM))
    expected = 4.0 * (1 - (1 - 0.1 * met) ** STEPS)
    torch.testing.assert_close(world.expected_bid, expected.expand(2, 3), rtol=1e-4, atol=0)


def test_whoever_lowers_his_bid_loses_auctions_to_the_shill() -> None:
    world = market("shill", "margin")
    world.reset([3], [0])
    world.expected_bid[:] = 2.0
    log_median = world.log_median[0]
    bids = torch.tensor([[1.7], [2.2]]).log()
    lower, higher = (world.win_and_pay(bid[None], log_median) for bid in bids)
    calm = [ChannelsMarket.win_and_pay(world, bid[None], log_median) for bid in bids]
    torch.testing.assert_close(lower[0], 0.5 * calm[0][0])
    torch.testing.assert_close(lower[1:], calm[0][1:])
    assert torch.equal(higher[0], calm[1][0])
    assert (higher[1] > calm[1][1]).all()
    assert (higher[1] < 2.2).all()


def test_contests_have_one_kind_of_rival_each() -> None:
    assert [(a is None, s is None) for a, s in CONTESTS.values()] == [(False, True), (True, False)]
