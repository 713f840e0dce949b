"""The diary is the truth by which others count: nothing in it is lost, and what is waited for in vain is explained."""

import json
import threading
from pathlib import Path

import pytest

from callcenter.town.diary import Call, Diary
from callcenter.town.errors import NotSeenError


def a_call(number: int, ended: bool = False) -> Call:
    return Call(f"c{number}", "057487000001", "out", "81890", 1.0, ended_at=2.0 if ended else None)


def test_each_line_is_on_disk_at_once(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary.jsonl")

    diary.begin(a_call(1), name="王秀英")

    line = json.loads((tmp_path / "diary.jsonl").read_text("utf-8"))
    assert (line["phone"], line["what"], line["call"]) == ("057487000001", "dials", "c1")
    assert line["detail"] == {"name": "王秀英"}


def test_a_waiter_is_woken_by_what_another_thread_writes() -> None:
    diary = Diary()
    call = diary.begin(a_call(1))

    def answer() -> None:
        with diary.changing():
            call.answered_at = 3.0
            diary.write(call.phone, "is answered", call)

    threading.Timer(0.05, answer).start()

    assert diary.wait_for(lambda: call.answered_at, 5, "it is answered") == 3.0


def test_a_wait_in_vain_tells_what_did_happen() -> None:
    diary = Diary()
    diary.begin(a_call(1))

    with pytest.raises(NotSeenError, match=r"it rings: not within 0 s(?s:.*)057487000001 dials"):
        diary.wait_for(lambda: None, 0, "it rings", "057487000001")


def test_a_call_reached_the_exchange_only_when_it_was_answered_on_the_wire() -> None:
    call = a_call(1)
    call.invite_at = 1.0
    assert not call.reached_exchange

    call.responses[100] = 1.1
    assert call.reached_exchange


def test_a_bounded_diary_forgets_ended_calls_and_never_one_that_is_up() -> None:
    diary = Diary(keep=3)
    diary.begin(a_call(0))
    for number in range(1, 10):
        diary.begin(a_call(number, ended=True))

    assert [call.id for call in diary.calls()] == ["c0", "c7", "c8", "c9"]
    assert len(diary.entries()) <= 4
