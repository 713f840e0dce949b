"""Calls become arrivals: each call id exactly one row, whatever order its journal's steps come in and however often.

Steps come in batches and are stored with few statements, since a city's exchange writes thousands of them a minute:
one read of the arrivals concerned, one bulk insert, one bulk update, one insert of events. Emergencies, which are few,
then go through `alarms` one by one in the same transaction.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from dispatch import (
    alarms,
    call_backs,
    call_story,
    flow_answers,
    incidents,
    limits,
    own_calls,
    ring_backs,
    states,
    tickets,
)
from dispatch.call_story import Record, Story
from dispatch.incident_tables import MassIncident
from dispatch.journal import CallStep, Malformed
from dispatch.staff_tasks import add_tasks
from dispatch.tables import Arrival, ArrivalTicket, Ticket
from foundation import deadlines
from foundation.events import Happened
from foundation.numbers import Number, NumberPlan
from foundation.tables import Base, Deadline
from foundation.text import clean, one_line
from foundation.writer import Work
from residents.tables import Home

_AUTOMATIC = frozenset({"abandoned", "wrong_number", "ended_unknown"})
_ID = re.compile(r"[!-~]{1,100}", re.ASCII)
_ADVISORY_LOCK = 81890
_ARRIVALS = Base.metadata.tables["arrivals"]
"""The plain table, since the bulk path needs no mapped objects."""
_TOLD = frozenset({"answered", "took", "released", "ended", call_story.GONE}) | flow_answers.TOLD
"""Steps of a service call that become events of their own; all steps of an emergency do."""
_ACTING = frozenset({"took", "released", "ended", call_story.GONE})
"""Steps of an emergency that change its alarm; the others are told there."""


@dataclass
class RecordResult:
    """What a batch did: ids of new arrivals, ids of alarms touched, and records that went to a person's desk."""

    new: list[int] = field(default_factory=list)
    alarms: set[int] = field(default_factory=set)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class _Call:
    """One call of a batch: the row as stored, what is new, and what it is now."""

    call_id: str
    row: dict[str, Any] | None
    fresh: dict[str, Record]
    steps: dict[str, Record]
    story: Story
    values: dict[str, Any] = field(default_factory=dict)
    id: int = 0


def record_steps(w: Work, steps: Sequence[CallStep | Malformed], plan: NumberPlan | None = None) -> RecordResult:
    """Store a batch of journal steps; the journal may be deleted once this is committed.

    Idempotent and tolerant: known steps are passed over, the order does not matter, a record nobody can read becomes a
    task for the staff beside an arrival for its call. Never raises because of what a record says.
    """
    plan = plan or NumberPlan()
    result = RecordResult()
    by_call: dict[str, dict[str, Record]] = {}
    unreadable: list[Malformed] = []
    for step in steps:
        if (step.call_id not in by_call and not _ID.fullmatch(step.call_id)) or not _ID.fullmatch(step.step):
            unreadable.append(
                Malformed(step.call_id[:80], step.step[:70], "", "no id of a call or step looks like this")
            )
        elif isinstance(step, CallStep):
            by_call.setdefault(step.call_id, {}).setdefault(step.step, call_story.record(step))
        else:
            unreadable.append(step)
            kept: Record = {"s": "unreadable", "t": w.now.timestamp(), "record": step.record[: call_story.MOST_FIELD]}
            by_call.setdefault(step.call_id, {}).setdefault(step.step, kept)
    _one_at_a_time(w.session)
    unreadable += own_calls.take(w, by_call)
    _apply(w, by_call, plan, result)
    result.unreadable = [(bad.call_id, bad.step) for bad in unreadable]
    add_tasks(
        w,
        "malformed_step",
        {f"{bad.call_id}~{bad.step}"[:160]: f"{bad.reason}: {bad.record}"[:1000] for bad in unreadable},
    )
    return result


def end_unknown(
    w: Work, node: str, live_call_ids: Collection[str], before: datetime, plan: NumberPlan | None = None
) -> int:
    """End the calls of `node` that arrived before `before` and that its exchange no longer has; returns how many.

    `before` is the exchange's time of the listing, so that a call which came in meanwhile is not ended. A cut emergency
    gets its ring-back. Should the journal tell the true end later, that end counts.
    """
    _one_at_a_time(w.session)
    prefix = f"{node}-"
    open_calls = select(Arrival.external_id).where(
        Arrival.source == "call", Arrival.state == "live", Arrival.arrived_at < before,
        Arrival.external_id.startswith(prefix, autoescape=True),
    )  # fmt: skip
    live = set(live_call_ids)
    ids = [call for call in w.session.scalars(open_calls) if "-" not in call.removeprefix(prefix)]  # no "node1-b"'s
    gone = [call_id for call_id in ids if call_id not in live]
    mark: Record = {"s": call_story.GONE, "t": w.now.timestamp()}
    _apply(w, {call_id: {call_story.GONE: mark} for call_id in gone}, plan or NumberPlan(), RecordResult())
    own_calls.end_those_gone(w, live, before)
    return len(gone)


def _one_at_a_time(session: Session) -> None:
    """On PostgreSQL several writers run: two that merge steps of one call would overwrite each other."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def _apply(w: Work, by_call: dict[str, dict[str, Record]], plan: NumberPlan, result: RecordResult) -> None:
    calls = _changed(w.session, by_call)
    if not calls:
        return
    homes = _known_homes(w.session, calls)
    numbers: dict[str, Number] = {}
    inserts: list[dict[str, Any]] = []
    updates: list[dict[str, Any]] = []
    to_dispose: list[_Call] = []
    informed: dict[str, MassIncident] = {}
    for call in calls:
        caller = _number(call.story, plan, numbers)
        values = _values(w, call, caller, homes)
        incident = _incident(w.session, call, caller, values)
        if incident is not None:
            informed[call.call_id] = incident
            values.update(disposition="ticket", disposition_reason=incidents.INFORMED)
        if values["disposition"] is None and (values["state"] == "ended" or values["kind"] == "unknown"):
            values["next_deadline_at"] = (call.row and call.row["next_deadline_at"]) or w.now + limits.DISPOSE.length
            if call.row is None or call.row["next_deadline_at"] is None:
                to_dispose.append(call)
        call.values = values
        (updates if call.row else inserts).append(values)
    fresh = [call for call in calls if call.row is None]
    if inserts:
        made = w.session.execute(insert(_ARRIVALS).returning(_ARRIVALS.c.id, _ARRIVALS.c.external_id), inserts)
        ids = {call_id: arrival_id for arrival_id, call_id in made}
        for call in fresh:
            call.id = ids[call.call_id]
        result.new.extend(ids.values())
    if updates:
        w.session.execute(update(Arrival), updates)
    _tell(w, calls)
    _ask_for_ends(w, to_dispose)
    _end_duties(w, [call for call in calls if call.call_id not in informed], numbers)
    incidents.join(w, [(call.id, informed[call.call_id], call.steps) for call in calls if call.call_id in informed])
    for call in calls:
        if flow_answers.acted_on(call.fresh.values()):
            flow_answers.heard(w, call.id, numbers[call.story.caller_from or call.story.caller_raw].e164, call.fresh)
    result.alarms.update(_emergency(w, call, plan) for call in calls if call.story.kind == "emergency")


def _changed(session: Session, by_call: dict[str, dict[str, Record]]) -> list[_Call]:
    known: dict[str, dict[str, Any]] = {}
    wanted = list(by_call)
    columns = (
        Arrival.id, Arrival.external_id, Arrival.steps, Arrival.kind, Arrival.disposition,
        Arrival.disposition_reason, Arrival.disposed_at, Arrival.disposed_by, Arrival.next_deadline_at,
    )  # fmt: skip
    for start in range(0, len(wanted), 500):
        chunk = wanted[start : start + 500]
        rows = session.execute(select(*columns).where(Arrival.source == "call", Arrival.external_id.in_(chunk)))
        known.update((row["external_id"], dict(row)) for row in rows.mappings())
    calls = []
    for call_id, new in by_call.items():
        row = known.get(call_id)
        old = row["steps"] if row else {}
        fresh = {name: kept for name, kept in new.items() if name not in old} if old else new
        if not fresh:
            continue
        steps = {**old, **fresh} if old else fresh
        call = _Call(call_id, row, fresh, steps, call_story.fold(steps))
        if row is not None:
            call.id = row["id"]
        calls.append(call)
    return calls


def _known_homes(session: Session, calls: Iterable[_Call]) -> set[int]:
    """Homes that the journals name and that exist: a device's record may be older than the register."""
    named = {int(call.story.home) for call in calls if call.story.home.isascii() and call.story.home.isdigit()}
    named = {home for home in named if home < 2**31}
    return set(session.scalars(select(Home.id).where(Home.id.in_(named)))) if named else set()


def _number(story: Story, plan: NumberPlan, numbers: dict[str, Number]) -> Number:
    raw = story.caller_from or story.caller_raw
    if raw not in numbers:
        numbers[raw] = plan.parse(raw)
    return numbers[raw]


def _values(w: Work, call: _Call, caller: Number, homes: set[int]) -> dict[str, Any]:
    story, row = call.story, call.row
    home = int(story.home) if story.home.isascii() and story.home.isdigit() else 0
    values: dict[str, Any] = {
        "kind": story.kind,
        "state": "ended" if story.ended else "live",
        "caller": caller.e164,
        "caller_raw": one_line(story.caller_raw or story.caller_from, 100),
        "caller_name": one_line(story.name, 80),
        "dialled": one_line(story.to, 40),
        "device_code": one_line(story.line, 40) or None,
        "home_id": home if home in homes else None,
        "channel": clean(story.channel, 120),
        "queue": one_line(story.queue, 20),
        "answered_by": one_line(story.answered_by, 40) if story.answered_by is not None else None,
        "taken_by": one_line(story.taken_by, 40) if story.taken_by is not None else None,
        "arrived_at": story.arrived_at,
        "answered_at": story.answered_at,
        "ended_at": story.ended_at,
        "steps": call.steps,
    }
    values.update(_disposition(w, story, row))
    if row is None:
        values.update(source="call", external_id=call.call_id, recorded_at=w.now)
    else:
        values["id"] = row["id"]
    return values


def _disposition(w: Work, story: Story, row: dict[str, Any] | None) -> dict[str, Any]:
    """The disposition as it stands, or the one that follows from the story: what a person said is never changed."""
    names = ("disposition", "disposition_reason", "disposed_at", "disposed_by", "next_deadline_at")
    kept = {name: row[name] if row else None for name in names}
    by_person = kept["disposition"] is not None and (
        kept["disposed_by"] != "system" or kept["disposition"] not in _AUTOMATIC
    )
    if by_person:
        return kept
    if story.kind == "emergency":  # its alarm is raised below, in this transaction
        found: tuple[str, str] | None = ("ticket", "alarm")
    else:
        found = call_story.automatic_disposition(story)
    if found is None:
        return {name: kept[name] if name == "next_deadline_at" else None for name in names}
    return {
        "disposition": found[0],
        "disposition_reason": found[1],
        "disposed_at": w.now,
        "disposed_by": "system",
        "next_deadline_at": None,
    }


def _incident(session: Session, call: _Call, caller: Number, values: dict[str, Any]) -> MassIncident | None:
    """The mass incident whose sentence this caller, whom nobody answered, heard before he hung up."""
    if values["disposition"] != "abandoned" or values["disposed_by"] != "system":
        return None
    return incidents.heard_by(session, call.steps, caller.e164, values["home_id"])


def _tell(w: Work, calls: Iterable[_Call]) -> None:
    """One event for each arrival and for each step that matters, by one statement; an emergency's go to its alarm."""
    happened = []
    for call in calls:
        if call.row is None:
            detail = {"call": call.call_id, "kind": call.story.kind, "to": call.story.to[:40]}
            happened.append(Happened("arrival.recorded", w.now, w.actor, "staff", None, call.id, detail))
        if call.story.kind == "emergency":
            continue
        happened.extend(_step_events(w, call, None, call.fresh, _TOLD))
    w.tell(happened)


def _step_events(
    w: Work, call: _Call, ticket_id: int | None, fresh: dict[str, Record], told: Collection[str] | None
) -> list[Happened]:
    ordered = sorted(fresh.items(), key=lambda item: (item[1]["t"], item[0])) if len(fresh) > 1 else fresh.items()
    return [
        Happened(f"call.{kept['s']}", w.now, w.actor, "staff", ticket_id, call.id,
                 {"call": call.call_id, "step": name, **ring_backs.step_detail(kept)})
        for name, kept in ordered
        if told is None or kept["s"] in told
    ]  # fmt: skip


def _ask_for_ends(w: Work, calls: Iterable[_Call]) -> None:
    rows = [
        {"kind": "arrival.dispose", "subject": f"arrival:{call.id}", "ticket_id": None, "urgent": False,
         "due_at": w.now + limits.DISPOSE.length, "reason": limits.DISPOSE.reason, "state": "open", "attempts": 0,
         "created_at": w.now}
        for call in calls
    ]  # fmt: skip
    if rows:
        w.session.execute(insert(Deadline), rows)


def _end_duties(w: Work, calls: Iterable[_Call], numbers: dict[str, Number]) -> None:
    """Settle what an automatic end brings: no more asking for it, and a call back to who was not served."""
    owed: list[call_backs.Owed] = []
    served: set[str] = set()
    for call in calls:
        number = numbers[call.story.caller_from or call.story.caller_raw]
        if any(kept["s"] in ("answered", "took") for kept in call.fresh.values()) and number.callable_back:
            served.add(number.e164)
        disposed = call.story.kind != "emergency" and call_story.automatic_disposition(call.story)
        if call.row is not None and (disposed or call.story.kind == "emergency") and call.row["next_deadline_at"]:
            deadlines.withdraw_all(w.session, w.now, subject=f"arrival:{call.id}")
        if not disposed or disposed[0] == "wrong_number" or (call.row and call.row["disposition"] is not None):
            continue
        if number.callable_back and (why := call_story.unserved(call.story, call.steps)):
            owed.append(call_backs.Owed(call.id, number.e164, why, call.story.arrived_at))
    if served:
        call_backs.served_otherwise(w, served)
    if owed:
        call_backs.want(w, owed)


def _emergency(w: Work, call: _Call, plan: NumberPlan) -> int:
    """Raise or find the alarm of this call, tell its steps there, and let the steps act on it."""
    new = call.row is None
    of_call = (
        select(ArrivalTicket.ticket_id)
        .join(Ticket, Ticket.id == ArrivalTicket.ticket_id)
        .where(ArrivalTicket.arrival_id == call.id, Ticket.kind == "emergency")
    )
    ticket_id = None if new else w.session.scalar(of_call)
    first_time = ticket_id is None
    if ticket_id is None:
        ticket_id = alarms.raise_alarm(w, _stored(w, call), new=new)
    w.tell(_step_events(w, call, ticket_id, call.steps if first_time else call.fresh, None))
    story = call.story
    kinds = {kept["s"] for kept in call.fresh.values()} if not first_time else {s["s"] for s in call.steps.values()}
    if not kinds & _ACTING:
        return ticket_id
    ticket = tickets.locked(w.session, ticket_id)
    if story.taken_by and "took" in kinds:
        if states.is_open(ticket.state):
            alarms.take(w, ticket_id, story.taken_by)
        if not story.cut and not new:  # of a call heard of just now nobody can have wanted one
            ring_backs.not_needed(w, call.id, f"taken by {story.taken_by}")
    if story.taken_by is None and "released" in kinds:
        alarms.hand_back(w, ticket_id, call.call_id, call_story.released_by(call.steps))
    if story.ended and kinds & {"ended", call_story.GONE}:
        if story.cut:
            ring_backs.want(w, ticket, _stored(w, call), plan, "the call was cut")
        elif story.taken_by is None:
            ring_backs.want(w, ticket, _stored(w, call), plan, "the caller hung up before anyone took the call")
    return ticket_id


def _stored(w: Work, call: _Call) -> Arrival:
    """The call's row, to be read only: what was written just now need not be looked up."""
    if call.row is None:
        return Arrival(id=call.id, **call.values)
    return w.session.get_one(Arrival, call.id, populate_existing=True)
