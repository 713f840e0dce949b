"""Residents: one row for each person; rows of one address are one home, written whole with its contacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from callcenter.files import cells
from callcenter.files.frame import Column, Doing, Fate, Faults, Ground, ImportKind, Record, Row
from callcenter.files.kinds.places import (
    ADDRESS,
    DIVISION,
    IMPORTED,
    Homes,
    batches,
    check_divisions,
    check_places,
    place_columns,
    same_place,
    storable,
)
from foundation.numbers import NumberPlan
from foundation.writer import Work
from residents import fields, registry
from residents.tables import Contact, Home, HomeMember, Person

CONTACTS = 3
"""Contacts that have columns; a home's other people may bring more."""
SEXES = {
    "男": 1,
    "女": 2,
    "未知": 0,
    "未说明": 9,
    "male": 1,
    "female": 2,
    "m": 1,
    "f": 2,
    "0": 0,
    "1": 1,
    "2": 2,
    "9": 9,
}
DIALECTS = {
    "普通话": "mandarin", "宁波话": "ningbo", "杭州话": "hangzhou", "上海话": "shanghai", "温州话": "wenzhou",
    "其他": "other", **{name: name for name in fields.DIALECTS},
}  # fmt: skip
HOME_FIELDS = ("compound", "road", "house_no", "building", "unit", "floor", "room", "landmark", "latitude", "longitude")
PERSON_FIELDS = (
    "name", "surname_reading", "sex", "birth_year", "phone", "dialect", "tags", "consent_sms", "consent_position",
    "consent_share",
)  # fmt: skip


@dataclass
class _Person:
    values: dict[str, Any]
    relation: str | None


@dataclass
class _Household:
    """A home as the file tells of it."""

    row: int
    division: str
    address: str
    home_id: int | None
    fields: dict[str, Any] = field(default_factory=dict)
    people: list[_Person] = field(default_factory=list)
    contacts: dict[str, dict[str, Any]] = field(default_factory=dict)


def _columns() -> tuple[Column, ...]:
    yes = cells.yes_or_no
    columns = [
        DIVISION,
        ADDRESS,
        Column("name", "姓名", cells.text(60), needed=True, example="王示范"),
        Column("surname_reading", "姓氏读音", cells.text(20), about_zh="多音字姓氏，如 曾 zeng1",
               about_en="Such as zeng1"),
        Column("sex", "性别", cells.one_of(SEXES), example="女"),
        Column("birth_year", "出生年份", cells.year(1880, 2200), also=("出生日期", "birth_date"), example="1941",
               about_zh="年份，或完整日期（只保存年份）", about_en="A year, or a whole date of which the year is kept"),
        Column("phone", "电话", cells.phone, also=("联系电话", "手机", "本人电话"), example="13800000101"),
        Column("relation", "与户主关系", cells.text(20), example="户主"),
        Column("dialect", "语言", cells.one_of(DIALECTS), also=("方言",), example="宁波话"),
        Column("tags", "标签", cells.several(cells.text(20), fields.MOST_TAGS), example="独居；高龄",
               about_zh="用分号隔开", about_en="Parted by semicolons"),
        Column("consent_sms", "同意短信", yes), Column("consent_position", "同意定位", yes),
        Column("consent_share", "同意共享", yes),
        Column("compound", "小区", cells.text(60)), Column("road", "路名", cells.text(60)),
        Column("house_no", "门牌号", cells.text(20)), Column("building", "幢", cells.text(20)),
        Column("unit", "单元", cells.text(20)), Column("floor", "层", cells.text(20)),
        Column("room", "室", cells.text(20)), Column("landmark", "标志物", cells.text(200)),
        *place_columns(),
    ]  # fmt: skip
    for n in range(1, CONTACTS + 1):
        columns += [
            Column(f"contact{n}_name", f"联系人{n}姓名", cells.text(60), also=(f"联系人{n}",),
                   example="王小示" if n == 1 else ""),
            Column(f"contact{n}_relation", f"联系人{n}关系", cells.text(20), example="子女" if n == 1 else ""),
            Column(f"contact{n}_phone", f"联系人{n}电话", cells.phone, example="13700000001" if n == 1 else ""),
            Column(f"contact{n}_has_key", f"联系人{n}有钥匙", yes),
            Column(f"contact{n}_minutes_away", f"联系人{n}路程分钟", cells.whole(0, 600)),
            Column(f"contact{n}_hours", f"联系人{n}时段", cells.text(60), about_zh="如 08:00-20:00",
                   about_en="Such as 08:00-20:00"),
        ]  # fmt: skip
    return tuple(columns)


def _check(ground: Ground, rows: Sequence[Row], faults: Faults) -> list[Record]:
    check_divisions(ground, rows, faults)
    check_places(rows, faults)
    homes = Homes(ground, rows)
    households: dict[tuple[str, str], _Household] = {}
    for row in rows:
        _gather(row, households, homes, ground.plan, faults)
    this_year = ground.now.year
    for row in rows:
        if row.values.get("birth_year", 0) > this_year:
            faults.add(row.number, "birth_year", row.values["birth_year"], "出生年份在未来", "lies in the future")
    _refuse_moved(ground, households.values(), rows, faults)
    stored = _Stored(ground, [h.home_id for h in households.values() if h.home_id is not None])
    return [Record(h.row, f"{h.division} {h.address}", h, stored.fate(h)) for h in households.values()]


def _gather(
    row: Row, households: dict[tuple[str, str], _Household], homes: Homes, plan: NumberPlan, faults: Faults
) -> None:
    """Put a row into its household, with the faults that show beside the household's other rows."""
    division, address = row.values["division_code"], row.values["address"]
    place = (division, same_place(address))
    if place not in households:
        households[place] = _Household(row.number, division, address, homes.find(division, address))
    home = households[place]
    for name in HOME_FIELDS:
        if name not in row.values:
            continue
        value = storable(row, name, name, fields.HOME, plan, faults)
        if home.fields.setdefault(name, value) != value:
            faults.add(
                row.number, name, row.values[name], f"与第 {home.row} 行同一户的内容不同，请改为一致",
                f"differs from the same home in row {home.row}; make them alike",
            )  # fmt: skip
    values = {
        name: storable(row, name, name, fields.PERSON, plan, faults) for name in PERSON_FIELDS if name in row.values
    }
    if any(_same_person(values, person.values) for person in home.people):
        faults.add(
            row.number, "name", values["name"], "同一户同一人在文件中出现了两次，请删去一行",
            "is there twice in the same home; remove one row",
        )  # fmt: skip
    home.people.append(_Person(values, row.values.get("relation")))
    for n in range(1, CONTACTS + 1):
        _gather_contact(row, n, home, plan, faults)


def _gather_contact(row: Row, n: int, home: _Household, plan: NumberPlan, faults: Faults) -> None:
    prefix = f"contact{n}_"
    told = {key.removeprefix(prefix): value for key, value in row.values.items() if key.startswith(prefix)}
    if not told:
        return
    for needed in ("name", "relation", "phone"):
        if needed not in told:
            faults.add(
                row.number,
                prefix + needed,
                "",
                f"联系人{n}要有姓名、关系和电话",
                f"contact {n} needs name, relation, phone",
            )
            return
    kept = {name: storable(row, prefix + name, name, fields.CONTACT, plan, faults) for name in told}
    if home.contacts.setdefault(kept["phone"], kept) != kept:
        faults.add(
            row.number, prefix + "phone", row.values[prefix + "phone"], "同一户里此号码的联系人写得不一样，请改一致",
            "is told differently in another row of this home; make them alike",
        )  # fmt: skip


def _same_person(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """The same name, and no two different years of birth."""
    years = {a.get("birth_year"), b.get("birth_year")} - {None}
    return a["name"] == b["name"] and len(years) <= 1


def _refuse_moved(ground: Ground, households: Any, rows: Sequence[Row], faults: Faults) -> None:
    """Somebody of the same name on the same telephone lives elsewhere already: a move is not made by a file."""
    phones = [p.values["phone"] for h in households for p in h.people if p.values.get("phone")]
    known: dict[tuple[str, str], tuple[int, str]] = {}
    for batch in batches(phones):
        found = (
            select(Person.name, Person.phone, Home.id, Home.address)
            .join(HomeMember, HomeMember.person_id == Person.id)
            .join(Home, Home.id == HomeMember.home_id)
            .where(Person.phone.in_(batch))
        )
        for name, phone, home_id, address in ground.session.execute(found):
            known[name, phone or ""] = (home_id, address)
    ids = {same: h.home_id for h in households if (same := (h.division, same_place(h.address)))}
    for row in rows:
        number = ground.plan.parse(row.values.get("phone"))
        there = known.get((row.values["name"], number.e164)) if number.e164 else None
        here = ids.get((row.values["division_code"], same_place(row.values["address"])))
        if there is not None and there[0] != here:
            faults.add(
                row.number, "name", row.values["name"],
                f"此人（同名同号码）已登记在“{there[1]}”：若已搬家请先在系统中迁出，否则请改正地址",
                f"is registered at “{there[1]}” (same name and number): correct the address, or move them there first",
            )  # fmt: skip


class _Stored:
    """What is stored of the homes that a file tells of, read in batches: what would change."""

    def __init__(self, ground: Ground, home_ids: Sequence[int]) -> None:
        self.homes: dict[int, Home] = {}
        self.people: dict[int, list[tuple[Person, str]]] = {}
        self.contacts: dict[int, list[Contact]] = {}
        for batch in batches(home_ids):
            self.homes |= {h.id: h for h in ground.session.scalars(select(Home).where(Home.id.in_(batch)))}
            lives = select(HomeMember, Person).join(Person, Person.id == HomeMember.person_id)
            for member, person in ground.session.execute(lives.where(HomeMember.home_id.in_(batch))):
                self.people.setdefault(member.home_id, []).append((person, member.relation))
            for contact in ground.session.scalars(select(Contact).where(Contact.home_id.in_(batch))):
                self.contacts.setdefault(contact.home_id, []).append(contact)

    def fate(self, told: _Household) -> Fate:
        if told.home_id is None or told.home_id not in self.homes:
            return "added"
        people, contacts = self.people.get(told.home_id, []), self.contacts.get(told.home_id, [])
        differs = bool(_changes(self.homes[told.home_id], told.fields))
        for person in told.people:
            row, relation = _find_person(people, person.values)
            differs |= row is None or bool(_changes(row, person.values)) or person.relation not in (None, relation)
        for phone, contact in told.contacts.items():
            found = next((c for c in contacts if c.phone == phone), None)
            differs |= found is None or bool(_changes(found, contact))
        return "changed" if differs else "same"


def _changes(row: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    """What is told and stored differently."""
    return {name: value for name, value in told.items() if getattr(row, name) != value}


def _find_person(people: Sequence[tuple[Person, str]], told: Mapping[str, Any]) -> tuple[Person | None, str]:
    for person, relation in people:
        if _same_person(told, {"name": person.name, "birth_year": person.birth_year}):
            return person, relation
    return None, ""


def _write(work: Work, record: Record, doing: Doing) -> Fate:
    told: _Household = record.values
    home = work.session.get(Home, told.home_id) if told.home_id is not None else None
    if home is None:
        here = Home.division_code == told.division, Home.address == told.address
        home = work.session.scalar(select(Home).where(*here).order_by(Home.id).limit(1))
    fate: Fate = "same"
    if home is None:
        place = {"division_code": told.division, "address": told.address}
        home_id = registry.add_home(work, {**place, **told.fields}, source=IMPORTED)
        fate = "added"
    else:
        home_id = home.id
        if changes := _changes(home, told.fields):
            registry.change_home(work, home_id, changes, source=IMPORTED)
            fate = "changed"
    wrote = [_write_person(work, home_id, person, doing.plan) for person in told.people]
    wrote += [_write_contact(work, home_id, contact, doing.plan) for contact in told.contacts.values()]
    return "changed" if fate == "same" and any(wrote) else fate


def _write_person(work: Work, home_id: int, told: _Person, plan: NumberPlan) -> bool:
    lives = select(Person, HomeMember.relation).join(HomeMember, HomeMember.person_id == Person.id)
    people = [(p, r) for p, r in work.session.execute(lives.where(HomeMember.home_id == home_id).order_by(Person.id))]
    person, relation = _find_person(people, told.values)
    if person is None:
        person_id = registry.add_person(work, told.values, plan, source=IMPORTED)
        registry.add_member(work, home_id, person_id, told.relation or "")
        return True
    changes = _changes(person, told.values)
    if changes:
        registry.change_person(work, person.id, changes, plan, source=IMPORTED)
    if told.relation not in (None, relation):
        registry.add_member(work, home_id, person.id, told.relation or "")
        return True
    return bool(changes)


def _write_contact(work: Work, home_id: int, told: Mapping[str, Any], plan: NumberPlan) -> bool:
    here = Contact.home_id == home_id, Contact.phone == told["phone"]
    contact = work.session.scalar(select(Contact).where(*here).order_by(Contact.id).limit(1))
    if contact is None:
        registry.add_contact(work, home_id, told, plan, source=IMPORTED)
        return True
    changes = _changes(contact, told)
    if changes:
        registry.change_contact(work, contact.id, changes, plan, source=IMPORTED)
    return bool(changes)


PEOPLE = ImportKind(
    name="people",
    zh="居民",
    en="Residents",
    columns=_columns(),
    key_zh="社区代码 + 地址 是一户；同一户内姓名（和出生年份）是一人，电话是一个联系人",
    key_en="Community and address are a home; in a home a name (and year of birth) is a person, a number a contact",
    check=_check,
    write=_write,
)
