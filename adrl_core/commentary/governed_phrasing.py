"""Patterns of what can be said of the mechanisms of governance; `s` and `o` name the two teams compared."""


def broken(s: str, o: str) -> list[str]:
    """How many decisions break a limit, behind the safety layer and without it."""
    return [
        f"{o} breaks a limit in [object] of its decisions, and {s} in [subject]",
        f"a limit is broken in [object] of the decisions of {o}, and in [subject] of those of {s}",
        f"{s} breaks a limit in [subject] of its decisions where {o} breaks one in [object]",
    ]


def exposure(s: str, o: str) -> list[str]:
    """How much less the group that is reached least sees than the one that is reached most."""
    return [
        f"with {s}, the least reached group gets [subject] times the exposure of the most reached one, and "
        f"with {o} [object] times",
        f"the least reached group gets [subject] times the exposure of the most reached one with {s}, and "
        f"[object] times with {o}",
    ]


def bound() -> list[str]:
    """What the performance bound stops, and how soon."""
    return [
        "the performance bound stops [caught] of [faulty] faulty deployments, with [alarms] false alarms, "
        "and a stuck bid after [delay] episodes in the median run",
        "of [faulty] faulty deployments, the performance bound stops [caught], a stuck bid after [delay] "
        "episodes in the median run, with [alarms] false alarms",
    ]
