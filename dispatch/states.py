"""The states of tickets, what may follow what, and what a ticket's events make of it. Pure.

A transition that is not in the table is a defect or a race, and raises; `dispatch.tickets.change_state` is the one
place that assigns a state. `dispatch.state_drawing` draws the tables into `docs/states.svg`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from dispatch.errors import UnknownTransition

ZH: Mapping[str, str] = MappingProxyType(
    {
        "registered": "已登记",
        "offered": "已派单",
        "assigned": "已转办",
        "returned": "已退单",
        "ruling": "审定中",
        "escalated": "已升级",
        "accepted": "已接单",
        "arrived": "已到场",
        "handling": "办理中",
        "paused": "挂起",
        "done": "已完工",
        "closed": "办结",
        "archived": "归档",
        "raised": "触发",
        "taken": "受理",
    }
)
"""The trade's word for each state."""

OWNERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "registered": ("坐席", "operator"),
        "offered": ("坐席组", "the desk"),
        "assigned": ("受理单位", "receiving desk"),
        "returned": ("班长", "supervisor"),
        "ruling": ("班长审定", "supervisor rules"),
        "escalated": ("坐席组或市级", "the desk or the city"),
        "accepted": ("服务商", "provider"),
        "arrived": ("服务商", "provider"),
        "handling": ("受理单位", "receiving desk"),
        "paused": ("坐席，等居民", "operator, for the resident"),
        "done": ("坐席，待回访", "operator, follow-up"),
        "closed": ("30 天内可重开", "may be reopened for 30 days"),
        "archived": ("只读", "read only"),
        "raised": ("所有坐席", "every seat"),
        "taken": ("接警人", "who took it"),
    }
)
"""Who must act in each state, as the drawing says it."""

OPEN_END = frozenset({"closed", "archived"})
"""In these a ticket needs neither owner nor deadline."""

DISPATCHED = frozenset({"offered", "assigned", "handling"})
"""The first of these starts the clock of the whole matter, and nothing starts it anew."""

PAUSABLE = frozenset({"registered", "escalated", "accepted", "arrived", "handling"})
"""Where the resident may be waited for."""

_SERVICE = {
    None: {"registered"},
    "registered": {"offered", "assigned", "escalated", "paused", "closed"},
    "offered": {"offered", "accepted", "escalated", "closed"},
    "escalated": {"offered", "accepted", "assigned", "paused", "closed"},
    "accepted": {"arrived", "done", "offered", "escalated", "paused", "closed"},
    "arrived": {"done", "offered", "escalated", "paused", "closed"},
    "assigned": {"assigned", "handling", "returned", "ruling", "closed"},
    "returned": {"assigned", "offered", "escalated", "closed"},
    "ruling": {"assigned", "closed"},
    "handling": {"assigned", "done", "returned", "ruling", "paused", "closed"},
    "paused": {"registered", "escalated", "accepted", "arrived", "handling", "closed"},
    "done": {"registered", "offered", "escalated", "assigned", "closed"},
    "closed": {"registered", "archived"},
    "archived": set(),
}
_DESK = {
    None: {"registered"},
    "registered": {"assigned", "handling", "paused", "closed"},
    "assigned": {"assigned", "handling", "returned", "ruling", "closed"},
    "returned": {"assigned", "handling", "closed"},
    "ruling": {"assigned", "closed"},
    "handling": {"assigned", "done", "returned", "ruling", "paused", "closed"},
    "paused": {"registered", "handling", "closed"},
    "done": {"registered", "assigned", "handling", "closed"},
    "closed": {"registered", "archived"},
    "archived": set(),
}
_EMERGENCY = {
    None: {"raised"},
    "raised": {"taken", "closed"},
    "taken": {"raised", "handling", "closed"},  # raised again: whoever took it was lost within moments
    "handling": {"closed"},
    "closed": {"archived"},
    "archived": set(),
}

TRANSITIONS: Mapping[str, Mapping[str | None, frozenset[str]]] = MappingProxyType(
    {
        kind: MappingProxyType({state: frozenset(following) for state, following in table.items()})
        for kind, table in (
            ("service_request", _SERVICE),
            ("inquiry", _DESK),
            ("complaint", _DESK),
            ("suggestion", _DESK),
            ("care", _DESK),
            ("emergency", _EMERGENCY),
        )
    }
)
"""Ticket kind -> state (None: not yet made) -> the states that may follow."""


def check(kind: str, state: str | None, following: str) -> None:
    """Raise `UnknownTransition` unless a ticket of `kind` may go from `state` to `following`."""
    allowed = TRANSITIONS.get(kind, {}).get(state, frozenset())
    if following not in allowed:
        raise UnknownTransition(
            f"{ZH.get(state or '', state or '新建')}的工单不能变为{ZH.get(following, following)}",
            f"a {kind} ticket cannot go from {state} to {following}, only to {', '.join(sorted(allowed)) or 'none'}",
            kind=kind,
            state=state,
            following=following,
        )


def is_open(state: str) -> bool:
    """Whether a ticket in `state` still needs an owner and a deadline."""
    return state not in OPEN_END


@dataclass(frozen=True)
class Life:
    """What the events of a ticket make of it; every field is the ticket's column of that name, `held` the provider."""

    kind: str
    state: str
    owner: str
    urgency: str = "normal"
    round: int = 1
    held: int | None = None
    outcome: str | None = None
    returns: int = 0
    nudges: int = 0
    repeats: int = 0
    paused_s: int = 0


_COUNTED: Mapping[str, str] = MappingProxyType(
    {
        "ticket.returned": "returns",
        "ticket.nudged": "nudges",
        "ticket.repeated": "repeats",
        "ticket.resumed": "paused_s",
    }
)
"""Events that carry a new total, and what it is a total of."""


def replay(events: Iterable[tuple[str, Mapping[str, Any]]]) -> Life:
    """Fold a ticket's events, oldest first, each its kind and its detail, into what is stored of it.

    Raises `ValueError` for a history that cannot be true: no beginning, two beginnings, a change from a state the
    ticket was not in; and `UnknownTransition` for a change that its table does not allow.
    """
    life: Life | None = None
    for kind, detail in events:
        life = _after(life, kind, detail)
    if life is None:
        raise ValueError("no event says that the ticket was opened")
    return life


def _after(life: Life | None, kind: str, detail: Mapping[str, Any]) -> Life | None:
    if kind == "ticket.opened":
        if life is not None:
            raise ValueError("the ticket was opened twice")
        check(detail["kind"], None, detail["state"])
        return Life(detail["kind"], detail["state"], detail["owner"], detail.get("urgency", "normal"))
    if life is None:
        if kind in _COUNTED or kind.startswith("ticket."):
            raise ValueError(f"{kind} comes before the ticket was opened")
        return None
    if kind == "ticket.state_changed":
        if detail["was"] != life.state:
            raise ValueError(f"the ticket was {life.state}, but it is said to have been {detail['was']}")
        check(life.kind, life.state, detail["state"])
        return replace(
            life, state=detail["state"], owner=detail["owner"], round=detail["round"], held=detail["held"],
            outcome=detail.get("outcome"),
        )  # fmt: skip
    if kind in ("ticket.owner_changed", "ticket.overdue"):
        return replace(life, owner=detail["owner"])
    if kind == "ticket.urgency_changed":
        return replace(life, urgency=detail["urgency"])
    if kind in _COUNTED:
        return replace(life, **{_COUNTED[kind]: detail["total"]})
    return life
