"""What is different between two sets of flows is said completely, in both languages, and nothing else is."""

from dataclasses import replace
from typing import Any

import pytest

from ivr_flows.comparing import Change, compare
from ivr_flows.loading import read_set, sources
from ivr_flows.model import FlowSet

TINY = """\
flow: tiny
title: {zh: 小, en: Tiny}
kind: call
operator: wait
start: ask
steps:
  ask: {menu: nobody-choice, keys: {"1": wait}, otherwise: bye}
  wait: {queue: service, limit: 300, otherwise: bye}
  bye: {hang_up: [sorry-word, good-bye]}
"""
CALENDARS = """\
calendars:
  office:
    timezone: Asia/Shanghai
    week: {mon-fri: "08:00-18:00"}
    days: {2026-10-01: []}
"""


def made(old: str = "", new: str = "", calendars: str = CALENDARS, **transfers: str) -> FlowSet:
    assert old in TINY
    return read_set({"tiny.yaml": TINY.replace(old, new), "calendars.yaml": calendars}, transfers)


def said(changes: list[Change]) -> list[str]:
    return [change.en for change in changes]


def test_nothing_is_different_where_only_comments_and_order_are() -> None:
    turned = TINY.replace("  bye: {hang_up: [sorry-word, good-bye]}\n", "").replace(
        "steps:\n", "steps:\n  # said last\n  bye: {hang_up: [sorry-word, good-bye]}\n"
    )
    assert compare(made(), read_set({"tiny.yaml": turned, "calendars.yaml": CALENDARS}, {})) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("limit: 300", "limit: 600", ["tiny.wait: limit was 300, is now 600"]),
        ("[sorry-word, good-bye]", "good-bye", ["tiny.bye: hang_up was sorry-word + good-bye, is now good-bye"]),
        ('{"1": wait}', '{"1": bye}', ["tiny.ask: key 1 led to wait, now to bye"]),
        ('{"1": wait}', '{"1": wait, "2": bye}', ["tiny.ask: key 2 is new and leads to bye"]),
        ('{"1": wait}', '{"3": wait}',
         ["tiny.ask: key 3 is new and leads to wait", "tiny.ask: key 1 is gone, it led to wait"]),
        ("start: ask", "start: wait", ["tiny: start was ask, is now wait"]),
        ("en: Tiny", "en: Small", ["tiny: title.en was Tiny, is now Small"]),
        ("  bye: {hang", "  more: {say: hi, next: bye}\n  bye: {hang", ["tiny: step more (say) is new"]),
        ("hang_up: [sorry-word, good-bye]", "queue: emergency", ["tiny.bye: kind was hang_up, is now queue"]),
    ],
)  # fmt: skip
def test_each_difference_is_said_once(old: str, new: str, expected: list[str]) -> None:
    changes = compare(made(), made(old, new))
    assert said(changes) == expected
    assert all(change.zh != change.en for change in changes)
    assert {change.name for change in changes} == {"tiny"}


def test_what_is_new_one_way_is_gone_the_other() -> None:
    there = compare(made(), made("  bye: {hang", "  more: {say: hi, next: bye}\n  bye: {hang"))
    back = compare(made("  bye: {hang", "  more: {say: hi, next: bye}\n  bye: {hang"), made())
    assert [change.how for change in there] == ["added"]
    assert [change.how for change in back] == ["removed"]
    assert back[0].zh == "tiny：删去步骤 more（播报）"


def test_flows_that_come_and_go_are_named_with_their_titles() -> None:
    none = replace(made(), flows={})
    assert said(compare(none, made())) == ["flow tiny (Tiny) is new"]
    assert said(compare(made(), none)) == ["flow tiny (Tiny) is gone"]


def test_a_sentence_that_changed_is_quoted_old_and_new() -> None:
    texts: dict[str, Any] = {"good-bye": ("再见。", "Goodbye.")}
    new = {"good-bye": ("谢谢，再见。", "Thank you. Goodbye."), "hello": ("您好。", "Hello.")}
    assert said(compare(made(), made(), texts, new)) == [
        "prompt good-bye was “Goodbye.”, is now “Thank you. Goodbye.”",
        "prompt hello is new: “Hello.”",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('mon-fri: "08:00-18:00"', 'mon-thu: "08:00-18:00"', "Friday was 08:00-18:00, is now closed"),
        ("{2026-10-01: []}", '{2026-10-01: "09:00-24:00"}', "2026-10-01 was closed, is now 09:00-24:00"),
        ("{2026-10-01: []}", "{}", "2026-10-01 was closed, is now as the day of the week"),
        ("Asia/Shanghai", "Asia/Urumqi", "the time zone was Asia/Shanghai, is now Asia/Urumqi"),
    ],
)
def test_other_hours_are_said_by_the_day(old: str, new: str, expected: str) -> None:
    assert old in CALENDARS
    changes = compare(made(), made(calendars=CALENDARS.replace(old, new)))
    assert said(changes) == [f"calendar office: {expected}"]


def test_many_other_dates_are_counted() -> None:
    many = CALENDARS.replace("{2026-10-01: []}", "{2026-10-01..2026-10-20: []}")
    told = said(compare(made(), made(calendars=many)))
    assert len(told) == 6
    assert told[-1] == "calendar office: 14 more dates are different, 2026-10-07 to 2026-10-20"


def test_a_transfer_that_changed_does_not_say_the_number() -> None:
    changes = compare(made(gas="057412345"), made(gas="057454321", police="110"))
    assert said(changes) == ["transfer gas has a new number", "transfer police is new"]
    assert not any("0574" in change.zh for change in changes)


def test_the_shipped_flows_are_as_they_are() -> None:
    flows = read_set(sources(), {})
    assert compare(flows, flows) == []
