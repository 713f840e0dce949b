"""Looking at a file before anything is written: its rows, its faults, and what would become of each record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from callcenter.files.frame import FATES, Fault, Faults, Ground, ImportKind, Record
from callcenter.files.rows import read_rows
from callcenter.files.table import read_table
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.scope import EVERYWHERE, Scope


@dataclass(frozen=True)
class Checked:
    """What a look at a file has found. With a fault there is nothing to carry out."""

    kind: ImportKind
    sha256: str
    encoding: str
    rows: int
    records: tuple[Record, ...]
    faults: tuple[Fault, ...]
    faults_total: int
    fates: dict[str, int] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether the file can be imported."""
        return not self.faults_total


def check(
    kind: ImportKind,
    content: bytes,
    database: Database,
    now: datetime,
    plan: NumberPlan,
    scope: Scope = EVERYWHERE,
) -> Checked:
    """Read `content` and hold it against the database. Whatever the bytes are, what is wrong with them is a fault."""
    faults = Faults()
    table = read_table(content, faults)
    rows = read_rows(kind, table, faults) if table is not None else []
    records: list[Record] = []
    if rows:
        with database.read() as session:
            records = kind.check(Ground(session, now, plan, scope), rows, faults)
    return Checked(
        kind,
        hashlib.sha256(content).hexdigest(),
        table.encoding if table is not None else "",
        len(table.lines) if table is not None else 0,
        tuple(records),
        tuple(sorted(faults.kept, key=lambda fault: fault.row)),
        faults.total,
        {fate: sum(record.fate == fate for record in records) for fate in FATES},
    )
