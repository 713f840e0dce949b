"""Which steps a ticket may take now, as its page offers them. Pure; each command asks again for itself."""

from __future__ import annotations

from dispatch import limits, states
from dispatch.tables import Ticket

_NO_REOPENING = ("cancelled", "joined")


def life_steps(ticket: Ticket) -> dict[str, bool]:
    """Step -> whether the ticket's state and history allow it."""
    following = states.TRANSITIONS[ticket.kind].get(ticket.state, frozenset())
    ordinary, state = ticket.kind != "emergency", ticket.state
    at_desk = state in ("assigned", "handling") and ticket.desk is not None
    return {
        "assign": "assigned" in following and state not in ("ruling", "done") and not ticket.bound,
        "take_on": ticket.kind != "service_request" and state in ("registered", "returned"),
        "sign": state == "assigned",
        "send_back": at_desk and not ticket.bound and ticket.returns < limits.MOST_RETURNS,
        "rule": state == "ruling",
        "reply": ordinary and state == "handling",
        "pause": "paused" in following and ticket.pauses < limits.MOST_PAUSES,
        "resume": state == "paused",
        "nudge": ordinary and states.is_open(state) and state not in ("registered", "done"),
        "extend": ticket.due_at is not None and ticket.extended_at is None and state in ("assigned", "handling"),
        "ask": ordinary and state == "done",
        "join": ordinary and states.is_open(state) and ticket.assigned_provider_id is None,
        "reopen": ordinary and state == "closed" and ticket.outcome not in _NO_REOPENING,
    }
