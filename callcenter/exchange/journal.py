"""Carry the journal over an exchange's death: spool files that AstDB lacks go into AstDB before a start.

The dialplan writes each step of a call to a file first and to AstDB second. A kill loses up to a second of AstDB
but no file; so before Asterisk opens its AstDB again, what only the files know is put there.
"""

import logging
import re
import sqlite3
from contextlib import closing
from pathlib import Path

log = logging.getLogger(__name__)

_FILE = re.compile(r"(?P<call>[A-Za-z0-9._-]{1,100})~(?P<step>[A-Za-z0-9._-]{1,100})")
# Asterisk's own table, for the first start, when it has not made it yet.
_TABLE = "CREATE TABLE IF NOT EXISTS astdb(key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key))"


def restore_journal(spool: Path, astdb: Path) -> int:
    """Put each file of ``spool`` that AstDB lacks into it; gives how many.

    Asterisk must not be running. A step that AstDB has stays as it is; files stay, for the application removes them
    after its commit. An empty file (cut off before its text) and a strange name are passed over.
    """
    records = {}
    for path in sorted(spool.iterdir()) if spool.is_dir() else ():
        match = _FILE.fullmatch(path.name)
        if match is None or not path.is_file():
            log.warning("%s is no journal file; it is left alone", path)
            continue
        record = path.read_text("utf-8", "replace").strip("\r\n")
        if record:
            records[f"/journal/{match['call']}/{match['step']}"] = record
    if not records:
        return 0
    with closing(sqlite3.connect(astdb, timeout=10, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous=FULL")
        database.execute("BEGIN IMMEDIATE")
        database.execute(_TABLE)
        before = database.total_changes
        database.executemany("INSERT OR IGNORE INTO astdb(key, value) VALUES (?, ?)", records.items())
        added = database.total_changes - before
        database.execute("COMMIT")
    return added
