"""What an episode so far tells about its market, for a planning team that does not know which one it plays.

The visible state tells prices and time. How likely a click is, and how likely it buys, an agent must see for
itself: by rates that are drawn to a typical one as long as little has been seen.
"""

import torch
from torch import Tensor

from adrl_core.market import Auctions
from adrl_core.market.presets import STEPS

RECALLED = (
    "clicks an impression",
    "conversions a click",
    "price of a click over the cost per click",
)
"""What is recalled, each as a logarithm of a rate over the typical one; 0 where nothing has been seen."""
CLICK_RATE, CONVERSION_RATE = 0.06, 0.12
"""Typical rates, a click an impression and a conversion a click; rates are drawn to them."""
IMPRESSIONS, CLICKS = 50.0, 10.0
"""Evidence that a typical rate is worth."""
PRICE_SCALE = 2.0
"""Brings the log price, which varies least, to the order of one."""


def shrunk_log_rate(events: Tensor, trials: Tensor, typical: float, worth: float) -> Tensor:
    """log((events + worth typical) / (trials + worth) / typical), of any shape.

    For Poisson events at an unknown rate with a Gamma prior, of mean `typical` and so sure as `worth` trials
    would make it, the fraction is the rate's posterior mean.
    """
    return ((events + worth * typical) / (trials + worth) / typical).log()


class Recall:
    """Sums over the steps that each row has played, earlier ones counting less and less.

    Args:
        kept: share of a sum that is kept from one step to the next; 0 recalls nothing.
        rows: episodes side by side.
        device: where the sums live.
    """

    def __init__(self, kept: float, rows: int, device: torch.device | str = "cpu") -> None:
        self.kept = kept
        self.sums = torch.zeros(4, rows, device=device)
        """Impressions, clicks, conversions, and spend over the cost per click."""

    def extend(self, state: Tensor) -> Tensor:
        """States (rows, STATE_SIZE) with what is recalled behind, (rows, STATE_SIZE + len(RECALLED))."""
        if not self.kept:
            return state
        impressions, clicks, conversions, price = self.sums
        recalled = (
            shrunk_log_rate(clicks, impressions, CLICK_RATE, IMPRESSIONS),
            shrunk_log_rate(conversions, clicks, CONVERSION_RATE, CLICKS),
            PRICE_SCALE * shrunk_log_rate(price, clicks, 1.0, CLICKS),
        )
        return torch.cat((state, torch.stack(recalled, 1)), 1)

    def observe(self, state: Tensor, brought: Auctions) -> None:
        """Take in what a step has brought.

        Args:
            state: the states (rows, STATE_SIZE or more) that it was played in.
            brought: its sums, each (rows,).
        """
        if not self.kept:
            return
        price = brought.spend / (5.0 * state[:, 1])
        counts = (brought.impressions, brought.clicks, brought.conversions, price)
        self.sums = self.kept * self.sums + torch.stack(counts)


class LikePlans:
    """Spending that latest episodes had still to come as planned, and what they recalled at the time.

    Where markets differ, what is still to come is that of the episodes that looked alike so far.
    """

    PLANS = 100
    """Episodes that are kept."""
    WIDTH = 0.3
    """Distance at which an episode counts e^-1/2 times as much as one that looks the same."""

    def __init__(self, runs: int, prices: int, recalled: int, device: torch.device | str = "cpu") -> None:
        self.spend = torch.zeros(runs, STEPS, self.PLANS, prices, device=device)
        self.recalled = torch.zeros(runs, STEPS, self.PLANS, recalled, device=device)
        self.taken = 0
        """Plans taken in so far, also those that newer ones have replaced since."""

    def add(self, spend_to_go: Tensor, recalled: Tensor) -> None:
        """Take in an episode's plan: (runs, STEPS, prices) and what it recalled (runs, STEPS, recalled)."""
        place = self.taken % self.PLANS
        self.spend[:, :, place], self.recalled[:, :, place] = spend_to_go, recalled
        self.taken += 1

    def spend_to_go(self, step: int, recalled: Tensor) -> Tensor:
        """Money still to come at each price, (runs, n, prices), given what is recalled (runs, n, recalled).

        The mean over the plans kept, weighted by a Gaussian kernel of the distance (Nadaraya-Watson); zero if
        there is none yet.
        """
        filled = min(self.taken, self.PLANS)
        spend = self.spend[:, step, :filled]
        if not filled:
            return spend.new_zeros(*recalled.shape[:2], spend.shape[-1])
        distance = recalled[:, :, None] - self.recalled[:, step, None, :filled]
        weights = torch.softmax(-0.5 * (distance / self.WIDTH).square().sum(-1), -1)
        return torch.bmm(weights, spend)

    def state_dict(self) -> dict[str, Tensor]:
        """What is kept, on the CPU."""
        filled = min(self.taken, self.PLANS)
        kept = self.spend[:, :, :filled], self.recalled[:, :, :filled], torch.tensor(self.taken)
        return dict(zip(("spend", "recalled", "taken"), (part.clone().cpu() for part in kept), strict=True))

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take up what was kept."""
        filled = state["spend"].shape[2]
        self.spend[:, :, :filled], self.recalled[:, :, :filled] = state["spend"], state["recalled"]
        self.taken = int(state["taken"])
