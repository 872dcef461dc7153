"""Prioritised experience replay (Schaul et al. 2016) on a leading axis of runs, over a sum tree."""

from typing import NamedTuple

import torch
from torch import Tensor

from adrl_core.market.presets import STATE_SIZE


class Transitions(NamedTuple):
    """Steps (runs, n, ...): state, action, reward, the state after, and whether the episode went on."""

    state: Tensor
    action: Tensor
    reward: Tensor
    next_state: Tensor
    continues: Tensor


class PrioritisedReplay:
    """A ring of the latest transitions of each run, sampled in proportion to priority ** exponent.

    The sum tree stores powered priorities in its leaves and, in every other node, the sum of its two
    children; node 1 is the root and the children of node i are 2 i and 2 i + 1.
    """

    def __init__(self, runs: int, capacity: int, exponent: float, device: torch.device | str = "cpu") -> None:
        self.capacity, self.exponent = capacity, exponent
        self.depth = (capacity - 1).bit_length()
        self.leaves = 1 << self.depth
        self.tree = torch.zeros(runs, 2 * self.leaves, dtype=torch.float64, device=device)
        self.stored = torch.zeros(runs, dtype=torch.int64, device=device)
        self.largest = torch.ones(runs, dtype=torch.float64, device=device)
        self.data = Transitions(
            state=torch.zeros(runs, capacity, STATE_SIZE, device=device),
            action=torch.zeros(runs, capacity, dtype=torch.int64, device=device),
            reward=torch.zeros(runs, capacity, device=device),
            next_state=torch.zeros(runs, capacity, STATE_SIZE, device=device),
            continues=torch.zeros(runs, capacity, device=device),
        )

    @property
    def size(self) -> Tensor:
        """Transitions held, (runs,)."""
        return self.stored.clamp_max(self.capacity)

    def add(self, transitions: Transitions, asked: Tensor) -> None:
        """Store the steps (runs, n) where `asked` (runs, n) is true, at the largest priority seen so far."""
        run, step = asked.nonzero(as_tuple=True)
        slot = (self.stored[:, None] + asked.cumsum(1) - 1)[run, step] % self.capacity
        for kept, new in zip(self.data, transitions, strict=True):
            kept[run, slot] = new[run, step].to(kept.dtype)
        self.stored += asked.sum(1)
        self.tree[run, self.leaves + slot] = self.largest[run]
        self._update_sums(run, slot)

    def sample(self, uniforms: Tensor) -> tuple[Tensor, Tensor]:
        """Stratified draws: slots (runs, n) and their probabilities (runs, n), one a uniform (runs, n)."""
        n = uniforms.shape[1]
        total = self.tree[:, 1:2]
        strata = torch.arange(n, device=uniforms.device, dtype=torch.float64)
        mass = (strata + uniforms.double()) / n * total
        node = torch.ones_like(uniforms, dtype=torch.int64)
        for _ in range(self.depth):
            left = self.tree.gather(1, 2 * node)
            right = mass > left
            mass = torch.where(right, mass - left, mass)
            node = 2 * node + right
        # Rounding may carry a draw past the last filled leaf.
        slot = torch.minimum(node - self.leaves, (self.size - 1).clamp_min(0)[:, None])
        probability = self.tree.gather(1, self.leaves + slot) / total.clamp_min(1e-300)
        return slot, probability

    def take(self, slot: Tensor) -> Transitions:
        """The transitions in the given slots (runs, n)."""
        run = torch.arange(slot.shape[0], device=slot.device)[:, None]
        return Transitions(*(kept[run, slot] for kept in self.data))

    def reprioritise(self, slot: Tensor, error: Tensor) -> None:
        """Set the priorities of slots (runs, n) to |error| + 1e-6, powered by the exponent."""
        powered = (error.abs().double() + 1e-6) ** self.exponent
        self.largest = torch.maximum(self.largest, powered.amax(1))
        run = torch.arange(slot.shape[0], device=slot.device)[:, None].expand_as(slot)
        self.tree[run, self.leaves + slot] = powered
        self._update_sums(run, slot)

    def _update_sums(self, run: Tensor, slot: Tensor) -> None:
        node = (self.leaves + slot) // 2
        for _ in range(self.depth):
            self.tree[run, node] = self.tree[run, 2 * node] + self.tree[run, 2 * node + 1]
            node = node // 2

    def state_dict(self) -> dict[str, Tensor]:
        """The filled part of the memory."""
        filled = int(self.size.max())
        state = {name: getattr(self.data, name)[:, :filled].clone() for name in Transitions._fields}
        leaves = self.tree[:, self.leaves : self.leaves + filled].clone()
        return {**state, "leaves": leaves, "stored": self.stored, "largest": self.largest}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take up a saved memory; the sums are added up anew."""
        filled = state["leaves"].shape[1]
        for name in Transitions._fields:
            getattr(self.data, name)[:, :filled] = state[name]
        self.stored, self.largest = state["stored"].clone(), state["largest"].clone()
        self.tree[:, self.leaves : self.leaves + filled] = state["leaves"]
        level = self.leaves
        while level > 1:
            children = self.tree[:, level : 2 * level]
            level //= 2
            self.tree[:, level : 2 * level] = children[:, 0::2] + children[:, 1::2]


def importance_weights(probability: Tensor, size: Tensor, exponent: float) -> Tensor:
    """(1 / (N P))^exponent divided by the largest of each run's batch, (runs, n); 0 for an empty memory."""
    weight = (size[:, None].double() * probability).clamp_min(1e-300) ** -exponent
    weight = weight / weight.amax(1, keepdim=True)
    return torch.where(size[:, None] > 0, weight, 0.0)
