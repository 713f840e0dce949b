"""Reading files: what was written comes back, whatever the bytes are nothing is raised, and each fault says its row."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from callcenter.files import bounds, cells, table, workbook
from callcenter.files.frame import CellWrong, Column, Faults, ImportKind
from callcenter.files.rows import read_rows
from callcenter.files.table import read_table
from callcenter.files.writing import csv_bytes, harmless, xlsx_file
from foundation.text import clean

KIND = ImportKind(
    name="things",
    zh="东西",
    en="Things",
    columns=(
        Column("name", "名称", cells.text(60), needed=True),
        Column("day", "日期", cells.day),
        Column("count", "数量", cells.whole(0, 99)),
        Column("phone", "电话", cells.phone),
    ),
    key_zh="名称",
    key_en="The name",
    check=lambda _ground, _rows, _faults: [],
    write=lambda _work, _record, _doing: "same",
)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=30).map(str.strip)
TABLES = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(WORDS, min_size=width, max_size=width), min_size=1, max_size=8)
)


def read(content: bytes) -> tuple[table.Table | None, Faults]:
    faults = Faults()
    return read_table(content, faults), faults


def said(content: bytes) -> list[tuple[int, str]]:
    """The faults of a file of `KIND`: row and English words."""
    faults = Faults()
    found = read_table(content, faults)
    if found is not None:
        read_rows(KIND, found, faults)
    return [(fault.row, fault.en) for fault in faults.kept]


def workbook_of(*rows: list[object]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


# --- what was written comes back ------------------------------------------------------------------


@given(TABLES)
@example([["=1+1"], ["-5"], ["@a"], ["'=x"]])
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_table_written_as_csv_is_read_back_as_it_was(rows: list[list[str]]) -> None:
    lines = [["名称", *[f"c{n}" for n in range(1, len(rows[0]))]], *rows]
    found, faults = read(csv_bytes(lines))
    kept = [line for line in lines[1:] if any(clean(c, 99) for c in line)]
    if not kept:
        assert faults.total == 1
        return
    assert found is not None
    assert faults.total == 0
    assert [list(line.cells) for line in found.lines] == [[_bare(c) for c in line] for line in kept]


def _bare(cell: str) -> str:
    """What reading makes of a cell that the writer did not make: outer blanks and a guarding apostrophe go."""
    kept = clean(cell, 99)
    return kept[1:] if kept[:1] == "'" and kept[1:2] and kept[1:2] in table.FORMULA else kept


@given(TABLES)
@settings(max_examples=25, deadline=None)
def test_a_table_written_as_a_workbook_is_read_back_as_it_was(rows: list[list[str]]) -> None:
    lines = [["名称", *[f"c{n}" for n in range(1, len(rows[0]))]], *rows]
    with xlsx_file("t", lines) as file:
        found, faults = read(file.read())
    kept = [[clean(c, 99) for c in line] for line in rows]
    kept = [line for line in kept if any(line)]
    if not kept:
        assert faults.total == 1
        return
    assert found is not None, faults.kept
    assert [[*line.cells, *[""] * (len(kept[0]) - len(line.cells))] for line in found.lines] == kept


@given(
    st.lists(st.tuples(WORDS.filter(bool), WORDS), min_size=1, max_size=6),
    st.sampled_from(["gb18030", "utf-8", "utf-8-sig"]),
)
def test_every_encoding_that_offices_use_gives_the_same_table(rows: list[tuple[str, str]], encoding: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("名称", "说明"), *rows])
    found, faults = read(text.getvalue().encode(encoding))
    assert found is not None, faults.kept
    assert found.encoding == ("GB18030" if encoding == "gb18030" else "UTF-8")
    assert [line.cells for line in found.lines] == [tuple(table.plain(c) for c in row) for row in rows if any(row)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_may_be_parted_by_commas_semicolons_or_tabs(delimiter: str) -> None:
    found, _ = read(f"名称{delimiter}数量\n甲{delimiter}1\n".encode())
    assert found is not None
    assert found.lines[0].cells == ("甲", "1")


def test_the_header_is_found_in_either_language_in_any_order_and_blank_rows_are_passed_over() -> None:
    found, faults = read("数量（个）,NAME *,日期\n\n3,甲,2026-11-23\n,,\n".encode())
    assert found is not None
    rows = read_rows(KIND, found, faults)
    assert faults.kept == []
    assert [(row.number, dict(row.values)) for row in rows] == [
        (3, {"count": 3, "name": "甲", "day": date(2026, 11, 23)})
    ]


def test_cells_of_a_workbook_are_read_as_a_person_sees_them() -> None:
    content = workbook_of(
        ["名称", "日期", "数量", "电话"],
        ["甲", datetime(2026, 11, 23), 3, 13800000101],  # noqa: DTZ001  a spreadsheet's dates have no zone
        [None, None, None, None],
        ["乙", "2026年2月28日", 3.0, "0574-87000001"],
    )
    found, faults = read(content)
    assert found is not None
    rows = read_rows(KIND, found, faults)
    assert faults.kept == []
    assert [row.number for row in rows] == [2, 4]
    assert dict(rows[0].values) == {"name": "甲", "day": date(2026, 11, 23), "count": 3, "phone": "13800000101"}
    assert rows[1].values["day"] == date(2026, 2, 28)


# --- whatever the bytes are -----------------------------------------------------------------------


@given(st.binary(max_size=400))
@example(b"PK\x03\x04" + b"\0" * 60)
@example(b'"')
@example(codecs.BOM_UTF8)
@example("名称\n\ud800".encode("utf-8", "surrogatepass"))
@settings(deadline=None)
def test_no_bytes_whatever_raise_but_are_a_table_or_a_fault(content: bytes) -> None:
    found, faults = read(content)
    assert (found is None) == (faults.total > 0)
    if found is not None:
        read_rows(KIND, found, faults)


WORKBOOK = workbook_of(["名称", "日期"], *[[f"甲{n}", "2026-11-23"] for n in range(30)])


@given(st.integers(0, len(WORKBOOK) - 1), st.binary(min_size=1, max_size=8), st.booleans())
@settings(deadline=None, max_examples=150)
def test_a_damaged_workbook_is_a_fault_or_still_a_table(at: int, bytes_: bytes, cut: bool) -> None:
    content = WORKBOOK[:at] if cut else WORKBOOK[:at] + bytes_ + WORKBOOK[at + len(bytes_) :]
    found, faults = read(content)
    assert (found is None) == (faults.total > 0)


@pytest.mark.parametrize("lost", range(1, 24))
def test_half_a_file_is_told_and_not_taken_for_a_whole_one(lost: int) -> None:
    whole = ("名称,数量,日期\n" + "甲乙丙,12,2026-11-23\n" * 3).encode()
    cut = whole[:-lost]
    if cut.endswith((b"2026-11-23", b"2026-11-2", b",")):
        return  # what is left is a whole row: no reader can know, so the number of rows is told as well
    assert said(cut), cut


# --- each fault says its row and what to do ---------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "row", "words"),
    [
        (b"", 0, "empty"),
        ("名称\n".encode(), 1, "no row under it"),
        ("名称,数量\n甲,1\n乙\n丙,2\n".encode(), 3, "complete it"),
        ("名称,数量\n甲,1\n乙".encode(), 3, "may not be whole"),
        ('名称,数量\n甲,1\n"乙,2\n丙,3\n'.encode(), 3, "never ends"),
        ("名称,数量\n甲,1,2\n".encode(), 2, "not quoted"),
        ("名称,数量\n甲,一\n".encode(), 2, "whole number from 0 to 99"),
        ("名称,日期\n甲,2026-02-30\n".encode(), 2, "does not exist"),
        ("名称,日期\n甲,明天\n".encode(), 2, "2026-11-23"),
        ("名称,电话\n甲,1.38E+10\n".encode(), 2, "scientific notation"),
        ("名称,数量\n,1\n".encode(), 2, "must not be empty"),
        ("数量\n1\n".encode(), 1, "column name is missing"),
        ("名称,姓\n甲,乙\n".encode(), 1, "unknown"),
        ("名称,名称\n甲,乙\n".encode(), 1, "twice"),
        ("名称,数量\n#REF!,1\n".encode(), 2, "formula"),
        ("名称\n甲\ufffd\n".encode(), 2, "lost in a change of encoding"),
        ("名称\n甲\n".encode("utf-16"), 0, "UTF-16"),
        ("名称\n甲\n".encode()[:-2], 2, "middle of a character"),
        ("名称,数量\n甲,1\n".encode("gb18030") + b"\xff\xff,2\n", 3, "neither UTF-8 nor GB18030"),
        (b"\x00\x01\x02", 0, "neither a text file"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 50, 0, "old Excel"),
        (WORKBOOK[: len(WORKBOOK) // 2], 0, "not whole"),
        (b"first,second\n1,2\n", 1, "template's header"),
        ("名字\n繁體\n".encode("big5"), 1, "garbled"),
        (f"名称\n{'长' * 300}\n".encode(), 2, "shorten it"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_row_and_what_to_do(content: bytes, row: int, words: str) -> None:
    found = said(content)
    assert any(at == row and words in told for at, told in found), found


def test_every_fault_of_a_file_is_told_at_once() -> None:
    told = said("名称,数量,日期\n甲,x,2026-13-01\n,1,2026-01-01\n".encode())
    assert [row for row, _ in told] == [2, 2, 3]


def test_a_file_is_bounded_in_size_rows_and_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_ROWS", 3)
    assert "more than 3 rows" in said("名称\n".encode() + b"a\n" * 4)[0][1]
    assert not said("名称\n".encode() + b"a\n" * 3)
    assert "more than 100 columns" in said((",".join(f"c{n}" for n in range(101)) + "\n1\n").encode())[0][1]
    monkeypatch.setattr(table, "MOST_BYTES", 10)
    assert "larger than" in said("名称\n甲乙丙\n".encode())[0][1]


def test_a_workbook_that_unpacks_into_too_much_is_not_read() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b"0" * (20 * 2**20))
    assert len(bomb.getvalue()) < bounds.MOST_BYTES
    assert "unpacks into too much" in said(bomb.getvalue())[0][1]
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as parts:
        for n in range(bounds.MOST_PARTS + 1):
            parts.writestr(f"p{n}", b"x")
    assert "unpacks into too much" in said(many.getvalue())[0][1]


def test_a_workbook_with_entities_is_not_expanded() -> None:
    laughs = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(WORKBOOK)) as old, zipfile.ZipFile(laughs, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            content = old.read(part)
            if part == "xl/worksheets/sheet1.xml":
                content = content.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet', 1)
                assert b"ENTITY" in content
            new.writestr(part, content)
    assert "damaged" in said(laughs.getvalue())[0][1]


def test_a_sheet_whose_rows_lie_beyond_the_last_one_is_not_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_LAST_ROW", 5)
    content = workbook_of(["名称"], *[[None]] * 8, ["甲"])
    assert "beyond a sheet's last" in said(content)[0][1]


# --- what goes out --------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "  =1"])
def test_no_text_that_goes_out_begins_like_a_formula(attack: str) -> None:
    kept = harmless(attack)
    assert isinstance(kept, str)
    assert kept.startswith("'")
    assert csv_bytes([[attack]]).decode("utf-8-sig").lstrip('"').startswith("'")
    with xlsx_file("t", [[attack]]) as file, zipfile.ZipFile(file) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet


def test_numbers_go_out_as_numbers() -> None:
    assert [harmless(value) for value in (-5, 1.5, None, "a-b", "")] == [-5, 1.5, None, "a-b", ""]


@given(st.text(max_size=20))
def test_a_cell_reader_gives_a_value_or_says_what_is_wrong(text: str) -> None:
    told = []
    for read_cell in (
        cells.day, cells.year(1880, 2200), cells.whole(0, 9), cells.decimal(-90, 90), cells.yes_or_no, cells.phone,
        cells.one_of({"甲": 1}), cells.several(cells.text(5), 3), cells.text(5), cells.lines(5),
        cells.code(r"\d+", "数字", "digits"),
    ):  # fmt: skip
        try:
            read_cell(text)
        except CellWrong as wrong:
            told.append((wrong.zh, wrong.en))
    assert all(zh and en for zh, en in told)
