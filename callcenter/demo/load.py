"""Bringing the demo district into an empty database, in small commands, once.

Each home, provider and so on is one item of the inbox's kind: kept under its own name, so that a start that was killed
half-way goes on where it stopped, and a second start adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
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
from providers import documents, ledger
from providers.documents import NewDocument
from providers.tables import Provider, ProviderCoverage, ProviderItem, ProviderPhone
from providers.taxonomy import ITEMS
from residents import registry
from residents.tables import Home

SOURCE = "demo"
ACTOR = "demo"
CHUNK = 3
"""Things in one command: a home writes some fifteen rows, and no command may last long."""

_STANDINGS: dict[str, dict[str, Any]] = {
    "warned": {"days": 20, "reason": "查实投诉：收费（演示） / complaint found true: the price (demo)"},
    "suspended": {"days": 10, "reason": "再次查实投诉：失约（演示） / complaint found true again: late (demo)"},
    "withdrawn": {"reason": "负责人退休（演示） / its owner retired (demo)"},
    "rejected": {"reason": "没有固定场所（演示） / no premises (demo)"},
}
"""Why some firms of the demo stand where they do, and for how many days."""

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
    standing = _STANDINGS.get(provider.values["state"], {})
    until = work.now + timedelta(days=standing["days"]) if "days" in standing else None
    row = Provider(**provider.values, created_at=work.now, state_since=work.now, state_until=until,
                   state_reason=standing.get("reason", ""))  # fmt: skip
    work.session.add(row)
    work.session.flush()
    for item, low, high in provider.items:
        work.session.add(ProviderItem(provider_id=row.id, item=item, price_min=low, price_max=high))
    work.session.add_all(ProviderCoverage(provider_id=row.id, prefix=prefix) for prefix in provider.coverage)
    work.session.add(ProviderPhone(provider_id=row.id, number=provider.phone, position=1, verified_at=work.now))
    items = {item: (low, high) for item, low, high in provider.items}
    ledger.entered(work, row, "added", items=items, coverage=provider.coverage)
    if row.kind == "company" and row.state not in ("applied", "vetting"):
        _add_papers(work, row.id, [item for item in items if ITEMS[item].licence])
    work.log("provider.added", provider_id=row.id)


def _add_papers(work: Work, provider_id: int, licensed: list[str]) -> None:
    """A licence and the permits that its items need, both invented; they hold for years, so that no demo ends them."""
    last = documents.local_day(work.now) + timedelta(days=3 * 365)
    documents.add(work, provider_id, NewDocument("licence", f"演示执照-{provider_id:04}", "演示机关", valid_to=last))
    if licensed:
        permit = NewDocument("permit", f"演示许可-{provider_id:04}", "演示机关", licensed, valid_to=last)
        documents.add(work, provider_id, permit)


def _add_duty(work: Work, duty: DemoDuty) -> None:
    work.session.add(DutyPhone(position=duty.position, name=duty.name, number=duty.phone))
    work.log("duty.phone_added", position=duty.position)
