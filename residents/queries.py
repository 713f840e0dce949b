"""What is read of residents: who is calling, the caller card, and the household data for the telephone.

Nothing here shows what only a rescue may read unless `include_rescue` is given; who gives it writes why
(`rescue.open_card`), or has an open alarm of that home before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from foundation.scope import EVERYWHERE, Scope
from foundation.text import one_line
from residents import divisions
from residents.household import ContactLine, DeviceLine, HomeLine, HouseholdData
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

SENSITIVE_TAGS = frozenset({"低保", "残疾", "重残", "特困", "失独", "计划生育特殊家庭"})
"""Tags an operator does not see on the ordinary card (privacy level `sensitive`)."""

MOST_PEOPLE = 50
_HOUSEHOLD = (
    select(Home.division_code, Home.address, Home.landmark, Person.id, Person.name, Person.birth_year)
    .outerjoin(HomeMember, HomeMember.home_id == Home.id)
    .outerjoin(Person, Person.id == HomeMember.person_id)
    .where(Home.id == bindparam("home"))
    .order_by(Person.birth_year, Person.id)
    .limit(MOST_PEOPLE)
)
"""Made once: a person waits for the card of an alarm."""


@dataclass(frozen=True)
class DeviceView:
    """A device; `status` may be `retired` only where all of a home's devices are listed."""

    id: int
    code: str
    kind: str
    number: str
    home_id: int
    status: str


@dataclass(frozen=True)
class PersonView:
    """A resident as an operator sees one; `tags` are without the sensitive ones."""

    id: int
    name: str
    surname_reading: str
    sex: int
    birth_year: int | None
    phone: str | None
    dialect: str
    tags: tuple[str, ...]
    home_id: int | None
    relation: str
    consent_sms: bool
    consent_position: bool
    consent_share: bool


@dataclass(frozen=True)
class ContactView:
    """A contact of a home; `has_key` is None where who holds a key is not shown. `key` is its name on the telephone."""

    id: int
    home_id: int
    name: str
    relation: str
    phone: str
    position: int
    minutes_away: int | None
    hours: str
    has_key: bool | None

    @property
    def key(self) -> str:
        return f"contact-{self.id}"


@dataclass(frozen=True)
class HomeView:
    """A home with the names of its divisions, the widest first (`区 街道 社区`).

    When its division is abolished (`ended_on` is the first day without it), `follower_names` are those of what it is
    part of now.
    """

    id: int
    division_code: str
    division_names: tuple[str, ...]
    address: str
    landmark: str
    version: int
    ended_on: date | None = None
    follower_names: tuple[str, ...] = ()
    revision: int = 1

    def names_on(self, day: date) -> tuple[str, ...]:
        """The divisions it lies in on that day; the abolished one's own name comes last, in brackets."""
        if self.ended_on is None or day < self.ended_on or not self.follower_names:
            return self.division_names
        return (*self.follower_names, f"（原{self.division_names[-1]}）")


@dataclass(frozen=True)
class Resident:
    """Somebody who lives in a home, as the card of an alarm names them."""

    id: int
    name: str
    birth_year: int | None


@dataclass(frozen=True)
class Household:
    """Where an alarm is and who lives there: all that its card says of them."""

    division_code: str
    address: str
    landmark: str
    people: tuple[Resident, ...]


@dataclass(frozen=True)
class LineMatch:
    """Who may be behind a number: its device first, then the residents, then the homes it is a contact of.

    `home_id` is the device's home, else the one home all residents on the number share, else None.
    """

    device: DeviceView | None = None
    home_id: int | None = None
    people: tuple[PersonView, ...] = ()
    contact_of: tuple[ContactView, ...] = ()

    @property
    def known(self) -> bool:
        return self.device is not None or bool(self.people) or bool(self.contact_of)


@dataclass(frozen=True)
class AccessView:
    """How rescuers get in."""

    door_code: str
    key_holder: str
    entrance: str
    parking: str


@dataclass(frozen=True)
class MedicalView:
    """What rescuers must know of one person."""

    person_id: int
    blood_type: str
    conditions: str
    allergies: str
    medication: str
    doctor: str


@dataclass(frozen=True)
class RescuePart:
    """Privacy level `rescue_only`, and the sensitive tags, by person."""

    access: AccessView | None
    medical: tuple[MedicalView, ...]
    sensitive_tags: dict[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """The caller card of a home, or of a person without one. `rescue` is None unless it was asked for."""

    home: HomeView | None
    people: tuple[PersonView, ...]
    contacts: tuple[ContactView, ...]
    devices: tuple[DeviceView, ...]
    rescue: RescuePart | None = None


def find_by_number(session: Session, e164: str) -> LineMatch:
    """Who may be calling from `e164` (the stored form; empty finds nobody)."""
    if not e164:
        return LineMatch()
    device = session.scalar(select(Device).where(Device.number == e164, Device.status != "retired"))
    own = _people(session, _with_home().where(Person.phone == e164).order_by(Person.id))
    seen = select(Contact).where(Contact.phone == e164).order_by(Contact.home_id, Contact.id).limit(MOST_PEOPLE)
    contact_of = tuple(_contact(row, show_key=False) for row in session.scalars(seen))
    if device is not None:
        at_home = _members(session, device.home_id)
        ids = {person.id for person in at_home}
        people = at_home + tuple(person for person in own if person.id not in ids)
        return LineMatch(_device(device), device.home_id, people, contact_of)
    homes = {person.home_id for person in own}
    return LineMatch(None, homes.pop() if len(homes) == 1 else None, own, contact_of)


def find_device(session: Session, code: str) -> DeviceView | None:
    """The device `code`, whatever its status."""
    row = session.scalar(select(Device).where(Device.code == code))
    return _device(row) if row is not None else None


def card(
    session: Session, *, home_id: int | None = None, person_id: int | None = None, include_rescue: bool = False
) -> Card | None:
    """The caller card of a home or of a person (then of the home that person lives in); None when there is none."""
    if person_id is not None and home_id is None:
        lives = select(HomeMember.home_id).where(HomeMember.person_id == person_id).order_by(HomeMember.home_id)
        home_id = session.scalar(lives.limit(1))
        if home_id is None:
            people = _people(session, _with_home().where(Person.id == person_id))
            rescue = _rescue(session, None, people) if include_rescue and people else None
            return Card(None, people, (), (), rescue) if people else None
    home = session.get(Home, home_id) if home_id is not None else None
    if home is None:
        return None
    people = _members(session, home.id)
    devices = select(Device).where(Device.home_id == home.id, Device.status != "retired").order_by(Device.id)
    return Card(
        _home(session, home),
        people,
        contacts_of(session, home.id, show_key=include_rescue),
        tuple(_device(row) for row in session.scalars(devices)),
        _rescue(session, home.id, people) if include_rescue else None,
    )


def household(connection: Connection, home_id: int) -> Household | None:
    """A home and who lives there, by one statement; None when there is no such home."""
    rows = connection.execute(_HOUSEHOLD, {"home": home_id}).all()
    if not rows:
        return None
    people = tuple(Resident(row[3], row[4], row[5]) for row in rows if row[3] is not None)
    return Household(rows[0][0], rows[0][1], rows[0][2], people)


def contacts_of(session: Session, home_id: int, *, show_key: bool = False) -> tuple[ContactView, ...]:
    """The contacts of a home in the order they are rung."""
    rows = select(Contact).where(Contact.home_id == home_id).order_by(Contact.position, Contact.id)
    return tuple(_contact(row, show_key=show_key) for row in session.scalars(rows))


def search_people(
    session: Session, words: str, limit: int = MOST_PEOPLE, *, scope: Scope = EVERYWHERE
) -> tuple[PersonView, ...]:
    """Residents whose name contains `words` and who live in `scope`; blank words find nobody."""
    words = one_line(words, 60)
    if not words:
        return ()
    found = _with_home().where(Person.name.contains(words, autoescape=True)).order_by(Person.name, Person.id)
    if not scope.everywhere:
        found = found.outerjoin(Home, Home.id == HomeMember.home_id).where(scope.where(Home.division_code))
    return _people(session, found, min(limit, MOST_PEOPLE))


def division_path(session: Session, code: str) -> list[Division]:
    """A division and all it lies in, the widest first."""
    path: list[Division] = []
    row = session.get(Division, code)
    while row is not None and row not in path:
        path.insert(0, row)
        row = session.get(Division, row.parent_code) if row.parent_code else None
    return path


def communities(session: Session, on: date, scope: Scope = EVERYWHERE) -> list[Division]:
    """The communities of `scope` that exist on the day `on`, by code."""
    rows = select(Division).where(
        Division.level == "community",
        scope.where(Division.code),
        Division.valid_from <= on,
        Division.valid_to.is_(None) | (Division.valid_to > on),
    )
    return list(session.scalars(rows.order_by(Division.code)))


def areas(session: Session, on: date, scope: Scope = EVERYWHERE) -> list[Division]:
    """The districts, streets and communities of `scope` that exist on the day `on`, each before what lies in it."""
    rows = select(Division).where(
        Division.level.in_(("district", "street", "community")),
        scope.where(Division.code),
        Division.valid_from <= on,
        Division.valid_to.is_(None) | (Division.valid_to > on),
    )
    return list(session.scalars(rows.order_by(Division.code)))


def household_version(session: Session) -> int:
    """How many changes the household data has seen; 0 before the first."""
    return session.scalar(select(HouseholdVersion.version).where(HouseholdVersion.id == 1)) or 0


def load_household(session: Session) -> HouseholdData:
    """All household data the telephone needs."""
    return changed_since(session, -1)


def changed_since(session: Session, version: int) -> HouseholdData:
    """The household data of homes changed after `version`.

    The version is read before the rows: rows may be newer than it says, then the next call brings them again; never
    the other way round, which would lose a change.
    """
    upto = household_version(session)
    changed = Home.version > version
    homes = session.execute(select(Home.id, Home.version).where(changed).order_by(Home.id))
    devices = select(Device.code, Device.kind, Device.number, Device.home_id).join(Home, Home.id == Device.home_id)
    contacts = select(Contact.id, Contact.home_id, Contact.position, Contact.phone).join(
        Home, Home.id == Contact.home_id
    )
    return HouseholdData(
        upto,
        tuple(HomeLine(*row) for row in homes),
        tuple(DeviceLine(*row) for row in session.execute(devices.where(changed, Device.status != "retired"))),
        tuple(ContactLine(*row) for row in session.execute(contacts.where(changed))),
    )


def _home(session: Session, home: Home) -> HomeView:
    path = division_path(session, home.division_code)
    followers: tuple[str, ...] = ()
    ended = path[-1].valid_to if path else None
    if ended is not None:
        # The last of its followers: who looks at the home asks what it is now, not what it was in between.
        now = divisions.current(session, home.division_code, date.max)
        followers = tuple(division.name for division in division_path(session, now.code)) if now else ()
    names = tuple(division.name for division in path)
    return HomeView(
        home.id, home.division_code, names, home.address, home.landmark, home.version, ended, followers, home.revision
    )


def _with_home() -> Any:
    return select(Person, HomeMember).outerjoin(HomeMember, HomeMember.person_id == Person.id)


def _members(session: Session, home_id: int) -> tuple[PersonView, ...]:
    return _people(session, _with_home().where(HomeMember.home_id == home_id).order_by(Person.birth_year, Person.id))


def _people(session: Session, rows: Any, limit: int = MOST_PEOPLE) -> tuple[PersonView, ...]:
    views: dict[int, PersonView] = {}
    for person, member in session.execute(rows.limit(limit)):
        views.setdefault(person.id, _person(person, member))
    return tuple(views.values())


def _person(row: Person, member: HomeMember | None) -> PersonView:
    return PersonView(
        row.id, row.name, row.surname_reading, row.sex, row.birth_year, row.phone, row.dialect,
        tuple(tag for tag in row.tags if tag not in SENSITIVE_TAGS),
        member.home_id if member else None, member.relation if member else "",
        row.consent_sms, row.consent_position, row.consent_share,
    )  # fmt: skip


def _device(row: Device) -> DeviceView:
    return DeviceView(row.id, row.code, row.kind, row.number, row.home_id, row.status)


def _contact(row: Contact, *, show_key: bool) -> ContactView:
    return ContactView(
        row.id, row.home_id, row.name, row.relation, row.phone, row.position, row.minutes_away, row.hours,
        row.has_key if show_key else None,
    )  # fmt: skip


def _rescue(session: Session, home_id: int | None, people: tuple[PersonView, ...]) -> RescuePart:
    ids = [person.id for person in people]
    access = session.get(HomeAccess, home_id) if home_id is not None else None
    medical = select(MedicalCard).where(MedicalCard.person_id.in_(ids)).order_by(MedicalCard.person_id)
    tags = session.execute(select(Person.id, Person.tags).where(Person.id.in_(ids))).all()
    return RescuePart(
        AccessView(access.door_code, access.key_holder, access.entrance, access.parking) if access else None,
        tuple(
            MedicalView(row.person_id, row.blood_type, row.conditions, row.allergies, row.medication, row.doctor)
            for row in session.scalars(medical)
        ),
        {person_id: tuple(t for t in words if t in SENSITIVE_TAGS) for person_id, words in tags},
    )
