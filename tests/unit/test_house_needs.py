"""What `make` says before it starts anything."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tools import chromium, front_end, needs

NOTHING_HERE = "/nonexistent"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with Python and git, on which nothing of ours was ever brought."""
    for name in ("requirements.lock", "package-lock.json"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(needs, "ROOT", tmp_path)
    monkeypatch.setenv("CALLCENTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "FONT_FOLDERS", ())
    here = {"git", "apt-get", "dpkg"}
    found = {name: shutil.which(name) for name in here}
    monkeypatch.setattr(shutil, "which", lambda name: found.get(name))
    return tmp_path


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], goal: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["needs.py", goal])
    code = needs.main()
    return code, capsys.readouterr().out


def test_a_first_start_names_each_download_with_its_size(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = told(monkeypatch, capsys, "run")
    assert code == 0
    for what in ("Python packages", "front-end packages", "Asterisk", "espeak-ng"):
        assert what in said
    assert "Chromium" not in said
    assert f"{needs.PYTHON_PACKAGES + needs.FRONT_END_PACKAGES + needs.ASTERISK + needs.ESPEAK} MB" in said


def test_the_tests_need_a_browser_with_chinese(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, said = told(monkeypatch, capsys, "test")
    assert "Chromium" in said
    assert "a Chinese font" in said
    assert ("with apt-get install, on this machine" in said) == (os.geteuid() == 0)


def test_what_is_there_is_not_named_again(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for made in (".venv/.installed", "node_modules/.package-lock.json"):
        (bare / made).parent.mkdir()
        (bare / made).write_text("")
    assert told(monkeypatch, capsys, "build") == (0, "")


def test_without_apt_a_missing_exchange_ends_it_before_it_starts(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/git" if name == "git" else None)
    code, said = told(monkeypatch, capsys, "run")
    assert code == 1
    assert "Asterisk 22" in said
    assert "package manager" in said
    assert "will be downloaded" not in said


def test_an_old_python_is_told_what_to_do(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.version_info", (3, 9, 2, "final", 0))
    code, said = told(monkeypatch, capsys, "run")
    assert code == 1
    assert "Python 3.11 or later is needed" in said
    assert "is 3.9.2" in said
    assert "apt-get install python3" in said


def test_a_missing_git_and_venv_are_named_with_the_command_that_helps(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, said = told(monkeypatch, capsys, "test")
    assert code == 1
    assert "apt-get install git" in said
    assert "apt-get install python3-venv" in said


def test_a_full_disk_is_told_before_the_download(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": 100_000_000}))
    code, said = told(monkeypatch, capsys, "run")
    assert code == 1
    assert "only 100 MB are free" in said


def test_an_old_node_on_the_path_gives_way_to_the_environments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, version in (("node", "v16.1.0"), ("npm", "8.1.0")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + "/usr/bin:/bin")
    assert Path(front_end.node()).is_relative_to(front_end.wheel())
    assert front_end.npm()[0] == front_end.node()
    (tmp_path / "node").write_text("#!/bin/sh\necho v20.0.0\n")
    assert front_end.node() == str(tmp_path / "node")
    assert front_end.npm() == ["npm"]


def test_the_environments_node_and_npm_start() -> None:
    wheel = front_end.wheel()
    assert front_end.major(str(wheel / "bin" / "node")) >= front_end.OLDEST_NODE
    assert (wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js").exists()
