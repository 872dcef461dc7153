"""What the tests of governance share: one thread, and policies that show what happens to them."""

import pytest
import torch

from adrl_core.agents.policy import Action


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """More threads sum in another order, and gain nothing on networks of this size."""
    torch.set_num_threads(1)


class Echo:
    """Bids by the time that remains and splits evenly; keeps the states it was shown."""

    name = "echo"

    def reset(self, market) -> None:
        self.seen = []

    def act(self, state) -> Action:
        self.seen.append(state)
        return Action(4.0 * state[:, 3].abs(), torch.full((len(state), 3), 1 / 3), torch.ones(len(state)))

    def observe(self, step) -> None:
        pass


@pytest.fixture
def echo() -> Echo:
    """A fresh policy of that kind."""
    return Echo()
