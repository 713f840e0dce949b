"""The helpers that every other test leans on."""

from __future__ import annotations

import pytest

from tests.conftest import refuse_other_machines
from tests.waiting import NotInTimeError, wait_until, wait_until_async


def test_waiting_gives_what_the_condition_gave() -> None:
    answers = iter([None, 0, "there"])
    assert wait_until(lambda: next(answers), 5, "the third answer") == "there"


def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(NotInTimeError, match=r"not in time: the moon \(waited 0 s; last seen: \[\]\)"):
        wait_until(list, 0, "the moon")


def test_an_error_in_the_condition_is_not_waited_away() -> None:
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: 1 / 0, 5, "the impossible")


async def test_a_coroutine_can_be_the_condition() -> None:
    answers = iter([False, True])

    async def ready() -> bool:
        return next(answers)

    assert await wait_until_async(ready, 5, "the second answer")


async def test_a_plain_function_can_be_the_condition_in_a_loop() -> None:
    with pytest.raises(NotInTimeError, match="the moon"):
        await wait_until_async(lambda: False, 0, "the moon")


@pytest.mark.parametrize("address", [("127.0.0.1", 80), ("::1", 80, 0, 0), ("localhost", 80), "/tmp/socket"])
def test_this_machine_may_be_reached(address: object) -> None:
    refuse_other_machines("socket.connect", (None, address))


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.org", 80), ("2001:db8::1", 80, 0, 0)])
def test_another_machine_may_not_be_reached(address: object) -> None:
    with pytest.raises(RuntimeError, match="addresses of this machine only"):
        refuse_other_machines("socket.connect", (None, address))
