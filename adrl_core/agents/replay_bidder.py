"""The team's Bidding agent on single auctions.

A hundred times an episode it chooses a level, and until the next time its bid is a multiple of the paced
linear bid, the multiple that the level stands for. One of the multiples is 1, so that an agent which always
chose it would be the paced bidder that looks at click rates as seen (`bidders.Paced`). What is left to learn
is when to depart from the plan: where rivals are more or fewer than in training, and towards the end.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from adrl_core.agents.bidders import Floats, Integers, mean_seen, whole
from adrl_core.agents.pacing import pacing, rivals_law
from adrl_core.market.landscape import Landscape
from adrl_core.market.presets import BID_LEVELS, STATE_SIZE, STEPS
from adrl_core.market.replay import Campaign

CENTRE, STEP = 3, 0.12
MULTIPLES = np.exp(STEP * (np.arange(BID_LEVELS) - CENTRE))
"""What the paced bid is multiplied by at each level: a geometric grid."""
PRIOR_WINS = 5.0
"""Impressions, won as expected, that count beside those of the episode where wins are judged."""

States = NDArray[np.float32]
Choice = Callable[[States], Integers]
"""Levels (rows,) for states (rows, STATE_SIZE)."""


class ReplayBidder:
    """Plays the levels that `choose` picks; with `agents.ddqn`, the levels of highest value.

    Args:
        landscape: training log.
        choose: picks a level for each state.
    """

    name = "agent"

    def __init__(self, landscape: Landscape, choose: Choice) -> None:
        self.landscape, self.choose = landscape, choose
        self.pacing, law = pacing(landscape), rivals_law(landscape, np.ones(1))
        self.win, self.spend = law.win[0], law.spend[0]

    def reset(self, campaign: Campaign) -> None:
        """Start the episodes with nothing seen."""
        self.campaign = campaign
        self.block = -(-campaign.auctions // STEPS)
        self.seen, self.wins, self.expected_wins, self.paid, self.expected_paid, self.levels = np.zeros(
            (6, len(campaign.budget))
        )
        self.recent = self.totals()

    def bid(self, auction: int, ctr: Floats, money: Integers) -> Integers:
        """The multiple of the paced bid."""
        if auction % self.block == 0:
            self.decide(auction, money)
        bids = np.minimum(whole(ctr * self.scale, self.landscape.cap), money)
        self.seen += ctr
        self.expected_wins += self.win[bids]
        self.expected_paid += self.spend[bids]
        return bids

    def observe(self, won: NDArray[np.bool_], paid: Integers) -> None:
        """Count what was won and paid."""
        self.wins += won
        self.paid += paid

    def decide(self, auction: int, money: Integers) -> None:
        """Choose levels and keep to them until the next decision."""
        self.level = self.choose(self.state(auction, money))
        self.levels += self.level * self.block / self.campaign.auctions
        self.recent = self.totals()
        self.paced = self.paced_scale(auction, money)
        self.scale = MULTIPLES[self.level] * self.paced

    def paced_scale(self, auction: int, money: Integers) -> Floats:
        """What the paced bidder multiplies a click rate by."""
        base = self.pacing.base(money / (self.campaign.auctions - auction))
        return base / mean_seen(self.seen, auction, self.landscape.mean_ctr)

    def totals(self) -> Floats:
        """Wins, expected wins and money paid so far, (3, rows)."""
        return np.stack((self.wins, self.expected_wins, self.paid))

    def state(self, auction: int, money: Integers) -> States:
        """Ten features of order one, (rows, STATE_SIZE).

        Share of money left; share of auctions left; log of their ratio; log of wins, and of money paid, over
        what the training log led to expect of the same bids; log of the mean click rate seen over that in
        training; log of the base of the paced bid over the mean price; log of the wins expected so far, which
        tells how much the comparisons are worth; and, since the last decision, wins an auction beyond those
        expected, and money paid over the even rate.
        """
        budget, mean_price = self.campaign.budget, self.landscape.mean_price
        left = (self.campaign.auctions - auction) / self.campaign.auctions
        share = money / np.maximum(budget, 1)
        won, expected, paid = (self.totals() - self.recent) / self.block
        state = np.empty((len(money), STATE_SIZE), np.float32)
        state[:, 0] = share
        state[:, 1] = left
        state[:, 2] = np.log(np.clip(share / left, 0.1, 10.0))
        state[:, 3] = 3.0 * np.log((self.wins + PRIOR_WINS) / (self.expected_wins + PRIOR_WINS))
        prior = PRIOR_WINS * mean_price / 3.0
        state[:, 4] = 3.0 * np.log((self.paid + prior) / (self.expected_paid + prior))
        mean = mean_seen(self.seen, auction, self.landscape.mean_ctr)
        state[:, 5] = 2.0 * np.log(mean / self.landscape.mean_ctr)
        state[:, 6] = np.log(self.pacing.base(money / (self.campaign.auctions - auction)) / mean_price)
        state[:, 7] = np.log1p(self.expected_wins) / 3.0
        state[:, 8] = won - expected
        even = np.maximum(budget, 1) / self.campaign.auctions
        state[:, 9] = paid / even - 1.0
        return state
