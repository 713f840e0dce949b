"""In which order the steps of one call are handed over (see the head of `journal`)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from dispatch.journal import CallStep, Malformed

Step = CallStep | Malformed

_STEP = re.compile(r"(|.*-)([0-9]{3,6})", re.ASCII)


@lru_cache(maxsize=10_000)
def _parted(step: str) -> tuple[str, int] | None:
    """The prefix and the number of a step; None when it has another shape. Most calls have the same few steps."""
    match = _STEP.fullmatch(step)
    return (match[1], int(match[2])) if match else None


@lru_cache(maxsize=10_000)
def predecessor(step: str) -> str | None:
    """The step that comes before: the channel's previous number, a leg's first after the call's `001`."""
    parted = _parted(step)
    if parted is None:
        return None
    prefix, number = parted
    if number > 1:
        return f"{prefix}{number - 1:03d}"
    return "001" if prefix else None


def in_order(waiting: dict[str, Step]) -> list[str]:
    """The steps of one call in the order of their hand-over (see the head of `journal`)."""
    if len(waiting) == 1:
        return [*waiting]
    chains: dict[str, list[tuple[int, str]]] = {}
    for step in waiting:
        prefix, number = _parted(step) or (step, 0)
        chains.setdefault(prefix, []).append((number, step))
    if len(chains) == 1:
        return [step for chain in chains.values() for _, step in sorted(chain)]
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


@dataclass(slots=True)
class CallSteps:
    """What is known of one call. `gone` are steps that the exchange no longer holds."""

    waiting: dict[str, Step] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    aside: set[str] = field(default_factory=set)
    ordinary: bool = False
    """Known to be no emergency."""
    urgent: bool = False
    """A step made it one, or may have."""
    under_way: bool = False
    """Steps of it are being committed."""
    asked: bool = False
    """The exchange is being asked for a missing step; nothing is handed over meanwhile."""
    alone: bool = False
    due: float = 0.0
    tries: int = 0
    accepted_then: int = -1

    def missing(self) -> set[str]:
        """Predecessors of waiting steps that nobody has seen."""
        before = {predecessor(step) for step in self.waiting} - self.waiting.keys() - self.done
        return {step for step in before if step and step not in self.gone and step not in self.aside}
