"""`callcenter up` as people treat it: ports that are taken, Ctrl-C, kill -9, and parts that die."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.up_process import Up, open_up
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

PARTS = ("exchange", "town", "application")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One home for all tests of this file, filled by the first of them and left running or not as each finds it."""
    with open_up(tmp_path_factory.mktemp("up"), slot=0) as opened:
        yield opened


@pytest.fixture
def running(up: Up) -> Up:
    if up.process is None:
        up.start()
    return up


def test_a_port_in_use_is_named_with_its_setting_before_anything_is_started(tmp_path: Path) -> None:
    with open_up(tmp_path, slot=1) as other, socket.socket() as taken:
        taken.bind(("127.0.0.1", other.settings.http.port))
        taken.listen()
        other.launch()
        assert other.process is not None
        assert other.process.wait(30) == 1
        assert f"Port {other.settings.http.port}/tcp" in other.said()
        assert "http.port" in other.said()
        assert other.processes() == {}
        assert not (other.settings.home / "exchange").exists()


def test_a_second_one_in_the_same_home_is_refused(running: Up, tmp_path: Path) -> None:
    second = Up(running.settings, tmp_path / "second.log")
    second.launch()
    assert second.process is not None
    assert second.process.wait(30) == 1
    assert "it runs here already" in second.said()
    assert running.answers("/readyz")


def test_kill_9_then_a_new_start_keeps_the_exchange_and_doubles_nothing(running: Up) -> None:
    before = running.processes()
    assert sorted(before) == sorted(PARTS)
    ((town,), (exchange,)) = before["town"], before["exchange"]
    assert os.getpriority(os.PRIO_PROCESS, town) > os.getpriority(os.PRIO_PROCESS, exchange), "the town stands back"

    running.send(signal.SIGKILL)
    assert running.processes() == before  # the telephone goes on, and the application too
    began = time.monotonic()
    running.start()

    after = running.processes()
    assert {part: len(pids) for part, pids in after.items()} == dict.fromkeys(PARTS, 1)
    assert (after["exchange"], after["town"]) == (before["exchange"], before["town"])
    assert after["application"] != before["application"]
    assert time.monotonic() - began < 30
    wait_until(lambda: running.answers("/town/state"), 20, "the town obeys the new application")


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_dies_is_started_again(running: Up, part: str) -> None:
    before = running.processes()

    os.kill(before[part][0], signal.SIGKILL)

    def is_back() -> bool:
        now = running.processes().get(part)
        return now is not None and now != before[part] and running.answers("/readyz") and running.answers("/town/state")

    wait_until(is_back, 40, f"the {part} is back; up said:\n{running.said()}")
    now = running.processes()
    assert {name: pids for name, pids in now.items() if name != part} == {
        name: pids for name, pids in before.items() if name != part
    }


def test_ctrl_c_ends_everything_it_started(running: Up) -> None:
    assert running.send(signal.SIGINT) == 0
    assert running.processes() == {}
    assert not running.answers("/healthz")


def test_ctrl_c_while_it_starts_ends_everything_too(up: Up) -> None:
    up.launch()
    wait_until(lambda: "exchange" in up.processes(), 40, f"the exchange has been started:\n{up.said()}")
    assert up.send(signal.SIGINT) == 0
    assert up.processes() == {}
    assert "Everything is up" not in up.said()


def test_an_application_that_cannot_run_is_told_soon_with_its_own_words(up: Up) -> None:
    if up.process is not None:
        up.send(signal.SIGINT)
    (up.settings.home / "town" / "clock").write_text("yesterday")
    up.launch()
    assert up.process is not None
    assert up.process.wait(60) == 1
    assert "The application ended 3 times" in up.said()
    assert "yesterday" in up.said()
    assert up.processes() == {}
