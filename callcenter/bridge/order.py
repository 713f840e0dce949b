"""In which order the steps of one call are handed over (see the head of `journal`)."""

from __future__ import annotations

import re

from dispatch.journal import CallStep, Malformed

Step = CallStep | Malformed

_STEP = re.compile(r"(|.*-)([0-9]{3,6})", re.ASCII)


def predecessor(step: str) -> str | None:
    """The step that comes before: the channel's previous number, a leg's first after the call's `001`."""
    match = _STEP.fullmatch(step)
    if match is None:
        return None
    prefix, number = match[1], int(match[2])
    if number > 1:
        return f"{prefix}{number - 1:03d}"
    return "001" if prefix else None


def in_order(waiting: dict[str, Step]) -> list[str]:
    """The steps of one call in the order of their hand-over (see the head of `journal`)."""
    chains: dict[str, list[tuple[int, str]]] = {}
    for step in waiting:
        match = _STEP.fullmatch(step)
        prefix, number = (match[1], int(match[2])) if match else (step, 0)
        chains.setdefault(prefix, []).append((number, step))
    first = waiting.get("001")
    start = first.at.timestamp() if isinstance(first, CallStep) else 0.0
    keyed: list[tuple[float, str, int, str]] = []
    for prefix, chain in chains.items():
        # A clock set back in mid-call must not turn a channel's own order round.
        latest = start if prefix else 0.0
        for number, step in sorted(chain):
            one = waiting[step]
            latest = max(latest, one.at.timestamp()) if isinstance(one, CallStep) else latest
            keyed.append((latest, prefix, number, step))
    return [step for *_, step in sorted(keyed)]
