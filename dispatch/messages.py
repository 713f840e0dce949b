"""The kinds of messages we send, what each promises, and the template each uses. The words are the gateways' business.

Kinds sent at least once may come twice and are harmless then; of the others one may be lost, and something else covers
it: an offer's expiry, the ladder's next turn, tomorrow's question.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from foundation.numbers import NumberPlan
from foundation.outbox import Message, MessageKind

LEG = MessageKind("leg", at_least_once=False, priority=0)
RING_BACK = MessageKind("ring_back", at_least_once=True, priority=0)
CALL_BACK = MessageKind("call_back", at_least_once=True, priority=2)
SOS = MessageKind("sos", at_least_once=True, priority=1)
CONFIRMATION = MessageKind("confirmation", at_least_once=True, priority=3)
OFFER = MessageKind("offer", at_least_once=False, priority=4)
OFFER_CALL = MessageKind("offer_call", at_least_once=False, priority=4)
RESIDENT = MessageKind("resident", at_least_once=True, priority=4)
NOTICE = MessageKind("notice", at_least_once=True, priority=6)
NOTICE_CALL = MessageKind("notice_call", at_least_once=True, priority=6)
RECORDING = MessageKind("recording", at_least_once=True, priority=1)
NUDGE = MessageKind("nudge", at_least_once=False, priority=5)
ANSWER = MessageKind("answer", at_least_once=False, priority=5)
WITHDRAWAL = MessageKind("withdrawal", at_least_once=False, priority=6)
FOLLOW_UP = MessageKind("follow_up", at_least_once=False, priority=7)
CONTACT_TEST = MessageKind("contact_test", at_least_once=False, priority=8)
STANDING = MessageKind("standing", at_least_once=True, priority=6)

KINDS: dict[str, MessageKind] = {
    kind.name: kind
    for kind in (
        LEG, RING_BACK, CALL_BACK, SOS, CONFIRMATION, OFFER, OFFER_CALL, RESIDENT, NOTICE, NOTICE_CALL, RECORDING,
        NUDGE,
        ANSWER, WITHDRAWAL, FOLLOW_UP, CONTACT_TEST, STANDING,
    )
}  # fmt: skip

OFFERING = (OFFER.name, OFFER_CALL.name)
"""The kinds that put an order to a provider."""
ALWAYS_ALLOWED = frozenset(
    {"leg", "ring_back", "call_back", "recording", "sos", "confirmation", "resident", "offer_call"}
)
"""Sent even to a number that opted out of texts: alarms, the sender's own running order, and calls."""

TEMPLATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # calls: what the bridge needs to originate
        "leg": ("call", "chan", "who", "number", "ring"),
        "ring_back": ("call", "alarm", "number", "attempt"),
        "call_back": ("call", "number", "came"),
        "recording": ("call", "paused"),
        "notice_call": ("call", "subject", "number"),
        "offer_call": ("call", "subject", "number"),
        # to whoever must help
        "sos": ("number", "at", "name", "address", "caller"),
        # to providers
        "offer": ("number", "item", "area", "summary", "minutes", "code"),
        "offer_collect": ("number", "item", "area", "summary", "minutes", "code"),
        "confirmation": ("number", "item", "name", "phone", "address", "summary", "arrive_by"),
        "withdrawal": ("number", "item"),
        "nudge_arrive": ("number", "item", "address"),
        "nudge_done": ("number", "item"),
        "no_show": ("number", "item"),
        "contact_test": ("code",),
        "standing_warned": ("provider", "reason"),
        "standing_suspended": ("provider", "reason", "day"),
        "standing_back": ("provider",),
        "paper_ends": ("provider", "paper", "day"),
        # to residents
        "resident_registered": ("number", "item"),
        "resident_coming": ("number", "item", "provider", "phone", "arrive_by"),
        "resident_on_way": ("number", "item", "provider", "phone"),
        "resident_searching": ("number", "item"),
        "resident_city": ("number", "item"),
        "resident_neighbours": ("number", "item"),
        "resident_cancelled": ("number", "item"),
        "follow_up": ("number", "item", "provider"),
        "incident_over": ("text",),
        # answers to a text
        "accepted_again": ("number",),
        "taken_by_another": ("number",),
        "time_noted": ("number", "minutes"),
        "given_back": ("number",),
        "departed": ("number",),
        "no_longer_open": ("number",),
        "declined": ("number",),
        "arrived": ("number",),
        "done": ("number",),
        "which_code": ("codes",),
        "which_question": ("code",),
        "no_open_order": (),
        "absent": ("day",),
        "absent_unclear": (),
        "back": (),
        "contact_proven": (),
        "graded": ("number", "grade"),
        "redo": ("number",),
        "opted_out": (),
        "help_provider": (),
        "help_resident": (),
        "not_understood": (),
    }
)
"""Template -> the names of its parameters. Times are ISO texts in UTC, numbers of tickets as printed."""

WITHDRAWAL_VALID = timedelta(minutes=30)
RECORDING_VALID = timedelta(seconds=30)
LEG_VALID = timedelta(seconds=30)


def sms(
    kind: MessageKind,
    to: str,
    template: str,
    *,
    ticket_id: int | None = None,
    offer_id: int | None = None,
    dedupe_key: str | None = None,
    not_before: datetime | None = None,
    valid_until: datetime | None = None,
    **params: Any,
) -> Message:
    """A text message; a template with other parameters than it has is a defect and raises."""
    if set(params) != set(TEMPLATES[template]):
        raise ValueError(f"template {template} takes {TEMPLATES[template]}, not {sorted(params)}")
    return Message(kind, "sms", to, template, params, ticket_id, offer_id, dedupe_key, not_before, valid_until)


def leg(
    ticket_id: int, *, call: str, chan: str, who: str, number: str, ring: int, now: datetime,
) -> Message:  # fmt: skip
    """Ring one person for an alarm's waiting call (docs/telephone.md, the ladder's step 4)."""
    params = {"call": call, "chan": chan, "who": who, "number": number, "ring": ring}
    return Message(
        LEG, "call", who, "leg", params, ticket_id, dedupe_key=f"leg:{call}:{who}"[:120], valid_until=now + LEG_VALID
    )


def ring_back(ticket_id: int, *, call: str, number: str, attempt: int, not_before: datetime) -> Message:
    """Call back a line whose emergency call was cut; `number` is what to dial."""
    params = {"call": call, "alarm": ticket_id, "number": number, "attempt": attempt}
    return Message(
        RING_BACK, "call", number, "ring_back", params, ticket_id, dedupe_key=f"ring_back:{ticket_id}:{attempt}",
        not_before=not_before,
    )  # fmt: skip


def call_back(*, call: str, number: str, came: datetime) -> Message:
    """Call a resident back whom we did not serve; `number` is what to dial, `came` his place in the queue."""
    params = {"call": call, "number": number, "came": int(came.timestamp())}
    return Message(CALL_BACK, "call", number, "call_back", params, dedupe_key=f"call_back:{call}")


def notice_call(arrival_id: int, *, number: str) -> Message:
    """Tell a resident whom no text reaches what became of the matter he called about; `number` is what to dial."""
    subject = f"notice-{arrival_id}"
    params = {"call": f"out-{subject}-1", "subject": subject, "number": number}
    return Message(NOTICE_CALL, "call", number, "notice_call", params, dedupe_key=f"notice_call:{arrival_id}")


def offer_call(ticket_id: int, offer_id: int, *, number: str, valid_until: datetime) -> Message:
    """Ring a provider and put an order to it, to be taken or refused by a key; `number` as it is stored (E.164)."""
    subject = f"offer-{offer_id}"
    params = {"call": f"out-{subject}-1", "subject": subject, "number": number}
    return Message(OFFER_CALL, "call", number, "offer_call", params, ticket_id, offer_id,
                   dedupe_key=f"offer_call:{offer_id}", valid_until=valid_until)  # fmt: skip


def recording(call_id: str, *, paused: bool, now: datetime) -> Message:
    """Have the exchange leave a call's sound out of its recording from now on, or take it in again."""
    return Message(RECORDING, "call", call_id[:20], "recording", {"call": call_id, "paused": paused},
                   valid_until=now + RECORDING_VALID)  # fmt: skip


def can_text(number: str, plan: NumberPlan | None = None) -> bool:
    """Whether a text can reach `number`: landlines and service numbers take none."""
    return (plan or NumberPlan()).parse(number).kind in ("mobile", "foreign")
