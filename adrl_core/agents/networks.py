"""The networks as the published report draws them (section 3.2), one a run on the leading axis."""

from torch import Tensor, nn
from torch.nn import functional as F

from adrl_core.agents.population import LayerNorm, Linear, Vector


class ActorCritic(nn.Module):
    """Shared trunk Linear-ReLU-LayerNorm-Dropout with an actor and a critic head.

    A Gaussian policy has, besides, a free log standard deviation for each output.

    Dropout takes its mask as an argument: while learning, a step is scored under the same mask with which
    its action was chosen (consistent dropout, Hausknecht & Wagener 2022); without a mask it is off.
    """

    def __init__(
        self, runs: int, inputs: int, outputs: int, hidden: int, log_sd: float | None = None
    ) -> None:
        super().__init__()
        self.trunk = nn.Sequential(Linear(runs, inputs, hidden), nn.ReLU(), LayerNorm(runs, hidden))
        self.actor = nn.Sequential(Linear(runs, hidden, hidden), nn.ReLU(), Linear(runs, hidden, outputs))
        self.critic = nn.Sequential(Linear(runs, hidden, hidden), nn.ReLU(), Linear(runs, hidden, 1))
        self.log_sd = None if log_sd is None else Vector(runs, outputs, log_sd)

    def features(self, state: Tensor, mask: Tensor | None = None) -> Tensor:
        """Trunk features (runs, batch, hidden) of states (runs, batch, inputs)."""
        features: Tensor = self.trunk(state)
        return features if mask is None else features * mask

    def policy(self, state: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (runs, batch, outputs)."""
        logits: Tensor = self.actor(self.features(state, mask))
        return logits

    def value(self, state: Tensor) -> Tensor:
        """State values (runs, batch), with dropout off."""
        value: Tensor = self.critic(self.features(state))
        return value.squeeze(2)

    def forward(self, state: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits (runs, batch, outputs) and values (runs, batch)."""
        features = self.features(state, mask)
        return self.actor(features), self.critic(features).squeeze(2)


class QNetwork(nn.Module):
    """Action values through a shared trunk; with dueling streams (Wang et al. 2016) or a single one."""

    def __init__(self, runs: int, inputs: int, actions: int, hidden: int, dueling: bool = True) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            Linear(runs, inputs, hidden),
            nn.ReLU(),
            LayerNorm(runs, hidden),
            Linear(runs, hidden, hidden),
            nn.ReLU(),
        )
        self.value = self._stream(runs, hidden, 1) if dueling else None
        self.advantage = self._stream(runs, hidden, actions)

    @staticmethod
    def _stream(runs: int, hidden: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(Linear(runs, hidden, hidden // 2), nn.ReLU(), Linear(runs, hidden // 2, outputs))

    def forward(self, state: Tensor) -> Tensor:
        """Action values (runs, batch, actions): V + A - mean(A), or the single stream alone."""
        features = self.trunk(state)
        advantage: Tensor = self.advantage(features)
        if self.value is None:
            return advantage
        value: Tensor = self.value(features)
        return value + advantage - advantage.mean(2, keepdim=True)


def dropout_mask(uniform: Tensor, probability: float) -> Tensor:
    """Inverted-dropout mask: 0 with the given probability, else 1 / (1 - probability)."""
    return F.threshold(uniform, probability, 0.0).sign() / (1.0 - probability)
