"""The offline learners on logs with a known answer."""

import pytest
import torch

from adrl_core.agents.planner import PlanningTeam
from adrl_core.agents.team import BIDDING_ONLY, BOTH, TeamLearner
from adrl_core.config import TUNED, parse_variant
from adrl_core.market import make_market
from adrl_core.market.presets import STATE_SIZE, STEPS
from adrl_core.offline.behaviour import Log, record
from adrl_core.offline.cloning import clone, share_logits
from adrl_core.offline.conservative import Conservatism, improve
from adrl_core.offline.finetune import acting, remember
from adrl_core.offline.fitting import Phase, batches
from adrl_core.offline.model import fit_planner

TEAM = parse_variant("tuned+bidding.hidden=32+controller.hidden=32+budget.hidden=32")
STEPS_LOGGED = 10 * STEPS
USUAL, BETTER = 3, 6


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """More threads sum in another order."""
    torch.set_num_threads(1)


def puzzle(runs: int) -> Log:
    """The usual level and split, another of each in a third of the steps, and these pay more."""
    generator = torch.Generator().manual_seed(0)
    state = torch.rand(1, STEPS_LOGGED, STATE_SIZE, generator=generator).expand(runs, -1, -1)
    other = torch.rand(2, 1, STEPS_LOGGED, generator=generator).expand(-1, runs, -1) < 0.33
    level = torch.where(other[0], BETTER, USUAL)
    split = torch.where(other[1][..., None], torch.tensor([0.8, 0.1, 0.1]), torch.tensor([0.2, 0.4, 0.4]))
    reward = 10.0 * other[0] + 20.0 * other[1]
    nothing = torch.zeros_like(reward)
    mode = torch.full_like(level, BOTH)
    return Log(state, mode, level, split, reward, state, nothing, nothing, nothing, other[0])


def greedy(team: TeamLearner, log: Log) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Most frequent level, mean share of search, and most frequent mode over the log's states."""
    state = log.state * team.scale
    shares = team.budget.greedy(state).softmax(2)[..., 0].mean()
    return team.bidding.greedy(state).mode().values, shares, team.controller.greedy(state).mode().values


@pytest.mark.slow
def test_the_clone_does_what_is_usual_and_the_conservative_learner_what_pays() -> None:
    log, team = puzzle(2), TeamLearner(TEAM, [0, 1])
    clone(team, log, 300)
    level, share, mode = greedy(team, log)
    assert level.tolist() == [USUAL, USUAL] and mode.tolist() == [BOTH, BOTH]
    # Between the two splits' mean logits, weighted as they occur.
    expected = share_logits(log.allocation[0, :]).mean(0).softmax(0)[0]
    assert share.item() == pytest.approx(expected.item(), abs=0.05)
    value = team.controller.network.value(log.state * team.scale).mean(1)
    mean = (log.reward * team.config.reward_scale).mean(1)
    torch.testing.assert_close(value, mean, atol=0.1, rtol=0.0)
    improve(team, log, 400, Conservatism(penalty=0.02, temperature=0.5))
    level, improved, mode = greedy(team, log)
    assert level.tolist() == [BETTER, BETTER] and mode.tolist() == [BOTH, BOTH]
    assert improved > share + 0.15
    improve(team, log, 400, Conservatism(penalty=20.0, temperature=0.5))
    assert greedy(team, log)[0].tolist() == [USUAL, USUAL], "a large penalty keeps to the log"


def test_a_run_learns_the_same_alone() -> None:
    found = []
    for seeds in ([4, 5], [5]):
        log, team = record(make_market("channels"), seeds, 2), TeamLearner(TEAM, seeds)
        clone(team, log, 3)
        improve(team, log, 3)
        remember(team, log)
        market = make_market("channels")
        team.play_episode(market, 0, 2)
        team.learn(0, 2)
        found.append(team.networks())
    together, alone = found
    for agent, weights in alone.items():
        for name, value in weights.items():
            assert torch.equal(together[agent][name][1:], value), (agent, name)


def test_minibatches_do_not_depend_on_how_many_follow() -> None:
    log, team = puzzle(2), TeamLearner(TEAM, [0, 1])
    short, long = (list(batches(team, log, Phase.CLONING, count, 8, block=4)) for count in (3, 9))
    for one, other in zip(short, long, strict=False):
        assert torch.equal(one.state, other.state)
    other_phase = next(batches(team, log, Phase.CONSERVATIVE, 1, 8))
    assert not torch.equal(short[0].state, other_phase.state)


def test_the_memory_holds_what_was_bid() -> None:
    seeds = [0, 1]
    log, team = record(make_market("channels"), seeds, 3), TeamLearner(TEAM, seeds)
    remember(team, log)
    replay, asked = team.bidding.replay, log.mode != 1
    assert replay.size.tolist() == asked.sum(1).tolist()
    stored = int(replay.size[1])
    assert torch.equal(replay.data.action[1, :stored], log.level[1][asked[1]])
    torch.testing.assert_close(replay.data.reward[1, :stored], 0.1 * log.reward[1][asked[1]])
    ends = replay.data.continues[1, :stored] == 0.0
    assert ends.sum() == asked[1].reshape(3, STEPS)[:, -1].sum()


def test_the_tuned_team_has_no_horizon() -> None:
    """What cloning and the conservative learners take for granted."""
    assert all(TUNED[agent]["discount"] == 0.0 for agent in ("controller", "bidding", "budget"))


def test_the_planner_reads_the_log_as_its_own_experience() -> None:
    """Had the team itself played the logged steps, it would have remembered them so."""
    market, seeds = make_market("channels"), [0, 1]
    team = PlanningTeam(parse_variant("planner+planning.updates_per_episode=2"), seeds)
    own = PlanningTeam(team.config, seeds)
    episode = own.play_episode(market, 0, 1)
    sums = [
        torch.stack([getattr(s.auctions, name) for s in episode.steps], 1)
        for name in ("clicks", "conversions", "spend")
    ]
    solvent = torch.ones_like(sums[0], dtype=torch.bool)
    log = Log(
        episode.state,
        episode.mode,
        episode.level,
        episode.allocation,
        episode.reward,
        episode.state,
        *sums,
        solvent,
    )
    fit_planner(team, log, market)
    own.learn(0, 1)
    assert torch.equal(team.memory, own.memory) and team.stored == own.stored == STEPS
    for name, value in own.networks()["planner"].items():
        assert torch.equal(team.networks()["planner"][name], value), name


def test_held_out_plays_ask_whom_the_training_asks() -> None:
    """The Controller decides from the second half on, and what it would say before is of no account."""
    team, market = TeamLearner(TEAM, [0]), make_market("channels")
    with torch.no_grad():
        team.controller.network.actor[-1].bias[..., BIDDING_ONLY] += 100.0
    state = market.reset([3], [0])
    modes = []
    for number in (0, 4, 5, 10):
        policy = acting(team, number, 10)
        policy.reset(market)
        policy.act(state)
        modes.append(int(policy.mode[0]))  # type: ignore[attr-defined]
    assert modes == [BOTH, BOTH, BIDDING_ONLY, BIDDING_ONLY]
    assert team.config == TEAM
