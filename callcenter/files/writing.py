"""Tables going out: CSV and XLSX that no spreadsheet takes for a program, written as their rows come."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from callcenter.files.table import FORMULA
from foundation.text import clean

Value = str | int | float | None
BOM = b"\xef\xbb\xbf"
"""Without it spreadsheets take UTF-8 for the machine's own encoding."""
MOST_SHEET_ROWS = 1_000_000
"""A sheet has 1,048,576."""
MOST_TEXT = 32_767


def csv_bytes(rows: Iterable[Sequence[Value]]) -> bytes:
    """A whole CSV file."""
    return b"".join(csv_chunks(rows))


def csv_chunks(rows: Iterable[Sequence[Value]], per_chunk: int = 200) -> Iterator[bytes]:
    """A CSV file in pieces: UTF-8 with its mark, CRLF (RFC 4180), texts that begin like a formula made harmless."""
    yield BOM
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    for number, row in enumerate(rows, 1):
        writer.writerow([harmless(value) for value in row])
        if number % per_chunk == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    if rest := buffer.getvalue():
        yield rest.encode()


def harmless(value: Value) -> Value:
    """A text that a spreadsheet would run as a formula gets an apostrophe before it; numbers stay numbers."""
    if not isinstance(value, str):
        return value
    kept = clean(value, MOST_TEXT)
    return "'" + kept if kept.lstrip()[:1] in FORMULA and kept else kept


def xlsx_file(title: str, rows: Iterable[Sequence[Value]]) -> IO[bytes]:
    """A workbook with one sheet in a temporary file, open at its beginning; whoever gets it closes it.

    Texts are stored as texts: a cell never is a formula. Raises ValueError when there are more rows than a sheet has.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    for number, row in enumerate(rows, 1):
        if number > MOST_SHEET_ROWS:
            raise ValueError("more rows than a sheet has")
        sheet.append([_cell(sheet, value) for value in row])
    file = tempfile.TemporaryFile()  # noqa: SIM115  whoever gets it closes it
    try:
        book.save(file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _cell(sheet: Any, value: Value) -> Any:
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, clean(value, MOST_TEXT))
    cell.data_type = "s"
    return cell
