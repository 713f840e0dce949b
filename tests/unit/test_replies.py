"""The grammar of replies: what people really write, and everything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import replies
from providers.replies import (
    Absent,
    Accept,
    Arrived,
    Back,
    ContactCode,
    Decline,
    Departed,
    Digit,
    Done,
    GiveBack,
    Help,
    NotSolved,
    OptOut,
    Unknown,
    parse,
)
from providers.taxonomy import CATEGORIES, ITEMS


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1", Digit(1)),
        ("１　２０", Digit(1, None, 20)),
        ("1 20分钟", Digit(1, None, 20)),
        ("1，20", Digit(1, None, 20)),
        ("4711 1 20", Digit(1, "4711", 20)),
        ("接", Accept()),
        ("接 20", Accept(None, 20)),
        ("4711 接20分钟", Accept("4711", 20)),
        ("好的，接单了", Accept()),
        ("2", Digit(2)),
        ("“2”。", Digit(2)),
        ("不接", Decline()),
        ("不接，太远了", Decline(None, "太远了")),
        ("4711不接", Decline("4711")),
        ("到", Arrived()),
        ("到 4711", Arrived(None, "4711")),
        ("到了", Arrived()),
        ("出发", Departed()),
        ("4711 已出发。", Departed("4711")),
        ("师傅在路上了", Departed()),
        ("退单", GiveBack()),
        ("退单，车坏了", GiveBack(None, "车坏了")),
        ("4711退单 来不及", GiveBack("4711", "来不及")),
        ("去不了", GiveBack()),
        ("完", Done()),
        ("完80元", Done(None, 80)),
        ("4711 完 80", Done("4711", 80)),
        ("5分", Digit(5)),
        ("1 谢谢", Digit(1)),
        ("请假", Absent()),
        ("今天请假", Absent()),
        ("请假 3天", Absent(3)),
        ("请假三天", Absent(3)),
        ("请假十五天。", Absent(15)),
        ("请假 两周", Absent(14)),
        ("请假 到 12-01", Absent(None, (None, 12, 1))),
        ("请假到１２月１日", Absent(None, (None, 12, 1))),
        ("请假至2026-12-01，谢谢", Absent(None, (2026, 12, 1))),
        ("销假", Back()),
        ("销假了", Back()),
        ("4711", ContactCode("4711")),
        ("测 4711", ContactCode("4711")),
        ("请假半天", Unknown("请假半天")),
        ("没", NotSolved()),
        ("没解决", NotSolved()),
        ("退订", OptOut()),
        ("stop", OptOut()),
        ("？", Help()),
        ("0", Unknown("0")),
        ("6", Unknown("6")),
        ("20", Unknown("20")),
        ("我明天来", Unknown("我明天来")),
        ("没有问题", Unknown("没有问题")),
        ("", Unknown("")),
    ],
)
def test_a_reply_is_read_as_it_was_meant(text: str, meant: replies.Command) -> None:
    assert parse(text) == meant


@given(st.text())
def test_any_text_gives_a_command_or_unknown_and_never_raises(text: str) -> None:
    command = parse(text)
    assert isinstance(command, replies.Command)
    if isinstance(command, Unknown):
        assert len(command.text) <= 8000


@given(st.integers(1, 5), st.integers(0, 9999), st.sampled_from(["", "。", "！", "谢谢", "  "]))
def test_width_blanks_and_politeness_change_nothing(value: int, minutes: int, tail: str) -> None:
    plain = f"{value} {minutes}"
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else "\u3000" for c in plain)
    assert parse(plain + tail) == parse(wide + tail) == Digit(value, None, min(minutes, 1440))


def test_the_catalogue_has_twenty_categories_and_their_items() -> None:
    assert (len(CATEGORIES), len(ITEMS)) == (20, 105)
    assert ITEMS["0301"].zh == "水管漏水"
    assert ITEMS["0301"].work_class == "urgent"
    assert ITEMS["0302"].work_class == "visit"
    assert ITEMS["0304"].licence
    assert all(item.en and item.zh and item.category in CATEGORIES for item in ITEMS.values())
