"""The first sheet of an XLSX workbook as rows of texts, read forwards only; its bounds are checked before.

openpyxl reads by defusedxml where it is installed, which it is: no entity is ever resolved.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from defusedxml import DefusedXmlException
from openpyxl.utils.exceptions import InvalidFileException

from callcenter.files.bounds import MOST_CELL, MOST_COLUMNS, MOST_PARTS, MOST_RATIO, MOST_UNPACKED, Unreadable

if not openpyxl.DEFUSEDXML:
    raise ImportError("defusedxml is missing: workbooks are not read without it")

_LAST_ROW = 1_048_576
"""Rows of a sheet (Excel's own limit)."""
_BROKEN = (
    zipfile.BadZipFile, zlib.error, ParseError, DefusedXmlException, InvalidFileException, KeyError, ValueError,
    TypeError, AttributeError, IndexError, EOFError, OSError, NotImplementedError, RuntimeError, LookupError,
    OverflowError, ArithmeticError, AssertionError,
)  # fmt: skip
"""What openpyxl and zipfile raise for a workbook that is damaged; each of them was met in a trial of damaged files."""


def rows(content: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each row with its number, beginning with 1. Raises `Unreadable`."""
    _look_before(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            for number, cells in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True), 1):
                if number > _LAST_ROW:
                    raise Unreadable("行号超出表格的范围", "a row's number is beyond a sheet's last one", row=number)
                used = max((n for n, value in enumerate(cells, 1) if value is not None), default=0)
                if used:
                    yield number, tuple(_text(value, number) for value in cells[:used])
        finally:
            book.close()
    except _BROKEN as error:
        raise Unreadable(
            "工作簿已损坏或不完整，请重新导出", "the workbook is damaged or not whole; export it again",
            value=type(error).__name__,
        ) from error  # fmt: skip


def _look_before(content: bytes) -> None:
    """Refuse what would unpack into more than it says, or more than we bear."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except _BROKEN as error:
        raise Unreadable(
            "工作簿不完整（可能只下载了一部分），请重新导出",
            "the workbook is not whole (half a download?); export it again",
        ) from error
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("工作簿加了密码，请去掉密码后再导入", "the workbook has a password; remove it first")
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * max(packed, 1):
        raise Unreadable(
            "工作簿展开后过大，不予读取；请只保留要导入的那张表",
            "the workbook unpacks into too much and is not read; keep only the sheet that is to be imported",
        )


def _text(value: Any, row: int) -> str:
    """A cell as a person would type it."""
    if value is None:
        return ""
    if isinstance(value, str):
        if len(value) > MOST_CELL:
            raise Unreadable("这一行有一格过长", "a cell of this row is too long", row=row)
        return value.strip()
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date | time | timedelta):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
