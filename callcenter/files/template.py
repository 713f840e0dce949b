"""The file to fill in: a header with every column of a kind, and in a workbook a second sheet that explains them."""

from __future__ import annotations

import io

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from callcenter.files.frame import Column, ImportKind
from callcenter.files.writing import csv_bytes

EXPLAINED = ("列名 Column", "英文名 Key", "必填 Needed", "例 Example", "说明 About")


def as_csv(kind: ImportKind) -> bytes:
    """The header alone, as spreadsheets open it: UTF-8 with its mark."""
    return csv_bytes([[column.zh for column in kind.columns]])


def as_xlsx(kind: ImportKind) -> bytes:
    """The header, its columns formatted as text so that no long number is rounded, and the explanations."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = kind.zh
    sheet.append([column.zh for column in kind.columns])
    for place, column in enumerate(kind.columns, 1):
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = max(10, 2 * len(column.zh) + 2)
        sheet.column_dimensions[letter].number_format = "@"
        sheet.cell(1, place).font = Font(bold=column.needed)
    sheet.freeze_panes = "A2"
    about = book.create_sheet("说明 About")
    about.append(list(EXPLAINED))
    for column in kind.columns:
        about.append(list(explained(column)))
    about.append([])
    about.append([f"同一条记录 / One record: {kind.key_zh} / {kind.key_en}"])
    for letter, width in zip("ABCDE", (18, 24, 10, 28, 60), strict=True):
        about.column_dimensions[letter].width = width
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def explained(column: Column) -> tuple[str, str, str, str, str]:
    """A column's line among the explanations."""
    about = " / ".join(part for part in (column.about_zh, column.about_en) if part)
    return column.zh, column.key, "是 yes" if column.needed else "", column.example, about
