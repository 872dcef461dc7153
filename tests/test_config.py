"""The configuration: defaults as published, and one clear line for whatever is unknown or out of range."""

import json
from typing import Any

import pytest

from adrl_core.config import (
    ABLATIONS,
    PROFILES,
    TRAINING,
    VARIANTS,
    ConfigurationError,
    Study,
    Team,
    completed,
    parse_variant,
    profile_study,
)


def test_the_full_variant_is_the_published_team() -> None:
    assert Study().team == parse_variant("full") == Team()


def test_changes_are_laid_over_a_variant_in_order() -> None:
    team = parse_variant(
        "full+bidding.discount=0+controller.hidden=64+bidding.double=false+bidding.discount=0.5"
    )
    assert (team.bidding.discount, team.bidding.double, team.controller.hidden) == (0.5, False, 64)
    assert team.budget == Team().budget


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ("half", "variant = 'half': unknown; allowed: full, tuned"),
        ("", "variant = '': unknown; allowed: full, tuned"),
        (
            "full+bidding.colour=1",
            "variant change 'bidding.colour=1': expected field=value with a field of Team",
        ),
        ("full+seller.discount=1", "variant change 'seller.discount=1': expected field=value"),
        ("full+bidding.discount", "variant change 'bidding.discount': expected field=value"),
        ("full+bidding.discount.x=1", "variant change 'bidding.discount.x=1': expected field=value"),
        ("full+bidding.discount=2", "bidding.discount = '2': .*less than or equal to 1"),
        ("full+bidding.discount=much", "bidding.discount = 'much': .*valid number"),
        ("full+bidding.hidden=1.5", "bidding.hidden = '1.5': .*valid integer"),
        ("full+controller.dropout=1", "controller.dropout = '1': .*less than 1"),
        ("full+ask=nobody", "ask = 'nobody': .*'controller', 'both_first', 'bidding', 'budget' or 'both'"),
        ("full+bidding=3", "bidding = '3': "),
    ],
)
def test_bad_variants(variant: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        Study.validated(variant=variant)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"episodes": -1}, "episodes = -1: Input should be greater than or equal to 1"),
        ({"episodes": 2.5}, "episodes = 2.5: .*valid integer"),
        ({"seeds": 0}, "seeds = 0: Input should be greater than or equal to 1"),
        ({"seeds": 10_001}, "seeds = 10001: Input should be less than or equal to 10000"),
        ({"evaluation_episodes": 1}, "evaluation_episodes = 1: .*greater than or equal to 2"),
        ({"fee": -0.5}, "fee = -0.5: .*greater than or equal to 0"),
        ({"fee": float("inf")}, "fee = inf: .*finite number"),
        ({"variant": "full+reward_scale=inf"}, "reward_scale = 'inf': .*finite number"),
        ({"variant": "full+budget.initial_log_sd=nan"}, "initial_log_sd = 'nan': .*finite number"),
        ({"market": "moon"}, "^market = 'moon': unknown; allowed: published, channels, .*, shift, or "),
        ({"variant": "full+reward=fame"}, "reward = 'fame': .*'shaped' or 'profit'"),
        ({"epochs": 3}, "epochs: unknown parameter; allowed: market, variant, fee"),
        ({"seeds": 0, "fee": -1}, "fee = -1: .*; seeds = 0: "),
    ],
)
def test_bad_parameters(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        Study.validated(**parameters)
    assert "\n" not in str(caught.value)


def test_a_study_is_immutable() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Study().seeds = 3


def test_settings_tell_every_training_from_every_other() -> None:
    studies = [
        Study(),
        Study(market="channels"),
        Study(variant="full+bidding.discount=0"),
        Study(variant="profit_reward"),
        Study(fee=1.0),
        Study(seeds=6),
        Study(episodes=301),
    ]
    settings = [study.settings(TRAINING) for study in studies]
    assert all(one != other for i, one in enumerate(settings) for other in settings[:i])
    same = Study(variant="full+ask=controller", seeds=5, evaluation_episodes=7, checkpoint_every=3)
    assert same.settings(TRAINING) == settings[0]


def test_recorded_settings_gain_the_defaults_of_later_fields() -> None:
    present = Study(variant="tuned").settings(TRAINING)
    recorded = json.loads(json.dumps(present))
    del recorded["team"]["bidding"]["double"], recorded["team"]["ask"]
    assert completed(recorded) == Study(variant="tuned+ask=controller").settings(TRAINING)
    recorded["team"]["bidding"]["gone"] = 1
    assert completed(recorded)["team"]["bidding"]["gone"] == 1


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_takes_one_part_of_the_published_team_away(name: str) -> None:
    full, without = parse_variant("full").model_dump(), parse_variant(name).model_dump()
    agents = ("controller", "budget", "bidding")
    changes = {f for f in full if f not in agents and full[f] != without[f]}
    changes |= {f for a in agents for f in full[a] if full[a][f] != without[a][f]}
    assert len(changes) == 1


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_profiles(profile: str, variant: str) -> None:
    study = profile_study(profile, "channels", variant, fee=1.0)
    assert study.seeds == PROFILES[profile]["seeds"] and study.fee == 1.0
    assert profile_study(profile, "channels", variant, seeds=3).seeds == 3


def test_unknown_profile() -> None:
    with pytest.raises(ConfigurationError, match="profile = 'huge': unknown; allowed: smoke, quick, paper"):
        profile_study("huge", "channels", "full")
