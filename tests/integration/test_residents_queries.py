"""Who is calling: the device line first, everyone on the line, and no medical word outside a rescue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from sqlalchemy import select

from foundation.clock import SystemClock
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.tables import TicketEvent
from foundation.writer import Writer
from residents import queries, registry, rescue
from residents.errors import NoSuch, ReasonMissing
from residents.tables import Home

PLAN = NumberPlan()
COMMUNITY = "330203001901"
DEVICE_NUMBER = "+8657487000007"
LANDLINE = "+8657487001007"


@dataclass
class Street:
    """Two homes: an elderly couple with a device and a landline, and their daughter who is also their contact."""

    writer: Writer
    home: int
    other_home: int
    grandfather: int
    grandmother: int
    daughter: int


@pytest.fixture
def street(database: Database) -> Iterator[Street]:
    writer = Writer(database, SystemClock())
    division = {"name": "海曙区", "level": "district", "valid_from": date(2016, 11, 1)}
    writer.call(registry.add_division, {**division, "code": "330203"})
    community = {**division, "code": COMMUNITY, "name": "桂花里社区", "level": "community", "parent_code": "330203"}
    writer.call(registry.add_division, community)
    home = writer.call(
        registry.add_home, {"division_code": COMMUNITY, "address": "桐荫路7弄", "landmark": "老樟树旁"}
    )  # fmt: skip
    other = writer.call(registry.add_home, {"division_code": COMMUNITY, "address": "晴川路8弄"})
    old = {"phone": "87001007", "tags": ["独居", "低保", "听力不便"], "birth_year": 1940}
    grandfather = writer.call(
        registry.add_person, {**old, "name": "曾国良", "surname_reading": "zeng1", "sex": 1}, PLAN
    )  # fmt: skip
    grandmother = writer.call(registry.add_person, {**old, "name": "单秀英", "birth_year": 1943, "sex": 2}, PLAN)
    daughter = writer.call(registry.add_person, {"name": "曾晓梅", "phone": "15400010001"}, PLAN)
    for home_id, person in ((home, grandfather), (home, grandmother), (other, daughter)):
        writer.call(registry.add_member, home_id, person, "户主")
    writer.call(
        registry.add_device, {"code": "home-7", "kind": "dedicated", "number": "87000007", "home_id": home}, PLAN
    )  # fmt: skip
    contact = {"name": "曾晓梅", "relation": "女儿", "phone": "15400010001", "has_key": True, "minutes_away": 20}
    writer.call(registry.add_contact, home, contact, PLAN)
    writer.call(registry.set_medical_card, grandfather, {"conditions": "冠心病", "allergies": "青霉素过敏"})
    writer.call(registry.set_access, home, {"door_code": "9576#", "key_holder": "女儿"})
    yield Street(writer, home, other, grandfather, grandmother, daughter)
    writer.close()


def test_a_device_line_is_found_before_its_people(database: Database, street: Street) -> None:
    with database.read() as session:
        found = queries.find_by_number(session, DEVICE_NUMBER)
    assert found.device is not None
    assert (found.device.code, found.device.kind, found.home_id) == ("home-7", "dedicated", street.home)
    assert [person.name for person in found.people] == ["曾国良", "单秀英"]


def test_several_people_on_one_line_are_all_listed(database: Database, street: Street) -> None:
    with database.read() as session:
        found = queries.find_by_number(session, LANDLINE)
    assert found.device is None
    assert [person.id for person in found.people] == [street.grandfather, street.grandmother]
    assert found.home_id == street.home
    assert found.people[0].surname_reading == "zeng1"


def test_people_of_different_homes_on_one_number_leave_the_home_open(database: Database, street: Street) -> None:
    street.writer.call(registry.change_person, street.daughter, {"phone": "87001007"}, PLAN)
    with database.read() as session:
        found = queries.find_by_number(session, LANDLINE)
    assert len(found.people) == 3
    assert found.home_id is None


def test_a_contact_who_calls_is_known_as_a_resident_and_as_a_contact(database: Database, street: Street) -> None:
    with database.read() as session:
        found = queries.find_by_number(session, "+8615400010001")
    assert [person.name for person in found.people] == ["曾晓梅"]
    assert [(contact.home_id, contact.relation) for contact in found.contact_of] == [(street.home, "女儿")]


def test_an_unknown_number_finds_nobody(database: Database, street: Street) -> None:
    with database.read() as session:
        assert not queries.find_by_number(session, "").known
        assert not queries.find_by_number(session, "+8615400019999").known


def test_a_retired_device_is_no_line_any_more_and_a_suspended_one_still_is(database: Database, street: Street) -> None:
    with database.read() as session:
        device = queries.find_device(session, "home-7")
    assert device is not None
    for status, there in (("suspended", True), ("retired", False)):
        street.writer.call(registry.change_device, device.id, {"status": status}, PLAN)
        with database.read() as session:
            assert (queries.find_by_number(session, DEVICE_NUMBER).device is not None) is there
            assert bool(queries.load_household(session).devices) is there


def test_the_card_shows_the_home_and_nothing_that_only_a_rescue_may_see(database: Database, street: Street) -> None:
    with database.read() as session:
        by_home = queries.card(session, home_id=street.home)
        by_person = queries.card(session, person_id=street.grandmother)
    assert by_home is not None
    assert by_home == by_person
    assert by_home.home is not None
    assert by_home.home.division_names == ("海曙区", "桂花里社区")
    assert [device.code for device in by_home.devices] == ["home-7"]
    assert [(contact.name, contact.has_key) for contact in by_home.contacts] == [("曾晓梅", None)]
    assert by_home.rescue is None
    for secret in ("冠心病", "青霉素", "9576", "低保"):
        assert secret not in repr(by_home)
    assert "听力不便" in repr(by_home)


def test_the_card_of_a_person_without_a_home_is_only_the_person(database: Database, street: Street) -> None:
    alone = street.writer.call(registry.add_person, {"name": "华文君"}, PLAN)
    with database.read() as session:
        card = queries.card(session, person_id=alone)
        assert queries.card(session, person_id=999) is None
        assert queries.card(session, home_id=999) is None
        assert queries.card(session) is None
    assert card is not None
    assert (card.home, [person.name for person in card.people]) == (None, ["华文君"])


def test_opening_the_rescue_card_shows_it_and_writes_who_and_why_and_what(database: Database, street: Street) -> None:
    opened = street.writer.call(
        rescue.open_card, street.home, reason="asked_by_120", note="胸痛", actor="user:op1"
    )  # fmt: skip
    assert opened.rescue is not None
    assert opened.rescue.access is not None
    assert opened.rescue.access.door_code == "9576#"
    assert [(card.person_id, card.conditions) for card in opened.rescue.medical] == [(street.grandfather, "冠心病")]
    assert opened.rescue.sensitive_tags[street.grandmother] == ("低保",)
    assert opened.contacts[0].has_key is True
    with database.read() as session:
        event = session.scalars(select(TicketEvent).where(TicketEvent.kind == "card.opened")).one()
    assert event.actor == "user:op1"
    assert event.detail["reason"] == "asked_by_120"
    assert event.detail["people"] == [street.grandfather, street.grandmother]
    assert "冠心病" not in str(event.detail)


def test_without_a_good_reason_the_rescue_card_stays_closed_and_no_event_says_otherwise(
    database: Database, street: Street
) -> None:
    for reason, note in (("", ""), ("curious", "x"), ("other", " \u200b"), ("open_alarm", "no ticket")):
        with pytest.raises(ReasonMissing):
            street.writer.call(rescue.open_card, street.home, reason=reason, note=note)
    with pytest.raises(NoSuch):
        street.writer.call(rescue.open_card, 999, reason="asked_by_120")
    with database.read() as session:
        assert session.scalar(select(TicketEvent.id).where(TicketEvent.kind == "card.opened")) is None


def test_search_takes_wildcards_as_letters(database: Database, street: Street) -> None:
    with database.read() as session:
        assert [person.name for person in queries.search_people(session, "曾")] == ["曾国良", "曾晓梅"]
        assert queries.search_people(session, "%") == ()
        assert queries.search_people(session, "  ") == ()
        assert len(queries.search_people(session, "曾", 1)) == 1


def test_one_read_sees_one_state_and_what_it_loaded_is_there_afterwards(database: Database, street: Street) -> None:
    with database.read() as session:
        before = queries.load_household(session)
        change = {"number": "87000099"}
        street.writer.call(registry.change_device, 1, change, PLAN)
        assert queries.load_household(session) == before
        home = session.get_one(Home, street.home)
    assert home.address == "桐荫路7弄"
    with database.read() as session:
        after = queries.load_household(session)
    assert after.version == before.version + 1
    assert [device.number for device in after.devices] == ["+8657487000099"]
