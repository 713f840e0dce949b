"""A file's bytes to a table of texts: CSV or XLSX, bounded, and never an exception: what cannot be read is a fault.

CSV may be UTF-8 (with or without its mark) or GB18030, parted by commas, semicolons or tabs. XLSX is the first sheet of
the workbook, its formulas by the values the spreadsheet last worked out.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from callcenter.files import workbook
from callcenter.files.bounds import MOST_BYTES, MOST_COLUMNS, MOST_ROWS, Unreadable
from callcenter.files.frame import Faults

_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Line:
    """A row of the file and its place in it."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The header and what stands under it; `encoding` is told to the person who brought the file."""

    header: Line
    lines: tuple[Line, ...]
    encoding: str


def read_table(content: bytes, faults: Faults) -> Table | None:
    """The table in `content`; None, and a fault, when there is none to be read."""
    try:
        return _read(content)
    except Unreadable as wrong:
        faults.add(wrong.row, "", wrong.value, wrong.zh, wrong.en)
        return None


def _read(content: bytes) -> Table:
    if not content:
        raise Unreadable("文件是空的", "the file is empty")
    if len(content) > MOST_BYTES:
        most = MOST_BYTES // 2**20
        raise Unreadable(
            f"文件超过 {most} MB，请分成几个文件", f"the file is larger than {most} MB; split it into several"
        )
    if content.startswith(_ZIP):
        lines, encoding = workbook.rows(content), "XLSX"
    elif content.startswith(_OLD_EXCEL):
        raise Unreadable(
            "这是旧版 Excel（.xls）或加密的文件，请另存为 .xlsx 或 CSV UTF-8",
            "this is an old Excel file (.xls) or a protected one; save it as .xlsx or as CSV UTF-8",
        )
    else:
        text, encoding = _decode(content)
        lines = _csv(text)
    found = [Line(number, cells) for number, cells in _bounded(lines)]
    if not found:
        raise Unreadable("文件里没有任何内容", "there is nothing in the file")
    if len(found) == 1:
        raise Unreadable("只有表头，没有数据行", "there is a header and no row under it", row=found[0].number)
    return Table(found[0], tuple(found[1:]), encoding)


def _bounded(lines: Iterator[tuple[int, tuple[str, ...]]]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The rows that are not blank, as long as they are not too many."""
    kept = 0
    for number, cells in lines:
        if not any(cells):
            continue
        if len(cells) > MOST_COLUMNS and any(cells[MOST_COLUMNS:]):
            raise Unreadable(
                f"列数超过 {MOST_COLUMNS}，请删去多余的列", f"there are more than {MOST_COLUMNS} columns; remove some",
                row=number,
            )  # fmt: skip
        kept += 1
        if kept > MOST_ROWS + 1:
            raise Unreadable(
                f"数据超过 {MOST_ROWS} 行，请分成几个文件", f"there are more than {MOST_ROWS} rows; split the file",
                row=number,
            )  # fmt: skip
        yield number, cells


def _decode(content: bytes) -> tuple[str, str]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable(
            "文件是 UTF-16（“Unicode 文本”）编码，请另存为 CSV UTF-8",
            "the file is UTF-16 (“Unicode Text”); save it as CSV UTF-8",
        )
    if b"\0" in content:
        raise Unreadable("这不是文本文件，也不是 .xlsx 工作簿", "this is neither a text file nor an .xlsx workbook")
    for encoding, name in (("utf-8-sig", "UTF-8"), ("gb18030", "GB18030")):
        try:
            return content.decode(encoding), name
        except UnicodeDecodeError as error:
            if encoding == "utf-8-sig" and _cut_off(content, error):
                raise Unreadable(
                    "文件在一个字的中间断了，只有前一部分，请重新导出",
                    "the file ends in the middle of a character: it is not whole; export it again",
                    row=content.count(b"\n") + 1,
                ) from None
            place = content.count(b"\n", 0, error.start) + 1
    raise Unreadable(
        "编码既不是 UTF-8 也不是 GB18030（第一处不能识别的字节在本行），请另存为 CSV UTF-8",
        "the encoding is neither UTF-8 nor GB18030 (the first wrong byte is in this row); save it as CSV UTF-8",
        row=place,
    )


def _cut_off(content: bytes, error: UnicodeDecodeError) -> bool:
    """Whether all is UTF-8, with something beyond ASCII in it, but for the last character that is not whole."""
    return error.reason == "unexpected end of data" and not content[: error.start].isascii()


def _csv(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    head = text[: text.find("\n")] if "\n" in text else text
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    began = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _not_csv(error, began) from None
        yield began, tuple(plain(cell) for cell in cells)
        began = reader.line_num + 1


def _not_csv(error: csv.Error, row: int) -> Unreadable:
    if "unexpected end of data" in str(error):
        return Unreadable(
            "从这一行开始的引号没有结束：文件不完整，或少了一个引号",
            "a quotation that begins in this row never ends: the file is not whole, or a quotation mark is missing",
            row=row,
        )
    if "field larger" in str(error):
        return Unreadable(
            "这一行有一格过长，可能少了一个引号", "a cell of this row is too long; a quotation mark may be missing",
            row=row,
        )  # fmt: skip
    return Unreadable(
        f"这一行不符合 CSV 格式（{error}），请检查引号", f"this row is not CSV ({error}); look at its quotation marks",
        row=row,
    )  # fmt: skip


def plain(cell: str) -> str:
    """A cell without outer blanks, and without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell


FORMULA: Sequence[str] = ("=", "+", "-", "@", "\t", "\r")
"""With one of these a spreadsheet takes a cell for a formula (OWASP, "CSV Injection")."""
