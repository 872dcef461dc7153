"""Privacy on trial: what noise costs, what it adds up to, and whether files keep what they hold."""

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from opendp.mod import OpenDPException

from adrl_core.agents.team import TeamLearner, TeamPolicy
from adrl_core.config import ConfigurationError, Study
from adrl_core.evaluate import BANK_SEED
from adrl_core.governance import vault
from adrl_core.governance.accounting import approximate_epsilon, composed_epsilon
from adrl_core.governance.learning import learn
from adrl_core.governance.privacy import (
    COLUMNS,
    FEATURES,
    Private,
    PrivateMarket,
    highest_price,
    noise_scale,
    sensitive_features,
)
from adrl_core.governance.trials.bank import play_runs, trial_episodes
from adrl_core.market import Market, make_market
from adrl_core.market.presets import STATE_NAMES, STEPS

BUDGET = 1.0
"""Epsilon of an episode, as the published report has it."""
EPSILONS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 10_000.0, math.inf)
"""Budgets that are tried; infinity is no noise."""
EPISODES = (1, 10, 100, 1000)
"""Episodes of the same person over which budgets add up."""
DELTA = 1e-6
"""Chance of failure that approximate differential privacy is allowed here."""
TAMPERED = 20
"""Places at which a vault's file is changed."""


def train_with_noise(study: Study, learner: TeamLearner, resume: Path) -> pd.DataFrame:
    """Let untrained teams learn as the study's do, but from states with the noise of BUDGET."""
    market = PrivateMarket(make_market(study.market, reward=study.team.reward), BUDGET)
    numbers = range(study.episodes)
    return learn(learner, cast(Market, market), numbers, study.episodes, resume, study.checkpoint_every)


def privacy_trial(study: Study, teams: dict[str, TeamLearner]) -> pd.DataFrame:
    """Reward against epsilon: a row a team, epsilon and run, means over the trial's episodes."""
    market, frames = make_market(study.market), []
    for team, learner in teams.items():
        for epsilon in EPSILONS:
            policy = TeamPolicy(learner)
            noisy = Private(policy, epsilon) if math.isfinite(epsilon) else policy
            frame = play_runs(noisy, market, learner, trial_episodes(study))
            runs = frame.drop(columns="episode").groupby("seed", as_index=False).mean()
            runs.insert(0, "epsilon", epsilon)
            runs.insert(0, "team", team)
            frames.append(runs)
    return pd.concat(frames, ignore_index=True)


def accounting() -> pd.DataFrame:
    """What two ways to spend BUDGET add up to, by OpenDP: a row a scheme and number of episodes.

    `whole episode` shares the budget among all that an episode releases. `each release` gives it to every
    single number, which is what noise of scale sensitivity / epsilon does when it is applied at each step.
    """
    rows = []
    for scheme, releases in (("whole episode", STEPS * FEATURES), ("each release", 1)):
        scale = noise_scale(1.0, BUDGET, releases)
        for episodes in EPISODES:
            rows.append(
                {
                    "scheme": scheme,
                    "episodes": episodes,
                    "scale": scale,
                    "basic": composed_epsilon(scale, episodes=episodes),
                    "approximate": _approximate(scale, episodes),
                }
            )
    return pd.DataFrame(rows)


def _approximate(scale: float, episodes: int) -> float:
    """Epsilon with DELTA, or infinity where it is beyond reckoning, and so no protection at all."""
    try:
        return approximate_epsilon(scale, DELTA, episodes=episodes)
    except OpenDPException:
        return math.inf


@torch.inference_mode()
def features_table(study: Study, learner: TeamLearner) -> pd.DataFrame:
    """The sensitive features: what one impression can move, the noise of BUDGET, and what the feature varies.

    `spread` is the standard deviation over the states of the trial's episodes, `noise` that of the noise.
    """
    market, policy = make_market(study.market), TeamPolicy(learner)
    numbers = np.tile(np.arange(trial_episodes(study)), len(learner.seeds))
    state = market.reset(np.full(len(numbers), BANK_SEED), numbers)
    policy.reset(market)
    visited = []
    for _ in range(STEPS):
        visited.append(state[:, list(COLUMNS)])
        state = market.step(*policy.act(state)).state
    spread = torch.stack(visited).double().std((0, 1)).tolist()
    features = sensitive_features(market.budget, highest_price(market))
    scales = [noise_scale(feature.sensitivity, BUDGET, STEPS * FEATURES) for feature in features]
    return pd.DataFrame(
        {
            "feature": [STATE_NAMES[feature.column] for feature in features],
            "low": [feature.low for feature in features],
            "high": [feature.high for feature in features],
            "sensitivity": [feature.sensitivity for feature in features],
            "noise": [2.0**0.5 * scale for scale in scales],
            "spread": spread,
        }
    )


def vault_trial(networks: dict[str, Any], folder: Path) -> pd.DataFrame:
    """Try to get at, or to change, the weights in a vault: a row an attempt, how often tried and refused.

    `same weights` is no attack: it counts the round trips that brought back the very same tensors.
    """
    key = os.environ.pop(vault.KEY_VARIABLE, None)
    path = folder / "trial.vault"
    try:
        return pd.DataFrame(
            [{"attempt": name, "tries": len(t), "as_wished": sum(t)} for name, t in _attempts(networks, path)]
        )
    finally:
        path.unlink(missing_ok=True)
        os.environ.pop(vault.KEY_VARIABLE, None)
        if key:
            os.environ[vault.KEY_VARIABLE] = key


def _attempts(networks: dict[str, Any], path: Path) -> Iterator[tuple[str, list[bool]]]:
    os.environ[vault.KEY_VARIABLE] = vault.new_key()
    vault.save(path, networks)
    sealed = path.read_bytes()
    yield "same weights", [_same(vault.load(path), networks)]
    yield "readable by the owner only", [path.stat().st_mode & 0o777 == vault.OWNER_ONLY]
    places = np.random.default_rng(0).integers(0, len(sealed), TAMPERED).tolist()
    changed = (sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in places)
    yield "one bit changed", [_refused(path, content) for content in changed]
    yield "cut off", [_refused(path, sealed[:at]) for at in places]
    torch.save(networks, path)
    yield "a pickle in its place", [_refused(path, path.read_bytes())]
    os.environ[vault.KEY_VARIABLE] = vault.new_key()
    yield "another key", [_refused(path, sealed)]
    del os.environ[vault.KEY_VARIABLE]
    yield "no key", [_refused(path, sealed)]


def _refused(path: Path, content: bytes) -> bool:
    path.write_bytes(content)
    return _raises(lambda: vault.load(path))


def _raises(action: Callable[[], object]) -> bool:
    try:
        action()
    except ConfigurationError:
        return True
    return False


def _same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return all(
        torch.equal(a[agent][name], weights)
        for agent, network in b.items()
        for name, weights in network.items()
    )
