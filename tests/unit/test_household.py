"""The household data for the telephone: whatever the rows hold, only what the dialplan can read safely comes out."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.numbers import NumberPlan
from residents.household import ContactLine, DeviceLine, DutyPhone, HomeLine, desired_keys

PLAN = NumberPlan()
KEY = re.compile(
    r"line/\+?[0-9]{3,16}|contacts/[0-9]+|contact/[0-9]+/[1-9][0-9]*|duty/(?:count|[1-9][0-9]*)", flags=re.ASCII
)
VALUE = {
    "line": re.compile(r"(?:dedicated|shared):[A-Za-z0-9-]{1,40}:[0-9]+", flags=re.ASCII),
    "contacts": re.compile(r"[0-9]+:[0-9]+", flags=re.ASCII),
    "contact": re.compile(r"contact-[0-9]+:[0-9]{3,18}:[0-9]+", flags=re.ASCII),
    "duty": re.compile(r"duty-[0-9]+:[0-9]{3,18}:[0-9]+|[0-9]+", flags=re.ASCII),
}

numbers = st.one_of(
    st.from_regex(r"\+86574[2-9][0-9]{7}", fullmatch=True),
    st.from_regex(r"\+861[3-9][0-9]{9}", fullmatch=True),
    st.sampled_from(["120", "110", "+442079460000", "", "anonymous", "+86574870;00001", "+8657487000001"]),
    st.text(max_size=20),
)
ids = st.integers(min_value=1, max_value=6)
homes = st.lists(st.builds(HomeLine, ids, st.integers(0, 999)), unique_by=lambda home: home.id, max_size=6)
kinds = st.sampled_from(["dedicated", "shared"]) | st.text(max_size=9)
devices = st.lists(st.builds(DeviceLine, st.text(max_size=50), kinds, numbers, ids), max_size=6)
contacts = st.lists(st.builds(ContactLine, st.integers(1, 999), ids, st.integers(1, 9), numbers), max_size=12)
duty = st.lists(st.builds(DutyPhone, st.integers(1, 99), numbers), max_size=4)


@given(homes, devices, contacts, duty)
def test_any_rows_give_only_legal_keys_and_values(
    homes: list[HomeLine], devices: list[DeviceLine], contacts: list[ContactLine], duty: list[DutyPhone]
) -> None:
    for key, value in desired_keys(homes, devices, contacts, duty, PLAN).items():
        assert KEY.fullmatch(key), key
        assert VALUE[key.partition("/")[0]].fullmatch(value), (key, value)


@given(homes, devices, contacts, duty)
def test_counts_say_exactly_how_many_follow(
    homes: list[HomeLine], devices: list[DeviceLine], contacts: list[ContactLine], duty: list[DutyPhone]
) -> None:
    keys = desired_keys(homes, devices, contacts, duty, PLAN)
    counts = {f"contact/{key[9:]}": int(value.split(":")[1]) for key, value in keys.items() if key[:9] == "contacts/"}
    counts["duty"] = int(keys["duty/count"])
    for base, count in counts.items():
        entries = {key for key in keys if key.rpartition("/")[0] == base and not key.endswith("/count")}
        assert entries == {f"{base}/{i}" for i in range(1, count + 1)}


@given(st.from_regex(r"\+86574[2-9][0-9]{7}|\+861[3-9][0-9]{9}|\+86571[2-9][0-9]{7}", fullmatch=True))
def test_every_form_of_a_line_leads_to_the_same_device(number: str) -> None:
    keys = desired_keys([HomeLine(7, 3)], [DeviceLine("home-7", "dedicated", number, 7)], [], [], PLAN)
    for form in PLAN.forms(number):
        assert keys[f"line/{form}"] == "dedicated:home-7:7"


def test_a_home_is_written_as_the_contract_says() -> None:
    keys = desired_keys(
        [HomeLine(7, 42)],
        [DeviceLine("home-7", "dedicated", "+8657487000001", 7), DeviceLine("tel-7", "shared", "+8613800000007", 7)],
        [ContactLine(18, 7, 2, "+8657187000002"), ContactLine(17, 7, 1, "+8613900000001")],
        [DutyPhone(3, "+8613700000003", 20)],
        PLAN,
    )
    assert keys == {
        "line/87000001": "dedicated:home-7:7",
        "line/057487000001": "dedicated:home-7:7",
        "line/8657487000001": "dedicated:home-7:7",
        "line/+8657487000001": "dedicated:home-7:7",
        "line/13800000007": "shared:tel-7:7",
        "line/013800000007": "shared:tel-7:7",
        "line/8613800000007": "shared:tel-7:7",
        "line/+8613800000007": "shared:tel-7:7",
        "contacts/7": "42:2",
        "contact/7/1": "contact-17:13900000001:30",
        "contact/7/2": "contact-18:057187000002:30",
        "duty/count": "1",
        "duty/1": "duty-3:13700000003:20",
    }


def test_a_home_without_a_line_is_not_in_the_exchange() -> None:
    assert desired_keys([HomeLine(1, 1)], [], [ContactLine(1, 1, 1, "+8613900000001")], [], PLAN) == {"duty/count": "0"}


@pytest.mark.parametrize("service", ["120", "110", "119", "4001234567"])
def test_a_service_number_among_the_contacts_is_never_given_to_the_dialplan(service: str) -> None:
    line = DeviceLine("home-1", "dedicated", "+8657487000001", 1)
    keys = desired_keys([HomeLine(1, 1)], [line], [ContactLine(1, 1, 1, service)], [DutyPhone(1, service)], PLAN)
    assert keys["contacts/1"] == "1:0"
    assert keys["duty/count"] == "0"


def test_a_telephone_is_rung_once_for_a_home() -> None:
    line = DeviceLine("home-1", "dedicated", "+8657487000001", 1)
    one = ContactLine(1, 1, 1, "+8613900000001")
    keys = desired_keys([HomeLine(1, 1)], [line], [one, replace(one, id=2, position=2)], [], PLAN)
    assert keys["contacts/1"] == "1:1"
    assert keys["contact/1/1"].startswith("contact-1:")


def test_when_two_devices_claim_a_number_the_emergency_line_wins() -> None:
    shared = DeviceLine("zz", "shared", "+8657487000001", 1)
    pair = [DeviceLine("aa", "dedicated", "+8657487000001", 2), shared]
    for order in (pair, pair[::-1]):
        keys = desired_keys([HomeLine(1, 1), HomeLine(2, 1)], order, [], [], PLAN)
        assert keys["line/87000001"] == "dedicated:aa:2"
