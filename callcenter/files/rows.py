"""From a table of texts to rows of values: the header is matched with the kind's columns, each cell is read. Pure."""

from __future__ import annotations

from typing import Any

from callcenter.files.frame import CellWrong, Column, Faults, ImportKind, Row
from callcenter.files.table import Line, Table
from foundation.text import fold

_SHEET_ERRORS = ("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!")
_REPLACEMENT = "\ufffd"


def read_rows(kind: ImportKind, table: Table, faults: Faults) -> list[Row]:
    """The rows of `table` whose every cell could be read; what could not stands in `faults`."""
    places = _match(kind, table, faults)
    if places is None:
        return []
    rows = []
    width = len(table.header.cells)
    last = table.lines[-1].number if table.lines else 0
    for line in table.lines:
        before = faults.total
        if not _whole(line, width, table.encoding, last, faults):
            continue
        values: dict[str, Any] = {}
        for place, column in places.items():
            cell = line.cells[place] if place < len(line.cells) else ""
            if cell:
                _read(line.number, column, cell, values, faults)
            elif column.needed:
                faults.add(line.number, column.key, "", "不能为空，请填写", "must not be empty; fill it in")
        if faults.total == before:
            rows.append(Row(line.number, values))
    return rows


def _match(kind: ImportKind, table: Table, faults: Faults) -> dict[int, Column] | None:
    """Which column stands in which place of the header; None, with the faults, when the header cannot be used."""
    known = {_name(name): column for column in kind.columns for name in (column.key, column.zh, *column.also)}
    places: dict[int, Column] = {}
    before, row = faults.total, table.header.number
    names = [_name(cell) for cell in table.header.cells]
    if not any(name in known for name in names):
        faults.add(
            row, "", "、".join(table.header.cells)[:60],
            f"第一行没有一个“{kind.zh}”的列名：请用模板的表头；若显示为乱码，请另存为 CSV UTF-8",
            f"the first row has none of the columns of {kind.en}: use the template's header; if it looks garbled, save "
            "the file as CSV UTF-8",
        )  # fmt: skip
        return None
    for place, name in enumerate(names):
        column = known.get(name)
        told = table.header.cells[place]
        if column is None:
            if told or any(place < len(line.cells) and line.cells[place] for line in table.lines):
                faults.add(
                    row, "", told, f"第 {place + 1} 列的列名无法识别，请改为模板中的列名，或删去这一列",
                    f"the header of column {place + 1} is unknown: use a name of the template, or remove the column",
                )  # fmt: skip
        elif column in places.values():
            faults.add(row, column.key, told, "这一列出现了两次，请删去一个", "this column is there twice; remove one")
        else:
            places[place] = column
    missing = [column for column in kind.columns if column.needed and column not in places.values()]
    for column in missing:
        faults.add(row, column.key, "", f"缺少必需的列“{column.zh}”", f"the needed column {column.key} is missing")
    return places if faults.total == before else None


def _name(cell: str) -> str:
    """A header's name without its marks: 姓名 *, `Name (needed)`, full-width letters."""
    name = fold(cell).lower().partition("(")[0].strip(" *:")
    return name.replace(" ", "_")


def _whole(line: Line, width: int, encoding: str, last: int, faults: Faults) -> bool:
    """Whether a row has as many cells as the header; a spreadsheet's rows may be shorter, a CSV's may not."""
    if any(line.cells[width:]):
        faults.add(
            line.number, "", next(cell for cell in line.cells[width:] if cell),
            f"这一行有 {len(line.cells)} 格，表头只有 {width} 格：多半是某一格里的逗号没有加引号",
            f"the row has {len(line.cells)} cells, the header {width}: a comma inside a cell is likely not quoted",
        )  # fmt: skip
        return False
    if encoding != "XLSX" and len(line.cells) < width:
        zh, en = "请补齐", "complete it"
        if line.number == last:
            zh, en = "文件可能不完整，请重新导出", "the file may not be whole; export it again"
        faults.add(
            line.number,
            "",
            line.cells[-1],
            f"这一行只有 {len(line.cells)} 格，表头有 {width} 格：{zh}",
            f"the row has {len(line.cells)} cells, the header {width}: {en}",
        )
        return False
    return True


def _read(row: int, column: Column, cell: str, values: dict[str, Any], faults: Faults) -> None:
    if cell in _SHEET_ERRORS:
        faults.add(
            row, column.key, cell, "表格公式出错，请改为实际的值", "is an error of a formula; put the value itself"
        )
    elif _REPLACEMENT in cell:
        faults.add(
            row, column.key, cell, "有字符在转换编码时丢失，请从原文件另存为 CSV UTF-8",
            "has characters that were lost in a change of encoding; save the original as CSV UTF-8",
        )  # fmt: skip
    elif len(cell) > column.most:
        faults.add(
            row,
            column.key,
            cell,
            f"超过 {column.most} 个字，请缩短",
            f"has more than {column.most} characters; shorten it",
        )
    else:
        try:
            values[column.key] = column.read(cell)
        except CellWrong as wrong:
            faults.add(row, column.key, cell, wrong.zh, wrong.en)
