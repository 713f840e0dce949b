"""The keeper of the application's process, where no process is needed to see what it does."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from callcenter import keeper
from callcenter.keeper import Keeper


def test_a_start_that_fails_is_said_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping, said = threading.Event(), []

    def fail(_self: Keeper, _output: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            stopping.set()

    monkeypatch.setattr(Keeper, "_start", fail)
    monkeypatch.setattr(keeper, "BACK_OFF_S", (0, 0))
    Keeper(tmp_path, {}, say).keep(stopping)
    assert len(said) == 2
    assert "Cannot allocate memory" in said[0]


def test_a_log_that_has_grown_long_is_put_aside_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = threading.Event()
    log = tmp_path / "application.log"
    log.write_text("old words")

    def fail(_self: Keeper, _output: object) -> None:
        stopping.set()
        raise OSError("enough")

    monkeypatch.setattr(Keeper, "_start", fail)
    monkeypatch.setattr(keeper, "LONGEST_LOG", 5)
    Keeper(tmp_path, {}, print).keep(stopping)
    assert (tmp_path / "application.log.1").read_text() == "old words"
    assert log.read_text() == ""
