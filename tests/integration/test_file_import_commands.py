"""`callcenter import` as a person or a script runs it, and what is left when it is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from foundation.database import Database
from tests.integration.dispatch_support import COMMUNITY, Town
from tests.integration.test_file_imports import PEOPLE
from tests.waiting import wait_until


@pytest.fixture
def command(sqlite_url: str, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    town = Town(Database(sqlite_url))
    town.writer.close()
    town.database.dispose()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"CALLCENTER_HOME": str(tmp_path / "home"), "CALLCENTER_DATABASE__URL": sqlite_url, "PATH": "",
                       "PYTHONPATH": str(Path(__file__).parents[2])}  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "callcenter", *arguments], capture_output=True, text=True, env=environment,
            check=False, timeout=90,
        )  # fmt: skip

    return run


def test_the_command_line_looks_refuses_imports_and_says_so_by_its_exit_code(
    command: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_bytes(PEOPLE.encode("gb18030"))
    bad.write_text(PEOPLE.replace("1939-05-01", "1939-02-30"), "utf-8")
    refused = command("import", "people", str(bad))
    assert refused.returncode == 1
    assert "row 3 出生年份 birth_year “1939-02-30”" in refused.stdout
    looked = command("import", "people", str(good), "--dry-run", "--json")
    assert looked.returncode == 0, looked.stderr
    told = json.loads(looked.stdout)
    assert (told["encoding"], told["added"], told["changed"]) == ("GB18030", 1, 1)
    done = command("import", "people", str(good), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "done"
    assert command("import", "people", str(tmp_path / "none.csv")).returncode == 1
    assert command("import", "nothing", str(good)).returncode == 2
    template = tmp_path / "t.xlsx"
    assert command("import", "template", "people", str(template)).returncode == 0
    assert template.read_bytes()[:2] == b"PK"


def test_a_command_that_is_killed_leaves_whole_homes_and_the_next_one_ends_the_work(
    sqlite_url: str, command: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    file = tmp_path / "many.csv"
    row = "{},示范路 {} 号,示范{},,,,,,子{},子女,137{:08},\n"
    rows = (row.format(COMMUNITY, n, n, n, n) for n in range(1000, 1600))
    file.write_text(PEOPLE.splitlines(keepends=True)[0] + "".join(rows), "utf-8")
    database = Database(sqlite_url)

    def one(statement: str) -> Any:
        with database.read() as session:
            return session.scalar(text(statement))

    environment = {"CALLCENTER_HOME": str(tmp_path / "home"), "CALLCENTER_DATABASE__URL": sqlite_url, "PATH": "",
                   "PYTHONPATH": str(Path(__file__).parents[2])}  # fmt: skip
    killed = subprocess.Popen([sys.executable, "-m", "callcenter", "import", "people", str(file)], env=environment)
    wait_until(lambda: (one("SELECT max(position) FROM imports") or 0) > 20, 60, "the import has begun")
    killed.kill()
    killed.wait()
    position = one("SELECT position FROM imports")
    assert 20 < position < 600
    homes = one("SELECT count(*) FROM homes WHERE id > 8")
    lone = one("SELECT count(*) FROM homes h WHERE h.id > 8 AND NOT (EXISTS (SELECT 1 FROM home_members m WHERE "
               "m.home_id = h.id) AND EXISTS (SELECT 1 FROM contacts c WHERE c.home_id = h.id))")  # fmt: skip
    assert (homes, lone) == (position, 0), "as many homes as were counted, each with its person and its contact"
    with database.write_engine.begin() as connection:
        connection.execute(text("UPDATE imports SET lease_until = '2020-01-01 00:00:00.000000'"))
    ended = command("import", "people", str(file), "--json")
    database.dispose()
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["state"], told["position"], told["added"], told["same"]) == ("done", 600, 600, 0)
