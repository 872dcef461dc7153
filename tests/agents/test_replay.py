"""Prioritised replay against brute force and the formulae of Schaul et al. (2016)."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from adrl_core.agents.replay import PrioritisedReplay, Transitions, importance_weights
from adrl_core.market.presets import STATE_SIZE


def numbered(runs: int, first: int, n: int) -> Transitions:
    """Transitions whose every field tells their number, and the run in the second digit group."""
    number = torch.arange(first, first + n).expand(runs, n) + 1000 * torch.arange(runs)[:, None]
    state = number[..., None].expand(runs, n, STATE_SIZE).float()
    return Transitions(state, number % 10, number.float(), state + 0.5, (number % 2).float())


def filled(runs: int, capacity: int, exponent: float = 0.6, seed: int = 0) -> PrioritisedReplay:
    """A memory that has gone round its ring, with every priority set."""
    generator = torch.Generator().manual_seed(seed)
    replay = PrioritisedReplay(runs, capacity, exponent)
    for first in range(0, 3 * capacity, 5):
        asked = torch.rand(1, 5, generator=generator).expand(runs, 5) < 0.7
        replay.add(numbered(runs, first, 5), asked)
    error = torch.randn(1, capacity, generator=generator) * 3.0
    replay.reprioritise(torch.arange(capacity).expand(runs, capacity), error.expand(runs, capacity))
    return replay


def leaves(replay: PrioritisedReplay) -> Tensor:
    """Powered priorities (runs, capacity)."""
    return replay.tree[:, replay.leaves : replay.leaves + replay.capacity]


def test_the_ring_keeps_the_latest_of_what_was_asked() -> None:
    """Against a plain list, with runs that store different steps."""
    runs, capacity = 3, 13
    replay = PrioritisedReplay(runs, capacity, 0.6)
    kept: list[list[int]] = [[] for _ in range(runs)]
    generator = torch.Generator().manual_seed(0)
    for first in range(0, 60, 6):
        asked = torch.rand(runs, 6, generator=generator) < torch.tensor([[0.9], [0.3], [0.0]])
        batch = numbered(runs, first, 6)
        replay.add(batch, asked)
        for run in range(runs):
            kept[run] += batch.reward[run][asked[run]].long().tolist()
    assert replay.stored.tolist() == [len(k) for k in kept]
    assert replay.size.tolist() == [min(len(k), capacity) for k in kept] and min(len(k) for k in kept) == 0
    assert max(len(k) for k in kept) > 2 * capacity
    for run in range(runs):
        size = int(replay.size[run])
        for slot in range(size):
            newest = max(i for i in range(len(kept[run])) if i % capacity == slot)
            one = Transitions(*(field[run, slot] for field in replay.data))
            number = kept[run][newest]
            assert int(one.reward) == number and int(one.action) == number % 10
            assert one.continues == number % 2 and (one.state == number).all()
            assert (one.next_state == number + 0.5).all()


@pytest.mark.parametrize("capacity", [1, 8, 13])
def test_every_node_holds_the_sum_below_it(capacity: int) -> None:
    replay = filled(2, capacity)
    for _ in range(20):
        slot = torch.randint(capacity, (2, 4))
        slot[:, 1] = slot[:, 0]
        error = torch.randn(2, 4)
        error[:, 1] = error[:, 0]
        replay.reprioritise(slot, error)
    for node in range(1, replay.leaves):
        below = [node]
        while below[0] < replay.leaves:
            below = [child for n in below for child in (2 * n, 2 * n + 1)]
        torch.testing.assert_close(replay.tree[:, node], replay.tree[:, below].sum(1))


def test_priorities_follow_the_formula() -> None:
    replay = PrioritisedReplay(1, 8, 0.6)
    asked = torch.ones(1, 4, dtype=torch.bool)
    replay.add(numbered(1, 0, 4), asked)
    assert leaves(replay)[0, :4].tolist() == [1.0] * 4
    replay.reprioritise(torch.tensor([[0, 2]]), torch.tensor([[-4.0, 0.5]]))
    expected = [(4.0 + 1e-6) ** 0.6, 1.0, (0.5 + 1e-6) ** 0.6, 1.0]
    assert leaves(replay)[0, :4].tolist() == pytest.approx(expected)
    # Newcomers get the largest priority ever seen, also after it has gone.
    replay.reprioritise(torch.tensor([[0]]), torch.tensor([[0.1]]))
    replay.add(numbered(1, 4, 1), asked[:, :1])
    assert float(leaves(replay)[0, 4]) == pytest.approx(expected[0])


def test_descent_equals_a_search_in_the_cumulative_sum() -> None:
    replay = filled(3, 13)
    n = 500
    uniforms = torch.rand(3, n, generator=torch.Generator().manual_seed(0))
    slot, probability = replay.sample(uniforms)
    for run in range(3):
        weights = leaves(replay)[run].numpy()
        mass = (np.arange(n) + uniforms[run].double().numpy()) / n * weights.sum()
        expected = np.searchsorted(np.cumsum(weights), mass, side="left")
        np.testing.assert_array_equal(slot[run], expected)
        np.testing.assert_allclose(probability[run], (weights / weights.sum())[expected])


def test_stratified_counts_are_proportional_to_priority() -> None:
    """One draw a stratum: the count of a slot is n P within 2."""
    replay, n = filled(1, 13), 10_000
    slot, _ = replay.sample(torch.rand(1, n, generator=torch.Generator().manual_seed(0)))
    expected = n * leaves(replay)[0] / leaves(replay)[0].sum()
    assert (torch.bincount(slot[0], minlength=13) - expected).abs().max() <= 2.0


@pytest.mark.parametrize("exponent", [0.0, 0.6, 1.0])
def test_single_draws_have_the_frequencies_of_the_formula(exponent: float) -> None:
    """Chi-square of independent draws, one in each of many runs with the same memory, after wrap-around."""
    runs, capacity = 4000, 13
    replay = filled(runs, capacity, exponent)
    error = filled(1, capacity, 1.0).tree[0, 16 : 16 + capacity].numpy()  # |error| + 1e-6
    slot, _ = replay.sample(torch.rand(runs, 1, generator=torch.Generator().manual_seed(1)))
    expected = error**exponent / (error**exponent).sum()
    assert stats.chisquare(np.bincount(slot[:, 0], minlength=capacity), runs * expected).pvalue > 1e-3


def test_extreme_uniforms_stay_among_the_stored() -> None:
    replay = PrioritisedReplay(2, 13, 0.6)
    replay.add(numbered(2, 0, 3), torch.ones(2, 3, dtype=torch.bool))
    slot, probability = replay.sample(torch.tensor([[0.0, 1.0 - 2.0**-24], [1.0, 1.0]]))
    assert slot.tolist() == [[0, 2], [1, 2]]
    torch.testing.assert_close(probability, torch.full((2, 2), 1 / 3, dtype=torch.float64))


def test_importance_weights_equal_the_formula() -> None:
    replay = filled(1, 13)
    slot, probability = replay.sample(torch.rand(1, 64, generator=torch.Generator().manual_seed(0)))
    priorities = leaves(replay)[0].numpy()
    expected = (13 * priorities[slot[0].numpy()] / priorities.sum()) ** -0.4
    np.testing.assert_allclose(
        importance_weights(probability, replay.size, 0.4)[0], expected / expected.max()
    )
    assert torch.equal(importance_weights(probability, replay.size, 0.0), torch.ones(1, 64).double())


def test_an_empty_memory_gives_no_weight() -> None:
    replay = PrioritisedReplay(1, 8, 0.6)
    slot, probability = replay.sample(torch.rand(1, 5))
    assert slot.tolist() == [[0] * 5]
    assert not importance_weights(probability, replay.size, 0.4).any()


@pytest.mark.parametrize("added", [6, 40])
def test_a_saved_memory_goes_on_the_same(added: int) -> None:
    replay = PrioritisedReplay(2, 13, 0.6)
    replay.add(numbered(2, 0, added), torch.arange(added).expand(2, -1) >= added - 13)
    replay.reprioritise(torch.tensor([[0, 3]] * 2), torch.tensor([[2.0, 0.1]] * 2))
    copy = PrioritisedReplay(2, 13, 0.6)
    copy.load_state_dict(replay.state_dict())
    assert torch.equal(copy.tree, replay.tree) and torch.equal(copy.stored, replay.stored)
    for memory in (replay, copy):
        memory.add(numbered(2, 100, 5), torch.ones(2, 5, dtype=torch.bool))
    uniforms = torch.rand(2, 32)
    slots, copied = replay.sample(uniforms)[0], copy.sample(uniforms)[0]
    assert torch.equal(slots, copied)
    assert all(torch.equal(a, b) for a, b in zip(replay.take(slots), copy.take(slots), strict=True))
