"""The registry: add and change divisions, homes, people, contacts and devices.

Each command runs in the writer, checks every field (`fields.py`), writes one event that names the fields changed but
never their values, keeps where they came from (`source`), and, where the telephone is concerned, raises the household
version and stamps the home with it. Who changes a record says which `revision` of it was read (`expected`): if it is
another now, `ChangedMeanwhile` is raised and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from foundation.numbers import NumberPlan
from foundation.tables import Base
from foundation.writer import Work
from residents import consents, divisions, fields, provenance
from residents.errors import ChangedMeanwhile, CodeTaken, FieldInvalid, NoSuch, NumberTaken
from residents.provenance import REGISTRY, Source
from residents.record_tables import CONSENT_KINDS
from residents.tables import (
    Contact,
    Device,
    Division,
    Home,
    HomeAccess,
    HomeMember,
    HouseholdVersion,
    MedicalCard,
    Person,
)

Values = Mapping[str, Any]
Row = TypeVar("Row", bound=Base)
Record = TypeVar("Record", Home, Person, Contact, Device)

MOST_CONTACTS = 30
MOST_MEMBERS = 50
MOST_DEVICES = 20
"""What one home may have: the telephone rings all contacts at once, so their number is bounded."""


def add_division(work: Work, values: Values) -> str:
    """A new division; its parent must be there and its code must begin with the parent's. Returns the code."""
    kept = fields.check(values, fields.DIVISION, NumberPlan())
    _need(kept, "code", "name", "level", "valid_from")
    code, parent = kept["code"], kept.get("parent_code")
    if work.session.get(Division, code) is not None:
        raise CodeTaken(code)
    if parent is not None:
        _get(work.session, Division, parent, "division")
        if not code.startswith(parent) or code == parent:
            raise FieldInvalid("code", "必须以上级代码开头", "must begin with the code of its parent")
    if kept.get("valid_to") is not None and kept["valid_to"] <= kept["valid_from"]:
        raise FieldInvalid("valid_to", "必须晚于生效日期", "must be later than valid_from")
    work.session.add(Division(**kept))
    work.session.flush()
    work.log("division.added", code=code)
    return str(code)


def add_home(work: Work, values: Values, *, source: Source = REGISTRY) -> int:
    """A new home; needs `division_code`, which must hold today, and `address`. Returns its id, the household id."""
    kept = fields.check(values, fields.HOME, NumberPlan())
    _need(kept, "division_code", "address")
    divisions.valid(work.session, kept["division_code"], divisions.today(work))
    home = Home(**kept, created_at=work.now, changed_at=work.now, version=_next_version(work.session))
    work.session.add(home)
    work.session.flush()
    provenance.note(work, "home", home.id, kept, source)
    work.log("home.added", home_id=home.id)
    return home.id


def change_home(
    work: Work, home_id: int, values: Values, *, expected: int | None = None, source: Source = REGISTRY
) -> None:
    """Change address, place or landmark; a new division must hold today, the one that stands there may be abolished."""
    kept = fields.check(values, fields.HOME, NumberPlan())
    home = _record(work.session, Home, home_id, "home", expected)
    if kept.get("division_code", home.division_code) != home.division_code:
        divisions.valid(work.session, kept["division_code"], divisions.today(work))
    _apply(work, home, kept, "home.changed", home_id=home_id)
    provenance.note(work, "home", home_id, kept, source)


def set_access(work: Work, home_id: int, values: Values) -> None:
    """How rescuers get in; the first call makes the record, later ones change the fields given."""
    kept = fields.check(values, fields.ACCESS, NumberPlan())
    _get(work.session, Home, home_id, "home")
    access = work.session.get(HomeAccess, home_id)
    if access is None:
        access = HomeAccess(home_id=home_id, changed_at=work.now)
        work.session.add(access)
    _apply(work, access, kept, "home.access_changed", home_id=home_id)


def add_person(work: Work, values: Values, plan: NumberPlan, *, source: Source = REGISTRY) -> int:
    """A new resident; needs `name`. Returns the id."""
    kept = fields.check(values, fields.PERSON, plan)
    _need(kept, "name")
    person = Person(**kept, created_at=work.now, changed_at=work.now)
    work.session.add(person)
    work.session.flush()
    provenance.note(work, "person", person.id, kept, source)
    _note_consents(work, person.id, kept, source)
    work.log("person.added", person_id=person.id)
    return person.id


def change_person(
    work: Work, person_id: int, values: Values, plan: NumberPlan, *, expected: int | None = None,
    source: Source = REGISTRY,
) -> None:  # fmt: skip
    """Change what is known of a resident."""
    kept = fields.check(values, fields.PERSON, plan)
    person = _record(work.session, Person, person_id, "person", expected)
    changed = {name: value for name, value in kept.items() if getattr(person, name) != value}
    _apply(work, person, kept, "person.changed", person_id=person_id)
    provenance.note(work, "person", person_id, kept, source)
    _note_consents(work, person_id, changed, source)


def set_medical_card(work: Work, person_id: int, values: Values) -> None:
    """The medical card of a resident; the first call makes it, later ones change the fields given."""
    kept = fields.check(values, fields.MEDICAL, NumberPlan())
    _get(work.session, Person, person_id, "person")
    medical = work.session.get(MedicalCard, person_id)
    if medical is None:
        medical = MedicalCard(person_id=person_id, changed_at=work.now)
        work.session.add(medical)
    _apply(work, medical, kept, "person.medical_card_changed", person_id=person_id)


def add_member(work: Work, home_id: int, person_id: int, relation: str = "") -> None:
    """`person_id` lives in `home_id`; said again, it changes the relation."""
    kept = fields.check({"relation": relation}, fields.MEMBER, NumberPlan())
    _get(work.session, Home, home_id, "home")
    _get(work.session, Person, person_id, "person")
    member = work.session.get(HomeMember, (home_id, person_id))
    if member is None:
        _room_for_one_more(work.session, HomeMember, home_id, MOST_MEMBERS, "members")
        member = HomeMember(home_id=home_id, person_id=person_id)
        work.session.add(member)
    member.relation = kept["relation"]
    work.session.flush()
    work.log("home.member_added", home_id=home_id, person_id=person_id)


def remove_member(work: Work, home_id: int, person_id: int) -> None:
    """`person_id` lives there no more."""
    work.session.delete(_get(work.session, HomeMember, (home_id, person_id), "member"))
    work.session.flush()
    work.log("home.member_removed", home_id=home_id, person_id=person_id)


def add_contact(work: Work, home_id: int, values: Values, plan: NumberPlan, *, source: Source = REGISTRY) -> int:
    """Someone to ring for a home; needs `name`, `relation`, `phone`. Without `position` it comes last."""
    kept = fields.check(values, fields.CONTACT, plan)
    _need(kept, "name", "relation", "phone")
    version = _next_version(work.session)
    _get(work.session, Home, home_id, "home")
    positions = _room_for_one_more(work.session, Contact, home_id, MOST_CONTACTS, "contacts")
    kept.setdefault("position", min(99, max((row.position for row in positions), default=0) + 1))
    contact = Contact(home_id=home_id, **kept)
    work.session.add(contact)
    _stamp(work, version, home_id)
    provenance.note(work, "contact", contact.id, kept, source)
    work.log("contact.added", home_id=home_id, contact_id=contact.id)
    return contact.id


def change_contact(
    work: Work, contact_id: int, values: Values, plan: NumberPlan, *, expected: int | None = None,
    source: Source = REGISTRY,
) -> None:  # fmt: skip
    """Change a contact; its person key on the telephone stays."""
    kept = fields.check(values, fields.CONTACT, plan)
    version = _next_version(work.session)
    contact = _record(work.session, Contact, contact_id, "contact", expected)
    _apply(work, contact, kept, "contact.changed", home_id=contact.home_id, contact_id=contact_id)
    provenance.note(work, "contact", contact_id, kept, source)
    _stamp(work, version, contact.home_id)


def remove_contact(work: Work, contact_id: int) -> None:
    """Nobody rings this contact any more."""
    version = _next_version(work.session)
    contact = _get(work.session, Contact, contact_id, "contact")
    work.session.delete(contact)
    _stamp(work, version, contact.home_id)
    work.log("contact.removed", home_id=contact.home_id, contact_id=contact_id)


def add_device(work: Work, values: Values, plan: NumberPlan, *, source: Source = REGISTRY) -> int:
    """A new line with a button; needs `code`, `kind`, `number`, `home_id`. Raises `CodeTaken`, `NumberTaken`."""
    kept = fields.check(values, fields.DEVICE, plan)
    _need(kept, "code", "kind", "number", "home_id")
    version = _next_version(work.session)
    _get(work.session, Home, kept["home_id"], "home")
    _room_for_one_more(work.session, Device, kept["home_id"], MOST_DEVICES, "devices")
    device = Device(**{"status": "active", **kept}, created_at=work.now, changed_at=work.now)
    _refuse_taken(work.session, device)
    work.session.add(device)
    _stamp(work, version, device.home_id)
    provenance.note(work, "device", device.id, kept, source)
    work.log("device.added", home_id=device.home_id, device_id=device.id)
    return device.id


def change_device(
    work: Work, device_id: int, values: Values, plan: NumberPlan, *, expected: int | None = None,
    source: Source = REGISTRY,
) -> None:  # fmt: skip
    """Change number, kind or status of a device, or move it to another home; its code stays for ever."""
    rules = {name: rule for name, rule in fields.DEVICE.items() if name != "code"}
    kept = fields.check(values, rules, plan)
    version = _next_version(work.session)
    device = _record(work.session, Device, device_id, "device", expected)
    left = device.home_id
    if kept.get("home_id", left) != left:
        _get(work.session, Home, kept["home_id"], "home")
        _room_for_one_more(work.session, Device, kept["home_id"], MOST_DEVICES, "devices")
    with work.session.no_autoflush:
        for name, value in kept.items():
            setattr(device, name, value)
        _refuse_taken(work.session, device)
    device.changed_at = work.now
    device.revision += 1
    _stamp(work, version, left, device.home_id)
    provenance.note(work, "device", device_id, kept, source)
    work.log("device.changed", home_id=device.home_id, device_id=device_id, fields=sorted(kept))


def _stamp(work: Work, version: int, *home_ids: int) -> None:
    """The telephone's data of these homes changed with `version`."""
    for home_id in set(home_ids):
        home = _get(work.session, Home, home_id, "home")
        home.version, home.changed_at = version, work.now
    work.session.flush()


def _next_version(session: Session) -> int:
    """Raise the household version. Its row stays locked until the commit, so a command that takes it first sees all
    that others did before, and checks such as "is this number free" hold on PostgreSQL too.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    raised = (
        insert(HouseholdVersion)
        .values(id=1, version=1)
        .on_conflict_do_update(index_elements=["id"], set_={"version": HouseholdVersion.version + 1})
        .returning(HouseholdVersion.version)
    )
    return int(session.execute(raised).scalar_one())


def _refuse_taken(session: Session, device: Device) -> None:
    others = select(Device).where(or_(Device.code == device.code, Device.number == device.number))
    for other in session.scalars(others):
        if other.id == device.id:
            continue
        if other.code == device.code:
            raise CodeTaken(device.code)
        if other.status != "retired" and device.status != "retired":
            raise NumberTaken(device.number, other.code)


def _room_for_one_more(
    session: Session, table: type[Contact] | type[HomeMember] | type[Device], home_id: int, most: int, name: str
) -> list[Any]:
    rows: list[Any] = list(session.scalars(select(table).where(table.home_id == home_id)))
    if len(rows) >= most:
        raise FieldInvalid(name, f"一户最多 {most} 个", f"of one home are at most {most}")
    return rows


def _apply(work: Work, row: Base, kept: dict[str, Any], kind: str, **who: Any) -> None:
    for name, value in kept.items():
        setattr(row, name, value)
    if hasattr(row, "changed_at"):
        row.changed_at = work.now
    if hasattr(row, "revision"):
        row.revision += 1
    work.session.flush()
    work.log(kind, **who, fields=sorted(kept))


def _note_consents(work: Work, person_id: int, values: Values, source: Source) -> None:
    """Consents that came with other fields: who said them is not known, only how they came."""
    for kind in CONSENT_KINDS:
        if f"consent_{kind}" in values:
            consents.write(work, person_id, kind, given=values[f"consent_{kind}"], said_by="", how=source.way)


def _need(kept: dict[str, Any], *names: str) -> None:
    for name in names:
        if name not in kept:
            raise FieldInvalid(name, "不能缺少", "is needed")


def _record(session: Session, table: type[Record], key: int, kind: str, expected: int | None) -> Record:
    """The row, locked until the commit, at the revision its editor read. Raises `NoSuch`, `ChangedMeanwhile`."""
    row = session.get(table, key, with_for_update=True, populate_existing=True)
    if row is None:
        raise NoSuch(kind, key)
    if expected is not None and row.revision != expected:
        raise ChangedMeanwhile(kind, key)
    return row


def _get(session: Session, table: type[Row], key: Any, kind: str) -> Row:
    row = session.get(table, key)
    if row is None:
        raise NoSuch(kind, key)
    return row
