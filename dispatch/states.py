"""The states of tickets and what may follow what: one table per kind. Pure.

A transition that is not in the table is a defect or a race, and raises; `dispatch.tickets.change_state` is the one
place that assigns a state.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dispatch.errors import UnknownTransition

ZH: Mapping[str, str] = MappingProxyType(
    {
        "registered": "已登记",
        "offered": "已派单",
        "escalated": "已升级",
        "accepted": "已接单",
        "arrived": "已到场",
        "done": "已完工",
        "handling": "办理中",
        "paused": "挂起",
        "closed": "办结",
        "archived": "归档",
        "raised": "触发",
        "taken": "受理",
    }
)
"""The trade's word for each state."""

OPEN_END = frozenset({"closed", "archived"})
"""In these a ticket needs neither owner nor deadline."""

_SERVICE = {
    None: {"registered"},
    "registered": {"offered", "escalated", "paused", "closed"},
    "offered": {"offered", "accepted", "escalated", "closed"},
    "escalated": {"offered", "accepted", "paused", "closed"},
    "accepted": {"arrived", "done", "offered", "escalated", "closed"},
    "arrived": {"done", "offered", "escalated", "paused", "closed"},
    "paused": {"registered", "offered", "escalated", "closed"},
    "done": {"offered", "escalated", "registered", "closed"},
    "closed": {"offered", "archived"},
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
_DESK = {
    None: {"registered"},
    "registered": {"handling", "closed"},
    "handling": {"paused", "closed"},
    "paused": {"handling", "closed"},
    "closed": {"archived"},
    "archived": set(),
}

TRANSITIONS: Mapping[str, Mapping[str | None, frozenset[str]]] = MappingProxyType(
    {
        kind: MappingProxyType({state: frozenset(following) for state, following in table.items()})
        for kind, table in (
            ("service_request", _SERVICE),
            ("emergency", _EMERGENCY),
            ("inquiry", _DESK),
            ("complaint", _DESK),
            ("suggestion", _DESK),
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
