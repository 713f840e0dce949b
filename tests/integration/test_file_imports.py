"""Imports on a real database: faults by row, whole records or none, nothing twice, and what was killed goes on."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select, text

from callcenter.files import carrying_out
from callcenter.files.carrying_out import CarryingOut
from callcenter.files.checking import Checked
from callcenter.files.kinds import KINDS
from callcenter.files.room import ImportRoom
from dispatch import imports
from dispatch.import_tables import FileImport, ImportPart
from dispatch.imports import ImportTaken
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.scope import Scope
from foundation.tables import TicketEvent
from providers.tables import Provider
from residents.tables import Contact, Device, Division, Home, HomeMember, Person
from tests.integration.dispatch_support import COMMUNITY, START, Town

PLAN = NumberPlan()
PEOPLE = f"""社区代码,地址,姓名,性别,出生年份,电话,与户主关系,标签,联系人1姓名,联系人1关系,联系人1电话,联系人1时段
{COMMUNITY},示范路 20 号,王示范,女,1941,13800000201,户主,独居；高龄,王小示,子女,13700000201,08:00 - 20:00
{COMMUNITY},示范路 20 号,李示范,男,1939-05-01,,配偶,,,,,
{COMMUNITY},示范路 7 号,张爷爷,男,1938,0574-87000001,户主,,,,,
"""
DEVICES = f"""设备编号,类型,线路号码,社区代码,地址,状态
home-20,专用,87000020,{COMMUNITY},示范路 7 号,在用
HOME-21,共用,87000021,{COMMUNITY},示范路 8 号,
"""
FIRMS = """名称,电话,服务项目,服务区域,营业时间,状态
示范开锁部,13900000101；87000099,0501:80-200；换锁芯:50,330203,00:00-24:00,正式加盟
示范水电部,13900000102,0302,330203001,8:00-18:30,
"""


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    if database.dialect == "postgresql":  # the town gives its homes their ids by hand
        with database.write_engine.begin() as connection:
            connection.execute(text("SELECT setval('homes_id_seq', 100), setval('people_id_seq', 100)"))
    yield made
    made.writer.close()


@pytest.fixture
def room(town: Town) -> ImportRoom:
    return ImportRoom(town.database, town.writer, town.clock, PLAN)


def check(room: ImportRoom, kind: str, content: str, **more: Any) -> Checked:
    return room.check(KINDS[kind], content.encode(), **more)


def faults(found: Checked) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.column, fault.en) for fault in found.faults]


def take_in(town: Town, room: ImportRoom, kind: str, content: str) -> FileImport:
    """The whole way: look, bring, order, carry out."""
    found = check(room, kind, content)
    assert found.sound, faults(found)
    import_id = room.bring(found, f"{kind}.csv", content.encode(), "test")
    room.order(import_id, "test")
    assert room.carry_out(import_id)
    return state(town, import_id)


def state(town: Town, import_id: int) -> FileImport:
    with town.database.read() as session:
        return session.get_one(FileImport, import_id)


def everything(town: Town) -> dict[str, list[Any]]:
    """Every row of the register, by table."""
    tables = ("homes", "people", "home_members", "contacts", "devices", "providers", "provider_items",
              "provider_coverage", "provider_phones")  # fmt: skip
    with town.database.read() as session:
        return {name: sorted(map(str, session.execute(text(f"SELECT * FROM {name}")).all())) for name in tables}


def count(town: Town, table: Any) -> int:
    with town.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# --- what comes in --------------------------------------------------------------------------------


def test_homes_people_and_contacts_come_in_and_known_ones_are_filled_up(town: Town, room: ImportRoom) -> None:
    row = take_in(town, room, "people", PEOPLE)
    assert (row.state, row.added, row.changed, row.same, row.left_out) == ("done", 1, 1, 0, 0)
    with town.database.read() as session:
        home = session.scalars(select(Home).where(Home.address == "示范路 20 号")).one()
        lives = select(Person.name, Person.birth_year, Person.phone, HomeMember.relation).join(HomeMember)
        people = session.execute(lives.where(HomeMember.home_id == home.id).order_by(Person.birth_year)).all()
        contact = session.scalars(select(Contact).where(Contact.home_id == home.id)).one()
        known = session.get_one(Person, 70)
    assert [tuple(person) for person in people] == [
        ("李示范", 1939, None, "配偶"), ("王示范", 1941, "+8613800000201", "户主"),
    ]  # fmt: skip
    assert (contact.phone, contact.hours) == ("+8613700000201", "08:00-20:00")
    assert (known.birth_year, known.sex) == (1938, 1), "what the register did not know is filled in"


def test_devices_come_into_homes_that_are_there(town: Town, room: ImportRoom) -> None:
    row = take_in(town, room, "devices", DEVICES)
    assert (row.added, row.left_out) == (2, 0)
    with town.database.read() as session:
        found = {d.code: (d.kind, d.number, d.home_id, d.status) for d in session.scalars(select(Device))}
    assert found["home-20"] == ("dedicated", "+8657487000020", 7, "active")
    assert found["home-21"] == ("shared", "+8657487000021", 8, "active")


def test_providers_come_in_with_items_prices_areas_and_telephones(town: Town, room: ImportRoom) -> None:
    row = take_in(town, room, "providers", FIRMS)
    assert (row.added, row.left_out) == (2, 0)
    with town.database.read() as session:
        lock = session.scalars(select(Provider).where(Provider.name == "示范开锁部")).one()
        water = session.scalars(select(Provider).where(Provider.name == "示范水电部")).one()
        items = session.execute(text("SELECT item, price_min, price_max FROM provider_items WHERE provider_id = :p "
                                     "ORDER BY item"), {"p": lock.id}).all()  # fmt: skip
    assert [tuple(item) for item in items] == [("0501", 80, 200), ("0504", 50, 50)]
    assert (lock.state, lock.opens_minute, lock.closes_minute) == ("active", 0, 1440)
    assert (water.state, water.opens_minute, water.closes_minute) == ("probation", 480, 1110)


@pytest.mark.parametrize(("kind", "content"), [("people", PEOPLE), ("devices", DEVICES), ("providers", FIRMS)])
def test_the_same_file_a_second_time_changes_nothing(town: Town, room: ImportRoom, kind: str, content: str) -> None:
    first = take_in(town, room, kind, content)
    before = everything(town)
    town.clock.at = START.replace(hour=9)
    assert check(room, kind, content).fates == {"added": 0, "changed": 0, "same": first.records}
    again = take_in(town, room, kind, content)
    assert (again.added, again.changed, again.same) == (0, 0, again.records)
    assert everything(town) == before


def test_what_differs_is_changed_and_what_is_empty_stays(town: Town, room: ImportRoom) -> None:
    take_in(town, room, "people", PEOPLE)
    changed = PEOPLE.replace("13700000201", "13700000202").replace("1939-05-01,,配偶", "1939-05-01,13800000299,")
    row = take_in(town, room, "people", changed)
    assert (row.added, row.changed) == (0, 1)
    with town.database.read() as session:
        person = session.scalars(select(Person).where(Person.name == "李示范")).one()
        relation = session.scalar(select(HomeMember.relation).where(HomeMember.person_id == person.id))
        phones = session.scalars(select(Contact.phone).order_by(Contact.id.desc()).limit(2)).all()
    assert (person.phone, relation) == ("+8613800000299", "配偶")
    assert set(phones) == {"+8613700000201", "+8613700000202"}, "another number is another contact"


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "content", "row", "column", "words"),
    [
        ("people", PEOPLE.replace(COMMUNITY, "330203001999", 1), 2, "division_code", "no known community"),
        ("people", PEOPLE.replace("13800000201", "120"), 2, "phone", "can be dialled"),
        ("people", PEOPLE.replace("1941", "2031"), 2, "birth_year", "future"),
        ("people", PEOPLE.replace("08:00 - 20:00", "早上"), 2, "contact1_hours", "must look like"),
        ("people", PEOPLE.replace("子女,13700000201", ",13700000201"), 2, "contact1_relation", "needs name"),
        ("people", PEOPLE.replace("李示范,男,1939-05-01", "王示范,男,1941"), 3, "name", "twice in the same home"),
        ("people", PEOPLE.replace("王示范,女,1941,13800000201", "张爷爷,女,1941,87000001"), 2, "name", "示范路 7 号"),
        ("people", PEOPLE.replace("联系人1时段", "纬度"), 2, "latitude", "number from -90"),
        ("people", PEOPLE.replace("联系人1时段", "纬度").replace("08:00 - 20:00", "29.9"), 2, "latitude", "together"),
        ("devices", DEVICES.replace("示范路 8 号", "示范路 9 号"), 3, "address", "no home of this community"),
        ("devices", DEVICES.replace("87000021", "87000020"), 3, "number", "row 2 already"),
        ("devices", DEVICES.replace("HOME-21", "Home-20"), 3, "code", "row 2 already"),
        ("devices", DEVICES.replace("87000020", "87000001"), 2, "number", "belongs to device home-7"),
        ("providers", FIRMS.replace("营业时间", "经度").replace("00:00-24:00", "121.5"), 2, "longitude", "together"),
        ("providers", FIRMS.replace("0302", "0399"), 3, "items", "is no item"),
        ("providers", FIRMS.replace("0501:80-200", "0501:200-80"), 2, "items", "from low to high"),
        ("providers", FIRMS.replace("330203001", "330299"), 3, "coverage", "no known division"),
        ("providers", FIRMS.replace("13900000102", "13900000101"), 3, "phones", "row 2 already"),
        ("providers", FIRMS.replace("13900000102", "13900000001"), 3, "phones", "水管师傅1"),
        ("providers", FIRMS.replace("示范水电部", "水管师傅1"), 3, "name", "provider's page"),
        ("providers", FIRMS.replace("示范水电部", "示范开锁部"), 3, "name", "row 2 already"),
    ],
)  # fmt: skip
def test_a_bad_row_is_told_and_the_file_is_not_taken(
    town: Town, room: ImportRoom, kind: str, content: str, row: int, column: str, words: str
) -> None:
    before = everything(town)
    found = check(room, kind, content)
    assert any((at, name) == (row, column) and words in told for at, name, told in faults(found)), faults(found)
    with pytest.raises(Exception, match="faults"):
        room.bring(found, "x.csv", content.encode(), "test")
    assert everything(town) == before
    assert count(town, FileImport) == 0


def test_a_community_that_has_ended_names_its_follower(town: Town, room: ImportRoom) -> None:
    def end(w: Any) -> None:
        division = w.session.get(Division, COMMUNITY)
        division.valid_to, division.replaced_by = START.date(), "330212012001"

    town.call(end)
    found = check(room, "people", PEOPLE)
    assert "replaced by 330212012001" in faults(found)[0][2]


def test_nobody_imports_outside_their_own_area(town: Town, room: ImportRoom) -> None:
    elsewhere = Scope(("330204",))
    for kind, content in (("people", PEOPLE), ("devices", DEVICES), ("providers", FIRMS)):
        found = check(room, kind, content, scope=elsewhere)
        assert "outside the area" in faults(found)[0][2]
        assert check(room, kind, content, scope=Scope(("330203",))).sound


# --- whole, once, and through every death ---------------------------------------------------------


def test_a_record_that_the_database_does_not_take_any_more_is_left_out_whole(
    town: Town, room: ImportRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying_out, "STEP_S", 60)  # both records in one step, however busy the machine is
    found = check(room, "devices", DEVICES)
    import_id = room.bring(found, "d.csv", DEVICES.encode(), "test")
    room.order(import_id, "test")
    assert CarryingOut(town.database, town.writer, town.clock, PLAN, "w").take(import_id)
    town.call(_other_device, "+8657487000020")  # somebody else enters it after the second look
    records = check(room, "devices", DEVICES.replace("87000020", "87000030")).records
    records[0].values["number"] = "+8657487000020"
    done = town.call(carrying_out.write_some, import_id, "w", 0, records, "devices", PLAN)
    assert done == 2
    row = state(town, import_id)
    assert (row.position, row.added, row.left_out) == (2, 1, 1)
    assert row.faults[0]["row"] == 2
    assert "other-1" in row.faults[0]["en"]


def test_a_home_whose_person_is_refused_leaves_nothing_behind_and_the_next_one_is_written(
    town: Town, room: ImportRoom
) -> None:
    found = check(room, "people", PEOPLE)
    import_id = room.bring(found, "p.csv", PEOPLE.encode(), "test")
    room.order(import_id, "test")
    assert CarryingOut(town.database, town.writer, town.clock, PLAN, "w").take(import_id)
    found.records[0].values.people[1].values["sex"] = 7  # as if a rule had changed since the check
    before = everything(town)
    assert town.call(carrying_out.write_some, import_id, "w", 0, found.records[:1], "people", PLAN) == 1
    assert everything(town) == before, "neither the home nor its first person stays"
    assert town.rows(select(TicketEvent.kind).where(TicketEvent.kind == "home.added")) == []
    assert town.call(carrying_out.write_some, import_id, "w", 1, found.records[1:], "people", PLAN) == 1
    row = state(town, import_id)
    assert (row.position, row.changed, row.left_out) == (2, 1, 1)


def test_a_step_that_was_taken_already_is_not_taken_again(town: Town, room: ImportRoom) -> None:
    found = check(room, "people", PEOPLE)
    import_id = room.bring(found, "p.csv", PEOPLE.encode(), "test")
    room.order(import_id, "test")
    assert CarryingOut(town.database, town.writer, town.clock, PLAN, "w").take(import_id)
    town.call(carrying_out.write_some, import_id, "w", 0, found.records[:1], "people", PLAN)
    with pytest.raises(ImportTaken):
        town.call(carrying_out.write_some, import_id, "w", 0, found.records[:1], "people", PLAN)
    assert state(town, import_id).position == 1


def _other_device(w: Any, number: str) -> None:
    w.session.add(Device(code="other-1", kind="shared", number=number, home_id=8, created_at=w.now, changed_at=w.now))


def test_data_that_changed_since_the_check_fail_the_import_before_anything_is_written(
    town: Town, room: ImportRoom
) -> None:
    found = check(room, "devices", DEVICES)
    import_id = room.bring(found, "d.csv", DEVICES.encode(), "test")
    room.order(import_id, "test")
    town.call(_other_device, "+8657487000020")
    before = everything(town)
    room.carry_out(import_id)
    row = state(town, import_id)
    assert (row.state, row.position) == ("failed", 0)
    assert "other-1" in row.problem
    assert everything(town) == before


@pytest.mark.parametrize("dies_at", range(4))
def test_an_import_that_dies_after_any_step_goes_on_where_it_stopped(
    town: Town, room: ImportRoom, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    monkeypatch.setattr(carrying_out, "MOST_AT_ONCE", 1)
    content = PEOPLE + f"{COMMUNITY},示范路 30 号,赵示范,,,,,,,,,\n{COMMUNITY},示范路 31 号,钱示范,,,,,,,,,\n"
    found = check(room, "people", content)
    import_id = room.bring(found, "p.csv", content.encode(), "test")
    room.order(import_id, "test")
    first = CarryingOut(town.database, town.writer, town.clock, PLAN, "first")
    assert first.take(import_id)
    steps = itertools.count()

    def dying(*arguments: Any, **more: Any) -> int:
        """The process is killed inside a step, after its rows and before its commit."""
        done = real(*arguments, **more)
        if next(steps) == dies_at:
            raise KeyboardInterrupt
        return done

    real = carrying_out.write_some
    monkeypatch.setattr(carrying_out, "write_some", dying)
    with pytest.raises(KeyboardInterrupt):
        first.carry_out(import_id)
    monkeypatch.setattr(carrying_out, "write_some", real)
    row = state(town, import_id)
    assert (row.state, row.position) == ("working", dies_at), "a step counts with its rows or not at all"
    assert count(town, Home) == 2 + (dies_at > 0) + (dies_at > 2) + (dies_at > 3)
    assert not room.carry_out(import_id), "the dead worker's lease still holds"
    town.clock.at += imports.LEASE * 2
    assert room.carry_out(import_id)
    row = state(town, import_id)
    assert (row.state, row.position, row.added + row.changed) == ("done", 4, 4)
    assert count(town, Home) == 5
    assert count(town, ImportPart) == 0, "the file is put away"
    kinds = town.rows(select(TicketEvent.kind).where(TicketEvent.kind == "home.added"))
    assert len(kinds) == 3, "each home was added once"


def test_two_workers_never_write_one_import(town: Town, room: ImportRoom) -> None:
    found = check(room, "people", PEOPLE)
    import_id = room.bring(found, "p.csv", PEOPLE.encode(), "test")
    room.order(import_id, "test")
    first, second = (CarryingOut(town.database, town.writer, town.clock, PLAN, name) for name in ("first", "second"))
    assert first.take_next() == import_id
    assert second.take_next() is None
    town.clock.at += imports.LEASE * 2
    assert second.take(import_id)
    with pytest.raises(ImportTaken):
        town.call(carrying_out.write_some, import_id, "first", 0, found.records, "people", PLAN)
    assert count(town, Home) == 2, "what the late one wrote is gone with its transaction"


def test_the_running_service_carries_out_what_was_ordered(town: Town, room: ImportRoom) -> None:
    found = check(room, "people", PEOPLE)
    import_id = room.bring(found, "p.csv", PEOPLE.encode(), "test")
    asyncio.run(room.look(town.clock.now()))
    assert state(town, import_id).state == "checked", "nobody has said yes"
    room.order(import_id, "test")
    with pytest.raises(ImportTaken):
        room.order(room.bring(found, "again.csv", PEOPLE.encode(), "test"), "test")
    asyncio.run(room.look(town.clock.now()))
    assert state(town, import_id).state == "done"


def test_a_file_that_nobody_says_yes_to_is_put_away_after_a_day(town: Town, room: ImportRoom) -> None:
    found = check(room, "people", PEOPLE)
    import_id = room.bring(found, "p.csv", PEOPLE.encode(), "test")
    town.clock.at += imports.FORGOTTEN * 2
    asyncio.run(room.look(town.clock.now()))
    assert state(town, import_id).state == "cancelled"
    assert count(town, ImportPart) == 0


def test_a_step_takes_no_longer_than_its_time_and_an_emergency_goes_between(town: Town, room: ImportRoom) -> None:
    content = PEOPLE + "".join(f"{COMMUNITY},示范路 {n} 号,示范{n},,,,,,,,,\n" for n in range(100, 220))
    found = check(room, "people", content)
    import_id = room.bring(found, "p.csv", content.encode(), "test")
    room.order(import_id, "test")
    steps: list[int] = []
    real = carrying_out.write_some

    def counted(*arguments: Any, **more: Any) -> int:
        steps.append(real(*arguments, **more))
        return steps[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(carrying_out, "write_some", counted)
        room.carry_out(import_id)
    assert sum(steps) == 122
    assert len(steps) > 2, "not all in one command"
    assert max(steps) <= carrying_out.MOST_AT_ONCE
