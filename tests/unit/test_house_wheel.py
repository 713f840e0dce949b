"""The wheel holds all that the running service reads, not only its Python."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in the wheel that `make wheel` would build."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as opened:
        return set(opened.namelist())


def test_the_wheel_holds_every_file_of_the_packages(wheel: set[str]) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *packages], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    missing = {name for name in listed.split("\0") if name and (ROOT / name).exists()} - wheel
    assert not missing


def test_the_wheel_holds_the_built_front_end(wheel: set[str]) -> None:
    built = ROOT / "callcenter" / "console" / "static" / "built"
    names = {str(file.relative_to(ROOT)) for file in built.rglob("*") if file.is_file()}
    assert {"callcenter/console/static/built/console.js", "callcenter/console/static/built/icons.svg"} <= names
    assert names <= wheel
