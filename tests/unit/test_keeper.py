"""The keeper of the application's process, where no process is needed to see what it does."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from callcenter import keeper
from callcenter.keeper import Keeper
from tests.waiting import wait_until


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


WRITER = """
import os, signal, sys
for batch in range(3):
    os.write(1, "".join(f"{batch} {n:090}\\n" for n in range(100)).encode())
    while os.path.getsize(sys.argv[1]) > 5000:
        pass
os.write(1, b"the last words\\n")
signal.pause()
"""


def test_a_log_that_grows_long_is_put_aside_while_the_application_writes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LONGEST_LOG", 5000)
    stopping, said = threading.Event(), []
    one = Keeper(tmp_path, {}, said.append)
    one.log.write_text("old words, a lot of them\n" * 300)
    one._command = [sys.executable, "-c", WRITER, str(one.log)]
    keeping = threading.Thread(target=one.keep, args=(stopping,))
    keeping.start()
    try:
        wait_until(lambda: one.log.exists() and one.log.read_text() == "the last words\n", 20, "the log begins anew")
    finally:
        stopping.set()
        keeping.join(20)
    aside = (tmp_path / "application.log.1").read_text().splitlines()
    assert aside == [f"2 {n:090}" for n in range(100)], "nothing of it is lost"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["application.log", "application.log.1"]


def test_a_log_that_cannot_be_put_aside_is_emptied_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_source: Path, target: Path) -> None:
        target.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keeper, "LONGEST_LOG", 5)
    monkeypatch.setattr("shutil.copyfile", full)
    said: list[str] = []
    one = Keeper(tmp_path, {}, said.append)
    one.log.write_text("many words")
    one._keep_log_short()
    assert one.log.read_text() == ""
    assert "No space left" in said[0]
    assert [path.name for path in tmp_path.iterdir()] == ["application.log"]
