"""Sections 1 to 3: architecture, mathematics, design."""

from collections.abc import Callable

from adrl_core.agents.team import MODES
from adrl_core.commentary.names import Role
from adrl_core.evidence.claims import settings
from adrl_core.evidence.claims.checks.common import BASELINES, REFERENCES, TRAIN
from adrl_core.evidence.claims.consistency import objective_has_a_direction, signs
from adrl_core.evidence.claims.evidence import Evidence, Rows
from adrl_core.evidence.claims.rules import Derived, Exclusive, Logged, Provided, Rule, Setting, Size
from adrl_core.market import reward
from adrl_core.market.presets import CHANNELS, PUBLISHED_BIDS, STEPS

CHECKS: dict[str, Rule] = {}


# 1 to 3. Architecture, mathematics, design.
def _state_feature(column: str, scale: float = 1.0) -> Callable[[Evidence], Rows]:
    return lambda evidence: evidence.decisions[column].to_numpy(float) * scale


def _shares(evidence: Evidence) -> Rows:
    names = [name for name in evidence.decisions.columns if name.startswith("allocation_")]
    return evidence.decisions[names].to_numpy(float).sum(1)


CHECKS |= {
    "C001": Provided("adrl_core.commentary"),
    "C002": Setting(lambda _: len(settings.learners()), "learning agents of a team:"),
    "C003": Setting(lambda _: len(Role), "roles of the commenting crew:"),
    "C004": Setting(lambda _: settings.observed_size(), "features of the state that a market returns:"),
    "C005": Setting(lambda _: MODES, "modes of the Controller:"),
    "C006": Setting(lambda _: len(PUBLISHED_BIDS), "bid levels of published:"),
    "C007": Setting(lambda _: PUBLISHED_BIDS[0], "lowest bid of published:"),
    "C008": Setting(lambda _: PUBLISHED_BIDS[-1], "highest bid of published:"),
    "C009": Setting(lambda _: CHANNELS, "channels of an allocation:"),
    "C010": Logged(_shares, "the sum of the logged channel shares"),
    "C011": Provided("adrl_core.commentary"),
    "C012": Logged(_state_feature("remaining_budget", 10_000.0), "the logged budget"),
    "C013": Logged(_state_feature("cost_per_click", 5.0), "the logged cost per click"),
    "C014": Logged(_state_feature("competition"), "the logged competition"),
    "C015": Logged(_state_feature("time_remaining"), "the logged time left"),
    "C016": Logged(_state_feature("conversions", 100.0), "logged conversions"),
    "C017": Logged(_state_feature("clicks", 1000.0), "logged clicks"),
    "C018": Logged(_state_feature("impressions", 10_000.0), "logged impressions"),
    "C019": Logged(_state_feature("volatility"), "the logged volatility"),
    "C020": Logged(_state_feature("ROI_mean"), "the logged mean ROI"),
    "C021": Logged(_state_feature("ROI_sd"), "the logged SD of ROI"),
    "C022": Setting(lambda _: settings.divisor(0), "raw budget over scaled:"),
    "C023": Setting(lambda _: settings.divisor(1), "raw cost per click over scaled:"),
    "C024": Setting(lambda _: settings.divisor(4), "raw conversions over scaled:"),
    "C025": Setting(lambda _: settings.divisor(5), "raw clicks over scaled:"),
    "C026": Setting(lambda _: settings.divisor(6), "raw impressions over scaled:"),
    "C027": Setting(lambda _: PUBLISHED_BIDS, "bid levels with which published yields the printed table:"),
    "C028": Setting(lambda _: settings.team().controller.clip, "clip of both PPO agents:"),
    "C029": Logged(
        lambda evidence: 100.0 * evidence.update("ratio_error", "controller"),
        "the largest change of the Controller's probability ratios, averaged over minibatches (percent)",
        f"{TRAIN}/updates.parquet",
    ),
    "C030": Setting(lambda _: settings.team().controller.value_weight, "weight of the value loss:"),
    "C031": Setting(lambda _: settings.team().controller.entropy_weight, "weight of the entropy:"),
    "C032": Exclusive(
        ("C031",),
        lambda: not objective_has_a_direction(*signs("C032")),
        "neither maximising nor minimising the printed objective raises the surrogate, lowers the value loss "
        "and raises the entropy, which is its stated purpose",
    ),
    "C033": Setting(lambda _: settings.team().controller.discount, "discount:"),
    "C034": Setting(lambda _: settings.team().controller.gae_lambda, "trace parameter:"),
    "C035": Setting(lambda evidence: int(evidence.decisions["step"].max()) + 1, "steps of a logged episode:"),
    "C037": Setting(lambda _: settings.team().bidding.priority_exponent, "priority exponent:"),
    "C038": Setting(lambda _: settings.team().bidding.importance_start, "importance exponent at the start:"),
    "C039": Setting(lambda _: settings.team().bidding.importance_end, "importance exponent at the end:"),
    "C043": Setting(lambda _: settings.shaped(0.0, 0.0, settings.LARGE), "reward of a ruinous step:"),
    "C044": Setting(lambda _: settings.shaped(settings.LARGE, 1.0, 0.0), "reward of a splendid step:"),
    "C045": Setting(lambda _: settings.reward_terms(), "weighted terms of the reward:"),
    "C046": Setting(lambda _: reward.PROFIT_DIVISOR, "divisor of the profit:"),
    "C047": Setting(lambda _: reward.EFFICIENCY_WEIGHT, "weight of conversions per click:"),
    "C048": Setting(lambda _: reward.CONVERSION_WEIGHT, "weight of a conversion:"),
    "C049": Setting(lambda _: reward.CLICK_WEIGHT, "weight of a click:"),
    "C050": Setting(lambda _: reward.COST_WEIGHT, "weight of the cost:"),
    "C056": Setting(lambda _: settings.reward_terms() + 1, "terms of the reward, and its clip:"),
    "C057": Setting(lambda _: settings.hidden_width(), "width of both trunks:"),
    "C058": Setting(lambda _: settings.team().controller.dropout, "dropout of the shared trunk:"),
    "C059": Setting(lambda _: settings.head_shape(), "both heads:"),
    "C060": Setting(lambda _: settings.stream_shape(settings.q_network().value), "value stream:"),
    "C061": Setting(lambda _: settings.stream_shape(settings.q_network().advantage), "advantage stream:"),
    "C063": Setting(lambda _: settings.team().bidding.learning_rate, "learning rate:"),
    "C064": Setting(lambda _: settings.team().bidding.batch_size, "minibatch:"),
    "C065": Setting(lambda _: settings.team().bidding.replay_capacity, "replay capacity:"),
    "C066": Derived(
        ("C066.capacity",),
        Setting(lambda _: settings.team().bidding.replay_capacity / STEPS, "capacity over steps:"),
    ),
    "C067": Setting(lambda _: settings.team().bidding.target_period, "steps between two copies:"),
    "C068": Setting(lambda _: settings.epsilon(0), "exploration rate of the first episode:"),
    "C069": Setting(lambda _: settings.team().bidding.epsilon_decay, "decay:"),
    "C070": Setting(lambda _: settings.team().bidding.epsilon_end, "floor:"),
    "C071": Derived(
        ("C071.floor",),
        Setting(
            lambda _: 100.0 * (1.0 - settings.team().bidding.epsilon_end), "greedy choices at the floor:"
        ),
    ),
    "C072": Size(lambda evidence: evidence.log("reward").shape[1]),
    "C073": Setting(
        lambda evidence: len(
            set(BASELINES) & set(evidence.table(f"{REFERENCES}/evaluation.parquet")["policy"])
        ),
        "published baselines that were played here:",
    ),
}
