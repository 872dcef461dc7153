"""How a finding can be put into words: for each kind, a pattern whose every text says the same."""

from collections.abc import Callable, Mapping, Sequence

from adrl_core.commentary import governed_phrasing, patterns
from adrl_core.commentary.finding import Finding, Relation
from adrl_core.commentary.names import RULES, name

_AHEAD = "(beats|outperforms|is ahead of)"
_BEHIND = "(falls short of|trails|stays behind)"
_INFORMED = ("oracle", "oracle_threshold", "lookahead")
"""The policies that know the market's equations."""
_CHANCE = "(may be chance|chance could explain)"


def pattern(finding: Finding) -> str:
    """All ways to say it, as a pattern; the first is the plainest."""
    return f"{finding.lead}({'|'.join(_options(finding))})."


def free_pattern(finding: Finding) -> str:
    """The ways that a model may choose from: all but the plainest, where there are others."""
    options = _options(finding)
    return f"{finding.lead}({'|'.join(options[1:] or options)})."


def _options(finding: Finding) -> list[str]:
    options = _OPTIONS[finding.topic](finding)
    return options[finding.repeats % 2 :: 2] or options


def template(finding: Finding) -> str:
    """The plain sentence that needs no model."""
    return sentence(patterns.first(patterns.parse(pattern(finding))))


def sentence(text: str) -> str:
    """A text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def _names(finding: Finding) -> tuple[str, str]:
    """How subject and object are called; an object may be missing."""
    things = (finding.subject, finding.object)
    subject, other = (name(thing, thing in finding.known) if thing else "" for thing in things)
    return subject, other


_OPPOSITE = {frozenset(pair) for pair in (("above", "below"), ("helps", "harms"), ("earlier", "later"))}


def linked(findings: Sequence[Finding]) -> list[Finding]:
    """The findings of one paragraph, each with the words that may tie it to the one before."""
    found: list[Finding] = []
    known: list[str] = []
    for finding in findings:
        lead, repeats = "", 0
        if found and found[-1].topic == finding.topic:
            repeats = found[-1].repeats + 1
        if not found or found[-1].market != finding.market:
            lead = f"on {name(finding.market)}, " if finding.market else ""
        elif found[-1].topic == finding.topic and found[-1].object == finding.object:
            pair = frozenset((found[-1].relation.value, finding.relation.value))
            alike = len(pair) == 1 and repeats == 1
            lead = "(likewise, |again, |)" if alike else "(by contrast, |)" if pair in _OPPOSITE else ""
        found.append(finding.model_copy(update={"lead": lead, "repeats": repeats, "known": tuple(known)}))
        known += [thing for thing in (finding.subject, finding.object) if thing and thing not in known]
    return found


def _comparison(finding: Finding) -> list[str]:
    (s, o), m = _names(finding), finding.measure
    if not any(number.slot == "subject" for number in finding.numbers):
        return _share_of(finding)
    match finding.relation:
        case Relation.ABOVE:
            return [
                f"{s} earns [subject] {m} an episode, more than {o} with [object]",
                f"{s} {_AHEAD} {o}, with [subject] {m} an episode against [object]",
                f"with [subject] {m} an episode, {s} {_AHEAD} {o}, which earns [object]",
                f"{s} earns [subject] {m} an episode where {o} earns [object]",
                f"{s} does better than {o}, with [subject] {m} an episode against [object]",
                f"{o} earns [object] {m} an episode, and {s} earns more, [subject]",
            ]
        case Relation.BELOW:
            return _short_of(finding)
        case _:
            return [
                f"the runs cannot tell {s} from {o}, with [subject] {m} an episode against [object]",
                f"{s} earns [subject] {m} an episode and {o} [object], which {_CHANCE}",
                f"whether {s} with [subject] {m} an episode or {o} with [object] is better, the runs "
                "(do not decide|leave open)",
                f"between {s} with [subject] {m} an episode and {o} with [object], the runs do not decide",
                f"{s} and {o} cannot be told apart, with [subject] and [object] {m} an episode",
            ]


def _share_of(finding: Finding) -> list[str]:
    """A comparison that is known by its share alone."""
    s, o = _names(finding)
    chance = f", which {_CHANCE}" if finding.relation is Relation.OPEN else ""
    verb = "earns" if finding.relation is Relation.ABOVE else "keeps"
    return [
        f"{s} {verb} [share] of what {o} earns{chance}",
        f"{s} (gets to|reaches) [share] of what {o} earns{chance}",
    ]


def _short_of(finding: Finding) -> list[str]:
    """A comparison that the subject loses, to a policy that never looks, to the oracle, or to another."""
    (s, o), m = _names(finding), finding.measure
    if finding.object in RULES:
        blind = f"{o} never looks at the market and still"
        return [
            f"{blind} earns [object] {m} an episode, more than {s} with [subject]",
            f"{s} {_BEHIND} {o}, with [subject] {m} an episode against [object]",
            f"{blind} {_AHEAD} {s}, with [object] {m} an episode against [subject]",
            f"{s} earns less than {o}, [subject] {m} an episode against [object]",
            f"{o} does better than {s}, too, with [object] {m} an episode against [subject]",
        ]
    if finding.object in _INFORMED and any(number.slot == "share" for number in finding.numbers):
        return [
            f"{s} earns [share] of what {o} earns, [subject] {m} an episode against [object]",
            f"{s} (gets to|reaches) [share] of what {o} earns, [subject] {m} an episode against [object]",
        ]
    return [
        f"{s} earns [subject] {m} an episode, less than {o} with [object]",
        f"{s} {_BEHIND} {o}, with [subject] {m} an episode against [object]",
        f"with [subject] {m} an episode, {s} {_BEHIND} {o}, which earns [object]",
        f"{o} {_AHEAD} {s}, with [object] {m} an episode against [subject]",
        f"{o} earns [object] {m} an episode where {s} earns [subject]",
    ]


def _training(finding: Finding) -> list[str]:
    s, _ = _names(finding)
    match finding.relation:
        case Relation.STEADY:
            return [
                f"over the training, the reward of {s} shows no detectable change, from [first] to [last]"
            ]
        case relation:
            verb = "(rises|climbs|goes up)" if relation is Relation.RISES else "(falls|drops|goes down)"
            return [
                f"over the training, the reward of {s} {verb} from [first] to [last]",
                f"from the first to the last episodes of training, the reward of {s} {verb} from [first] to "
                "[last]",
                f"training takes the reward of {s} {'up' if relation is Relation.RISES else 'down'} "
                "from [first] to [last]",
            ]


def _milestone(finding: Finding) -> list[str]:
    s, _ = _names(finding)
    match finding.relation:
        case Relation.STATES:
            return [
                f"at episode [episode], {s} earns [now] reward",
                f"{s} stands at [now] reward at episode [episode]",
            ]
        case Relation.STEADY:
            return [
                f"up to episode [episode], the reward of {s} shows no detectable change, [now] after "
                "[before]",
                f"at episode [episode], {s} earns [now], no detectable change from [before]",
                f"by episode [episode], {s} has moved from [before] to [now], which {_CHANCE}",
                f"{s} stands at [now] by episode [episode], after [before], which {_CHANCE}",
            ]
        case relation:
            rises = relation is Relation.RISES
            verb = "(risen|climbed|gone up)" if rises else "(fallen|dropped|gone down)"
            return [
                f"by episode [episode], the reward of {s} has {verb} from [before] to [now]",
                f"at episode [episode], {s} earns [now], {'up' if rises else 'down'} from [before]",
                f"{s} has {verb} to [now] by episode [episode], from [before]",
            ]


def _ten(finding: Finding) -> list[str]:
    s, _ = _names(finding)
    printed = "(where|while) the report prints [printed] %"
    if finding.relation is Relation.STEADY:
        return [
            f"after ten episodes, {s} shows no detectable gain, [gain] reward [interval], {printed}",
            f"ten episodes teach {s} nothing that the runs could show, a gain of [gain] reward [interval], "
            f"{printed}",
        ]
    return [f"after ten episodes, the gain of {s} is [gain] reward [interval], {printed}"]


def _bid(finding: Finding) -> list[str]:
    s, o = _names(finding)
    match finding.relation:
        case Relation.OPEN:
            return [
                f"the mean bids of {s} and {o} cannot be told apart, [subject] and [object]",
                f"{s} bids [subject] on average and {o} [object], which {_CHANCE}",
                f"the mean bid of {s}, [subject], cannot be (told|distinguished) from that of {o}, [object]",
            ]
        case relation:
            side = "higher" if relation is Relation.ABOVE else "lower"
            return [
                f"{s} bids {side} than {o}, [subject] on average against [object]",
                f"with a mean bid of [subject], {s} bids {side} than {o} with [object]",
            ]


def _modes(finding: Finding) -> list[str]:
    s, _ = _names(finding)
    return [
        f"the Controller of {s} asks both specialists in [share] of the last steps of training",
        f"{s} ends its training asking both specialists in [share] of the steps",
        f"late in its training, {s} asks both (specialists|agents) in [share] of the steps",
    ]


def _placement(finding: Finding) -> list[str]:
    s, o = _names(finding)
    return [
        f"measured by {o}, {s} has [first] of the budget in the wrong channel in the first third of an "
        "episode and [last] in the last",
        f"{s} puts [first] of the budget elsewhere than {o} in the first third of an episode, and [last] in "
        "the last",
    ]


def _ablation(finding: Finding) -> list[str]:
    part, _ = _names(finding)
    match finding.relation:
        case Relation.HELPS:
            return [
                f"without {part}, the team loses [share] of its reward [interval]",
                f"{part} is worth [share] of the team's reward [interval]",
                f"taking {part} away costs [share] of the reward [interval]",
                f"the team gives up [share] of its reward [interval] without {part}",
                f"{part} (contributes|adds|brings) [share] of the reward [interval]",
            ]
        case Relation.HARMS:
            return [
                f"the team does better without {part}, a contribution of [share] of the reward [interval]",
                f"{part} costs reward, at an estimate of [share] [interval]",
            ]
        case _:
            return [
                f"a contribution of {part} to the reward cannot be detected, [share] [interval]",
                f"{part} makes no (detectable|measurable) contribution, [share] of the reward [interval]",
                f"removing {part} has no detectable effect on the reward, [share] [interval]",
                f"the runs cannot show that {part} contributes to the reward, with an estimate of [share] "
                "[interval]",
            ]


def _speed(finding: Finding) -> list[str]:
    part, _ = _names(finding)
    sooner = "(sooner|earlier)" if finding.relation is Relation.EARLIER else "later"
    return [
        f"without {part}, the team reaches the threshold {sooner}, after [without] episodes on average "
        "instead of [whole]",
        f"the team reaches the threshold {sooner} without {part}, after [without] episodes on average and "
        "not [whole]",
        f"leaving out {part} brings the team to the threshold {sooner}, after [without] episodes rather than "
        "[whole]",
    ]


def _roi(finding: Finding) -> list[str]:
    s, _ = _names(finding)
    return [
        f"{s} spends [spend] an episode and gets [roi] of profit for each unit spent",
        f"for each unit spent, {s} gets [roi] of profit, and it spends [spend] an episode",
        f"{s} gets [roi] of profit for every unit it spends, and spends [spend] an episode",
    ]


def _ledger(_finding: Finding) -> list[str]:
    return [
        "of the [all] claims of the published report, [reproduced] are reproduced, [contradicted] are "
        "contradicted and [inconsistent_in_itself] are at odds with other printed figures",
        "the published report makes [all] claims, of which [reproduced] are reproduced, [contradicted] "
        "contradicted and [inconsistent_in_itself] inconsistent with other printed figures",
    ]


def _auctions(_finding: Finding) -> list[str]:
    return [
        "on a log of real auctions, the runs show more clicks for the bidding agent than for RLB at [above] "
        "of [budgets] budgets, fewer at [below], and more expected clicks at [expected]"
    ]


def _idle(finding: Finding) -> list[str]:
    return [f"no contribution to the reward could be detected for {finding.subject}"]


def _untried(finding: Finding) -> list[str]:
    return [f"there is no table of policies yet for {finding.subject}"]


def _missing(finding: Finding) -> list[str]:
    return [f"there are no results yet on {finding.subject}"]


_OPTIONS: Mapping[str, Callable[[Finding], list[str]]] = {
    "comparison": _comparison,
    "training": _training,
    "milestone": _milestone,
    "ten": _ten,
    "bid": _bid,
    "modes": _modes,
    "placement": _placement,
    "ablation": _ablation,
    "speed": _speed,
    "roi": _roi,
    "ledger": _ledger,
    "broken": lambda finding: governed_phrasing.broken(*_names(finding)),
    "exposure": lambda finding: governed_phrasing.exposure(*_names(finding)),
    "bound": lambda _: governed_phrasing.bound(),
    "auctions": _auctions,
    "idle": _idle,
    "untried": _untried,
    "missing": _missing,
}
