"""Sections 7 to 10: outlook, governance, footprint, limits."""

from adrl_core.evidence.claims import settings
from adrl_core.evidence.claims.rules import Absent, Derived, Exclusive, Provided, Rule, Setting
from adrl_core.evidence.published import printed
from adrl_core.market.presets import STEPS

CHECKS: dict[str, Rule] = {}

# 7 to 10. Outlook, governance, footprint, limits.
OUTLOOK = "an outlook: it would need {}"


GOVERNANCE = "adrl_core.governance"
CHECKS |= {
    "C214": Absent(OUTLOOK.format("a further level of control")),
    "C215": Absent(OUTLOOK.format("markets for each type of campaign")),
    "C216": Absent(OUTLOOK.format("meta-learning and real campaigns")),
    "C217": Absent(OUTLOOK.format("meta-learning and real campaigns")),
    "C218": Absent(OUTLOOK.format("a learner that uses causal structure")),
    "C219": Provided(f"{GOVERNANCE}.oversight", exercised=True),
    "C220": Setting(lambda _: settings.promised("violation", "penalty"), "outcomes that the reward reads:"),
    "C221": Setting(
        lambda _: settings.promised("lifetime", "safety", "engagement"), "outcomes that the reward reads:"
    ),
    "C222": Provided(f"{GOVERNANCE}.privacy", exercised=True),
    "C223": Setting(lambda _: settings.personal_features(), "state features that name a person's attribute:"),
    "C224": Provided(f"{GOVERNANCE}.audit", exercised=True),
    "C225": Provided(f"{GOVERNANCE}.encryption", exercised=True),
    "C226": Provided(f"{GOVERNANCE}.explain", exercised=True),
    "C227": Provided(f"{GOVERNANCE}.guardrails", exercised=True),
    "C228": Provided(f"{GOVERNANCE}.fairness", exercised=True),
    "C229": Provided(f"{GOVERNANCE}.fairness", exercised=True),
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
    "C232": Absent("a timing, which the package's benchmarks take; results do not depend on the machine"),
    "C233": Absent("energy is not metered here"),
    "C234": Exclusive(
        ("C072", "C107"),
        lambda: printed("C072").value > printed("C107").high,
        "training went on to its full length after it had converged",
    ),
    "C235": Provided(f"{GOVERNANCE}.oversight", exercised=True),
    "C236": Provided(f"{GOVERNANCE}.oversight", exercised=True),
    "C237": Provided(f"{GOVERNANCE}.guardrails", exercised=True),
    "C238": Setting(lambda _: settings.promised("feedback"), "outcomes that the reward reads:"),
    "C239": Provided(f"{GOVERNANCE}.monitoring", exercised=True),
    "C240": Provided(f"{GOVERNANCE}.oversight", exercised=True),
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
