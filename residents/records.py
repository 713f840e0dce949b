"""A home's records field by field, as those who keep them see them: the value, its revision, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.numbers import NumberPlan
from foundation.writer import Work
from residents import provenance, registry
from residents.errors import FieldInvalid, NoSuch
from residents.provenance import Source
from residents.record_tables import Consent
from residents.tables import Contact, Device, Home, HomeMember, Person

EDITED: dict[str, tuple[str, ...]] = {
    "home": ("division_code", "address", "compound", "road", "house_no", "building", "unit", "floor", "room",
             "landmark"),
    "person": ("name", "surname_reading", "sex", "birth_year", "phone", "dialect"),
    "contact": ("name", "relation", "phone", "position", "minutes_away", "has_key", "hours"),
    "device": ("number", "status"),
}  # fmt: skip
"""The fields that a keeper edits. Medical cards, access and tags have their own pages and rights."""


@dataclass(frozen=True)
class RecordView:
    """One record of a home: which, at which revision, field -> value, and field -> where it came from."""

    subject: str
    row_id: int
    revision: int
    name: str
    values: dict[str, Any]
    sources: dict[str, dict[str, str]]
    consents: tuple[Consent, ...] = ()


def of_home(session: Session, home_id: int) -> list[RecordView]:
    """The home itself, who lives there, its contacts in order, its devices; nothing when there is no such home."""
    home = session.get(Home, home_id)
    if home is None:
        return []
    lives = select(Person).join(HomeMember, HomeMember.person_id == Person.id).where(HomeMember.home_id == home_id)
    contacts = select(Contact).where(Contact.home_id == home_id).order_by(Contact.position, Contact.id)
    devices = select(Device).where(Device.home_id == home_id, Device.status != "retired").order_by(Device.id)
    rows: list[tuple[str, Any]] = [("home", home)]
    rows += [("person", row) for row in session.scalars(lives.order_by(Person.birth_year, Person.id))]
    rows += [("contact", row) for row in session.scalars(contacts)]
    rows += [("device", row) for row in session.scalars(devices)]
    return [_view(session, subject, row) for subject, row in rows]


def belongs(session: Session, home_id: int, subject: str, row_id: int) -> bool:
    """Whether that record is this home's, or of somebody who lives there."""
    if subject == "home":
        return row_id == home_id
    if subject == "person":
        return session.get(HomeMember, (home_id, row_id)) is not None
    table = Contact if subject == "contact" else Device
    return session.scalar(select(table.id).where(table.id == row_id, table.home_id == home_id)) is not None


def change(
    work: Work, subject: str, row_id: int, values: Mapping[str, Any], plan: NumberPlan, *, expected: int | None,
    source: Source,
) -> None:  # fmt: skip
    """Change fields of one record as of the revision that was read. Raises `ChangedMeanwhile`, `FieldInvalid`."""
    for name in values:
        if name not in EDITED.get(subject, ()):
            raise FieldInvalid(name[:40], "不能在这里修改", "cannot be changed here")
    if subject == "home":
        registry.change_home(work, row_id, values, expected=expected, source=source)
    elif subject == "person":
        registry.change_person(work, row_id, values, plan, expected=expected, source=source)
    elif subject == "contact":
        registry.change_contact(work, row_id, values, plan, expected=expected, source=source)
    elif subject == "device":
        registry.change_device(work, row_id, values, plan, expected=expected, source=source)
    else:
        raise NoSuch(subject, row_id)


def _view(session: Session, subject: str, row: Any) -> RecordView:
    values = {name: getattr(row, name) for name in EDITED[subject]}
    said: tuple[Consent, ...] = ()
    if subject == "person":
        said = tuple(session.scalars(select(Consent).where(Consent.person_id == row.id).order_by(Consent.id.desc())))
    name = getattr(row, "name", "") or getattr(row, "code", "") or row.address
    return RecordView(
        subject, row.id, row.revision, name, values, provenance.of_record(session, subject, row.id), said[:10]
    )
