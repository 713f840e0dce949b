"""How an order is offered: its mode (派单方式) and limits, copied into the ticket when its offers begin. Pure.

One after another is the rule. In a hurry several are asked at once, and the first to say yes has it; by appointment
several name their time, and the best is picked; for an elder who needs urgent help (助急) everybody able is asked at
once, by text and by telephone. An order that is given by hand waits for an operator's choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from dispatch import limits
from dispatch.errors import BadInput
from dispatch.tables import Ticket
from providers.taxonomy import ITEMS

SEQUENTIAL, BROADCAST, COLLECT, PARALLEL = "sequential", "broadcast", "collect", "parallel"
MANUAL, PLANNED = "manual", "planned"
WIDTH: Mapping[str, int] = MappingProxyType({SEQUENTIAL: 1, BROADCAST: 5, COLLECT: 5, PARALLEL: 20, MANUAL: 0})
"""How many providers are asked at once, by mode: enough that somebody answers, few enough to trouble the others."""
MOST_AT_ONCE = 50
PICKS = ("rule", "operator")
"""Who picks among collected times: the rule as soon as the gathering ends, or an operator, with the rule behind."""
_KEY = "offers"


@dataclass(frozen=True)
class Policy:
    """The rules under which one ticket is offered. `work_class` and `accept_minutes` as in `dispatch.limits`."""

    mode: str
    width: int
    work_class: str
    accept_minutes: int
    pick: str = "rule"

    @property
    def accept(self) -> limits.Limit:
        """How long a provider has to answer."""
        return limits.Limit(
            timedelta(minutes=self.accept_minutes),
            f"{self.accept_minutes} 分钟内须接单",
            f"an offer is answered within {self.accept_minutes} min",
        )


def new(ticket: Ticket, mode: str | None = None, width: int | None = None, pick: str = "rule") -> Policy:
    """The policy in force now for this ticket's item and urgency; an operator may choose another mode for it.

    Raises `BadInput` for a mode that does not exist and for a width outside 1 to 50.
    """
    item = ITEMS.get(ticket.item or "")
    mode = mode or (item.mode if item else SEQUENTIAL)
    if mode not in WIDTH:
        raise BadInput("没有这种派单方式", f"there is no mode {mode!r} of offering")
    if width is not None and not 1 <= width <= MOST_AT_ONCE:
        raise BadInput(f"同时询问 1 到 {MOST_AT_ONCE} 家", f"1 to {MOST_AT_ONCE} providers are asked at once")
    if pick not in PICKS:
        raise BadInput("选定方式只有规则或人工", f"picking is by {' or '.join(PICKS)}, not by {pick!r}")
    urgent = ticket.urgency != "normal"
    work_class = item.work_class if item and not urgent else "urgent"
    return Policy(mode, WIDTH[mode] if width is None else width, work_class, limits.ACCEPT[work_class], pick)


def begun(ticket: Ticket) -> bool:
    """Whether the ticket has its copy already."""
    return _KEY in ticket.policy


def keep(ticket: Ticket, policy: Policy) -> None:
    """Copy the policy into the ticket: what is edited later never changes a running case."""
    ticket.policy = {**ticket.policy, _KEY: asdict(policy)}


def of(ticket: Ticket) -> Policy:
    """The ticket's own copy; before its offers have begun, the policy as it would be now."""
    kept: dict[str, Any] | None = ticket.policy.get(_KEY)
    return Policy(**kept) if kept is not None else new(ticket)


def work_class(ticket: Ticket) -> str:
    """How soon somebody must come; urgency lifts any item to urgent."""
    return of(ticket).work_class


def item_name(ticket: Ticket) -> str:
    """The item in Chinese, for messages."""
    item = ITEMS.get(ticket.item or "")
    return item.zh if item else ticket.summary[:20]
