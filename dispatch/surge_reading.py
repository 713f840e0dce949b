"""What a surge plan is made from, read from one consistent state: who waits, who can serve whom, who is free when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import ColumnElement, and_, exists, select, text
from sqlalchemy.orm import Session

from dispatch import ranking
from dispatch.choice_tables import Refusal
from dispatch.limits import LOCAL
from dispatch.places import distance_km, place
from dispatch.surge_model import Request, Server
from dispatch.surge_tables import SurgeChoice, SurgePlan, SurgeRow
from dispatch.tables import Correspondent, Offer, Ticket
from providers import register_columns
from providers.register_columns import ItemRegister
from providers.tables import STATES as PROVIDER_STATES
from providers.tables import Provider
from providers.taxonomy import ITEMS

WEIGHTS = {"normal": 1.0, "urgent": 3.0, "extra_urgent": 6.0}
"""What a minute's waiting costs, by urgency; an item of the class `urgent` counts as urgent at least."""
GROWS_IN = timedelta(hours=2)
"""After so long a request weighs twice as much as at first, and so on up to `MOST_GROWN` times."""
MOST_GROWN = 4.0
EXPECTED_MINUTES = {"urgent": 60, "visit": 60, "appt": 120, "info": 20}
"""How long the work is expected to take, by class: an assumption, shown as such."""
OUTRIGHT_KINDS = ("desk",)
"""The centre's own teams and community desks are entered as desks: they are given orders without a question."""
MOST_REQUESTS = 5000
"""So many are planned at once, the weightiest and oldest first."""

_OPEN = text(
    "tickets.state NOT IN ('closed', 'archived')"
)  # in words, so that the partial indexes of open tickets are used
_HELD = ("accepted", "arrived", "paused")
_UNDECIDED = ("offered", "proposed")
_CHUNK = 500
_MATCHED = np.array([state in ranking.STATES for state in PROVIDER_STATES])

T = TypeVar("T")


@dataclass(frozen=True)
class Snapshot:
    """What the planner is given, and the version and choices of the plan it was read beside."""

    requests: tuple[Request, ...]
    servers: tuple[Server, ...]
    at: datetime
    plan_id: int | None = None
    version: int = 0
    choices: int = 0


def waits() -> ColumnElement[bool]:
    """The condition on `Ticket`: a service request that nobody holds and nobody is being asked about."""
    asked = exists().where(Offer.ticket_id == Ticket.id, Offer.state.in_(_UNDECIDED))
    return and_(
        _OPEN,
        Ticket.kind == "service_request",
        Ticket.state.in_(("registered", "offered", "escalated")),
        Ticket.assigned_provider_id.is_(None),
        Ticket.item.is_not(None),
        ~asked,
    )


def snapshot(session: Session, now: datetime) -> Snapshot:
    """Everything the planner needs, as it stands in this session."""
    plan = open_plan(session)
    tickets = session.scalars(select(Ticket).where(waits()).order_by(Ticket.opened_at, Ticket.id)).all()
    tickets = sorted(tickets, key=lambda t: (-weight(t, now), t.id))[:MOST_REQUESTS]
    pins, vetoes = _choices(session, plan)
    ruled_out = _ruled_out(session, tickets)
    opted_out = set(session.scalars(select(Correspondent.number).where(Correspondent.opted_out_at.is_not(None))))
    absent = set(session.scalars(select(Provider.id).where(Provider.absent_until > now)))
    registers: dict[str, tuple[ItemRegister, np.ndarray[Any, np.dtype[np.bool_]]]] = {}
    for item in sorted({ticket.item or "" for ticket in tickets}):
        register = register_columns.of_item(session, item)
        if register is not None:
            registers[item] = register, _may_serve(register, item, now, opted_out, absent)
    shared: dict[tuple[str, bytes], tuple[int, ...]] = {}
    requests = []
    for ticket in tickets:
        here = place(ticket.latitude, ticket.longitude)
        preferred = ticket.policy.get("preferred")
        out = frozenset(ruled_out[ticket.id]) | vetoes.get(ticket.id, frozenset())
        able = _able(ticket, registers, shared)
        asked_for = preferred if preferred in able and preferred not in out else None
        requests.append(
            Request(ticket.id, weight(ticket, now), expected(ticket), able, here, pins.get(ticket.id, asked_for), out)
        )
    servers = _servers(session, {one for request in requests for one in request.able}, now)
    version, choices = (plan.version, plan.choices) if plan else (0, 0)
    return Snapshot(tuple(requests), servers, now, plan.id if plan else None, version, choices)


def open_plan(session: Session) -> SurgePlan | None:
    """The plan that is ready or running, if there is one."""
    return session.scalar(select(SurgePlan).where(SurgePlan.state != "ended"))


def due_rows(session: Session, plan: SurgePlan, most: int) -> list[int]:
    """The rows to carry out now: for each provider its next ones, as many as it has free places."""
    rows = session.execute(
        select(SurgeRow.id, SurgeRow.provider_id)
        .where(SurgeRow.plan_id == plan.id, SurgeRow.version == plan.version, SurgeRow.state == "planned")
        .order_by(SurgeRow.at_door, SurgeRow.id)
    ).all()
    free = free_places(session, {row.provider_id for row in rows})
    due: list[int] = []
    for row in rows:
        if len(due) < most and free.get(row.provider_id, 0) > 0:
            free[row.provider_id] -= 1
            due.append(row.id)
    return due


def free_places(session: Session, providers: Iterable[int]) -> dict[int, int]:
    """How many more orders each of these takes: its capacity, less what it holds and is being asked."""
    free: dict[int, int] = {}
    for part in _chunks(sorted(providers)):
        room = select(Provider.id, Provider.capacity).where(Provider.id.in_(part))
        free |= {row.id: row.capacity for row in session.execute(room)}
        held = select(Ticket.assigned_provider_id).where(Ticket.assigned_provider_id.in_(part), Ticket.state.in_(_HELD))
        asked = select(Offer.provider_id).where(Offer.provider_id.in_(part), Offer.state.in_(_UNDECIDED))
        for one in (*session.scalars(held), *session.scalars(asked)):
            free[one or 0] -= 1
    return free


def left_over(session: Session, most: int) -> list[int]:
    """Rows of plans that ended before these were carried out."""
    rows = (
        select(SurgeRow.id)
        .join(SurgePlan, (SurgePlan.id == SurgeRow.plan_id) & (SurgePlan.version == SurgeRow.version))
        .where(SurgePlan.state == "ended", SurgeRow.state == "planned")
        .order_by(SurgeRow.at_door, SurgeRow.id)
    )
    return list(session.scalars(rows.limit(most)))


def is_done(session: Session, plan: SurgePlan) -> bool:
    """Whether nothing is left to carry out, and nobody waits for an answer or for a place in the plan."""
    mine = SurgeRow.plan_id == plan.id
    planned = select(SurgeRow.id).where(mine, SurgeRow.version == plan.version, SurgeRow.state == "planned")
    asked = select(SurgeRow.id).join(Offer, Offer.id == SurgeRow.offer_id).where(mine, Offer.state.in_(_UNDECIDED))
    waiting = select(Ticket.id).where(waits(), Ticket.id.not_in(plan.figures.get("unserved", [])[:_CHUNK]))
    return all(session.scalar(one.limit(1)) is None for one in (planned, asked, waiting))


def news(session: Session, plan: SurgePlan) -> bool:
    """Whether the plan is out of date: somebody said no or nothing, a row became untrue, a choice was made since, or a
    request waits that it does not know."""
    if plan.planned_at is None or plan.choices != plan.figures.get("choices"):
        return True
    planned = select(SurgeRow.ticket_id).where(
        SurgeRow.plan_id == plan.id, SurgeRow.version == plan.version, SurgeRow.state == "planned"
    )
    waiting = select(Ticket.id).where(waits(), Ticket.id.not_in(planned), Ticket.opened_at <= plan.planned_at)
    unknown = select(Ticket.id).where(waits(), Ticket.opened_at > plan.planned_at)
    left_out = set(plan.figures.get("unserved", ()))
    return session.scalar(unknown.limit(1)) is not None or any(
        one not in left_out for one in session.scalars(waiting.limit(len(left_out) + 1))
    )


def weight(ticket: Ticket, now: datetime) -> float:
    """What a minute's waiting of this request costs: by its urgency, and the more the longer it has waited."""
    item = ITEMS.get(ticket.item or "")
    urgency = ticket.urgency if ticket.urgency != "normal" or not item or item.work_class != "urgent" else "urgent"
    return WEIGHTS[urgency] * min(1 + max(now - ticket.opened_at, timedelta(0)) / GROWS_IN, MOST_GROWN)


def expected(ticket: Ticket) -> float:
    """How many minutes the work is expected to take."""
    item = ITEMS.get(ticket.item or "")
    return float(EXPECTED_MINUTES[item.work_class if item else "visit"])


def _choices(session: Session, plan: SurgePlan | None) -> tuple[dict[int, int], dict[int, frozenset[int]]]:
    pins: dict[int, int] = {}
    vetoes: dict[int, frozenset[int]] = {}
    if plan is not None:
        for choice in session.scalars(select(SurgeChoice).where(SurgeChoice.plan_id == plan.id)):
            if choice.kind == "pin":
                pins[choice.ticket_id] = choice.provider_id
            else:
                vetoes[choice.ticket_id] = vetoes.get(choice.ticket_id, frozenset()) | {choice.provider_id}
    return pins, vetoes


def _ruled_out(session: Session, tickets: Sequence[Ticket]) -> dict[int, set[int]]:
    """Whom each request may not be put to: asked in this round already, or refused by the resident."""
    out: dict[int, set[int]] = {ticket.id: set(ticket.policy.get("refused", ())) for ticket in tickets}
    by_id = {ticket.id: ticket for ticket in tickets}
    for part in _chunks(sorted(by_id)):
        asked = select(Offer.ticket_id, Offer.provider_id, Offer.round).where(Offer.ticket_id.in_(part))
        for ticket_id, provider_id, round_ in session.execute(asked):
            if round_ == by_id[ticket_id].round:
                out[ticket_id].add(provider_id)
    standing = select(Refusal.person_id, Refusal.line, Refusal.provider_id).where(Refusal.lifted_at.is_(None))
    of_person: dict[int, set[int]] = {}
    of_line: dict[str, list[tuple[int | None, int]]] = {}
    for part in _chunks(sorted({ticket.person_id for ticket in tickets if ticket.person_id})):
        for person_id, _line, provider_id in session.execute(standing.where(Refusal.person_id.in_(part))):
            of_person.setdefault(person_id or 0, set()).add(provider_id)
    for lines in _chunks(sorted({ticket.caller for ticket in tickets if ticket.caller})):
        for person_id, line, provider_id in session.execute(standing.where(Refusal.line.in_(lines))):
            of_line.setdefault(line, []).append((person_id, provider_id))
    for ticket in tickets:  # the same rule as `matching.refused_by`
        out[ticket.id] |= of_person.get(ticket.person_id or 0, set())
        said = of_line.get(ticket.caller, ())
        out[ticket.id] |= {provider for person, provider in said if person is None or not ticket.person_id}
    return out


def _may_serve(
    register: ItemRegister, item: str, now: datetime, opted_out: set[str], absent: set[int]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Who may be given this item now, wherever it is: standing, hours, licence, a telephone."""
    closed, _words = register.closed(now)
    licensed = ITEMS[item].licence if item in ITEMS else False
    today = now.astimezone(LOCAL).date().toordinal() if licensed else 0
    may = _MATCHED[register.states] & (closed == 0) & (register.licensed_until >= today) & register.has_phone
    for row, numbers in enumerate(register.phones):
        if opted_out.issuperset(numbers) or int(register.ids[row]) in absent:
            may[row] = False
    return np.asarray(may)


def _able(
    ticket: Ticket, registers: dict[str, Any], shared: dict[tuple[str, bytes], tuple[int, ...]]
) -> tuple[int, ...]:
    """Who can serve this request and goes there; requests with the same answer share one tuple."""
    if (ticket.item or "") not in registers:
        return ()
    register, may = registers[ticket.item or ""]
    covers = register.reach(ticket.community) > 0
    here = place(ticket.latitude, ticket.longitude)
    if here is not None:
        covers |= distance_km(here, register.latitude, register.longitude) <= register.radius_km
    able = may & covers
    key = (ticket.item or "", able.tobytes())
    if key not in shared:
        shared[key] = tuple(int(one) for one in register.ids[able])
    return shared[key]


def _servers(session: Session, ids: set[int], now: datetime) -> tuple[Server, ...]:
    busy: dict[int, list[float]] = {}
    found: list[Server] = []
    for part in _chunks(sorted(ids)):
        held = select(Ticket).where(Ticket.assigned_provider_id.in_(part), Ticket.state.in_(_HELD))
        for ticket in session.scalars(held):
            busy.setdefault(ticket.assigned_provider_id or 0, []).append(_free_in(ticket, now))
        asked = (
            select(Offer.provider_id, Ticket)
            .join(Ticket, Ticket.id == Offer.ticket_id)
            .where(Offer.provider_id.in_(part), Offer.state.in_(_UNDECIDED))
        )
        for provider_id, ticket in session.execute(asked):
            busy.setdefault(provider_id, []).append(expected(ticket))
        columns = (Provider.id, Provider.capacity, Provider.kind, Provider.latitude, Provider.longitude)
        for row in session.execute(select(*columns).where(Provider.id.in_(part)).order_by(Provider.id)):
            taken = sorted(busy.get(row.id, ()))
            ready = ([0.0] * max(row.capacity - len(taken), 0) + taken)[: row.capacity]
            found.append(Server(row.id, tuple(ready), place(row.latitude, row.longitude), row.kind in OUTRIGHT_KINDS))
    return tuple(found)


def _free_in(ticket: Ticket, now: datetime) -> float:
    """In how many minutes a team that holds this order is expected to be free again."""
    begun = ticket.arrived_at or max(ticket.arrive_by or now, now)
    left = (begun + timedelta(minutes=expected(ticket)) - now) / timedelta(minutes=1)
    return max(left, 10.0)


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[at : at + _CHUNK] for at in range(0, len(values), _CHUNK))
