"""The trial of the footprint: a training metered, stopped early, and carried to another market."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from adrl_core.agents.team import TeamLearner, TeamPolicy
from adrl_core.config import MarketName, Study
from adrl_core.evaluate import BANK_SEED
from adrl_core.governance.energy import Meter, Passes, Reading, bounds
from adrl_core.governance.learning import learn
from adrl_core.governance.stopping import EarlyStopping, noise, stops
from adrl_core.governance.trials.bank import play_runs, trial_episodes
from adrl_core.market import make_market
from adrl_core.market.presets import STEPS
from adrl_core.train import load_team

TRANSFER_MARKET: MarketName = "shift"
"""Where the trained teams go on learning."""
TRANSFER_SHARE = 0.3
"""Episodes of that, as a share of a training from scratch."""
METERED_EPISODES = 200
"""Most episodes of single decisions that are metered."""


def held_out(study: Study, name: str, learner: TeamLearner) -> pd.DataFrame:
    """Means over held-out episodes: a row a run, with market, policy, seed and the columns of `play`."""
    frame = play_runs(TeamPolicy(learner), make_market(study.market), learner, trial_episodes(study))
    means = frame.drop(columns="episode").groupby("seed", as_index=False).mean()
    means.insert(0, "policy", name)
    means.insert(0, "market", study.market)
    return means


def transfer(study: Study, trained: Path, scratch: Path, resume: Path) -> tuple[TeamLearner, pd.DataFrame]:
    """Let the study's trained teams go on learning in TRANSFER_MARKET.

    Exploration and replay stay at the ends of their schedules; memories and optimisers start empty.

    Args:
        study: of the training.
        trained, scratch: folders of that training, and of the one from scratch in the other market.
        resume: where progress is saved.

    Returns:
        The teams, and a row a start (transferred or scratch), run and episode: start, seed, episode in the
        other market, reward.
    """
    learner = load_team(study, trained / "checkpoint.pt")
    count = max(1, round(TRANSFER_SHARE * study.episodes))
    market = make_market(TRANSFER_MARKET, reward=study.team.reward, fee=study.fee)
    numbers = range(study.episodes, study.episodes + count)
    curve = learn(learner, market, numbers, study.episodes, resume, study.checkpoint_every)
    curve["episode"] -= study.episodes
    others = pd.read_parquet(scratch / "episodes.parquet")
    frames = [
        frame[["seed", "episode", "reward"]].assign(start=start)
        for start, frame in (("transferred", curve), ("scratch", others))
    ]
    return learner, pd.concat(frames, ignore_index=True)


def differing(repeated: pd.DataFrame, logged: Path) -> int:
    """Episodes of a repeated training that differ from the log of the first, in single precision."""
    keys, columns = ["seed", "episode"], ["reward", "conversions", "clicks", "spend", "profit"]
    first = pd.read_parquet(logged).set_index(keys)[columns].sort_index()
    second = repeated.set_index(keys)[columns].sort_index().astype("float32")
    return int((first.to_numpy() != second.to_numpy()).any(1).sum())


@torch.inference_mode()
def metered_decisions(study: Study) -> tuple[int, Reading]:
    """Let one team decide alone, a market at a time; returns the number of decisions and what they took.

    Only decisions are metered; the episodes are played beforehand.
    """
    learner = TeamLearner(study.team, [0])
    policy, market = TeamPolicy(learner), make_market(study.market)
    states = [market.reset([BANK_SEED], [0])]
    policy.reset(market)
    for _ in range(STEPS - 1):
        states.append(market.step(*policy.act(states[-1])).state)
    episodes = min(METERED_EPISODES, study.evaluation_episodes)
    meter = Meter()
    for _ in range(episodes):
        for state in states:
            policy.act(state)
    return episodes * STEPS, meter.stop()


def energy_table(
    study: Study, meter: Meter, passes: Passes, different: int, decisions: int, used: Reading
) -> pd.DataFrame:
    """Two rows, of the training of all runs and of single decisions.

    Columns: what, units (runs or decisions), episodes (a run), acting and learning (passes a run), differing
    (episodes unlike the first training's), method, design_power (W), and of all units together seconds,
    processor_seconds, processor, memory, energy, low and high (J).
    """
    common = {"method": meter.method, "design_power": meter.design_power}
    rows = []
    for what, units, reading in (("training", study.seeds, meter.total), ("decision", decisions, used)):
        low, high = bounds(reading)
        energy = {"energy": reading.energy, "low": low, "high": high}
        rows.append({"what": what, "units": units} | reading._asdict() | energy | common)
    table = pd.DataFrame(rows)
    training = {"episodes": study.episodes, "differing": different} | passes.counts
    return table.assign(**{name: [value, 0] for name, value in training.items()})


def stopped_teams(study: Study, stopping: EarlyStopping) -> TeamLearner:
    """The teams as they were when the rule stopped them."""
    learner = TeamLearner(study.team, range(study.seeds))
    learner.load_networks(stopping.networks)
    return learner


def stopping_table(stopping: EarlyStopping) -> pd.DataFrame:
    """A row a run: seed, episodes until its stop, of how many, and noise, the standard error of a look."""
    rewards = np.array(stopping.rewards)
    return pd.DataFrame(
        {
            "seed": range(rewards.shape[1]),
            "stopped": stops(rewards, stopping.rule),
            "episodes": len(rewards),
            "noise": noise(rewards, stopping.rule),
        }
    )
