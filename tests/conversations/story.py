"""One story in a whole system, and what is held against it in the end.

Nothing may happen that the story does not name: no telephone rings, no text arrives and no error is logged unasked.
Each call that reached the exchange is one arrival with its end, no alarm stays open, nobody is rung by two drivers, and
the link to the exchange was never lost.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from callcenter.town.diary import Call
from callcenter.town.telephones import Line, Phone
from dispatch import call_backs
from dispatch.tables import Arrival, ArrivalTicket, CallBack, StaffTask, Ticket
from foundation.clock import SystemClock
from foundation.tables import OutboxMessage, TicketEvent
from foundation.writer import Writer
from tests.cast import PLAN
from tests.operator_desk import Operator
from tests.system import System
from tests.waiting import wait_until

_ERROR = re.compile(r"^\S+ \S+ (ERROR|CRITICAL) |^Traceback|^\w+(\.\w+)*Error\b")
SETTLED_S = 20.0
FAILED = pytest.StashKey[bool]()


@dataclass
class Story:
    """What one story needs: the town, the desks, looks into the database; and what it says it expects."""

    system: System
    since: float = field(default_factory=time.time)
    restarted: bool = False
    _desks: dict[str, Operator] = field(default_factory=dict)
    _rung: set[str] = field(default_factory=set)
    _texts: list[str] = field(default_factory=list)
    _errors: list[str] = field(default_factory=list)
    _tasks: set[str] = field(default_factory=set)
    _strangers: int = 0

    def __post_init__(self) -> None:
        self.town = self.system.town
        self._log_from = self.system.log.stat().st_size if self.system.log.exists() else 0
        self._first_arrival = self._newest(Arrival.id)
        self._first_message = self._newest(OutboxMessage.id)
        self._first_task = self._newest(StaffTask.id)
        self._lost_links = self._figure("callcenter_bridge_link_lost")

    def _newest(self, column: Any) -> int:
        return self.system.look(lambda s: s.scalar(select(func.max(column)))) or 0

    # --- who takes part ---------------------------------------------------------------------------

    def operator(self, login: str) -> Operator:
        """This operator's desk, signed in and seated once per story."""
        if login not in self._desks:
            secrets = self.system.settings.home / "secrets"
            self._desks[login] = Operator(self.system.base, secrets, login).sits_down()
            wait_until(
                lambda: f"PJSIP/{login}" in self.system.exchange.ask("queue show service"),
                10,
                f"{login} sits in service",
            )
        return self._desks[login]

    def supervisor(self, login: str = "op4") -> Operator:
        """A supervisor's browser, at no seat."""
        if login not in self._desks:
            self._desks[login] = Operator(self.system.base, self.system.settings.home / "secrets", login).signs_in()
        return self._desks[login]

    def may_ring(self, *phones: Phone) -> None:
        """These telephones are rung in this story; any other that rings fails it. Seats ring by their nature."""
        self._rung.update(phone.number for phone in phones)

    def knows_texts(self, *parts: str) -> None:
        """Texts with these words arrive in this story without being waited for."""
        self._texts.extend(parts)

    def knows_errors(self, *parts: str) -> None:
        """The application logs errors with these words in this story."""
        self._errors.extend(parts)

    def knows_tasks(self, *kinds: str) -> None:
        """Tasks of these kinds come to the staff in this story."""
        self._tasks.update(kinds)

    # --- what is known ----------------------------------------------------------------------------

    def arrival(self, line: Line, within: float = 10.0) -> Arrival:
        """The arrival of this call. A telephone has one call at a time, so its latest one is meant."""
        return self.system.wait_for(lambda s: self._arrival_of(s, line), within, f"the arrival of {line}")

    def _arrival_of(self, session: Session, line: Line) -> Arrival | None:
        found = select(Arrival).where(Arrival.id > self._first_arrival).order_by(Arrival.id.desc())
        ours = [a for a in session.scalars(found) if _same_number(a.caller_raw, line.call.phone)]
        return ours[0] if ours and ours[0].arrived_at.timestamp() > line.call.started_at - 2 else None

    def alarm(self, line: Line, within: float = 10.0) -> Ticket:
        """The alarm of this press."""

        def look(session: Session) -> Ticket | None:
            arrival = self._arrival_of(session, line)
            link = session.get(ArrivalTicket, arrival.id) if arrival else None
            return session.get(Ticket, link.ticket_id) if link else None

        return self.system.wait_for(look, within, f"the alarm of {line}")

    def ticket(self, ticket_id: int) -> Ticket:
        return self.system.look(lambda s: s.get_one(Ticket, ticket_id))

    def ticket_is(self, ticket_id: int, state: str, within: float = 10.0) -> Ticket:
        """Wait until the ticket has this state."""

        def look(session: Session) -> Ticket | None:
            ticket = session.get_one(Ticket, ticket_id)
            return ticket if ticket.state == state else None

        return self.system.wait_for(look, within, f"ticket {ticket_id} is {state}")

    def events(self, ticket_id: int) -> list[TicketEvent]:
        """All that the ticket tells, in the order in which it was written."""
        found = select(TicketEvent).where(TicketEvent.ticket_id == ticket_id).order_by(TicketEvent.id)
        return self.system.look(lambda s: list(s.scalars(found)))

    def tells(self, ticket_id: int, kind: str, within: float = 10.0, **detail: Any) -> TicketEvent:
        """Wait for an event of the ticket with these details; returns the first."""

        def look(session: Session) -> TicketEvent | None:
            found = select(TicketEvent).where(TicketEvent.ticket_id == ticket_id, TicketEvent.kind == kind)
            fits = (e for e in session.scalars(found.order_by(TicketEvent.id)) if detail.items() <= e.detail.items())
            return next(fits, None)

        return self.system.wait_for(look, within, f"ticket {ticket_id} tells {kind} with {detail}")

    # --- what the exchange knows, whether or not the application lives ------------------------------

    def journal(self, line: Line) -> list[dict[str, str]]:
        """The steps of this call that lie in the exchange's spool: all of them while the application is dead."""
        calls: dict[str, list[dict[str, str]]] = {}
        for path in self.system.exchange.process.directories.journal.glob("*~*"):
            with contextlib.suppress(FileNotFoundError):  # the bridge has just committed and removed it
                call = path.name.partition("~")[0]
                calls.setdefault(call, []).append(dict(parse_qsl(path.read_text().strip(), keep_blank_values=True)))
        known = self.system.look(lambda s: self._arrival_of(s, line))
        ours = [c for c in calls.values() if any(s.get("raw") == line.call.phone for s in c)]
        steps = calls.get(known.external_id, []) if known else next(iter(ours), [])
        return sorted(steps, key=lambda step: float(step.get("t", "0")))

    def joined(self, line: Line, within: float = 20.0) -> str:
        """Wait until somebody has this call, though the application is dead; who, as the exchange names people."""
        return str(wait_until(lambda: self._taker(line), within, f"somebody takes the call of {line}"))

    def _taker(self, line: Line) -> str | None:
        return next((s["who"] for s in reversed(self.journal(line)) if s.get("s") == "took"), None)

    def lease_is_stale(self) -> None:
        """Wait until the dialplan takes the application for dead."""
        limit = self.system.settings.ladder.lease_seconds
        wait_until(lambda: self._lease_age() >= limit + 1, limit + 15, "the lease is stale")

    def lease_is_fresh(self) -> None:
        """Wait until the dialplan leaves the ladder to the application."""
        wait_until(lambda: self._lease_age() <= 2, 20, "the lease is fresh")

    def _lease_age(self) -> float:
        told = re.search(r"Value: (\d+)", self.system.exchange.ask("database get app lease"))
        return time.time() - int(told[1]) if told else 1e9

    # --- the watch --------------------------------------------------------------------------------

    def watched(self, item: pytest.Item) -> Iterator[Story]:
        """The body of a fixture: the story, then the check, then a quiet town."""
        try:
            yield self
            if not item.stash.get(FAILED, False):  # a story that failed has said enough
                self.check()
        finally:
            self.leave_quiet()

    def check(self) -> None:
        """Let everything settle, then hold the story to what it named."""
        self.town.hang_up_all()
        made = [c for c in self.town.arrivals(since=self.since) if c.phone not in self.town.settings.seats]
        what = f"{len(made)} calls are arrivals"
        arrivals = self.system.wait_for(self._ended_arrivals(len(made)), SETTLED_S, what) if made else []
        shown = sorted(number for number in map(self._shown, made) if number.isdigit() and len(number) <= 40)
        got = sorted(a.caller_raw for a in arrivals)
        assert [number for number in got if number in shown] == shown, f"callers {shown} became {got}"
        without = [a for a in arrivals if a.disposition is None and a.next_deadline_at is None]
        assert not without, f"calls without an end: {without}"
        open_alarms = select(Ticket.number).where(Ticket.kind == "emergency", Ticket.state != "closed")
        assert self.system.look(lambda s: list(s.scalars(open_alarms))) == [], "alarms are still open"
        self._check_texts()
        self._check_rings()
        self._check_tasks()
        self._check_log()
        if not self.restarted:
            assert self._figure("callcenter_bridge_link_lost") == self._lost_links, "the link to the exchange was lost"

    def _ended_arrivals(self, count: int) -> Any:
        def look(session: Session) -> list[Arrival] | None:
            rows = list(session.scalars(select(Arrival).where(Arrival.id > self._first_arrival)))
            assert len(rows) <= count, f"{len(rows)} arrivals of {count} calls: {[a.external_id for a in rows]}"
            done = all(a.state == "ended" for a in rows)
            return rows if len(rows) == count and done else None

        return look

    def _shown(self, call: Call) -> str:
        shown = next((e.detail.get("shown") for e in self.town.diary.entries(call.phone) if e.call == call.id), None)
        return shown if isinstance(shown, str) else call.phone

    def _check_texts(self) -> None:
        sent = select(OutboxMessage).where(OutboxMessage.id > self._first_message, OutboxMessage.channel == "sms")
        waited_for = {mark for _, mark in self.town.web._expected}
        unasked = [
            f"{m.recipient}: {m.text}"
            for m in self.system.look(lambda s: list(s.scalars(sent.where(OutboxMessage.sent_at.is_not(None)))))
            if f"out-{m.id}" not in waited_for and not any(part in (m.text or "") for part in self._texts)
        ]
        assert not unasked, f"texts that nobody expected: {unasked}"

    def _check_rings(self) -> None:
        rings = [c for c in self.town.diary.calls() if c.direction == "in" and c.started_at >= self.since]
        owed = self._called_back()
        strangers = [
            c for c in rings if c.phone not in self.town.settings.seats and c.phone not in self._rung
            and not (owed[PLAN.parse(c.phone).e164] > 0 and owed.subtract([PLAN.parse(c.phone).e164]) is None)
        ]  # fmt: skip
        assert not strangers, f"telephones rang unasked: {[(c.phone, c.other) for c in strangers]}"

    def _called_back(self) -> Counter[str]:
        """How often the centre called back whom it did not serve: a story need not name what it owes by its nature."""
        rows = self.system.look(lambda s: list(s.execute(select(CallBack.number, CallBack.attempts))))
        return Counter({row.number: row.attempts for row in rows})

    def _check_tasks(self) -> None:
        found = select(StaffTask).where(StaffTask.id > self._first_task)
        tasks = [t for t in self.system.look(lambda s: list(s.scalars(found))) if t.kind not in self._tasks]
        assert not tasks, f"tasks that nobody expected: {[(t.kind, t.text) for t in tasks]}"

    def _check_log(self) -> None:
        lines = self.log()
        bad = [line for line in lines if _ERROR.search(line) and not any(part in line for part in self._errors)]
        assert not bad, "the application logged errors:\n" + "\n".join(lines[-60:])

    def log(self) -> list[str]:
        """What the application has logged since the story began."""
        with self.system.log.open("rb") as file:
            file.seek(self._log_from)
            return file.read().decode(errors="replace").splitlines()

    def _figure(self, name: str) -> float:
        with contextlib.suppress(httpx.HTTPError):
            page = httpx.get(f"{self.system.base}/metrics", timeout=5, trust_env=False).text
            return next((float(line.split()[1]) for line in page.splitlines() if line.startswith(name + " ")), -1.0)
        return -1.0

    def leave_quiet(self) -> None:
        """Whatever happened, the next story finds a quiet town."""
        for phone in {c.phone for c in self.town.diary.calls() if c.started_at >= self.since}:
            Phone(
                self.town, self.town.directory.find(phone)
            ).rings_out() if phone not in self.town.settings.seats else (self.town.seat(phone).rings_out())
        self.town.hang_up_all()
        self._bring_back()
        if self.system.process is not None:
            self._close_what_is_open()
            self._owe_nothing()
            self._finish_tasks()
            for desk in self._desks.values():
                with contextlib.suppress(AssertionError, httpx.HTTPError):
                    desk.gets_up()
        self._forget_texts()
        for desk in self._desks.values():
            desk.close()

    def _forget_texts(self) -> None:
        """What came in this story is no answer to anything in the next."""
        sent = select(OutboxMessage.id, OutboxMessage.recipient).where(OutboxMessage.id > self._first_message)
        for message, recipient in self.system.look(lambda s: list(s.execute(sent))):
            self.town.web._expected.add((PLAN.dial(recipient), f"out-{message}"))

    def _bring_back(self) -> None:
        """After a story that broke off: the application lives, and has heard of every call."""
        if not self.restarted:
            return
        if self.system.process is None:
            self.system.start_application()
        self.system.thaw_application()
        self.system.wait_ready()
        with contextlib.suppress(AssertionError):
            journal = self.system.exchange.process.directories.journal
            wait_until(lambda: not any(journal.glob("*~*")), 15, "the journal is read")

    def _owe_nothing(self) -> None:
        """Nobody of this story is called back in the next."""
        writer = Writer(self.system.database, SystemClock())
        try:
            owed = update(CallBack).where(CallBack.state.in_(call_backs.OWED))
            writer.call(lambda w: w.session.execute(owed.values(state="cancelled")))
        finally:
            writer.close()

    def _finish_tasks(self) -> None:
        found = select(StaffTask.id).where(StaffTask.done_at.is_(None))
        for task in self.system.look(lambda s: list(s.scalars(found))):
            self.operator("op4").finishes_task(task)

    def _close_what_is_open(self) -> None:
        open_alarms = select(Ticket.id).where(Ticket.kind == "emergency", Ticket.state != "closed")
        for alarm in self.system.look(lambda s: list(s.scalars(open_alarms))):
            desk = self.operator("op4")
            for step in (
                lambda desk=desk, alarm=alarm: desk.takes(alarm),
                lambda desk=desk, alarm=alarm: desk.grades(alarm, "concern"),
                lambda desk=desk, alarm=alarm: desk.closes_alarm(alarm, "served_on_phone", "story over"),
            ):
                with contextlib.suppress(AssertionError, httpx.HTTPError):
                    step()


def rung_twice(calls: Iterable[Call], gap: float) -> list[tuple[str, float]]:
    """People who were rung again before `gap` seconds had passed, or while they still rang."""
    last: dict[str, Call] = {}
    again = []
    for call in sorted((c for c in calls if c.direction == "in"), key=lambda c: c.started_at):
        before = last.get(call.phone)
        if before is not None:
            away = call.started_at - before.started_at
            if away < gap or (before.ended_at or call.started_at) > call.started_at:
                again.append((call.phone, away))
        last[call.phone] = call
    return again


def _same_number(one: str, other: str) -> bool:
    one, other = _digits(one), _digits(other)
    return bool(one) and (one.endswith(other) or other.endswith(one))


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())
