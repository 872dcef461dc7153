"""Known constants come back from logs drawn from the equations, whatever the log shows of prices."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from adrl_core.calibrate.fit import BLOCKS, Calibrated, calibrate, fit
from adrl_core.calibrate.log import AuctionLog
from adrl_core.calibrate.money import Terms
from adrl_core.config import ConfigurationError
from adrl_core.market.presets import CHANNEL_NAMES, PRESETS, ChannelConstants
from tests.calibrate.simulator import BIDS, drawn_log

FIELDS = ("price", "click", "conversion", "bid", "won", "channel", "episode", "step")
OTHER = replace(
    PRESETS["margin"],
    auctions=30.0,
    price_level=(0.8, 1.4, 1.1),
    price_noise=(0.15, 0.25, 0.3),
    volatility=(0.05, 0.2),
    price_spread=0.2,
    price_reversion=0.08,
    click_rate=(0.2, 0.1, 0.15),
    conversion_rate=(0.1, 0.2, 0.05),
    click_season=0.3,
    conversion_season=0.6,
)
"""Constants like none of the presets, but for what no log tells."""


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer paths of the market than a user gets."""
    for module in ("levels", "goodness"):
        monkeypatch.setattr(f"adrl_core.calibrate.{module}.PATHS", 512)


def only(log: AuctionLog, rows: np.ndarray) -> AuctionLog:
    """Some rows of a log."""
    columns = {name: getattr(log, name) for name in FIELDS}
    return replace(log, **{name: c[rows] for name, c in columns.items() if c is not None})


def truth(constants: ChannelConstants, name: str) -> float:
    """The constant that an estimate is of."""
    field, _, part = name.partition(".")
    value = getattr(constants, field)
    if not part:
        return float(value)
    return float(value[("low", "high").index(part) if field == "volatility" else CHANNEL_NAMES.index(part)])


def scores(found: Calibrated, constants: ChannelConstants) -> dict[str, float]:
    """How many standard errors each estimate is from the truth."""
    return {
        name: (estimate.value - truth(constants, name)) / estimate.error
        for name, estimate in found.estimates.items()
    }


LEVELS = {"price_level", "price_noise", "click_rate", "conversion_rate"}
BY_CHANNEL = {f"{name}.{channel}" for name in LEVELS for channel in CHANNEL_NAMES}
ALL = BY_CHANNEL | {"auctions", "click_season", "conversion_season", "price_spread", "price_reversion"}
ALL |= {"volatility.low", "volatility.high"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("seen", ["all", "with lost auctions"])
@pytest.mark.parametrize(("name", "constants"), [("channels", PRESETS["channels"]), ("margin", OTHER)])
def test_constants_come_back(name: str, constants: ChannelConstants, seen: str, seed: int) -> None:
    log = drawn_log(constants, seed, 24, BIDS if seen == "with lost auctions" else None)
    found = calibrate(log, Terms(price_per="click", base=name, unit=1.0))
    apart = scores(found, constants)
    assert apart.keys() == ALL
    # Of so many estimates one may lie far off by chance, in a few clusters above all; most may not.
    assert max(map(abs, apart.values())) < 5.0, apart
    assert np.mean([abs(score) < 2.0 for score in apart.values()]) > 0.8, apart
    assert found.observed == (
        "all prices" if seen == "all" else "prices of won auctions, and the bids of all"
    )
    for match in (one.match for one in found.comparisons.values()):
        assert match.market_distance < 0.12
    assert not any("otherwise than the market" in note for note in found.notes)


@pytest.mark.slow
def test_intervals_cover_the_truth() -> None:
    """Hundreds of small logs: 95 % intervals hold what they promise, as far as so few episodes can tell."""
    constants = replace(PRESETS["channels"], auctions=4.0)
    inside: dict[str, list[bool]] = {}
    for seed in range(150):
        log = drawn_log(constants, 1000 + seed, 10)
        for name, one in fit(log, Terms(price_per="click", unit=1.0)).work.estimates.items():
            inside.setdefault(name, []).append(one.low <= truth(constants, name) <= one.high)
    cover = {name: float(np.mean(values)) for name, values in inside.items()}
    assert np.mean(list(cover.values())) > 0.92, cover
    assert min(cover.values()) > 0.85, cover


@pytest.mark.parametrize("constants", [PRESETS["channels"], OTHER])
def test_without_time_the_market_has_the_prices_and_rates_of_the_log(constants: ChannelConstants) -> None:
    log = replace(drawn_log(constants, 7, 20), episode=None, step=None)
    found = calibrate(log, Terms(price_per="click", unit=1.0, base="channels"))
    for name, one in found.comparisons.items():
        # The shape within a channel is that of a mixture; its mean and spread are the log's.
        assert one.match.market_distance < 0.05, name
    assert found.estimates.keys() == BY_CHANNEL
    assert set(found.assumed) >= {"price_spread", "price_reversion", "volatility", "click_season", "auctions"}
    clicks = np.bincount(log.channel, log.click) / np.bincount(log.channel)
    np.testing.assert_allclose(found.constants.click_rate, clicks)


def test_intervals_are_wider_where_prices_move_together() -> None:
    log = replace(drawn_log(PRESETS["channels"], 3, 20), episode=None, step=None)
    shuffled = only(log, np.random.default_rng(0).permutation(len(log)))
    terms = Terms(price_per="click", unit=1.0)
    errors = [calibrate(one, terms).estimates["price_level.search"].error for one in (log, shuffled)]
    assert errors[0] > 5 * errors[1]


def test_lost_auctions_that_are_missing_are_inferred_and_told() -> None:
    still = replace(PRESETS["channels"], price_spread=0.0, volatility=(0.0, 0.0), price_noise=(0.3, 0.3, 0.3))
    still = replace(still, competition_start=(0.65, 0.65))
    full = drawn_log(still, 5, 12, BIDS[3:])
    log = only(full, np.flatnonzero(full.won))
    found = calibrate(log, Terms(price_per="click", unit=1.0))
    assert found.observed == "prices of won auctions, and the bids of those"
    for one in found.comparisons.values():
        assert one.match.log_sd == pytest.approx(0.3, rel=0.05)
    assert found.constants.auctions == pytest.approx(20.0, rel=0.15)
    assert any("lost auctions are missing" in note for note in found.notes)


def test_prices_without_log_normal_are_said_not_to_fit() -> None:
    log = drawn_log(PRESETS["channels"], 0, 10)
    rng = np.random.default_rng(0)
    two = replace(log, price=np.exp(rng.choice([-0.5, 1.5], len(log)) + 0.1 * rng.standard_normal(len(log))))
    found = calibrate(replace(two, episode=None, step=None), Terms(price_per="click", unit=1.0))
    assert not any(one.match.fits for one in found.comparisons.values())
    assert min(one.match.distance for one in found.comparisons.values()) > 0.15


def test_a_log_in_another_currency_gives_the_same_market() -> None:
    log = replace(drawn_log(PRESETS["margin"], 2, 8), episode=None, step=None)
    dear = replace(log, price=17.0 * log.price)
    ours, theirs = (calibrate(one, Terms(price_per="click", base="margin")) for one in (log, dear))
    assert theirs.unit == pytest.approx(17.0 * ours.unit)
    np.testing.assert_allclose(ours.constants.price_level, theirs.constants.price_level, rtol=1e-4)
    # Prices are those of the base on the whole, so the unit is about one.
    assert ours.unit == pytest.approx(1.0, abs=0.2)


def test_one_channel_for_all_and_channels_that_are_missing() -> None:
    log = drawn_log(PRESETS["channels"], 1, 9)
    together = calibrate(replace(log, channel=None), Terms(price_per="click"))
    assert len(set(together.constants.price_level)) == len(set(together.constants.click_rate)) == 1
    assert list(together.comparisons) == ["all"]
    assert together.constants.auctions == pytest.approx(len(log) / 9 / 300)
    partial = calibrate(only(log, np.flatnonzero(log.channel != 1)), Terms(price_per="click", unit=1.0))
    assert partial.constants.price_level[1] == PRESETS["channels"].price_level[1]
    assert partial.assumed["price_level.display"] == "the log has no such channel; from channels"
    assert list(partial.comparisons) == ["search", "video"]


def test_what_is_given_is_taken() -> None:
    log = replace(drawn_log(PRESETS["channels"], 1, 2), conversion=None)
    terms = Terms(price_per="click", unit=2.0, conversion_rate=0.07, budget=300.0, auctions=11.0)
    found = calibrate(log, terms)
    assert found.constants.conversion_rate == (0.07,) * 3
    assert (found.constants.budget, found.constants.auctions, found.unit) == (150.0, 11.0, 2.0)
    assert {found.assumed[name] for name in ("conversion_rate", "budget", "auctions")} == {"given"}


def test_free_auctions_are_left_out_and_counted() -> None:
    log = drawn_log(PRESETS["channels"], 1, 9)
    price = np.where(np.arange(len(log)) < 25, 0.0, log.price)
    found = calibrate(replace(log, price=price, episode=None, step=None), Terms(price_per="click"))
    assert found.used == len(log) - 25
    assert any("25 auctions that cost nothing" in note for note in found.notes)


def test_a_channel_in_one_block_is_told_by_name() -> None:
    log = drawn_log(PRESETS["channels"], 1, 2)
    video = np.flatnonzero(log.channel == 2)[:15]
    rows = np.concatenate((video, np.flatnonzero(log.channel != 2)))
    for number in (9, 2):
        episodes = np.arange(len(rows)) * number // len(rows)
        once = replace(only(log, rows), episode=episodes)
        with pytest.raises(ConfigurationError, match=r"^channel video: log: its auctions lie in 1 block"):
            calibrate(once, Terms(price_per="click"))


def test_intervals_rest_on_the_blocks_in_which_a_channel_occurs() -> None:
    log = drawn_log(PRESETS["channels"], 1, 6)
    by_channel = only(log, np.argsort(log.channel, kind="stable"))
    found = calibrate(replace(by_channel, episode=None, step=None), Terms(price_per="click", unit=1.0))
    block = np.arange(len(log)) * BLOCKS // len(log)
    for number, channel in enumerate(CHANNEL_NAMES):
        one = found.estimates[f"click_rate.{channel}"]
        freedom = len(np.unique(block[by_channel.channel == number])) - 1
        assert freedom < 11
        assert (one.high - one.value) / one.error == pytest.approx(stats.t.ppf(0.975, freedom))


@pytest.mark.parametrize("bids", [None, BIDS])
@pytest.mark.parametrize("channels", [(0, 1, 2), (2,)])
def test_with_one_auction_a_step_moves_are_the_base_s_and_that_is_told(bids, channels) -> None:
    constants = PRESETS["channels"]
    log = drawn_log(constants, 4, 24, bids)
    rows = np.arange(len(log))
    cell = (log.episode * 100 + log.step) * 3 + log.channel
    first = np.unique(cell, return_index=True)[1]
    log = only(log, np.flatnonzero(np.isin(rows, first) | ~np.isin(log.channel, channels)))
    found = calibrate(log, Terms(price_per="click", unit=1.0))
    notes = [note for note in found.notes if "steps hold too few auctions" in note]
    name = CHANNEL_NAMES[channels[0]] if bids is None else r"\w+"
    assert len(notes) == 1
    assert re.search(
        f"in channel {name} an episode has -?[0-9.]+ prices more than steps, and 30 are", notes[0]
    )
    assert {"price_spread", "price_reversion", "volatility"} <= found.assumed.keys()
    np.testing.assert_allclose(found.constants.price_level, constants.price_level, rtol=0.25)


def test_an_episode_too_thin_to_tell_its_volatility_takes_nothing_from_the_others() -> None:
    log = drawn_log(PRESETS["channels"], 4, 12)
    thin = (log.episode == 5) & (np.arange(len(log)) % 100 > 0)
    whole, thinned = (calibrate(one, Terms(price_per="click", unit=1.0)) for one in (log, only(log, ~thin)))
    low, high = thinned.constants.volatility
    assert high - low > 0.1
    np.testing.assert_allclose((low, high), whole.constants.volatility, atol=0.04)


def test_too_small_a_log_names_the_channel() -> None:
    log = only(drawn_log(PRESETS["channels"], 1, 1), np.arange(12))
    with pytest.raises(ConfigurationError, match=r"channel \w+: log: \d usable prices"):
        calibrate(log, Terms(price_per="click"))
