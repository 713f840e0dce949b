"""The demo's guides: the Markdown files of `articles/`, taken in as anybody's own are.

They are examples and say so: offices are named by their kind only, there is no telephone number and no address in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from callcenter.files.frame import Doing, Faults, Ground, Record
from callcenter.files.guides import read_guides
from callcenter.files.kinds.articles import ARTICLES
from callcenter.files.rows import read_rows
from callcenter.files.table import read_table
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.writer import Priority, Work, Writer

FOLDER = Path(__file__).with_name("articles")
ACTOR = "demo"
CHUNK = 2
"""Articles in one command: none may last long."""


def load_guides(database: Database, writer: Writer, now: datetime, plan: NumberPlan) -> int:
    """Write the demo's guides that are not there yet; how many were written (0 at a second start).

    Blocks while it works. Raises ValueError when a file of ours is at fault.
    """
    faults = Faults()
    read = read_guides(FOLDER)
    table = read_table(read.content, faults)
    rows = read_rows(ARTICLES, table, faults) if table is not None else []
    with database.read() as session:
        records = ARTICLES.check(Ground(session, now, plan), rows, faults)
    if read.faults or faults.total:
        raise ValueError(f"the demo's guides have faults: {[*read.faults, *faults.kept]}")
    new = [record for record in records if record.fate == "added"]
    for start in range(0, len(new), CHUNK):
        writer.call(_write, new[start : start + CHUNK], plan, actor=ACTOR, priority=Priority.BULK)
    return len(new)


def _write(work: Work, records: Sequence[Record], plan: NumberPlan) -> None:
    for record in records:
        ARTICLES.write(work, record, Doing(plan))
