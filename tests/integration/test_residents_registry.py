"""Residents' data: what is kept, what is refused, and that each change reaches the telephone's copy."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from foundation.clock import SystemClock
from foundation.database import Database
from foundation.errors import AppError
from foundation.numbers import NumberPlan
from foundation.tables import TicketEvent
from foundation.writer import Writer
from residents import queries, registry
from residents.errors import CodeTaken, FieldInvalid, NoSuch, NumberTaken
from residents.tables import Home, Person

PLAN = NumberPlan()
COMMUNITY = "330203001901"


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    made = Writer(database, SystemClock())
    district = {"code": "330203", "name": "海曙区", "level": "district", "valid_from": date(2016, 11, 1)}
    made.call(registry.add_division, district)
    street = {**district, "code": "330203001", "name": "南门街道", "level": "street", "parent_code": "330203"}
    made.call(registry.add_division, street)
    made.call(
        registry.add_division,
        {**street, "code": COMMUNITY, "name": "桂花里社区", "level": "community", "parent_code": "330203001"},
    )
    yield made
    made.close()


def add_home(writer: Writer, **values: Any) -> int:
    home: int = writer.call(registry.add_home, {"division_code": COMMUNITY, "address": "桐荫路1弄2号楼", **values})
    return home


def add_device(writer: Writer, home_id: int, code: str = "home-7", number: str = "87000007", **values: Any) -> int:
    device = {"code": code, "kind": "dedicated", "number": number, "home_id": home_id, **values}
    made: int = writer.call(registry.add_device, device, PLAN)
    return made


def add_contact(writer: Writer, home_id: int, phone: str = "15400020001", **values: Any) -> int:
    contact = {"name": "励国良", "relation": "儿子", "phone": phone, **values}
    made: int = writer.call(registry.add_contact, home_id, contact, PLAN)
    return made


def lines(database: Database, since: int = -1) -> dict[str, int]:
    with database.read() as session:
        return {device.number: device.home_id for device in queries.changed_since(session, since).devices}


def version(database: Database) -> int:
    with database.read() as session:
        return queries.household_version(session)


def test_every_change_the_telephone_needs_raises_the_version_and_is_found_by_it(
    database: Database, writer: Writer
) -> None:
    other = add_home(writer)
    home = add_home(writer)
    device = add_device(writer, home)
    contact = add_contact(writer, home)
    changes = [
        lambda: writer.call(registry.change_device, device, {"number": "87000008"}, PLAN),
        lambda: writer.call(registry.change_contact, contact, {"position": 5}, PLAN),
        lambda: add_contact(writer, home, "15400020002"),
        lambda: writer.call(registry.remove_contact, contact),
        lambda: writer.call(registry.change_device, device, {"status": "retired"}, PLAN),
    ]
    for change in changes:
        before = version(database)
        change()
        assert version(database) == before + 1
        with database.read() as session:
            assert [row.id for row in queries.changed_since(session, before).homes] == [home]
    with database.read() as session:
        assert queries.changed_since(session, version(database)).homes == ()
        assert {row.id for row in queries.load_household(session).homes} == {home, other}
    assert lines(database) == {}


def test_a_device_that_moves_changes_both_homes(database: Database, writer: Writer) -> None:
    old, new = add_home(writer), add_home(writer)
    device = add_device(writer, old)
    before = version(database)
    writer.call(registry.change_device, device, {"home_id": new}, PLAN)
    with database.read() as session:
        assert {row.id for row in queries.changed_since(session, before).homes} == {old, new}
    assert lines(database, before) == {"+8657487000007": new}


def test_changes_made_at_the_same_time_each_get_a_version_of_their_own(database: Database, writer: Writer) -> None:
    homes = [add_home(writer) for _ in range(8)]
    before = version(database)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: add_contact(writer, homes[n % 8], f"1540002{n:04}"), range(40)))
    assert version(database) == before + 40
    with database.read() as session:
        assert len(queries.load_household(session).contacts) == 40


def test_a_refused_change_leaves_nothing_behind(database: Database, writer: Writer) -> None:
    home = add_home(writer)
    before = version(database)
    with pytest.raises(FieldInvalid) as refused:
        add_contact(writer, home, "120")
    assert refused.value.details["field"] == "phone"
    assert version(database) == before
    with database.read() as session:
        assert queries.contacts_of(session, home) == ()


def test_a_number_belongs_to_one_device_until_that_is_retired(database: Database, writer: Writer) -> None:
    home = add_home(writer)
    first = add_device(writer, home, "home-7", "87000007")
    with pytest.raises(NumberTaken):
        add_device(writer, home, "home-8", "0574-8700-0007")
    writer.call(registry.change_device, first, {"status": "retired"}, PLAN)
    second = add_device(writer, home, "home-8", "87000007")
    with pytest.raises(NumberTaken):
        writer.call(registry.change_device, first, {"status": "active"}, PLAN)
    with database.read() as session:
        found = queries.find_by_number(session, "+8657487000007")
        assert found.device is not None
        assert found.device.id == second


def test_of_many_who_give_a_number_to_a_device_at_the_same_time_one_succeeds_and_the_others_are_told(
    database: Database, writer: Writer
) -> None:
    home = add_home(writer)

    def give(n: int) -> str:
        try:
            add_device(writer, home, f"home-{n}", "87000007")
        except AppError as error:
            return error.error_id
        return "given"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(give, range(8)))
    assert sorted(answers) == ["given"] + ["residents.number_taken"] * 7
    assert lines(database) == {"+8657487000007": home}


def test_a_device_code_is_never_used_twice_and_never_changes(writer: Writer) -> None:
    home = add_home(writer)
    device = add_device(writer, home, "home-7", "87000007")
    with pytest.raises(CodeTaken):
        add_device(writer, home, "home-7", "87000008")
    with pytest.raises(FieldInvalid):
        writer.call(registry.change_device, device, {"code": "home-9"}, PLAN)


BAD_CONTACTS: list[tuple[str, object]] = [
    ("phone", "110"), ("phone", "anonymous"), ("phone", 13800000000), ("phone", "87000001-801"),
    ("name", " \u200b "), ("name", "王" * 61), ("name", None), ("relation", ""),
    ("minutes_away", -1), ("minutes_away", 601), ("minutes_away", True), ("minutes_away", "5"),
    ("position", 0), ("position", 100), ("has_key", 1), ("hours", "8-20"), ("hours", "25:00-26:00"),
    ("hours", "08:00-08:00"), ("version", 1), ("id", 1), ("nonsense", "x"),
]  # fmt: skip
BAD_PEOPLE: list[dict[str, Any]] = [
    {"name": ""}, {"sex": 3}, {"sex": True}, {"sex": 1.0}, {"birth_year": 99}, {"tags": "独居"}, {"tags": [1]},
    {"tags": ["独" * 21]}, {"tags": ["独居"] * 21}, {"dialect": "klingon"}, {"surname_reading": "Zeng;"},
    {"phone": "8" * 50}, {"consent_sms": "yes"},
]  # fmt: skip


def test_a_contact_outside_its_bounds_is_refused_by_the_name_of_the_field(database: Database, writer: Writer) -> None:
    home = add_home(writer)
    for field, value in BAD_CONTACTS:
        with pytest.raises(FieldInvalid) as refused:
            add_contact(writer, home, **{field: value})
        assert refused.value.details["field"] == field
        assert str(value) not in str(refused.value) or len(str(value)) < 4
    with database.read() as session:
        assert queries.contacts_of(session, home) == ()


def test_a_person_outside_the_bounds_is_refused(database: Database, writer: Writer) -> None:
    for values in BAD_PEOPLE:
        with pytest.raises(FieldInvalid):
            writer.call(registry.add_person, {"name": "王阿毛", **values}, PLAN)
    with pytest.raises(FieldInvalid):
        writer.call(registry.add_person, {"sex": 1}, PLAN)
    with database.read() as session:
        assert session.scalar(select(Person.id)) is None


def test_text_is_cleaned_before_it_is_kept(database: Database, writer: Writer) -> None:
    person = writer.call(registry.add_person, {"name": " 曾\u202e国\x00良\n", "phone": ""}, PLAN)
    with database.read() as session:
        kept = session.get_one(Person, person)
        assert (kept.name, kept.phone) == ("曾国良", None)


def test_things_that_are_not_there_are_named(writer: Writer) -> None:
    for command, args in (
        (registry.change_home, (9, {"landmark": "老樟树旁"})),
        (registry.set_access, (9, {"door_code": "1#"})),
        (registry.add_home, ({"division_code": "330299", "address": "桐荫路1弄"},)),
        (registry.add_contact, (9, {"name": "励国良", "relation": "儿子", "phone": "15400020001"}, PLAN)),
        (registry.remove_contact, (9,)),
        (registry.add_member, (9, 9)),
        (registry.set_medical_card, (9, {"blood_type": "A"})),
        (registry.change_device, (9, {"status": "retired"}, PLAN)),
    ):
        with pytest.raises(NoSuch):
            writer.call(command, *args)


def test_a_division_lies_in_its_parent_and_lasts_at_least_a_day(writer: Writer) -> None:
    one = {"code": "330203002", "name": "江厦街道", "level": "street", "parent_code": "330203"}
    day = date(2016, 11, 1)
    for values in (
        {**one, "code": "330212002", "valid_from": day},
        {**one, "valid_from": day, "valid_to": day},
        {**one, "code": "33020", "valid_from": day},
        {**one},
    ):
        with pytest.raises(FieldInvalid):
            writer.call(registry.add_division, values)
    writer.call(registry.add_division, {**one, "valid_from": day, "valid_to": date(2026, 1, 1)})
    with pytest.raises(CodeTaken):
        writer.call(registry.add_division, {**one, "valid_from": day})


def test_communities_are_those_of_the_day_asked_for(database: Database, writer: Writer) -> None:
    ended = {"code": "330203001902", "name": "旧社区", "level": "community", "parent_code": "330203001"}
    writer.call(
        registry.add_division, {**ended, "valid_from": date(2016, 11, 1), "valid_to": date(2020, 1, 1)}
    )  # fmt: skip
    with database.read() as session:
        assert len(queries.communities(session, date(2019, 12, 31))) == 2
        assert [row.code for row in queries.communities(session, date(2020, 1, 1))] == [COMMUNITY]
        assert [row.name for row in queries.division_path(session, COMMUNITY)] == ["海曙区", "南门街道", "桂花里社区"]


def test_a_home_has_a_bounded_number_of_contacts(database: Database, writer: Writer) -> None:
    home = add_home(writer)
    for n in range(registry.MOST_CONTACTS):
        add_contact(writer, home, f"1540002{n:04}")
    with pytest.raises(FieldInvalid):
        add_contact(writer, home, "15400029999")
    with database.read() as session:
        assert [contact.position for contact in queries.contacts_of(session, home)] == list(range(1, 31))


def test_events_name_the_fields_that_changed_and_never_their_values(database: Database, writer: Writer) -> None:
    home = add_home(writer)
    person = writer.call(registry.add_person, {"name": "任月仙", "phone": "15400010001"}, PLAN)
    writer.call(registry.set_medical_card, person, {"conditions": "冠心病"})
    writer.call(registry.set_access, home, {"door_code": "1234#"})
    writer.call(registry.change_home, home, {"landmark": "老樟树旁"})
    add_contact(writer, home)
    with database.read() as session:
        events = [(event.kind, str(event.detail)) for event in session.scalars(select(TicketEvent))]
        assert session.scalar(select(func.count()).select_from(Home)) == 1
    kinds = [kind for kind, _detail in events]
    assert kinds[-6:] == ["home.added", "person.added", "person.medical_card_changed", "home.access_changed",
                          "home.changed", "contact.added"]  # fmt: skip
    assert not any(word in detail for _kind, detail in events for word in ("冠心病", "1234#", "任月仙", "1540", "樟树"))


def test_every_error_of_the_registry_speaks_chinese_and_english(writer: Writer) -> None:
    with pytest.raises(AppError) as refused:
        writer.call(registry.add_home, {"division_code": COMMUNITY})
    assert "address" in refused.value.en
    assert "不能缺少" in refused.value.zh
