"""`callcenter user …`: the first administrator comes from the command line, and a password is told once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from callcenter.cli import main
from dispatch import staff
from dispatch.tables import StaffUser
from foundation.database import Database


def run(home: Path, *words: str) -> int:
    return main(["--home", str(home), "user", *words])


def test_an_account_is_made_listed_given_a_password_and_disabled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "add", "boss", "王班长", "--role", "admin") == 0
    first = capsys.readouterr().out.strip()
    assert run(tmp_path, "add", "li", "李坐席", "--mobile", "15400090001") == 0
    capsys.readouterr()
    assert run(tmp_path, "password", "boss") == 0
    second = capsys.readouterr().out.strip()
    database = Database(f"sqlite:///{tmp_path / 'callcenter.sqlite3'}")
    with database.read() as session:
        kept = session.get_one(StaffUser, 1).password_hash
        assert session.get_one(StaffUser, 2).mobile == "+8615400090001"
    database.dispose()
    assert staff.verify_password(kept, second)
    assert not staff.verify_password(kept, first)
    assert run(tmp_path, "role", "li", "supervisor") == 0
    assert run(tmp_path, "disable", "li") == 0
    capsys.readouterr()
    assert run(tmp_path, "list", "--json") == 0
    rows = {row["login"]: row for row in json.loads(capsys.readouterr().out)}
    assert (rows["li"]["role"], rows["li"]["disabled"], rows["boss"]["disabled"]) == ("supervisor", True, False)


@pytest.mark.parametrize(
    "words",
    [("disable", "nobody"), ("disable", "boss"), ("role", "boss", "operator"), ("organisation", "boss", "99"),
     ("organisation", "boss", "x"), ("add", "boss", "又一个"), ("add", "li", "李", "--mobile", "120")],
)  # fmt: skip
def test_what_cannot_be_done_ends_with_one_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run(tmp_path, "add", "boss", "王班长", "--role", "admin") == 0
    assert run(tmp_path, *words) == 1
    assert capsys.readouterr().err.strip()
