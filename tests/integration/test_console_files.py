"""The page of files: supervisors look, say yes and take; operators and strangers do not; nothing outside one's area."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from callcenter.bounds import LARGER, MOST_BODY
from callcenter.files.bounds import MOST_BYTES
from callcenter.files.kinds import KINDS
from callcenter.files.room import ImportRoom
from dispatch.import_tables import FileImport
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.tables import TicketEvent
from residents.tables import Home
from tests.console_desk import ORIGIN, Browser, Desk
from tests.integration.dispatch_support import COMMUNITY

GOOD = f"社区代码,地址,姓名\n{COMMUNITY},示范路 20 号,王示范\n"
BAD = f"社区代码,地址,姓名,出生日期\n{COMMUNITY},示范路 20 号,<b>王示范</b>,2001-02-30\n"


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    database = Database(sqlite_url)
    made = Desk(database)
    yield made
    made.town.writer.close()
    database.dispose()


@pytest.fixture
def browser(desk: Desk) -> Iterator[Callable[[str], Browser]]:
    with desk.client() as client:
        yield lambda login: Browser(client, login)


def bring(who: Browser, content: str | bytes, kind: str = "people", name: str = "居民.csv") -> Any:
    data = content.encode() if isinstance(content, str) else content
    headers = {"HX-Request": "true", "Origin": ORIGIN, "X-CSRF-Token": who.token}
    return who.client.post("/imports", data={"kind": kind}, files={"file": (name, data)}, headers=headers)


def imports_of(desk: Desk) -> list[FileImport]:
    return desk.town.rows(select(FileImport).order_by(FileImport.id))


def carry_out(desk: Desk) -> None:
    """What the service does each second."""
    town = desk.town
    asyncio.run(ImportRoom(town.database, town.writer, town.clock, NumberPlan()).look(town.clock.now()))


def test_a_file_is_looked_at_agreed_to_and_taken_in(desk: Desk, browser: Callable[[str], Browser]) -> None:
    chen = browser("chen")
    assert "还没有导入过文件" in chen.get("/imports").text
    page = bring(chen, GOOD).text
    assert "没有问题，可以导入" in page
    assert len(desk.town.rows(select(Home))) == 2, "nothing is written before the yes"
    (made,) = imports_of(desk)
    page = chen.post(f"/imports/{made.id}/order").text
    assert 'hx-trigger="every 1s"' in page
    carry_out(desk)
    shown = chen.get("/imports/list").text
    assert "完成" in shown
    assert "every 1s" not in shown
    assert len(desk.town.rows(select(Home))) == 3
    assert chen.post(f"/imports/{made.id}/cancel").status_code == 409


def test_faults_are_shown_by_row_escaped_and_nothing_is_kept(desk: Desk, browser: Callable[[str], Browser]) -> None:
    page = bring(browser("chen"), BAD).text
    assert "2001-02-30" in page
    assert "没有这一天" in page
    assert "<b>王示范" not in page
    assert imports_of(desk) == []


@pytest.mark.parametrize("content", [b"", b"\x00" * 50, b"PK\x03\x04rubbish", "没有表头\n".encode("gb18030"), b'"'])
def test_whatever_is_brought_the_page_answers(desk: Desk, browser: Callable[[str], Browser], content: bytes) -> None:
    answer = bring(browser("chen"), content)
    assert answer.status_code == 200
    assert "什么也没有写入" in answer.text


def test_what_is_no_file_or_no_kind_is_refused_in_words(desk: Desk, browser: Callable[[str], Browser]) -> None:
    chen = browser("chen")
    assert chen.post("/imports", kind="people").status_code == 422
    assert bring(chen, GOOD, kind="nothing").status_code == 404
    assert chen.post("/imports/99/order").status_code == 404


def test_a_person_may_also_say_no(desk: Desk, browser: Callable[[str], Browser]) -> None:
    chen = browser("chen")
    bring(chen, GOOD)
    (made,) = imports_of(desk)
    assert "已取消" in chen.post(f"/imports/{made.id}/cancel").text
    carry_out(desk)
    assert len(desk.town.rows(select(Home))) == 2


def test_an_operator_neither_brings_nor_takes(desk: Desk, browser: Callable[[str], Browser]) -> None:
    li = browser("li")
    assert li.get("/imports").status_code == 403
    assert bring(li, GOOD).status_code == 403
    assert li.post("/exports", what="tickets", form="csv").status_code == 403
    assert li.get("/imports/templates/people.csv").status_code == 403
    assert "/imports" not in li.get("/").text
    assert imports_of(desk) == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_template_has_every_column_and_explains_them(
    desk: Desk, browser: Callable[[str], Browser], kind: str
) -> None:
    chen = browser("chen")
    header = next(csv.reader(io.StringIO(chen.get(f"/imports/templates/{kind}.csv").content.decode("utf-8-sig"))))
    assert header == [column.zh for column in KINDS[kind].columns]
    book = openpyxl.load_workbook(io.BytesIO(chen.get(f"/imports/templates/{kind}.xlsx").content))
    assert [cell.value for cell in book.worksheets[0][1]] == header
    assert [row[0].value for row in book.worksheets[1].iter_rows(min_row=2, max_row=1 + len(header))] == header
    page = chen.get("/imports/columns").text
    assert all(column.key in page for column in KINDS[kind].columns)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_taken_is_a_file_and_is_written_down(desk: Desk, browser: Callable[[str], Browser], form: str) -> None:
    desk.town.request()
    answer = browser("chen").post("/exports", what="tickets", form=form, since="2026-11-01", until="")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="tickets-20261123.{form}"'
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [row["来电号码"] for row in rows] == ["13800000101"]
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        assert sheet is not None
        assert sheet.max_row == 2
    noted = desk.town.rows(select(TicketEvent).where(TicketEvent.kind == "export.taken"))
    assert [(event.actor, event.detail["what"]) for event in noted] == [("user:chen", "tickets")]


@pytest.mark.parametrize(
    "bad",
    [{"what": "people"}, {"form": "exe"}, {"since": "2026-02-30"}, {"since": "2026-11-02", "until": "2026-11-01"}],
)
def test_an_export_out_of_bounds_is_refused(desk: Desk, browser: Callable[[str], Browser], bad: dict[str, str]) -> None:
    answer = browser("chen").post("/exports", **{"what": "tickets", "form": "csv", **bad})
    assert answer.status_code in (404, 422)
    assert desk.town.rows(select(TicketEvent).where(TicketEvent.kind == "export.taken")) == []


def test_only_the_address_of_files_takes_a_large_body() -> None:
    assert LARGER == {("POST", "/imports"): MOST_BYTES + 64 * 1024}
    assert MOST_BODY < MOST_BYTES
