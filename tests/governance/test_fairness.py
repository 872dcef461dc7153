"""Rates against Fairlearn on weighted people, intervals against SciPy, expectations against the market."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from adrl_core.agents.baselines import Constant, Random
from adrl_core.evaluate import play
from adrl_core.governance.fairness import (
    AUDIENCE,
    GROUP_NAMES,
    Audited,
    ByChannel,
    group_rates,
    parity_difference,
    parity_ratio,
    pooled_interval,
    summed,
)
from adrl_core.market import make_market
from adrl_core.market.presets import CHANNELS

EXAMPLE = ByChannel(*np.array([[[100.0, 100, 100]], [[80, 40, 20]], [[10, 4, 30]], [[8, 1.6, 6]]]))


def drawn(units, seed=0):
    rng = np.random.default_rng(seed)
    offered = rng.uniform(50, 100, (units, CHANNELS))
    shown = rng.uniform(0.1, 1, (units, CHANNELS))
    rate = rng.uniform(0.01, 0.2, (units, CHANNELS))
    return ByChannel(offered, offered * shown, offered * rate, offered * shown * rate)


def test_audiences_are_shares_of_the_named_groups():
    np.testing.assert_allclose(AUDIENCE.sum(1), 1.0)
    assert AUDIENCE.shape == (CHANNELS, len(GROUP_NAMES)) and (AUDIENCE > 0).all()


def test_rates_by_hand():
    rates = group_rates(EXAMPLE)
    # The youngest: 30 % of search, 25 % of display, 55 % of video.
    assert rates.exposure[0, 0] == pytest.approx((24 + 10 + 11) / 110)
    assert rates.conversion[0, 0] == pytest.approx((2.4 + 0.4 + 3.3) / 110)
    assert rates.opportunity[0, 0] == pytest.approx((2.4 + 0.4 + 3.3) / (3 + 1 + 16.5))
    assert parity_ratio(rates.exposure)[0] == pytest.approx((45 / 110) / (43 / 85))
    assert parity_difference(rates.exposure)[0] == pytest.approx(43 / 85 - 45 / 110)


def people(by_channel):
    """One unit's people as weighted cases: would convert, sees the ad, group, number."""
    cases = []
    for c in range(CHANNELS):
        offered, shown, willing, converted = (numbers[0, c] for numbers in by_channel)
        counts = {
            (1, 1): converted,
            (1, 0): willing - converted,
            (0, 1): shown - converted,
            (0, 0): offered - shown - willing + converted,
        }
        for group, share in zip(GROUP_NAMES, AUDIENCE[c], strict=True):
            cases += [(*case, group, number * share) for case, number in counts.items()]
    would, sees, group, number = zip(*cases, strict=True)
    return np.array(would), np.array(sees), np.array(group), np.array(number)


@pytest.mark.parametrize("seed", range(5))
def test_fairlearn_agrees(seed):
    metrics = pytest.importorskip("fairlearn.metrics")
    by_channel = EXAMPLE if seed == 0 else drawn(1, seed)
    would, sees, group, number = people(by_channel)
    rates = group_rates(by_channel)
    frame = metrics.MetricFrame(
        metrics={"exposure": metrics.selection_rate, "opportunity": metrics.true_positive_rate},
        y_true=would,
        y_pred=sees,
        sensitive_features=group,
        sample_params={name: {"sample_weight": number} for name in ("exposure", "opportunity")},
    ).by_group
    for name in ("exposure", "opportunity"):
        np.testing.assert_allclose(frame[name][list(GROUP_NAMES)], getattr(rates, name)[0])
    options = {"sensitive_features": group, "sample_weight": number}
    for ours, theirs in (
        (parity_difference(rates.exposure), metrics.demographic_parity_difference),
        (parity_ratio(rates.exposure), metrics.demographic_parity_ratio),
        (parity_difference(rates.opportunity), metrics.equal_opportunity_difference),
        (parity_ratio(rates.opportunity), metrics.equal_opportunity_ratio),
        (parity_difference(rates.conversion), lambda _, __, **o: both(metrics, would * sees, o)),
    ):
        assert ours[0] == pytest.approx(theirs(would, sees, **options))


def both(metrics, outcome, options):
    return metrics.demographic_parity_difference(outcome, outcome, **options)


@given(arrays(float, (4, 3), elements=st.floats(0, 1)))
def test_parity_is_bounded_and_blind_to_the_order_of_groups(rates):
    ratio, difference = parity_ratio(rates), parity_difference(rates)
    assert ((ratio >= 0) & (ratio <= 1)).all() and ((difference >= 0) & (difference <= 1)).all()
    np.testing.assert_array_equal(parity_ratio(rates[:, ::-1]), ratio)
    equal = np.repeat(rates[:, :1], 3, 1)
    assert (parity_ratio(equal) == 1).all() and (parity_difference(equal) == 0).all()


def test_even_shares_of_every_channel_are_fair():
    even = ByChannel(*(np.full((1, CHANNELS), n) for n in (100.0, 30.0, 5.0, 1.5)))
    for rates in group_rates(even):
        assert parity_ratio(rates)[0] == pytest.approx(1.0)


def test_sums_by_run():
    units = drawn(6)
    runs = summed(units, 2)
    np.testing.assert_allclose(runs.impressions[1], units.impressions[3:].sum(0))


def test_intervals_against_scipy():
    units = drawn(20)

    def ratio(by_channel):
        return parity_ratio(group_rates(by_channel).exposure)

    ours = pooled_interval(units, ratio, resamples=5000)
    theirs = stats.bootstrap(
        (np.arange(20),),
        lambda index, axis: ratio(ByChannel(*(numbers[index].sum(-2) for numbers in units))),
        method="percentile",
        n_resamples=5000,
        vectorized=True,
        rng=np.random.default_rng(2),
    ).confidence_interval
    width = theirs.high - theirs.low
    assert abs(ours.low - theirs.low) < 0.05 * width and abs(ours.high - theirs.high) < 0.05 * width
    assert ours.low < ours.mean < ours.high and ours.n == 20
    assert ours.mean == ratio(summed(units, 1))[0]


def test_runs_that_lean_opposite_ways_look_fair_only_when_pooled():
    shown = np.array([[90.0, 50.0, 5.0], [10.0, 50.0, 95.0]])
    runs = ByChannel(np.full((2, 3), 100.0), shown, np.full((2, 3), 10.0), shown / 10.0)
    assert parity_ratio(group_rates(runs).exposure).max() < 0.8
    assert parity_ratio(group_rates(summed(runs, 1)).exposure)[0] == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["channels", "margin", "pacing", "shift"])
def test_expected_people_are_what_the_market_brings(name):
    rows = 1500
    policy = Audited(Random())
    seeds, episodes = np.full(rows, 9), np.arange(rows)
    played = play(policy, make_market(name), seeds, episodes)
    people = policy.episodes()
    # In `pacing` the mean of what is cut is not the cut of the mean: a bias of some thousandths.
    for total, numbers in (("impressions", people.impressions), ("conversions", people.conversions)):
        gap = played[total].to_numpy() - numbers.sum(1)
        error = gap.std() / rows**0.5
        assert abs(gap.mean()) < 4 * error + 0.005 * (name == "pacing") * played[total].mean()
    assert (people.impressions <= people.offered).all() and (people.conversions <= people.willing).all()


def test_plays_follow_each_other():
    policy, market = Audited(Constant("fixed")), make_market("channels")
    for episodes in (np.arange(3), np.arange(3, 5)):
        play(policy, market, np.full(len(episodes), 1), episodes)
    apart = Audited(Constant("fixed"))
    play(apart, market, np.full(5, 1), np.arange(5))
    for ours, theirs in zip(policy.episodes(), apart.episodes(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_nobody_is_reached_by_a_bid_of_nothing():
    policy = Audited(Constant("nothing", bid=0.0))
    play(policy, make_market("channels"), np.zeros(2, int), np.arange(2))
    people = policy.episodes()
    assert (people.impressions == 0).all() and all(np.isfinite(numbers).all() for numbers in people)
    assert (parity_ratio(group_rates(people).exposure) == 1).all()


def test_the_published_market_has_no_audience():
    market = make_market("published")
    market.reset([0], [0])
    with pytest.raises(TypeError, match="PublishedMarket: an audience needs a market of the channels family"):
        Audited(Constant("fixed")).reset(market)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
