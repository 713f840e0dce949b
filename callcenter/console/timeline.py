"""What an event says beside its name, in a few words. Pure but for the names of people."""

from __future__ import annotations

from typing import Any

from callcenter.console import words
from dispatch.names import Names
from foundation.tables import TicketEvent

_CODES = {
    "state": words.STATES,
    "outcome": words.OUTCOMES,
    "disposition": words.DISPOSITIONS,
    "result": words.RESULTS,
    "queue": words.QUEUES,
    "pool": words.POOLS,
    "rung": words.RUNGS,
    "answer": words.SAID,
    "category": words.COMPLAINT_CATEGORIES,
    "urgency": words.URGENCIES,
    "pause": words.PAUSE_REASONS,
    "channel": words.OFFER_CHANNELS,
    "trigger": words.TRIGGERS,
}
_PERSONS = ("who", "by", "owner", "driver", "holder", "desk")
_HIDDEN = frozenset(
    {"t", "siren", "chan", "call", "step", "arrival", "offer", "kind", "household", "reasons", "providers", "mode",
     "was", "organisation_id", "division", "district", "proposal_id", "row_id", "field",
     "fields", "people", "home_id", "raw", "line", "home", "provider", "secs", "qs", "cause", "to", "from",
     "message", "deadline", "flow", "file", "subject", "about", "held", "due", "round", "total", "owner_then", "until",
     "attempt"}
)  # fmt: skip


def event_words(event: TicketEvent, names: Names, locale: str) -> str:
    """The event's details as one line; what only machines read is left out."""
    detail: dict[str, Any] = event.detail
    said = [_said(event.kind, name, value, names, locale) for name, value in detail.items() if name not in _HIDDEN]
    provider = detail.get("provider")
    if isinstance(provider, int):
        said.insert(0, names.of(f"provider:{provider}", locale))
    return " · ".join(s for s in said if s)


def _said(kind: str, name: str, value: Any, names: Names, locale: str) -> str:
    if value in (None, "", [], {}):
        return ""
    if name in _PERSONS:
        keys = value if isinstance(value, list) else [value]
        return "、".join(names.of(str(key), locale) for key in keys)
    if name in _CODES:
        return words.words(_CODES[name], str(value), locale)
    if name == "grade":
        if kind == "alarm.graded":
            return words.words(words.ALARM_GRADES, str(value), locale)
        return f"{value} / 5"
    if name == "how":
        told = {"voice": ("通话", "by voice"), "door": ("上门", "at the door")}.get(str(value))
        return told[locale == "en"] if told else ""
    if name == "minutes":
        return f"{value} min" if locale == "en" else f"{value} 分钟"
    if name == "yuan":
        return f"{value} yuan" if locale == "en" else f"{value} 元"
    if name == "days":
        return f"{value} working days" if locale == "en" else f"{value} 个工作日"
    if (name == "why" or (name == "reason" and kind == "ticket.overdue")) and " / " in str(value):
        return str(value).split(" / ", 1)[locale == "en"]
    if isinstance(value, (dict, list, bool)):
        return ""
    return str(value)
