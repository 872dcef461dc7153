"""The channels family against independent references (checks 1 to 9)."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from event_loop import Brought, Situation, hold_auctions
from scipy import integrate, stats

from adrl_core.agents.oracle import expected_by_channel
from adrl_core.market import channels, make_market
from adrl_core.market.base import Path
from adrl_core.market.channels import (
    ChannelsMarket,
    base_click_rate,
    conversion_rate,
    log_median_price,
    preset_market,
    price_log_sd,
    price_moments,
    reach,
    season,
)
from adrl_core.market.presets import CHANNELS_BIDS, PRESETS, STEPS

FIELDS = ("impressions", "clicks", "conversions", "spend")
UNIFORM = (1 / 3, 1 / 3, 1 / 3)


def frozen_market(constants, situation: Situation, rows: int, seed: int) -> ChannelsMarket:
    """A market whose rows all stand in one situation and differ only in the noise of the next step."""
    market = ChannelsMarket(constants)
    market.reset([seed], [0])

    def held(value):
        return torch.full((STEPS + 1, 1), float(value))

    volatility, demand = torch.tensor([situation.volatility]), torch.tensor([situation.demand])
    market.path = Path(held(situation.cost), held(situation.competition), volatility, demand)
    market._prepare(market.path)
    market.t, market.rows = situation.t, rows
    market.remaining = torch.full((rows,), constants.budget)
    market.totals, market.roi_history = torch.zeros(3, rows), torch.zeros(STEPS, rows)
    market.noise = torch.randn(4, rows, 3, generator=torch.Generator().manual_seed(seed)).expand(
        STEPS, -1, -1, -1
    )
    market.path = Path(
        held(situation.cost).expand(-1, rows),
        held(situation.competition).expand(-1, rows),
        volatility.expand(rows),
        demand.expand(rows),
    )
    return market


def full(market, bid, allocation=UNIFORM):
    """The same action in all rows of a market."""
    return market.bids.new_full((market.rows,), bid), market.bids.new_tensor(allocation).expand(
        market.rows, 3
    )


def play(market, rows, bid, allocation=UNIFORM, seed=1):
    """Totals of whole episodes under a constant action, summed in double precision."""
    market.reset(np.full(rows, seed), np.arange(rows))
    totals = torch.zeros(len(FIELDS) + 1, rows, dtype=torch.float64)
    for _ in range(STEPS):
        step = market.step(*full(market, bid, allocation))
        totals += torch.stack([getattr(step.auctions, f) for f in FIELDS] + [step.shaped])
    return totals


def random_situations(count):
    rng = np.random.default_rng(7)
    for index in range(count):
        situation = Situation(
            cost=rng.uniform(0.8, 4.0),
            competition=rng.uniform(0.3, 1.0),
            volatility=rng.uniform(0.1, 0.3),
            demand=rng.uniform(0.8, 1.2),
            t=int(rng.integers(STEPS)),
        )
        preset = ("channels", "margin")[index % 2]
        yield preset, situation, float(rng.choice(CHANNELS_BIDS[3:])), tuple(rng.dirichlet(np.ones(3)))


@pytest.mark.slow
@pytest.mark.parametrize("case", range(20))
def test_step_against_single_auctions(case):
    """Check 1: the aggregate sampler has the law of auctions drawn one by one."""
    preset, situation, bid, allocation = list(random_situations(20))[case]
    constants, rows = PRESETS[preset], 60_000
    market = frozen_market(constants, situation, rows, seed=100 + case)
    step = market.step(*full(market, bid, allocation))
    rng, money = np.random.default_rng(case), np.full(rows // 10, constants.budget)
    parts = [hold_auctions(constants, rng, situation, bid, allocation, money) for _ in range(10)]
    brought = Brought(*(np.concatenate(field) for field in zip(*parts, strict=True)))
    samples = [(getattr(step.auctions, f).double().numpy(), getattr(brought, f)) for f in FIELDS]
    samples.append((step.shaped.double().numpy(), brought.reward))
    for ours, theirs in samples:
        error = np.sqrt((ours.var() + theirs.var()) / rows)
        assert abs(ours.mean() - theirs.mean()) < 4 * error + 1e-12
        if brought.spend.mean() > 1:
            # Rare counts are so heavy in the tail that chance alone moves their variance by more than 5 %.
            chance = np.sqrt(2 * (stats.kurtosis(theirs, fisher=False) - 1) / rows)
            assert ours.var() == pytest.approx(theirs.var(), rel=max(0.05, 4 * chance))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "allocation", "rows"), [("pacing", UNIFORM, 2000), ("channels", (0.5, 0.0, 0.5), 3000)]
)
def test_episodes_against_single_auctions(preset, allocation, rows):
    """Check 2: whole episodes, with money that may run out, on the same market paths."""
    market = make_market(preset)
    ours = play(market, rows, 4.5, allocation).mean(1).numpy()
    path, rng = market.path, np.random.default_rng(0)
    money, theirs = np.full(rows, market.budget), np.zeros((len(FIELDS) + 1, rows))
    for t in range(STEPS):
        state = (path.cost_per_click[t], path.competition[t], path.volatility, path.demand)
        situation = Situation(*(value.double().numpy() for value in state), t)
        brought = hold_auctions(market.constants, rng, situation, 4.5, allocation, money)
        money = money - brought.spend
        theirs += np.stack([*brought, brought.reward])
    by_field = dict(zip((*FIELDS, "reward"), zip(ours, theirs.mean(1), strict=True), strict=True))
    for field in ("impressions", "clicks", "spend"):
        assert by_field[field][0] == pytest.approx(by_field[field][1], rel=0.01)
    assert by_field["reward"][0] == pytest.approx(by_field["reward"][1], rel=0.02)


@pytest.mark.parametrize("preset", ["channels", "margin", "pacing", "shift"])
@pytest.mark.parametrize("corner", [0, 1, 2])
def test_every_draw_is_possible(preset, corner):
    """Check 3; each channel by itself, so that the bounds hold channel by channel."""
    rows, rng = 100, np.random.default_rng(corner)
    market = make_market(preset, dtype=torch.float64)
    market.reset(np.full(rows, 9), np.arange(rows))
    spent = torch.zeros(rows, dtype=torch.float64)
    allocation = torch.eye(3, dtype=torch.float64)[corner].expand(rows, 3)
    for _ in range(STEPS):
        bid = market.bids[rng.integers(len(market.bids), size=rows)]
        before = market.remaining
        auctions = market.step(bid, allocation).auctions
        counts = torch.stack((auctions.conversions, auctions.clicks, auctions.impressions))
        assert torch.equal(counts, counts.round()) and bool((counts >= 0).all())
        assert bool((counts[0] <= counts[1]).all() and (counts[1] <= counts[2]).all())
        assert bool(((auctions.spend >= 0) & (auctions.spend <= bid * counts[1] * (1 + 1e-9))).all())
        assert bool((counts[:, before < bid] == 0).all())
        assert bool((market.remaining >= 0).all())
        spent += auctions.spend
    assert bool((spent <= market.budget * (1 + 1e-9)).all())


def test_price_moments_against_integration():
    """Check 4: mean and spread of a log-normal truncated at the bid."""
    for mu, sigma, z in [
        (0.3, 0.2, -4.0),
        (1.2, 0.4, -1.0),
        (-0.5, 0.35, 0.0),
        (0.9, 0.3, 1.5),
        (0.0, 0.2, 6.0),
    ]:
        density = stats.lognorm(sigma, scale=np.exp(mu)).pdf
        bid = np.exp(mu + z * sigma)
        # Where the bid cuts deep into the tail, the density is integrated near the bid only.
        low = np.exp(mu + min(z - 6.0, -8.0) * sigma)
        marks = np.linspace(low, bid, 9)[1:-1]

        def integral(power, low=low, bid=bid, density=density, marks=marks):
            return integrate.quad(
                lambda p: p**power * density(p), low, bid, points=marks, epsabs=0, epsrel=1e-11
            )[0]

        mass, first, second = (integral(power) for power in (0, 1, 2))
        mean, spread = price_moments(*(torch.tensor(v, dtype=torch.float64) for v in (mu, sigma, z)))
        assert mean.item() == pytest.approx(first / mass, rel=1e-9)
        assert spread.item() ** 2 == pytest.approx(second / mass - (first / mass) ** 2, rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_price_is_finite_and_below_the_bid(dtype):
    cost, level, volatility, bid = torch.meshgrid(
        torch.tensor([0.5, 2.0, 5.0], dtype=dtype),
        torch.tensor([0.3, 1.0], dtype=dtype),
        torch.tensor([0.1, 0.3], dtype=dtype),
        torch.tensor(CHANNELS_BIDS, dtype=dtype),
        indexing="ij",
    )
    for constants in PRESETS.values():
        median = log_median_price(constants, cost, level)
        sd = price_log_sd(constants, volatility)
        mean, spread = price_moments(median, sd, (bid.log()[..., None] - median) / sd)
        assert bool(mean.isfinite().all() and spread.isfinite().all() and (spread >= 0).all())
        assert bool((mean <= bid[..., None] * (1 + 1e-5)).all())


def profit_maximising_bids(constants, bids, count=40):
    """Best bid of each channel by itself, the value of a click there and that value's z; shape (count, 3)."""
    generator = torch.Generator().manual_seed(5)
    cost, level, volatility, time = torch.rand(4, count, generator=generator, dtype=torch.float64)
    cost, level, volatility = 0.8 + 3.2 * cost, 0.3 + 0.7 * level, 0.1 + 0.2 * volatility
    time = (STEPS * time).floor()
    median, sd = log_median_price(constants, cost, level), price_log_sd(constants, volatility)
    converted = conversion_rate(constants, time, level)
    expected = expected_by_channel(constants, bids, median, sd, base_click_rate(constants, time), converted)
    best = bids[(50.0 * expected.conversions - expected.spend).argmax(1)]
    value = 50.0 * converted
    return best, value, (value.log() - median) / sd


@pytest.mark.parametrize("preset", ["channels", "margin"])
def test_truthful_bidding(preset):
    """Check 5: without position effect the best bid is the value of a click; with it, it is not."""
    bids = torch.logspace(-1.5, 1.7, 3000, dtype=torch.float64)
    plain = replace(PRESETS[preset], position_exponent=0.0, competition_effect=0.0)
    best, value, z = profit_maximising_bids(plain, bids)
    reachable = z.abs() < 2
    assert int(reachable.sum()) > 10
    torch.testing.assert_close(best[reachable], value[reachable], rtol=0.03, atol=0)
    best, value, z = profit_maximising_bids(PRESETS[preset], bids)
    assert float((best / value - 1).abs()[z.abs() < 2].max()) > 0.05


@pytest.mark.parametrize("name", ["published", "channels", "pacing", "shift"])
def test_path_is_the_same_for_all_policies_and_batch_sizes(name):
    """Check 6: actions do not move the market, and neighbours in the batch do not matter."""
    paths = []
    for rows, bid in ((40, 0.5), (40, 4.5), (7, 4.5)):
        market = make_market(name)
        market.reset(np.full(rows, 2), np.arange(rows))
        states = [market.step(*full(market, bid)).state for _ in range(STEPS)]
        visible = torch.stack(states)[:, :7][..., [1, 2, 3, 7]]
        path = market.path
        paths.append((visible, path.cost_per_click[:, :7], path.competition[:, :7], path.demand[:7]))
        if name != "published":
            paths[-1] += (market.shift_time[:7],)
    for other in paths[1:]:
        assert all(torch.equal(a, b) for a, b in zip(paths[0], other, strict=True))


@pytest.mark.parametrize("name", ["published", "channels", "pacing", "shift"])
def test_rows_are_bitwise_equal_alone_and_in_a_batch(name):
    rows = 4096 if name == "channels" else 500
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(10, (STEPS, rows), generator=generator)
    shares = torch.rand(STEPS, rows, 3, generator=generator)
    shares = shares / shares.sum(-1, keepdim=True)

    def states(count):
        market = make_market(name)
        market.reset(np.full(count, 3), np.arange(count))
        steps = [market.step(market.bids[levels[t, :count]], shares[t, :count]) for t in range(STEPS)]
        return torch.stack([torch.cat((s.state[:20], s.shaped[:20, None]), 1) for s in steps])

    assert torch.equal(states(20), states(rows))


@pytest.mark.parametrize("name", ["published", "channels", "pacing"])
def test_single_and_double_precision_agree_in_mean(name):
    single, double = (
        play(make_market(name, dtype=dtype), 300, 4.0).mean(1) for dtype in (torch.float32, torch.float64)
    )
    torch.testing.assert_close(single, double, rtol=2e-3, atol=0)


@pytest.mark.parametrize("preset", list(PRESETS))
def test_reach_rises_from_zero_to_one_and_is_concave(preset):
    """Check 7, first part."""
    curve = reach(PRESETS[preset], torch.linspace(0, 1, 101, dtype=torch.float64))
    assert curve[0].item() == 0.0 and curve[-1].item() == pytest.approx(1.0)
    assert bool((curve.diff() > 0).all() and (curve.diff().diff() < 0).all())


def test_channels_may_be_permuted(monkeypatch):
    """Check 7: constants, phases, noise and allocation permuted together change nothing."""
    order = [2, 0, 1]
    constants, allocation = PRESETS["margin"], (0.2, 0.5, 0.3)
    market = ChannelsMarket(constants)
    market.reset(np.zeros(50, int), np.arange(50))
    noise = market.noise.clone()
    expected = [market.step(*full(market, 3.0, allocation)) for _ in range(STEPS)]

    def permuted(values):
        return tuple(values[i] for i in order)

    fields = ("price_level", "price_slope", "click_rate", "conversion_rate")
    monkeypatch.setattr(channels, "PHASES", permuted(channels.PHASES))
    other = ChannelsMarket(replace(constants, **{f: permuted(getattr(constants, f)) for f in fields}))
    other.reset(np.zeros(50, int), np.arange(50))
    other.noise = noise[..., order]
    for step in expected:
        again = other.step(*full(other, 3.0, permuted(allocation)))
        torch.testing.assert_close(again.auctions.clicks, step.auctions.clicks)
        torch.testing.assert_close(again.auctions.spend, step.auctions.spend)


@pytest.mark.parametrize(
    ("preset", "bid", "changes"), [("channels", 4.5, [44, 91]), ("margin", CHANNELS_BIDS[4], [42, 86, 95])]
)
def test_best_channel_changes_with_the_season(preset, bid, changes):
    """Check 8, at the typical market."""
    constants = PRESETS[preset]
    time = torch.arange(STEPS, dtype=torch.float64)
    cost, level = torch.full_like(time, 2.0), torch.full_like(time, 0.65)
    expected = expected_by_channel(
        constants,
        torch.tensor([bid], dtype=torch.float64),
        log_median_price(constants, cost, level),
        torch.full((STEPS, 1), 0.3, dtype=torch.float64),
        base_click_rate(constants, time),
        conversion_rate(constants, time, level),
    )
    best = (50.0 * expected.conversions - expected.spend)[:, 0].argmax(1)
    assert (best.diff().nonzero().flatten() + 1).tolist() == changes


def test_season_averages_out():
    assert season(torch.arange(STEPS, dtype=torch.float64)).mean(0).abs().max() < 1e-12


def test_overlay_changes_nothing_before_the_shift():
    """Check 9: draw for draw."""
    runs = []
    for overlay in (True, False):
        market = preset_market("shift", overlay=overlay)
        market.reset(np.full(200, 4), np.arange(200))
        steps = [market.step(*full(market, 4.5)) for _ in range(STEPS)]
        runs.append(
            torch.stack([torch.stack((s.shaped, s.auctions.spend, s.auctions.clicks)) for s in steps])
        )
    before = torch.arange(STEPS)[:, None] < market.shift_time
    same = (runs[0] == runs[1]).all(1)
    assert bool(same[before].all())
    assert not bool(same[~before].all())


def test_shift_time_is_uniform_and_seen_only_in_competition_and_outcomes():
    visible = []
    for overlay in (True, False):
        market = preset_market("shift", overlay=overlay)
        market.reset(np.full(3000, 4), np.arange(3000))
        # A bid above all money enters no auction, so that the state shows the market alone.
        visible.append(torch.stack([market.step(*full(market, 1e9)).state for _ in range(STEPS)]))
    shift_time = market.shift_time
    assert sorted(set(shift_time.tolist())) == list(range(30, 71))
    assert stats.chisquare(np.bincount(shift_time.int().numpy())[30:]).pvalue > 1e-4
    differing = (visible[0] != visible[1]).any(0).any(0).nonzero().flatten().tolist()
    assert differing == [2]


def test_rise_of_competition_at_the_shift():
    with_shift, without = (preset_market("shift", overlay=overlay) for overlay in (True, False))
    for market in (with_shift, without):
        market.reset(np.zeros(100, int), np.arange(100))
    at = with_shift.shift_time.long()[None]
    risen = with_shift.path.competition.gather(0, at)
    expected = (without.path.competition.gather(0, at) + 0.35).clamp(0.3, 1.0)
    torch.testing.assert_close(risen, expected)
