"""What an import knows of one kind of file: its columns, how its rows are checked, how one record is written.

A kind is one file in `kinds/` and one line in `kinds/__init__.py`. Reading the file, telling faults, progress, resuming
and the page are the frame's. A file with a fault is refused whole; a record (a home with its people, a device, a
provider, an article) is written whole or not at all, and writing it a second time changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from foundation.numbers import NumberPlan
from foundation.scope import EVERYWHERE, Scope
from foundation.text import one_line
from foundation.writer import Work

Fate = Literal["added", "changed", "same"]
"""What becomes of a record: it is new, it differs from what is stored, or nothing of it would change."""
FATES: tuple[Fate, ...] = ("added", "changed", "same")

MOST_FAULTS = 500
"""So many faults are told of one file; the rest are counted."""
SHOWN = 60
"""So much of a value is repeated in a fault."""


class CellWrong(ValueError):
    """A cell cannot be read: what is wrong with it and what to write instead, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


@dataclass(frozen=True)
class Column:
    """A column: found in the header by `key`, `zh` or one of `also`, in any order.

    `read` makes a cell's text into a value, or raises `CellWrong`; it never gets an empty cell. `most` characters fit.
    """

    key: str
    zh: str
    read: Callable[[str], Any]
    needed: bool = False
    most: int = 200
    also: tuple[str, ...] = ()
    example: str = ""
    about_zh: str = ""
    about_en: str = ""


@dataclass(frozen=True)
class Row:
    """A row whose cells could all be read. `number` is its place in the file as a spreadsheet shows it (the header is
    1; in a CSV file the line on which it begins). An empty cell is not among the `values`."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Fault:
    """Something in the file that must be put right: row 0 is the file itself, `column` a key or empty."""

    row: int
    column: str
    value: str
    zh: str
    en: str


@dataclass
class Faults:
    """Collects faults; only the first `MOST_FAULTS` are kept, all are counted."""

    kept: list[Fault] = field(default_factory=list)
    total: int = 0

    def add(self, row: int, column: str, value: object, zh: str, en: str) -> None:
        """`zh` and `en` say what is wrong and what to do."""
        self.total += 1
        if len(self.kept) < MOST_FAULTS:
            self.kept.append(Fault(row, column, one_line(str(value), SHOWN), zh, en))


@dataclass(frozen=True)
class Ground:
    """What a check may look at: the database as it is, the time, the number plan, and where the importing person may
    write."""

    session: Session
    now: datetime
    plan: NumberPlan
    scope: Scope = EVERYWHERE


@dataclass(frozen=True)
class Record:
    """One thing to write. `row` is where it begins, `key` names it for people, `fate` is what would become of it now.

    `values` is whatever the kind's own `write` understands.
    """

    row: int
    key: str
    values: Any
    fate: Fate


@dataclass(frozen=True)
class Doing:
    """What `write` is given beside the record."""

    plan: NumberPlan


@dataclass(frozen=True)
class ImportKind:
    """A kind of file.

    `check(ground, rows, faults)` looks for what a single cell cannot show (unknown codes, the same thing twice in the
    file, a clash with the database) and gives the records: their number and order follow from the rows alone, also
    when part of them is written already. It reads only, and must be quick for 20,000 rows: ask the
    database in batches. `write(work, record, doing)` runs in the writer, by the owning room's commands, and compares
    anew with what is stored then; it may raise AppError, and then nothing of the record stays and the fault is told
    with its row. A record takes a few milliseconds; the frame puts as many into one command as fit.
    """

    name: str
    zh: str
    en: str
    columns: tuple[Column, ...]
    key_zh: str
    key_en: str
    check: Callable[[Ground, Sequence[Row], Faults], list[Record]]
    write: Callable[[Work, Record, Doing], Fate]
    example_rows: tuple[Mapping[str, str], ...] = ()

    def column(self, key: str) -> Column:
        """The column `key`. Raises KeyError."""
        return next(column for column in self.columns if column.key == key)
