"""Matching (匹配): the facts that ranking judges, read for one ticket.

What changes seldom comes from `providers.register_columns`; who holds how many orders, who was asked lately, who is
absent or opted out, and what this resident and this round rule out are read fresh, each by one statement that costs
the same however large the register is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from sqlalchemy import Connection, bindparam, text
from sqlalchemy.orm import Session

from dispatch import ranking
from dispatch.limits import LOCAL
from dispatch.places import Place, distance_km, place
from dispatch.ranking import Candidates, Flags, Matter, Ranked
from dispatch.ranking_words import OTHER, PROBATION
from dispatch.tables import Ticket
from foundation.tables import Instant
from providers import queries, register_columns
from providers.register_columns import ItemRegister
from providers.rota import why_off
from providers.tables import STATES as PROVIDER_STATES
from providers.taxonomy import ITEMS

RESTED = timedelta(days=1)
"""After so long a provider counts as not asked at all."""

# The conditions of partial indexes are repeated as they stand there, so that either database uses them. The first two
# are not joined with the item's providers: the whole district's handful is one short range of an index, while a join
# would look each of them up in a large one.
_HELD = text(
    "SELECT assigned_provider_id, count(*) FROM tickets WHERE assigned_provider_id IS NOT NULL "
    "AND state IN ('accepted', 'arrived', 'paused') GROUP BY assigned_provider_id"
)
_ASKED_LATELY = text("SELECT id, last_offered_at FROM providers WHERE last_offered_at > :since").bindparams(
    bindparam("since", type_=Instant())
)
_ABSENT = (
    text("SELECT id, absent_until FROM providers WHERE absent_until IS NOT NULL AND absent_until > :now")
    .bindparams(bindparam("now", type_=Instant()))
    .columns(absent_until=Instant())
)
_OPTED_OUT = text(
    "SELECT p.provider_id, p.number FROM provider_items i JOIN provider_phones p ON p.provider_id = i.provider_id "
    "JOIN correspondents c ON c.number = p.number WHERE i.item = :item AND c.opted_out_at IS NOT NULL"
)
_ASKED = text("SELECT provider_id FROM offers WHERE ticket_id = :ticket AND round = :round")
_REFUSED = text(
    "SELECT provider_id FROM refusals WHERE lifted_at IS NULL AND person_id = :person UNION "
    "SELECT provider_id FROM refusals WHERE lifted_at IS NULL AND line = :line AND line <> '' "
    "AND (person_id IS NULL OR :person = 0)"
)


def ranked(session: Session, ticket: Ticket, now: datetime, preferred: int | None = None) -> Sequence[Ranked]:
    """Providers of the ticket's item: every able one, best first, then some that are not, each with its reasons."""
    register = register_columns.of_item(session, ticket.item) if ticket.item else None
    if register is None:
        return []
    chosen = preferred if preferred is not None else ticket.policy.get("preferred")
    return ranking.rank(*_facts(session, register, ticket, now, preferred=chosen))


def judge(session: Session, ticket: Ticket, provider_id: int, now: datetime) -> Ranked:
    """One provider that the resident names: every hard condition but its area holds. Raises `UnknownProvider`."""
    register = register_columns.of_item(session, ticket.item) if ticket.item else None
    row = register.row_of.get(provider_id) if register else None
    if register is None or row is None:
        name = queries.find(session, provider_id).name
        return Ranked(provider_id, name, False, 0.0, (("不提供该项目", "does not offer this item"),))
    matter, candidates = _facts(session, register, ticket, now, preferred=provider_id, anywhere=True)
    (judged,) = ranking.rank(matter, ranking.only(candidates, [row]))
    return judged


def named(session: Session, ticket: Ticket, words: str, now: datetime, most: int) -> list[Ranked]:
    """Providers of the item with `words` in their names, whatever their area, judged as `judge` does; none for none."""
    register = register_columns.of_item(session, ticket.item) if ticket.item else None
    if register is None or not words:
        return []
    rows = [row for row, name in enumerate(register.names) if words.casefold() in name.casefold()]
    if not rows:
        return []
    matter, candidates = _facts(session, register, ticket, now, preferred=None, anywhere=True)
    return ranking.rank(matter, ranking.only(candidates, rows))[:most]


def refused_by(connection: Connection, ticket: Ticket) -> set[int]:
    """Whom this resident does not want: said on this ticket, or on an earlier one and not taken back."""
    told = {"person": ticket.person_id or 0, "line": ticket.caller}
    return {row[0] for row in connection.execute(_REFUSED, told)} | set(ticket.policy.get("refused", ()))


def _facts(
    session: Session, register: ItemRegister, ticket: Ticket, now: datetime, *, preferred: int | None,
    anywhere: bool = False,
) -> tuple[Matter, Candidates]:  # fmt: skip
    session.flush()
    connection = session.connection()
    told = {"item": ticket.item, "now": now, "since": now - RESTED}
    row_of = register.row_of
    here = place(ticket.latitude, ticket.longitude)
    held = np.zeros(len(register.ids), dtype=np.int64)
    for provider_id, orders in connection.execute(_HELD).all():
        if provider_id in row_of:
            held[row_of[provider_id]] = orders
    rested = np.ones(len(register.ids))
    for provider_id, at in connection.execute(_ASKED_LATELY, told).all():
        if provider_id in row_of:
            rested[row_of[provider_id]] = min(max((now - _moment(at)) / RESTED, 0.0), 1.0)
    asked = [row[0] for row in connection.execute(_ASKED, {"ticket": ticket.id, "round": ticket.round})]
    state = _STANDING[register.states]
    was_asked = _flags(register, asked)
    closed, closed_words = register.closed(now)
    item = ITEMS.get(ticket.item or "")
    today = now.astimezone(LOCAL).date().toordinal() if item is not None and item.licence else 0
    return (
        Matter(
            place=here,
            pool=ticket.policy.get("pool", ranking.POOLS[0]),
            trial_used=bool((was_asked & (state == PROBATION)).any()),
            preferred=preferred,
            band=register.band,
            anywhere=anywhere,
        ),
        Candidates(
            ids=register.ids, names=register.names, state=state, reach=register.reach(ticket.community),
            in_radius=_in_radius(register, here), neighbour=register.covers_one_of(ticket.policy.get("neighbours", ())),
            latitude=register.latitude, longitude=register.longitude, licensed=register.licensed_until >= today,
            closed=closed, closed_words=closed_words, absent=_absent(connection, register, told),
            capacity=register.capacity, open_orders=held, has_phone=_reachable(connection, register, told),
            refused=_flags(register, refused_by(connection, ticket)), asked=was_asked, stars=register.stars,
            rested=rested, price_low=register.price_low, price_high=register.price_high, **register.counts,
        ),
    )  # fmt: skip


_reached: WeakKeyDictionary[ItemRegister, Flags] = WeakKeyDictionary()
_STANDING = np.array([ranking.STATES.index(s) if s in ranking.STATES else OTHER for s in PROVIDER_STATES])


def _flags(register: ItemRegister, providers: Iterable[int]) -> Flags:
    flags = np.zeros(len(register.ids), dtype=bool)
    flags[[register.row_of[key] for key in providers if key in register.row_of]] = True
    return flags


def _in_radius(register: ItemRegister, here: Place | None) -> Flags:
    if here is None:
        return np.zeros(len(register.ids), dtype=bool)
    found: Flags = distance_km(here, register.latitude, register.longitude) <= register.radius_km
    return found


def _absent(connection: Connection, register: ItemRegister, told: dict[str, Any]) -> dict[int, tuple[str, str]]:
    found = {}
    for provider_id, until in connection.execute(_ABSENT, told).all():
        row = register.row_of.get(provider_id)
        if row is not None:
            why = why_off(replace(register.timetables[register.timetable[row]], absent_until=until), told["now"])
            found[row] = why or ("今天请假", "is absent today by its own word")
    return found


def _moment(stored: datetime | str) -> datetime:
    """A moment as the driver gave it: nine hundred are read, and only the few of this item are worth making."""
    if isinstance(stored, str):
        return datetime.fromisoformat(stored).replace(tzinfo=UTC)
    return stored


def _reachable(connection: Connection, register: ItemRegister, told: dict[str, Any]) -> Flags:
    """Who has a verified telephone that has not opted out. Opting out stamps the register: it is read once for each."""
    known = _reached.get(register)
    if known is not None:
        return known
    out: dict[int, set[str]] = {}
    for provider_id, number in connection.execute(_OPTED_OUT, told).all():
        out.setdefault(register.row_of[provider_id], set()).add(number)
    reachable = register.has_phone.copy()
    for row, numbers in out.items():
        reachable[row] = not numbers.issuperset(register.phones[row])
    _reached[register] = reachable
    return reachable
