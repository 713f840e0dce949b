"""A small town for the tests of dispatch: two homes, three providers, a rota, and a clock that is set by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dispatch import deadlines, replies, service_requests
from dispatch.journal import CallStep, StepKind
from dispatch.states import Life
from dispatch.states import replay as fold
from dispatch.tables import Arrival, DutyPhone, Offer, Seat, StaffUser, Ticket
from dispatch.truth import untrue
from foundation import deadlines as due
from foundation import inbox, outbox
from foundation.database import Database
from foundation.events import Happened
from foundation.tables import Deadline, OutboxMessage, TicketEvent
from foundation.writer import Work, Writer
from providers.registry import NewProvider, add_provider
from providers.tables import Provider
from residents.tables import Contact, Device, Division, Home, HomeMember, Person

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday, ten o'clock in Ningbo
COMMUNITY = "330203001001"
RESIDENT = "+8613800000101"
PLUMBERS = ("+8613900000001", "+8613900000002", "+8613900000003")


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class Town:
    """The writer with its clock, and words for what people in the tests do."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = HandClock(START)
        self.writer = Writer(database, self.clock)
        self.happened: list[Happened] = []
        self.writer.on_commit(self.happened.extend)
        self._sms = itertools.count(1)
        self.call(_settle)

    def call(self, command: Callable[..., Any], *args: Any, actor: str = "test", **kwargs: Any) -> Any:
        return self.writer.call(command, *args, actor=actor, **kwargs)

    def sms(self, sender: str, text: str) -> str:
        """A text comes in and is handled."""
        payload = {"from": sender, "to": "81890", "text": text}
        key = f"m{next(self._sms)}"
        item = self.call(lambda w: inbox.receive(w.session, "sms", key, payload, w.now))
        return str(self.call(replies.handle_sms, item))

    def forward(self, **duration: float) -> list[str]:
        """Move the clock, firing each deadline at its own moment; what fired."""
        goal = self.clock.at + timedelta(**duration)
        fired = []
        while True:
            with self.database.read() as session:
                row = session.execute(
                    select(Deadline.id, Deadline.due_at)
                    .where(Deadline.state == "open", Deadline.due_at <= goal)
                    .order_by(Deadline.due_at, Deadline.id)
                    .limit(1)
                ).first()
            if row is None:
                self.clock.at = goal
                return fired
            self.clock.at = max(self.clock.at, row.due_at)
            fired.append(self.call(deadlines.fire, row.id, actor="clock"))
            assert len(fired) < 2000, "deadlines fire in a circle"

    def pump(self, channel: str = "sms") -> list[OutboxMessage]:
        """Send everything that is due and still true."""
        claimed: list[OutboxMessage] = self.call(lambda w: outbox.claim(w.session, channel, w.now, 500, untrue))
        for row in claimed:
            self.call(lambda w, r=row: outbox.record_sent(w.session, r.id, "test", f"g{r.id}", "", w.now))
        return claimed

    def request(self, item: str = "0302", **more: Any) -> int:
        """The resident asks for a plumber, and offers begin."""
        new = service_requests.NewRequest(
            item=item, summary="厨房水龙头漏水", caller=RESIDENT, caller_name="王阿姨", community=COMMUNITY,
            address="示范路 1 号", **more,
        )  # fmt: skip
        ticket_id = int(self.call(service_requests.open_request, new))
        self.call(service_requests.begin_offers, ticket_id)
        return ticket_id

    def ticket(self, ticket_id: int) -> Ticket:
        with self.database.read() as session:
            return session.get_one(Ticket, ticket_id)

    def offers(self, ticket_id: int) -> list[Offer]:
        with self.database.read() as session:
            return list(session.scalars(select(Offer).where(Offer.ticket_id == ticket_id).order_by(Offer.id)))

    def rows(self, statement: Any) -> list[Any]:
        with self.database.read() as session:
            return list(session.scalars(statement))

    def events(self, ticket_id: int) -> list[str]:
        return self.rows(select(TicketEvent.kind).where(TicketEvent.ticket_id == ticket_id).order_by(TicketEvent.id))

    def check_laws(self) -> None:
        """What is always true, whatever happened."""
        with self.database.read() as session:
            check_laws(session)


def check_laws(session: Session) -> None:
    """An open ticket has owner and deadline; at most one offer is accepted; each state change has its event."""
    for ticket in session.scalars(select(Ticket)):
        accepted = session.scalar(
            select(func.count()).select_from(Offer).where(Offer.ticket_id == ticket.id, Offer.state == "accepted")
        )
        assert accepted is not None
        assert accepted <= 1, f"{accepted} providers hold {ticket.number}"
        next_due = due.next_due(session, ticket.id)
        if ticket.state in ("closed", "archived"):
            assert ticket.outcome
            assert next_due is None, f"{ticket.number} is closed and still watched"
        else:
            assert ticket.owner
            assert next_due is not None, f"{ticket.number} ({ticket.state}) has no deadline"
            assert next_due == ticket.next_deadline_at, f"{ticket.number} ({ticket.state})"
        states = session.scalars(
            select(TicketEvent.detail)
            .where(TicketEvent.ticket_id == ticket.id, TicketEvent.kind.in_(("ticket.opened", "ticket.state_changed")))
            .order_by(TicketEvent.id)
        ).all()
        for before, after in itertools.pairwise(states):
            assert after["was"] == before["state"], f"{ticket.number}: a change without its event"
        assert states[-1]["state"] == ticket.state, f"{ticket.number}: its last change has no event"
        replayed = replay(session, ticket.id)
        stored = {name: getattr(ticket, name) for name in vars(replayed) if name != "held"}
        assert vars(replayed) == {**stored, "held": ticket.assigned_provider_id}, f"{ticket.number}: replayed otherwise"
    for arrival in session.scalars(select(Arrival).where(Arrival.state == "ended")):
        assert arrival.disposition is not None or arrival.next_deadline_at is not None


def replay(session: Session, ticket_id: int) -> Life:
    """What the ticket's events make of it."""
    rows = select(TicketEvent.kind, TicketEvent.detail).where(TicketEvent.ticket_id == ticket_id)
    return fold((kind, detail) for kind, detail in session.execute(rows.order_by(TicketEvent.id)))


def _settle(w: Work) -> None:
    day = date(2020, 1, 1)
    for code, level, parent in (
        ("3302", "city", None), ("330203", "district", "3302"), ("330203001", "street", "330203"),
        (COMMUNITY, "community", "330203001"),
    ):  # fmt: skip
        w.session.add(Division(code=code, name=f"区划{code}", level=level, parent_code=parent, valid_from=day))
        w.session.flush()
    for home_id in (7, 8):
        w.session.add(
            Home(
                id=home_id, division_code=COMMUNITY, address=f"示范路 {home_id} 号", created_at=w.now, changed_at=w.now
            )
        )
    w.session.flush()
    w.session.add(Person(id=70, name="张爷爷", phone="+8657487000001", created_at=w.now, changed_at=w.now))
    w.session.flush()
    w.session.add(HomeMember(home_id=7, person_id=70, relation="户主"))
    w.session.add(
        Device(code="home-7", kind="dedicated", number="+8657487000001", home_id=7, created_at=w.now, changed_at=w.now)
    )
    for position, number in ((1, "+8613700000001"), (2, "+8613700000002")):
        w.session.add(Contact(home_id=7, position=position, name=f"联系人{position}", relation="子女", phone=number))
    w.session.add(DutyPhone(id=3, position=1, name="值班", number="+8613600000001"))
    w.session.add(Seat(name="op1", number="8001"))
    w.session.add(
        StaffUser(login="boss", name="班长", role="supervisor", password_hash="-", mobile="+8613500000001",
                  created_at=w.now)
    )  # fmt: skip
    for n, number in enumerate(PLUMBERS, 1):
        plumber = NewProvider(name=f"水管师傅{n}", items={"0302": (30, 80)}, prefixes=["330203"], phones=[number])
        provider_id = add_provider(w, plumber)
        w.session.execute(update(Provider).where(Provider.id == provider_id).values(stars=6 - n))  # no command may


_KINDS: dict[str, StepKind] = {kind.value: kind for kind in StepKind}


def steps(call_id: str, *told: tuple[str, float, dict[str, str]], at: datetime = START) -> list[CallStep]:
    """Journal steps of a call: kind, seconds after `at`, fields."""
    return [
        CallStep(call_id, f"{n:03}", _KINDS[kind], at + timedelta(seconds=after), fields)
        for n, (kind, after, fields) in enumerate(told, 1)
    ]


def press(call_id: str, *more: tuple[str, float, dict[str, str]], home: str = "7") -> list[CallStep]:
    """A press from a dedicated line."""
    arrived = {"to": "81890", "from": "87000001", "raw": "87000001", "kind": "emergency", "line": f"home-{home}",
               "home": home, "chan": f"PJSIP/trunk-{call_id}"}  # fmt: skip
    return steps(call_id, ("arrived", 0, arrived), ("queued", 0.1, {"queue": "emergency"}), *more)


def service_call(call_id: str, *more: tuple[str, float, dict[str, str]], caller: str = "13800000101") -> list[CallStep]:
    """A call to the hotline that stands in the service queue."""
    arrived = {"to": "81890", "from": caller, "raw": caller, "kind": "service", "chan": f"PJSIP/trunk-{call_id}"}
    return steps(
        call_id, ("arrived", 0, arrived), ("greeted", 0.1, {}), ("queued", 5, {"queue": "service"}), *more
    )  # fmt: skip


def kinds(messages: Sequence[OutboxMessage]) -> list[str]:
    """The templates of messages, sorted."""
    return sorted(message.template for message in messages)
