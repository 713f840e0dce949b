"""Putting the question (派单): offers with their codes, one message or call for each, and the deadline they share.

A code of four digits names one order on one telephone. Each telephone goes through all 9,000 codes in its own fixed
order before one comes again, so a code rests for as long as 9,000 offers take: more than thirty days at 300 a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatch import limits, messages, tickets
from dispatch.errors import BadInput, OfferAlreadyTaken
from dispatch.offer_policy import PARALLEL, Policy, item_name
from dispatch.ranking import Ranked
from dispatch.tables import Correspondent, Offer, Ticket
from dispatch.tickets import Watch
from foundation.tables import Base
from foundation.writer import Work
from providers.tables import Provider, ProviderPhone
from residents.tables import Division

_TABLES = Base.metadata.tables
_OFFERS, _PROVIDERS = _TABLES[Offer.__tablename__], _TABLES[Provider.__tablename__]
_PHONES, _WRITERS = _TABLES[ProviderPhone.__tablename__], _TABLES[Correspondent.__tablename__]
_DIVISIONS = _TABLES[Division.__tablename__]
_LAST_CODE = (
    select(_OFFERS.c.code).where(_OFFERS.c.phone == _PHONES.c.number).order_by(_OFFERS.c.id.desc()).limit(1)
).scalar_subquery()
_AREA = select(_DIVISIONS.c.name).where(_DIVISIONS.c.code == bindparam("community")).limit(1).scalar_subquery()
_LINES = (
    select(
        _PHONES.c.provider_id, _PHONES.c.number, _WRITERS.c.opted_out_at, _LAST_CODE.label("last_code"),
        _AREA.label("area"),
    )
    .join_from(_PHONES, _WRITERS, _WRITERS.c.number == _PHONES.c.number, isouter=True)
    .where(_PHONES.c.provider_id.in_(bindparam("providers", expanding=True)), _PHONES.c.verified_at.is_not(None))
    .order_by(_PHONES.c.provider_id, _PHONES.c.position, _PHONES.c.id)
)  # fmt: skip
_MAKE = {
    name: dialect.insert(_OFFERS).on_conflict_do_nothing().returning(_OFFERS.c.id, _OFFERS.c.provider_id)
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
# Two orders may go to the same providers at the same moment: both lock them in one order.
_IN_ORDER = (
    select(_PROVIDERS.c.id)
    .where(_PROVIDERS.c.id.in_(bindparam("providers", expanding=True)))
    .order_by(_PROVIDERS.c.id)
    .with_for_update(key_share=True)
)
_ASKED_NOW = update(_PROVIDERS).values(last_offered_at=bindparam("at"))
_ONE_ASKED_NOW = _ASKED_NOW.where(_PROVIDERS.c.id == bindparam("provider"))
_SEVERAL_ASKED_NOW = _ASKED_NOW.where(_PROVIDERS.c.id.in_(_IN_ORDER))
_EARLIEST = (
    select(_OFFERS.c.expires_at)
    .where(_OFFERS.c.ticket_id == bindparam("of_ticket"), _OFFERS.c.state == "offered")
    .order_by(_OFFERS.c.expires_at)
    .limit(1)
)
_CODES, _STEP = 9000, 7919  # the step shares no factor with their number, so that every code comes in its turn
_TRIES = 5


@dataclass(frozen=True)
class Question:
    """A provider to be asked, at which place of the ranking, with what the ranking said."""

    place: int
    chosen: Ranked


def ask(
    w: Work, ticket: Ticket, questions: Sequence[Question], mode: str, policy: Policy, others: datetime | None = None
) -> list[int]:
    """Ask these providers now; the offers' ids. The ticket is locked, free, and none of them has it open already.

    `others` is when the first of the offers runs out that are open beside these.

    Raises `BadInput` for a provider without a verified telephone, and for a ticket that no provider may be offered.
    """
    if ticket.kind != "service_request":
        raise BadInput(
            "只有求助单可以派单", f"ticket {ticket.number} is {ticket.kind}: it is never offered to providers"
        )
    expires = w.now + limits.SENDING_GRACE + policy.accept.length
    made: dict[int, tuple[int, dict[str, Any]]] = {}
    area = ""
    for _ in range(_TRIES):  # again where another order took the same code for the same telephone just now
        rest = [question for question in questions if question.chosen.provider_id not in made]
        if not rest:
            break
        lines = _lines(w, ticket, rest)
        area = next(iter(lines.values())).area or ticket.community
        rows = [_row(w, ticket, question, mode, lines[question.chosen.provider_id], expires) for question in rest]
        for row in w.connection.execute(_MAKE[w.connection.dialect.name], rows):
            made[row.provider_id] = (row.id, next(r for r in rows if r["provider_id"] == row.provider_id))
    if len(made) < len(questions):
        raise OfferAlreadyTaken("该企业已收到此单", "a provider has been asked about this order already")
    _tell(w, ticket, made, area, policy)
    if len(made) == 1:
        w.connection.execute(_ONE_ASKED_NOW, {"provider": min(made), "at": w.now})
    else:
        w.connection.execute(_SEVERAL_ASKED_NOW, {"providers": sorted(made), "at": w.now})
    if others is None:
        watch = Watch("offer.expires", expires, policy.accept.reason)
        tickets.change_state(w, ticket, "offered", "desk", watch, provider=questions[0].chosen.provider_id)
    else:
        tickets.set_watches(w, ticket, Watch("offer.expires", min(others, expires), policy.accept.reason))
    return [made[question.chosen.provider_id][0] for question in questions]


def earliest(w: Work, ticket_id: int) -> datetime | None:
    """When the first of the ticket's open offers runs out."""
    due: datetime | None = w.connection.scalar(_EARLIEST, {"of_ticket": ticket_id})
    return due


def watch_open(w: Work, ticket: Ticket, policy: Policy) -> None:
    """Set the deadline of the offers still open, if there are any."""
    due = earliest(w, ticket.id)
    if due is not None:
        tickets.set_watches(w, ticket, Watch("offer.expires", due, policy.accept.reason))
    else:
        tickets.refresh_next(w, ticket)


def _lines(w: Work, ticket: Ticket, questions: Sequence[Question]) -> dict[int, Row[*tuple[Any, ...]]]:
    """The telephone of each provider: the first verified one that takes our texts, else the first of all."""
    told = {"providers": [q.chosen.provider_id for q in questions], "community": ticket.community}
    found: dict[int, Row[*tuple[Any, ...]]] = {}
    for row in w.connection.execute(_LINES, told):
        kept = found.get(row.provider_id)
        if kept is None or (kept.opted_out_at is not None and row.opted_out_at is None):
            found[row.provider_id] = row
    for question in questions:
        if question.chosen.provider_id not in found:
            name = question.chosen.name
            raise BadInput(f"{name}没有已验证的电话", f"{name} has no verified telephone")
    return found


def _row(
    w: Work, ticket: Ticket, question: Question, mode: str, line: Row[*tuple[Any, ...]], expires: datetime
) -> dict[str, Any]:  # fmt: skip
    by_text = messages.can_text(line.number) and line.opted_out_at is None
    channel = ("both" if mode == PARALLEL else "sms") if by_text else "call"
    return {
        "ticket_id": ticket.id, "provider_id": question.chosen.provider_id, "round": ticket.round, "mode": mode,
        "state": "offered", "rank": question.place, "score": question.chosen.score,
        "reasons": [list(reason) for reason in question.chosen.reasons], "channel": channel, "phone": line.number,
        "code": _next_code(line.number, line.last_code), "offered_at": w.now, "expires_at": expires,
    }  # fmt: skip


def _next_code(phone: str, last: str | None) -> str:
    """The code after `last` on this telephone, 1000 to 9999."""
    if last is None:
        return str(1000 + int(phone[-6:] if phone[-6:].isdigit() else 0) % _CODES)
    return str(1000 + (int(last) - 1000 + _STEP) % _CODES)


def _tell(w: Work, ticket: Ticket, made: dict[int, tuple[int, dict[str, Any]]], area: str, policy: Policy) -> None:
    for provider_id, (offer_id, row) in made.items():
        if row["channel"] in ("sms", "both"):
            template = "offer_collect" if row["mode"] == "collect" else "offer"
            w.send(
                messages.sms(
                    messages.OFFER, row["phone"], template, ticket_id=ticket.id, offer_id=offer_id,
                    valid_until=row["expires_at"], number=ticket.number, item=item_name(ticket), area=area,
                    summary=ticket.summary[:40], minutes=policy.accept_minutes, code=row["code"],
                )
            )  # fmt: skip
        if row["channel"] in ("call", "both"):
            w.send(messages.offer_call(ticket.id, offer_id, number=row["phone"], valid_until=row["expires_at"]))
        w.log("offer.made", ticket_id=ticket.id, offer=offer_id, provider=provider_id, rank=row["rank"],
              mode=row["mode"], channel=row["channel"], reasons=row["reasons"])  # fmt: skip
