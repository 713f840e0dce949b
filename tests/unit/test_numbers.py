"""Telephone numbers: every form of a line leads back to it, and no text is too strange."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.numbers import NumberPlan

PLAN = NumberPlan()


def digits(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True)


e164s = st.one_of(
    digits(r"\+86574[2-9][0-9]{7}"),
    digits(r"\+86(?:10|2[0-9])[2-9][0-9]{7}"),
    digits(r"\+86(?!400|800)[3-9][0-9]{2}[2-9][0-9]{6,7}"),
    digits(r"\+861[3-9][0-9]{9}"),
)


@pytest.mark.parametrize(
    ("seen", "stored", "kind"),
    [
        ("13800000000", "+8613800000000", "mobile"),
        ("013800000000", "+8613800000000", "mobile"),
        ("+8613800000000", "+8613800000000", "mobile"),
        ("008613800000000", "+8613800000000", "mobile"),
        ("8613800000000", "+8613800000000", "mobile"),
        ("138-0000-0000", "+8613800000000", "mobile"),
        ("138 0000 0000", "+8613800000000", "mobile"),
        ("１３８００００００００", "+8613800000000", "mobile"),
        ("87000000", "+8657487000000", "fixed"),
        ("8700-0000", "+8657487000000", "fixed"),
        ("057487000000", "+8657487000000", "fixed"),
        ("0574-8700-0001", "+8657487000001", "fixed"),
        ("(0574)87000001", "+8657487000001", "fixed"),
        ("+86-574-8700-0001", "+8657487000001", "fixed"),
        ("8657487000000", "+8657487000000", "fixed"),
        ("86123456", "+8657486123456", "fixed"),
        ("01087000000", "+861087000000", "fixed"),
        ("4001234567", "4001234567", "service"),
        ("400-123-4567", "4001234567", "service"),
        ("81890", "81890", "service"),
        ("057481890", "81890", "service"),
        ("0574-81890", "81890", "service"),
        ("8657481890", "81890", "service"),
        ("+8657481890", "81890", "service"),
        ("120", "120", "service"),
        ("+442079460000", "+442079460000", "foreign"),
        ("00442079460000", "+442079460000", "foreign"),
        ("", "", "unknown"),
        ("anonymous", "", "unknown"),
        ("+0123456789", "", "unknown"),
        ("12", "", "unknown"),
        ("8" * 40, "", "unknown"),
        ("87000000;DROP", "", "unknown"),
    ],
)
def test_each_form_seen_on_a_line_is_stored_as_the_table_of_conventions_says(seen: str, stored: str, kind: str) -> None:
    number = PLAN.parse(seen)
    assert (number.e164, number.kind, number.raw) == (stored, kind, seen)


@pytest.mark.parametrize("seen", ["87000000-801", "87000000转801", "0574-87000000-801", "87000000#801"])
def test_an_extension_stands_apart_from_the_number(seen: str) -> None:
    number = PLAN.parse(seen)
    assert (number.e164, number.extension) == ("+8657487000000", "801")


@given(e164s)
def test_every_form_a_line_may_arrive_in_is_parsed_to_the_same_number(e164: str) -> None:
    assert PLAN.parse(e164).e164 == e164
    assert {PLAN.parse(form).e164 for form in PLAN.forms(e164)} == {e164}


@given(e164s)
def test_what_is_dialled_leads_to_the_number(e164: str) -> None:
    assert PLAN.parse(PLAN.dial(e164)).e164 == e164


@given(e164s, e164s)
def test_two_lines_share_no_form(one: str, other: str) -> None:
    if one != other:
        assert not set(PLAN.forms(one)) & set(PLAN.forms(other))


@given(st.text() | st.text(alphabet="0123456789+-() 转#,٣①", max_size=25) | st.none())
def test_any_text_gives_a_number_or_an_unknown_and_what_is_stored_is_stable(text: str | None) -> None:
    number = PLAN.parse(text)
    assert number.known == bool(number.e164)
    if number.known:
        assert number.e164.removeprefix("+").isascii()
        again = PLAN.parse(number.e164)
        assert (again.e164, again.kind) == (number.e164, number.kind)
        assert len(number.e164) <= 16
    else:
        assert not number.callable_back
        assert not number.extension


@pytest.mark.parametrize("service", ["110", "119", "120", "122", "81890", "95588", "4001234567"])
def test_a_service_number_is_never_called_by_a_machine(service: str) -> None:
    assert PLAN.parse(service).known
    assert not PLAN.parse(service).callable_back


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(("86", "1", "13", "852")))
def test_a_bare_mobile_number_reads_the_same_the_quick_way_and_the_long(digits, country):
    plan = NumberPlan(country, "574")
    assert plan.parse(digits).e164 == plan.parse(f" {digits}").e164
    assert plan.parse(digits).kind == plan.parse(f" {digits}").kind
