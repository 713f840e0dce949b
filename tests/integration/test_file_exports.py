"""Exports: every row of the span once, in sight only, harmless in a spreadsheet, with local times, and written down."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import insert, select

from callcenter.files import exports
from callcenter.files.commands import KINDS as KINDS_NAMED
from callcenter.files.export_commands import EXPORTS as NAMED
from callcenter.files.exports import EXPORTS, Span, Tally, table
from callcenter.files.kinds import KINDS
from callcenter.files.writing import csv_bytes, xlsx_file
from dispatch import arrivals
from dispatch.sight import ALL, Sight
from dispatch.tables import Ticket
from foundation.database import Database
from foundation.errors import Invalid
from foundation.scope import Scope
from foundation.tables import TicketEvent
from tests.integration.dispatch_support import START, Town, service_call

ATTACK = '=HYPERLINK("http://198.51.100.1","x")'


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.writer.close()


def taken(town: Town, name: str, span: Span | None = None, sight: Sight = ALL) -> list[dict[str, str]]:
    """An export as a spreadsheet reads it, under the English names."""
    content = csv_bytes(table(town.database, EXPORTS[name], span or Span(), sight, "en"))
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def fill(town: Town, count: int, **more: Any) -> None:
    rows = [
        {"number": f"20261101-{n:04}", "kind": "inquiry", "state": "closed", "owner": "", "outcome": "answered",
         "opened_at": START + timedelta(hours=n), "closed_at": START, "opened_by": "test", "elements": {}, "policy": {},
         "district": "330204" if n % 2 else "330203", **more}
        for n in range(1, count + 1)
    ]  # fmt: skip
    town.call(lambda w: w.session.execute(insert(Ticket), rows) and None)


def test_a_ticket_goes_out_with_its_events_and_its_ledger(town: Town) -> None:
    ticket_id = town.request()
    number = town.ticket(ticket_id).number
    (ticket,) = taken(town, "tickets")
    assert (ticket["number"], ticket["item_name"], ticket["caller"]) == (number, "水龙头", "13800000101")
    assert ticket["opened_at"] == "2026-11-23 10:00:00+08:00"
    (offer,) = taken(town, "offers")
    assert (offer["ticket"], offer["provider"], offer["state"], offer["phone"]) == (
        number, "水管师傅1", "offered", "13900000001",
    )  # fmt: skip
    events = [event for event in taken(town, "events") if event["ticket"] == number]
    assert [event["kind"] for event in events] == town.events(ticket_id)
    assert json.loads(events[0]["detail"])["state"] == "registered"


def test_calls_owed_and_recordings_have_their_lists(town: Town) -> None:
    hung_up = service_call("node1-9.1", ("ended", 30, {}))
    town.call(arrivals.record_steps, hung_up)
    owed = taken(town, "call_backs")
    assert [row["number"] for row in owed] == ["13800000101"]
    assert owed[0]["called_at"].startswith("2026-11-23 10:00")
    assert taken(town, "recordings") == []


def test_pages_leave_nothing_out_and_repeat_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE", 7)
    fill(town, 50)
    assert [row["number"] for row in taken(town, "tickets")] == [f"20261101-{n:04}" for n in range(1, 51)]


@pytest.mark.parametrize(("since", "until"), [(None, None), (25, 25), (25, None), (None, 24), (1, 2), (30, 30)])
def test_a_span_is_whole_local_days(town: Town, since: int | None, until: int | None) -> None:
    fill(town, 90)  # from 23 November eleven o'clock on, one an hour
    span = Span(*(date(2026, 11, day) if day else None for day in (since, until)))
    found = [row["opened_at"] for row in taken(town, "tickets", span)]
    everything = [row["opened_at"] for row in taken(town, "tickets")]
    assert found == [at for at in everything if (since or 0) <= int(at[8:10]) <= (until or 99)]
    if since == 25 == until:
        assert (found[0], found[-1]) == ("2026-11-25 00:00:00+08:00", "2026-11-25 23:00:00+08:00")


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(Invalid):
        Span(date(2026, 11, 2), date(2026, 11, 1))


def test_only_what_lies_in_sight_goes_out(town: Town) -> None:
    fill(town, 10)
    ticket_id = town.request()
    town.call(arrivals.record_steps, service_call("node1-9.1", ("ended", 30, {})))
    there = Sight(Scope(("330204",)))
    assert len(taken(town, "tickets", sight=there)) == 5
    assert taken(town, "offers", sight=there) == []
    assert taken(town, "events", sight=there) == []
    assert taken(town, "call_backs", sight=there) == []
    here = Sight(Scope(("330203",)))
    assert town.ticket(ticket_id).number in {row["number"] for row in taken(town, "tickets", sight=here)}
    assert len(taken(town, "offers", sight=here)) == 1


def test_what_a_caller_says_is_no_formula_in_either_format(town: Town) -> None:
    fill(town, 1, summary=ATTACK, caller_name="+1+1", note="a\x0bb\x1b\ufffe")
    (row,) = taken(town, "tickets")
    assert (row["summary"], row["caller_name"]) == ("'" + ATTACK, "'+1+1")
    with xlsx_file("t", table(town.database, EXPORTS["tickets"], Span())) as file:
        sheet = openpyxl.load_workbook(file).active
        assert sheet is not None
        cells = [cell for line in sheet.iter_rows(min_row=2) for cell in line]
    assert ATTACK in [cell.value for cell in cells]
    assert "f" not in {cell.data_type for cell in cells}, "no cell is a formula"


def test_rows_are_counted_without_the_header(town: Town) -> None:
    fill(town, 3)
    rows = Tally(table(town.database, EXPORTS["tickets"], Span()))
    csv_bytes(rows)
    assert rows.count == 3


def test_the_command_line_names_every_kind() -> None:
    assert set(NAMED) == set(EXPORTS)
    assert set(KINDS_NAMED) == set(KINDS)


def test_the_command_line_writes_a_whole_file_and_says_who_took_it(sqlite_url: str, tmp_path: Path) -> None:
    town = Town(Database(sqlite_url))
    fill(town, 3)
    town.writer.close()
    environment = {"CALLCENTER_HOME": str(tmp_path / "home"), "CALLCENTER_DATABASE__URL": sqlite_url, "PATH": "",
                   "PYTHONPATH": str(Path(__file__).parents[2])}  # fmt: skip

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "callcenter", "export", *arguments], capture_output=True, text=True,
            env=environment, check=False, timeout=90,
        )  # fmt: skip

    file = tmp_path / "t.csv"
    done = run("tickets", str(file), "--since", "2026-11-23", "--json")
    assert (done.returncode, json.loads(done.stdout)["rows"]) == (0, 3), done.stderr
    assert len(file.read_text("utf-8-sig").splitlines()) == 4
    assert run("tickets", str(tmp_path / "t.xlsx")).returncode == 0
    assert run("tickets", "-").stdout.count("\n") == 4
    assert run("tickets", str(file), "--since", "2026-02-30").returncode == 2
    assert run("tickets", str(file), "--since", "2026-11-23", "--until", "2026-11-22").returncode == 1
    assert run("tickets", str(tmp_path / "none" / "t.csv")).returncode == 1
    events = town.rows(select(TicketEvent.detail).where(TicketEvent.kind == "export.taken"))
    town.database.dispose()
    assert events[0] == {"what": "tickets", "since": "2026-11-23", "until": "", "form": "csv"}
    assert not list(tmp_path.glob(".*.part"))
