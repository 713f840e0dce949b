"""Opening what only a rescue may read: the data and the record that they were seen, in one transaction."""

from __future__ import annotations

from foundation.text import one_line
from foundation.writer import Work
from residents.errors import NoSuch, ReasonMissing
from residents.queries import Card, card

REASONS = {
    "open_alarm": ("正在处置的报警", "an open alarm of this home"),
    "emergency_without_device": ("无设备的紧急情况", "an emergency without a device"),
    "asked_by_120": ("120 询问", "120 asks"),
    "reported_missing": ("家属报告走失", "the family reports a missing person"),
    "other": ("其他（须写明）", "other, with a note"),
}
"""Why a rescue card may be opened, as shown to the operator (zh, en)."""


def open_card(work: Work, home_id: int, *, reason: str, note: str = "", ticket_id: int | None = None) -> Card:
    """The card of a home with its medical and access part; writes the event `card.opened` with who, why and what.

    Raises `ReasonMissing` for an unknown reason, `other` without a note, or `open_alarm` without its ticket.
    """
    note = one_line(note, 200)
    if reason not in REASONS or (reason == "other" and not note) or (reason == "open_alarm" and ticket_id is None):
        raise ReasonMissing
    opened = card(work.session, home_id=home_id, include_rescue=True)
    if opened is None:
        raise NoSuch("home", home_id)
    shown = [person.id for person in opened.people]
    work.log("card.opened", ticket_id=ticket_id, home_id=home_id, reason=reason, note=note, people=shown,
             fields=["medical", "access", "keys", "sensitive_tags"])  # fmt: skip
    return opened
