"""Sections 7 to 10: outlook, governance, footprint, limits."""

from adrl_core.evidence.arrivals import LEVEL
from adrl_core.evidence.claims import settings
from adrl_core.evidence.claims.rules import Absent, Derived, Exclusive, Rule, Setting, Tried
from adrl_core.evidence.published import printed
from adrl_core.governance.fairness import FOUR_FIFTHS
from adrl_core.market.presets import STEPS

CHECKS: dict[str, Rule] = {}

# 7 to 10. Outlook, governance, footprint, limits.
OUTLOOK = "an outlook: it would need {}"
ARRIVAL = "tried without meta-learning, and on new simulated markets, not real ones;"


CHECKS |= {
    "C214": Absent(OUTLOOK.format("a further level of control")),
    "C215": Tried(
        "generalists.all.markets",
        lambda markets: markets >= printed("C215").value,
        "simulated markets of one family, not types of campaign, that one team was trained on jointly",
        in_part=True,
    ),
    "C216": Tried(
        "generalists.arrival.episodes",
        lambda episodes: episodes < printed("C216").high,
        f"{ARRIVAL} to hold {LEVEL:.0%} of the specialist's reward, a team trained on others needs",
        in_part=True,
    ),
    "C217": Tried(
        "generalists.arrival.speedup",
        lambda factor: factor >= printed("C217").value,
        f"{ARRIVAL} episodes to hold {LEVEL:.0%} of the specialist's reward, of a team that starts from "
        "nothing over those of one that was trained on others",
        in_part=True,
    ),
    "C218": Absent(OUTLOOK.format("a learner that uses causal structure")),
    "C219": Tried(
        "governance.oversight.review.enforced",
        lambda share: share == 1,
        "policies past their review that were stopped",
    ),
    "C220": Setting(lambda _: settings.promised("violation", "penalty"), "outcomes that the reward reads:"),
    "C221": Setting(
        lambda _: settings.promised("lifetime", "safety", "engagement"), "outcomes that the reward reads:"
    ),
    "C222": Tried(
        "governance.privacy.accounting.whole_episode.1.basic",
        lambda epsilon: epsilon <= printed("C222").value + 1e-3,
        "what the noise on one episode adds up to, by OpenDP",
    ),
    "C223": Setting(lambda _: settings.personal_features(), "state features that name a person's attribute:"),
    "C224": Tried(
        "governance.oversight.channels.audit.coverage",
        lambda share: share == 1,
        "access to data is not logged; decisions on record",
        in_part=True,
    ),
    "C225": Tried(
        "governance.privacy.vault.succeeded",
        lambda attacks: attacks == 0,
        "weights can be encrypted, tables are not; of the attacks on encrypted weights succeeded",
        in_part=True,
    ),
    "C226": Tried(
        "governance.explanations.gap", lambda gap: gap < 1e-6, "Shapley values add up to the choice but for"
    ),
    "C227": Tried(
        "governance.guardrails.channels.enforced.reached",
        lambda actions: actions == 0,
        "forbidden actions that reached the market",
    ),
    "C228": Tried(
        "governance.fairness.measures",
        lambda measures: measures >= 2,
        "measures of parity with intervals, for every policy",
    ),
    "C229": Tried(
        "governance.fairness.tuned.exposure.ratio",
        lambda ratio: ratio >= FOUR_FIFTHS,
        "lowest over highest exposure of a group by the tuned team",
    ),
    "C230": Exclusive(
        ("C072",),
        lambda: printed("C230").value != printed("C072").value,
        "two lengths are given for one training",
    ),
    "C231": Derived(
        ("C231.table",),
        Setting(
            lambda _: int(printed("C230").value) * STEPS * len(settings.learners()),
            "each agent's network acts in each step, in that many episodes:",
        ),
        shown=("C231.comparison",),
    ),
    "C232": Tried(
        "governance.oversight.channels.latency.p99",
        lambda ms: ms < printed("C232").high,
        "a decision through the whole stack takes, on channels and in the slowest of a hundred cases",
    ),
    "C233": Tried(
        "governance.footprint.training.kwh",
        lambda kwh: printed("C233").admits(kwh, kwh),
        "a run's training took an estimated",
    ),
    "C234": Exclusive(
        ("C072", "C107"),
        lambda: printed("C072").value > printed("C107").high,
        "training went on to its full length after it had converged",
    ),
    "C235": Tried(
        "governance.oversight.channels.kill.decisions",
        lambda decisions: decisions == 1,
        "after the kill switch is thrown, the baseline acts at decision",
    ),
    "C236": Tried(
        "governance.oversight.channels.approval.refused",
        lambda share: share == 1,
        "starts without approval that were refused",
    ),
    "C237": Tried(
        "governance.integrity.rotation.integrity.any.caught",
        lambda share: share > 0.9,
        "deployments in which bid rotation was noticed",
    ),
    "C238": Setting(lambda _: settings.promised("feedback"), "outcomes that the reward reads:"),
    "C239": Setting(lambda _: settings.monitored(), "of these metrics, the monitor has"),
    "C240": Tried(
        "governance.oversight.channels.caught",
        lambda share: share > 0.9,
        "faulty deployments that were shut down",
    ),
    "C241": Exclusive(
        ("C143", "C243"),
        lambda: printed("C143").value < printed("C243").value,
        "the headline's training is shorter than what convergence is said to need",
    ),
    "C242": Exclusive(
        ("C072",),
        lambda: printed("C242").value != printed("C072").value,
        "two lengths are given for the training behind the results",
    ),
    "C244": Setting(lambda _: settings.live_markets(), "markets with live data:"),
    "C245": Setting(
        lambda _: settings.dynamics(), "prices met by a low and a high bid show a market that is"
    ),
    "C246": Setting(lambda _: len(settings.rewarded()), "outcomes that the printed reward weighs:"),
    "C247": Absent("needs people who allocate the same budgets"),
}
