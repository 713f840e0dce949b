"""The demo district: always the same, all of it fictional, everybody served, every number its own."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from callcenter.demo.book import directory
from callcenter.demo.district import DISTRICT, District, make_district
from callcenter.demo.names import POLYPHONIC
from foundation.numbers import NumberPlan
from providers.taxonomy import CATEGORIES, ITEMS
from residents import fields

PLAN = NumberPlan()


@pytest.fixture(scope="module")
def district() -> District:
    return make_district()


def test_the_same_seed_gives_the_same_district_and_another_seed_another(district: District) -> None:
    assert make_district() == district
    assert directory(make_district()) == directory(district)
    assert make_district(7).homes != district.homes


def test_the_counts_are_those_promised(district: District) -> None:
    assert sum(row["level"] == "community" for row in district.divisions) == 12
    assert len(district.homes) == 300
    assert sum(len(home.people) for home in district.homes) == 500
    devices = [home.device for home in district.homes if home.device]
    assert Counter(device["kind"] for device in devices) == {"dedicated": 30, "shared": 10}
    assert all(len(home.contacts) in (3, 4) for home in district.homes if home.device)
    assert len(district.providers) == 60
    assert {provider.values["kind"] for provider in district.providers} == {"company", "volunteer_group", "desk"}
    assert Counter(operator.role for operator in district.operators) == {"operator": 3, "supervisor": 1}
    assert [operator.seat for operator in district.operators] == ["op1", "op2", "op3", "op4"]
    assert len(district.duty) == 3


def test_codes_are_haishus_and_community_codes_say_that_they_are_invented(district: District) -> None:
    codes = {row["code"] for row in district.divisions}
    assert len(codes) == len(district.divisions)
    for row in district.divisions:
        assert row["code"].startswith("3302")
        assert row.get("parent_code") is None or row["parent_code"] in codes
        if row["level"] == "community":
            assert row["code"].startswith(DISTRICT)
            assert row["code"][9:].startswith("9")
            assert "虚构" in row["note"]
            assert "invented" in row["note"]
    assert {home.values["division_code"] for home in district.homes} == {c for c in codes if len(c) == 12}


def test_every_field_is_within_the_bounds_of_the_registry(district: District) -> None:
    for division in district.divisions:
        fields.check(division, fields.DIVISION, PLAN)
    for home in district.homes:
        fields.check(home.values, fields.HOME, PLAN)
        fields.check(home.access or {}, fields.ACCESS, PLAN)
        for person in home.people:
            assert fields.check(person.values, fields.PERSON, PLAN) == person.values
            fields.check(person.medical or {}, fields.MEDICAL, PLAN)
        for contact in home.contacts:
            assert fields.check(contact, fields.CONTACT, PLAN) == contact
        fields.check(home.device or {}, fields.DEVICE, PLAN)


def test_every_number_can_be_dialled_lies_in_the_demo_ranges_and_is_one_telephone(district: District) -> None:
    book = directory(district)
    for entry in book:
        number = PLAN.parse(entry.number)
        assert number.kind in ("mobile", "fixed")
        assert re.fullmatch(r"\+86154000[1239]\d{4}|\+865748700[013]\d{3}", number.e164), entry
    assert len({entry.number for entry in book}) == len(book)
    assert len({entry.key for entry in book}) == len(book)
    assert {entry.role for entry in book} == {"resident", "device", "provider", "contact", "duty", "staff"}
    assert Counter(entry.role for entry in book)["device"] == 40
    assert all(entry.zh and entry.en.isascii() for entry in book)
    assert {entry.dials for entry in book if entry.role == "device"} == {"81891"}
    numbers = [home.device["number"] for home in district.homes if home.device]
    numbers += [provider.phone for provider in district.providers] + [duty.phone for duty in district.duty]
    numbers += [operator.mobile for operator in district.operators]
    assert len(set(numbers)) == len(numbers)


def test_some_lines_are_shared_by_several_people(district: District) -> None:
    phones = Counter(person.values["phone"] for home in district.homes for person in home.people)
    assert sum(count > 1 for phone, count in phones.items() if phone) >= 20
    line = next(phone for phone, count in phones.items() if phone and count > 1 and phone > "+8657487001")
    entry = next(entry for entry in directory(district) if entry.number == PLAN.dial(line))
    assert "、" in entry.zh


def test_every_community_has_a_provider_for_every_category_and_the_city_for_every_item(district: District) -> None:
    communities = [row["code"] for row in district.divisions if row["level"] == "community"]
    for community in communities:
        serving = [p for p in district.providers if any(community.startswith(prefix) for prefix in p.coverage)]
        items = {code for provider in serving for code, _low, _high in provider.items}
        assert items == set(ITEMS)
        assert {code[:2] for code in items} == set(CATEGORIES)
        assert {p.values["kind"] for p in serving} == {"company", "volunteer_group", "desk"}


def test_providers_names_telephones_and_prices_are_in_order(district: District) -> None:
    assert len({provider.values["name"] for provider in district.providers}) == 60
    for provider in district.providers:
        assert "演示" in provider.values["name"]
        assert "demo" in provider.name_en
        assert len({code for code, _low, _high in provider.items}) == len(provider.items)
        assert all(low <= high for _code, low, high in provider.items if low is not None and high is not None)


def test_nobody_has_an_identity_number_and_no_child_is_in_it(district: District) -> None:
    assert not re.search(r"(?<!\d)[1-9]\d{16}[\dXx](?!\d)", repr(district))
    for home in district.homes:
        for person in home.people:
            assert "id_number" not in person.values
            assert person.values["birth_year"] <= 2008


def test_polyphonic_surnames_are_there_with_their_reading(district: District) -> None:
    readings = {p.values["name"][0]: p.values["surname_reading"] for home in district.homes for p in home.people}
    for surname in "曾单任解华":
        assert readings[surname] == POLYPHONIC[surname]
    assert readings["王"] == ""
    english = " ".join(entry.en for entry in directory(district))
    assert "Zeng " in english
    assert "Ceng " not in english


def test_everything_has_a_place_in_its_own_street_and_neighbours_lie_next_door(district: District) -> None:
    streets = {row["code"]: row for row in district.divisions if row["level"] == "street"}
    for home in district.homes:
        street = streets[home.values["division_code"][:9]]
        assert abs(home.values["latitude"] - street["latitude"]) < 0.08
        assert abs(home.values["longitude"] - street["longitude"]) < 0.08
    assert all(29.5 < row["latitude"] < 30.2 and 121 < row["longitude"] < 122 for row in district.divisions)
    assert all(29.5 < provider.values["latitude"] < 30.2 for provider in district.providers)
    assert len({home.values["latitude"] for home in district.homes}) > 290
    areas = {prefix for provider in district.providers for prefix in provider.coverage}
    assert {"330203", "3302", "330205"} <= areas  # so that the demo can show each pool
