"""Bringing the demo district into an empty database, in small commands, once.

Each home, provider and so on is one item of the inbox's kind: kept under its own name, so that a start that was killed
half-way goes on where it stopped, and a second start adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from callcenter.demo.district import DemoDuty, DemoHome, DemoProvider, District, Values
from dispatch.tables import DutyPhone
from foundation import inbox
from foundation.database import Database
from foundation.errors import Conflict
from foundation.numbers import NumberPlan
from foundation.tables import InboxItem
from foundation.writer import Priority, Work, Writer
from providers.tables import Provider, ProviderCoverage, ProviderItem, ProviderPhone
from residents import registry
from residents.tables import Home

SOURCE = "demo"
ACTOR = "demo"
CHUNK = 3
"""Things in one command: a home writes some fifteen rows, and no command may last long."""

Thing = tuple[str, Callable[[Work], None]]


class NotTheDemo(Conflict):
    """The database holds something else than this demo district: it is left alone."""

    error_id = "demo.not_the_demo"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"数据库中已有其他数据（{what}），不能装入演示数据",
            f"the database holds {what}: the demo district goes only into an empty one; use another CALLCENTER_HOME",
        )


def load(database: Database, writer: Writer, district: District, plan: NumberPlan) -> int:
    """Load what is missing; returns how many homes, providers and so on were added (0 at a second start).

    Blocks while it works: call it from a thread of its own. Raises `NotTheDemo`.
    """
    with database.read() as session:
        if _is_done(session, district):
            return 0
    things = list(_things(district, plan))
    return sum(
        writer.call(_add, things[start : start + CHUNK], district.seed, actor=ACTOR, priority=Priority.BULK)
        for start in range(0, len(things), CHUNK)
    )


def _is_done(session: Session, district: District) -> bool:
    """Whether all of it is there. Raises `NotTheDemo` for a database with other data."""
    begun = session.scalar(_marker("district"))
    if begun is None and session.scalar(select(Home.id).limit(1)) is not None:
        raise NotTheDemo("homes that are not the demo's / 非演示住户")
    if begun is not None and begun.payload.get("seed") != district.seed:
        raise NotTheDemo(f"the demo district of seed {begun.payload.get('seed')}")
    return session.scalar(_marker("complete")) is not None


def _marker(name: str) -> Any:
    return select(InboxItem).where(InboxItem.source == SOURCE, InboxItem.external_id == name)


def _things(district: District, plan: NumberPlan) -> Iterator[Thing]:
    """Everything in the order it must come, each with the name it is remembered by."""
    yield "district", lambda _work: None
    for division in district.divisions:
        yield f"division:{division['code']}", partial(_add_division, division=division)
    for duty in district.duty:
        yield f"duty:{duty.position}", partial(_add_duty, duty=duty)
    for home in district.homes:
        yield f"home:{home.number}", partial(_add_home, home=home, plan=plan)
    for provider in district.providers:
        yield f"provider:{provider.number}", partial(_add_provider, provider=provider)
    yield "complete", lambda _work: None


def _add(work: Work, things: Sequence[Thing], seed: int) -> int:
    added = 0
    for name, add in things:
        marker = inbox.receive(work.session, SOURCE, name, {"seed": seed}, work.now)
        if marker is not None:
            add(work)
            inbox.handled(work.session, marker, "loaded", work.now)
            added += 1
    return added


def _add_division(work: Work, division: Values) -> None:
    registry.add_division(work, division)


def _add_home(work: Work, home: DemoHome, plan: NumberPlan) -> None:
    home_id = registry.add_home(work, home.values)
    if home.access:
        registry.set_access(work, home_id, home.access)
    for person in home.people:
        person_id = registry.add_person(work, person.values, plan)
        registry.add_member(work, home_id, person_id, person.relation)
        if person.medical:
            registry.set_medical_card(work, person_id, person.medical)
    for contact in home.contacts:
        registry.add_contact(work, home_id, contact, plan)
    if home.device:
        registry.add_device(work, {**home.device, "home_id": home_id}, plan)


def _add_provider(work: Work, provider: DemoProvider) -> None:
    row = Provider(**provider.values, created_at=work.now)
    work.session.add(row)
    work.session.flush()
    for item, low, high in provider.items:
        work.session.add(ProviderItem(provider_id=row.id, item=item, price_min=low, price_max=high))
    work.session.add_all(ProviderCoverage(provider_id=row.id, prefix=prefix) for prefix in provider.coverage)
    work.session.add(ProviderPhone(provider_id=row.id, number=provider.phone, position=1, verified_at=work.now))
    work.log("provider.added", provider_id=row.id)


def _add_duty(work: Work, duty: DemoDuty) -> None:
    work.session.add(DutyPhone(position=duty.position, name=duty.name, number=duty.phone))
    work.log("duty.phone_added", position=duty.position)
