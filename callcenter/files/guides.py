"""Articles as Markdown files with front matter: a file, or a folder of them, becomes the table that is imported.

A file begins with its fields in YAML between two lines of `---`; what follows is the body:

    ---
    key: elder-card
    title: 老年优待证办理
    title_en: Elder card
    items: ["1307"]
    questions: [老年证怎么办, 老人卡要什么材料]
    ---
    60 周岁以上可以办。

Without a `key` the file's name is the key.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from callcenter.files.bounds import MOST_BYTES, MOST_ROWS
from callcenter.files.frame import Fault
from callcenter.files.kinds.articles import COLUMNS
from foundation.text import one_line

SUFFIX = ".md"
MOST_FILE = 256 * 1024
_KEYS = tuple(column.key for column in COLUMNS)
_NAMES = {name: column.key for column in COLUMNS for name in (column.key, column.zh, *column.also)}
_FENCE = "---"


@dataclass
class Guides:
    """What was read: the table as CSV, which file each of its rows (by its line) is, and what could not be read."""

    content: bytes
    names: dict[int, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


class _Wrong(ValueError):
    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


def are_guides(path: Path) -> bool:
    """Whether `path` is a folder or a Markdown file, not a table."""
    return path.is_dir() or path.suffix.lower() == SUFFIX


def read_guides(path: Path) -> Guides:
    """Read a Markdown file, or every one in a folder and below it, in the order of their names."""
    files = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
    files = [file for file in files if file.is_file()]
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_KEYS)
    read = Guides(b"")
    line, size = 2, 0
    for file in files[:MOST_ROWS]:
        name = str(file.relative_to(path)) if path.is_dir() else file.name
        try:
            cells = _cells(file)
        except _Wrong as wrong:
            read.faults.append(Fault(0, "", one_line(name, 60), wrong.zh, wrong.en))
            continue
        read.names[line] = name
        before = table.tell()
        writer.writerow([cells.get(key, "") for key in _KEYS])
        table.seek(before)
        written = table.read()
        line += written.count("\n")
        size += len(written.encode())
        if size > MOST_BYTES:
            break  # the frame says that it is too much
    if not files:
        read.faults.append(
            Fault(0, "", one_line(str(path.name), 60), f"这里没有 {SUFFIX} 文件", f"there is no {SUFFIX} file here")
        )
    read.content = table.getvalue().encode() if read.names else b""
    return read


def _cells(file: Path) -> dict[str, str]:
    if file.stat().st_size > MOST_FILE:
        raise _Wrong(f"文件超过 {MOST_FILE // 1024} KB", f"is larger than {MOST_FILE // 1024} KB")
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise _Wrong("不是 UTF-8 编码，请另存为 UTF-8", "is not UTF-8; save it as UTF-8") from None
    first, _, rest = text.replace("\r\n", "\n").lstrip("\n").partition("\n")
    front, found, body = rest.partition(f"\n{_FENCE}\n")
    if first.strip() != _FENCE or not (found or rest.endswith(f"\n{_FENCE}")):
        raise _Wrong("开头缺少两行 --- 之间的字段", "does not begin with its fields between two lines of ---")
    cells = {key: _cell(key, value) for key, value in _fields(front).items()}
    return {"key": file.stem, **cells, "body": body.strip()}


def _fields(front: str) -> dict[str, Any]:
    try:
        told = yaml.safe_load(front)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = mark.line + 2 if mark is not None else 1
        raise _Wrong(f"第 {at} 行的字段不符合 YAML 格式", f"its fields are not YAML (line {at})") from None
    except ValueError:
        raise _Wrong("字段里有不存在的日期", "has a date among its fields that does not exist") from None
    if not isinstance(told, dict):
        raise _Wrong("字段应写成“名称: 内容”", "its fields must be written as “name: value”")
    if strange := [str(name) for name in told if str(name) not in _NAMES]:
        names = "、".join(strange)[:60]
        raise _Wrong(f"不认识的字段：{names}", f"has unknown fields: {names}")
    return {_NAMES[str(name)]: value for name, value in told.items() if value is not None}


def _cell(key: str, value: Any) -> str:
    """As a cell of the table has it: lists with a line for each, a date as it is written."""
    parts = value if isinstance(value, list) else [value]
    if any(isinstance(part, dict | list) for part in parts):
        raise _Wrong(f"字段 {key} 应为文字或列表", f"its field {key} must be a text or a list")
    return "\n".join(part.isoformat() if isinstance(part, date) else _written(key, part) for part in parts)


def _written(key: str, part: Any) -> str:
    """A code that YAML has taken for a number has its zeros again where they are sure."""
    return f"{part:04d}" if key == "items" and isinstance(part, int) else str(part)
