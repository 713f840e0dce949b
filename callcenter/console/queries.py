"""What the pages read: rows joined into what one part of the screen shows. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from dispatch.tables import (
    Arrival,
    ArrivalTicket,
    DutyPhone,
    FollowUp,
    Offer,
    RingBack,
    Seat,
    StaffTask,
    StaffUser,
    Ticket,
)
from foundation.tables import Deadline, Heartbeat, OutboxMessage, TicketEvent
from providers.tables import Provider, ProviderPhone
from residents import queries as residents
from residents.tables import Contact

MOST_CALLS = 30
MOST_DEADLINES = 12
MOST_TASKS = 8
PAGE = 40
ENDED = ("closed", "archived")


class Names:
    """Who is meant by `user:li`, `seat-op1`, `contact-17`, `duty-3` or `provider:5`; read once for a page."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @cached_property
    def _users(self) -> dict[str, str]:
        return {row.login: row.name for row in self._session.execute(select(StaffUser.login, StaffUser.name))}

    @cached_property
    def _seats(self) -> dict[str, str]:
        rows = select(Seat.name.label("seat"), StaffUser.name).join(StaffUser, StaffUser.id == Seat.user_id)
        return {row.seat: row.name for row in self._session.execute(rows)}

    def seat_of(self, key: str) -> str:
        """The seat's name in a person key, or nothing."""
        return key.removeprefix("seat-") if key.startswith("seat-") else ""

    def of(self, key: str | None, locale: str) -> str:
        """The name to show for `key`; the key itself when nobody knows it."""
        key, english = key or "", locale == "en"
        kind, _, rest = key.partition(":")
        if kind == "user":
            return self._users.get(rest, rest)
        if kind == "provider" and rest.isdigit():
            return self._session.scalar(select(Provider.name).where(Provider.id == int(rest))) or key
        if kind == "sms":
            return ("SMS " if english else "短信 ") + rest
        kind, _, rest = key.partition("-")
        if kind == "seat":
            seat = ("Seat " if english else "坐席 ") + rest
            return f"{self._seats[rest]} · {seat}" if rest in self._seats else seat
        if kind in ("contact", "duty") and rest.isdigit():
            return self._person(kind, int(rest), locale) or key
        fixed = {
            "clock": ("到点自动", "by the clock"),
            "system": ("系统", "the system"),
            "bridge": ("电话交换机", "the exchange"),
            "desk": ("坐席组", "the desk"),
            "supervisor": ("班长", "the supervisor"),
            "app": ("系统", "the system"),
            "dialplan": ("电话交换机", "the exchange"),
        }
        return fixed[key][english] if key in fixed else key

    def _person(self, kind: str, row_id: int, locale: str) -> str:
        if kind == "duty":
            name = self._session.scalar(select(DutyPhone.name).where(DutyPhone.id == row_id))
            label = "Duty" if locale == "en" else "值班"
            return f"{label} {name}" if name else ""
        found = self._session.execute(select(Contact.name, Contact.relation).where(Contact.id == row_id)).first()
        return f"{found[0]}（{found[1]}）" if found else ""


@dataclass(frozen=True)
class DeadlineView:
    """An open deadline and what it hangs on."""

    kind: str
    due_at: datetime
    reason: str
    urgent: bool
    ticket: Ticket | None
    arrival: Arrival | None


@dataclass(frozen=True)
class CallView:
    """A call as the waiting list shows it."""

    arrival: Arrival
    ticket: Ticket | None
    caller: str
    address: str
    seat: str

    @property
    def state(self) -> str:
        """`waiting`, `talking`, or `unfinished`: over, but without its disposition."""
        if self.arrival.state == "ended":
            return "unfinished"
        return "talking" if self.arrival.answered_by or self.arrival.taken_by else "waiting"


@dataclass(frozen=True)
class AlarmView:
    """An open alarm: who and where, who took it, what is being tried, and the line that may still be open."""

    ticket: Ticket
    card: residents.Card | None
    live: Arrival | None
    presses: int
    deadline: Deadline | None
    tries: tuple[dict[str, Any], ...] = ()

    @property
    def taken(self) -> bool:
        return self.ticket.taken_by is not None


@dataclass(frozen=True)
class Waiting:
    """The right-hand side: what waits, and of how many."""

    alarms: list[AlarmView]
    calls: list[CallView]
    calls_total: int
    deadlines: list[DeadlineView]
    deadlines_total: int
    tasks: list[StaffTask]
    tasks_total: int
    names: Names


@dataclass(frozen=True)
class OfferView:
    """One line of the offers ledger."""

    offer: Offer
    provider: str
    phone: str


@dataclass(frozen=True)
class TicketPage:
    """All that a ticket's page shows."""

    ticket: Ticket
    names: Names
    card: residents.Card | None
    events: list[TicketEvent]
    offers: list[OfferView]
    messages: list[OutboxMessage]
    deadlines: list[Deadline]
    arrivals: list[Arrival]
    follow_ups: list[FollowUp]
    ring_backs: list[RingBack]
    tries: tuple[dict[str, Any], ...] = ()
    provider_phone: str = ""

    @property
    def open(self) -> bool:
        return self.ticket.state not in ENDED

    @property
    def live(self) -> Arrival | None:
        """The caller's line, while it is up."""
        return next((a for a in reversed(self.arrivals) if a.state == "live"), None)

    @property
    def open_offer(self) -> OfferView | None:
        return next((o for o in self.offers if o.offer.state == "offered"), None)

    @property
    def accepted(self) -> OfferView | None:
        return next((o for o in reversed(self.offers) if o.offer.state in ("accepted", "fulfilled")), None)


@dataclass(frozen=True)
class CallerCard:
    """Who is calling: the line's home or person, what they asked before, and the call itself."""

    arrival: Arrival | None
    number: str
    match: residents.LineMatch
    card: residents.Card | None
    open_tickets: list[Ticket]
    past: list[Ticket]
    past_total: int
    ticket: Ticket | None
    names: Names
    calls_before: int = 0

    @property
    def home_id(self) -> int | None:
        return self.card.home.id if self.card and self.card.home else None


@dataclass(frozen=True)
class TicketList:
    """A page of the list of tickets, and of how many."""

    rows: list[Ticket]
    total: int
    page: int
    open_total: int
    names: Names
    filters: dict[str, str] = field(default_factory=dict)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


def waiting(session: Session) -> Waiting:
    """What waits now."""
    calls, calls_total = _calls(session)
    deadlines, deadlines_total = _deadlines(session)
    open_tasks = StaffTask.done_at.is_(None)
    tasks = session.scalars(select(StaffTask).where(open_tasks).order_by(StaffTask.id).limit(MOST_TASKS))
    return Waiting(
        alarms(session), calls, calls_total, deadlines, deadlines_total, list(tasks),
        _count(session, StaffTask, open_tasks), Names(session),
    )  # fmt: skip


def alarms(session: Session) -> list[AlarmView]:
    """Every open alarm: those nobody took first, then the oldest."""
    rows = select(Ticket).where(Ticket.kind == "emergency", Ticket.state.not_in(ENDED))
    return [_alarm(session, t) for t in session.scalars(rows.order_by(Ticket.taken_at.is_not(None), Ticket.opened_at))]


def alarm(session: Session, ticket_id: int) -> AlarmView | None:
    """An alarm while it is open; None when it is closed or no alarm."""
    ticket = session.get(Ticket, ticket_id)
    if ticket is None or ticket.kind != "emergency" or ticket.state in ENDED:
        return None
    return _alarm(session, ticket)


def ticket_page(session: Session, ticket_id: int) -> TicketPage | None:
    """Everything about one ticket; None when there is none."""
    ticket = session.get(Ticket, ticket_id)
    if ticket is None:
        return None
    offers = select(Offer, Provider.name).join(Provider, Provider.id == Offer.provider_id)
    arrivals = _arrivals_of(session, ticket_id)
    phone = select(ProviderPhone.number).where(ProviderPhone.provider_id == ticket.assigned_provider_id)
    return TicketPage(
        ticket,
        Names(session),
        _card_of(session, ticket, rescue=ticket.kind == "emergency" and ticket.state not in ENDED),
        list(session.scalars(select(TicketEvent).where(TicketEvent.ticket_id == ticket_id).order_by(TicketEvent.id))),
        [
            OfferView(offer, name, offer.phone)
            for offer, name in session.execute(offers.where(Offer.ticket_id == ticket_id).order_by(Offer.id))
        ],
        list(session.scalars(select(OutboxMessage).where(OutboxMessage.ticket_id == ticket_id)
                             .order_by(OutboxMessage.id))),
        list(session.scalars(select(Deadline).where(Deadline.ticket_id == ticket_id, Deadline.state == "open")
                             .order_by(Deadline.due_at))),
        arrivals,
        list(session.scalars(select(FollowUp).where(FollowUp.ticket_id == ticket_id).order_by(FollowUp.round))),
        list(session.scalars(select(RingBack).where(RingBack.ticket_id == ticket_id).order_by(RingBack.attempt))),
        tries(arrivals),
        session.scalar(phone.order_by(ProviderPhone.position).limit(1)) or "" if ticket.assigned_provider_id else "",
    )  # fmt: skip


def caller_card(session: Session, arrival_id: int) -> CallerCard | None:
    """The card of a call; None when there is no such arrival."""
    arrival = session.get(Arrival, arrival_id)
    return None if arrival is None else _caller(session, arrival, arrival.caller, arrival.device_code, None)


def number_card(session: Session, number: str, person_id: int | None = None) -> CallerCard:
    """The card of a number or a person when nobody is calling."""
    return _caller(session, None, number, None, person_id)


def home_card(session: Session, home_id: int) -> CallerCard | None:
    """The card of a home when nobody is calling."""
    card = residents.card(session, home_id=home_id)
    if card is None:
        return None
    return _card(session, None, "", residents.LineMatch(home_id=home_id), card, home_id)


def tickets(session: Session, *, show: str, kind: str, text: str, page: int) -> TicketList:
    """A page of tickets, newest first. `show` is `open`, `closed` or `all`; `text` part of a number, name, address."""
    where: list[ColumnElement[bool]] = []
    if show == "open":
        where.append(Ticket.state.not_in(ENDED))
    elif show == "closed":
        where.append(Ticket.state.in_(ENDED))
    if kind:
        where.append(Ticket.kind == kind)
    if text:
        fields = (Ticket.number, Ticket.caller_name, Ticket.caller, Ticket.address, Ticket.summary)
        where.append(or_(*(f.contains(text, autoescape=True) for f in fields)))
    rows = select(Ticket).where(*where).order_by(Ticket.id.desc()).limit(PAGE).offset((page - 1) * PAGE)
    return TicketList(
        list(session.scalars(rows)),
        _count(session, Ticket, *where),
        page,
        _count(session, Ticket, Ticket.state.not_in(ENDED)),
        Names(session),
        {"show": show, "kind": kind, "q": text},
    )


@dataclass(frozen=True)
class Today:
    """The calm page's figures, each with what it is of."""

    arrivals: int
    disposed: int
    opened: int
    closed: int
    open_now: int
    seats_present: int
    seats: int
    last_tick: datetime | None


def today(session: Session, since: datetime) -> Today:
    """Figures since `since` (local midnight)."""
    here = Seat.user_id.is_not(None)
    tick = session.get(Heartbeat, "tick")
    return Today(
        _count(session, Arrival, Arrival.arrived_at >= since),
        _count(session, Arrival, Arrival.arrived_at >= since, Arrival.disposition.is_not(None)),
        _count(session, Ticket, Ticket.opened_at >= since),
        _count(session, Ticket, Ticket.opened_at >= since, Ticket.state.in_(ENDED)),
        _count(session, Ticket, Ticket.state.not_in(ENDED)),
        _count(session, Seat, here),
        _count(session, Seat),
        tick.at if tick else None,
    )


@dataclass(frozen=True)
class SeatView:
    """A seat and who sits there."""

    name: str
    number: str
    user_id: int | None
    who: str
    break_reason: str
    break_since: datetime | None
    since: datetime | None
    call: Arrival | None


def seats(session: Session) -> list[SeatView]:
    """Every seat, who sits there, and the call it has."""
    talking: dict[str, Arrival] = {}
    for arrival in session.scalars(select(Arrival).where(Arrival.state == "live").order_by(Arrival.arrived_at)):
        for key in (arrival.answered_by, arrival.taken_by):
            if key and key.startswith("seat-"):
                talking[key.removeprefix("seat-")] = arrival
    rows = select(Seat, StaffUser.name).outerjoin(StaffUser, StaffUser.id == Seat.user_id).order_by(Seat.name)
    return [
        SeatView(s.name, s.number, s.user_id, who or "", s.break_reason or "", s.break_since, s.signed_in_at,
                 talking.get(s.name))
        for s, who in session.execute(rows)
    ]  # fmt: skip


def tries(arrivals: Iterable[Arrival]) -> tuple[dict[str, Any], ...]:
    """Whom the ladder has rung, in order, with the result as far as it is known."""
    seen: dict[str, dict[str, Any]] = {}
    records = [record for arrival in arrivals for record in arrival.steps.values()]
    for record in sorted(records, key=lambda r: float(r["t"])):
        who, kind = str(record.get("who", "")), record.get("s")
        if kind == "tried" and who:
            seen[who] = {"who": who, "result": ""}
        elif kind == "result" and who:
            seen.setdefault(who, {"who": who})["result"] = str(record.get("result", ""))
    return tuple(seen.values())


def _alarm(session: Session, ticket: Ticket) -> AlarmView:
    arrivals = _arrivals_of(session, ticket.id)
    due = select(Deadline).where(Deadline.ticket_id == ticket.id, Deadline.state == "open").order_by(Deadline.due_at)
    return AlarmView(
        ticket,
        _card_of(session, ticket, rescue=False),
        next((a for a in reversed(arrivals) if a.state == "live"), None),
        len(arrivals),
        session.scalar(due.limit(1)),
        tries(arrivals),
    )


def _calls(session: Session) -> tuple[list[CallView], int]:
    """Live calls and ended ones without their end, the oldest waiting first."""
    shown = or_(Arrival.state == "live", Arrival.disposition.is_(None))
    rows = (
        select(Arrival, Ticket)
        .outerjoin(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id)
        .outerjoin(Ticket, Ticket.id == ArrivalTicket.ticket_id)
        .where(shown)
        .order_by(Arrival.state == "ended", Arrival.arrived_at)
        .limit(MOST_CALLS)
    )
    views = [_call(session, arrival, ticket) for arrival, ticket in session.execute(rows)]
    return views, _count(session, Arrival, shown)


def _call(session: Session, arrival: Arrival, ticket: Ticket | None) -> CallView:
    match = residents.find_by_number(session, arrival.caller)
    home_id = arrival.home_id or match.home_id
    card = residents.card(session, home_id=home_id) if home_id else None
    people = match.people or (card.people if card else ())
    name = "、".join(p.name for p in people[:2]) or arrival.caller_name
    return CallView(
        arrival, ticket, name, card.home.address if card and card.home else "",
        (arrival.answered_by or arrival.taken_by or "").removeprefix("seat-"),
    )  # fmt: skip


def _deadlines(session: Session) -> tuple[list[DeadlineView], int]:
    is_open = Deadline.state == "open"
    rows = select(Deadline).where(is_open).order_by(Deadline.urgent.desc(), Deadline.due_at).limit(MOST_DEADLINES)
    views = []
    for row in session.scalars(rows):
        kind, _, number = row.subject.partition(":")
        ticket = session.get(Ticket, row.ticket_id) if row.ticket_id else None
        arrival = session.get(Arrival, int(number)) if kind == "arrival" and number.isdigit() else None
        views.append(DeadlineView(row.kind, row.due_at, row.reason, row.urgent, ticket, arrival))
    return views, _count(session, Deadline, is_open)


def _caller(
    session: Session, arrival: Arrival | None, number: str, device_code: str | None, person_id: int | None
) -> CallerCard:
    match = residents.find_by_number(session, number)
    home_id = arrival.home_id if arrival and arrival.home_id else match.home_id
    if home_id is None and device_code:
        device = residents.find_device(session, device_code)
        home_id = device.home_id if device else None
    card = None
    if home_id is not None or person_id is not None:
        card = residents.card(session, home_id=home_id, person_id=person_id)
        home_id = card.home.id if card and card.home else home_id
    return _card(session, arrival, number, match, card, home_id)


def _card(
    session: Session, arrival: Arrival | None, number: str, match: residents.LineMatch, card: residents.Card | None,
    home_id: int | None,
) -> CallerCard:  # fmt: skip
    mine: list[ColumnElement[bool]] = []
    if number:
        mine.append(Ticket.caller == number)
    if home_id is not None:
        mine.append(Ticket.home_id == home_id)
    found: Sequence[Ticket] = ()
    total = before = 0
    if mine:
        found = session.scalars(select(Ticket).where(or_(*mine)).order_by(Ticket.id.desc()).limit(20)).all()
        total = _count(session, Ticket, or_(*mine))
    if number:
        earlier = Arrival.id != (arrival.id if arrival else 0)
        before = _count(session, Arrival, Arrival.caller == number, earlier)
    ticket = None
    if arrival is not None:
        joined = select(Ticket).join(ArrivalTicket, ArrivalTicket.ticket_id == Ticket.id)
        ticket = session.scalar(joined.where(ArrivalTicket.arrival_id == arrival.id))
    return CallerCard(
        arrival, number, match, card, [t for t in found if t.state not in ENDED],
        [t for t in found if t.state in ENDED], total, ticket, Names(session), before,
    )  # fmt: skip


def _card_of(session: Session, ticket: Ticket, *, rescue: bool) -> residents.Card | None:
    if ticket.home_id is None and ticket.person_id is None:
        return None
    return residents.card(session, home_id=ticket.home_id, person_id=ticket.person_id, include_rescue=rescue)


def _arrivals_of(session: Session, ticket_id: int) -> list[Arrival]:
    rows: Select[Any] = select(Arrival).join(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id)
    return list(session.scalars(rows.where(ArrivalTicket.ticket_id == ticket_id).order_by(Arrival.arrived_at)))


def _count(session: Session, table: Any, *where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


def midnight(now: datetime, zone: Any) -> datetime:
    """The local day's beginning."""
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
