"""Changing the CHECKs of a table that holds rows, on both engines.

SQLite cannot alter a CHECK, and Alembic's batch mode loses them all: there the table is made anew from its own
declaration, as https://www.sqlite.org/lang_altertable.html#otheralter describes. Foreign keys are off meanwhile
(`env.py` sees to it) and are checked when all migrations have run.
"""

from __future__ import annotations

from collections.abc import Mapping

from alembic import op
from sqlalchemy import Connection, text

_REBUILT = "_rebuilt"


def set_checks(table: str, checks: Mapping[str, str | None]) -> None:
    """Give `table` these CHECKs, by full name (`ck_tickets_kind`): changed, added, or dropped where None."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        _rebuild(connection, table, checks)
        return
    for name, condition in checks.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        if condition is not None:
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition})")


def with_checks(declared: str, checks: Mapping[str, str | None]) -> str:
    """A CREATE TABLE statement with its CHECKs so. Pure; ValueError where it cannot be read."""
    for name, condition in checks.items():
        start = declared.find(f"CONSTRAINT {name} CHECK ")
        if start >= 0:
            end = _closing(declared, declared.index("(", start)) + 1
            before, after = declared[:start].rstrip(), declared[end:]
            if not before.endswith(","):
                raise ValueError(f"the constraint {name} stands where none was expected")
            declared = before[:-1] + after
        if condition is not None:
            end = declared.rindex(")")
            declared = f"{declared[:end].rstrip()}, CONSTRAINT {name} CHECK ({condition})\n{declared[end:]}"
    return declared


def _rebuild(connection: Connection, table: str, checks: Mapping[str, str | None]) -> None:
    if connection.exec_driver_sql("PRAGMA foreign_keys").scalar():
        raise RuntimeError("foreign keys must be off while a table is made anew: its children would go with it")
    kept = text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL ORDER BY type DESC")
    rows = connection.execute(kept, {"table": table}).all()
    declared = next(sql for kind, sql in rows if kind == "table")
    opening = declared.index("(")
    columns = ", ".join(f'"{row[1]}"' for row in connection.exec_driver_sql(f"PRAGMA table_info({table})"))
    connection.exec_driver_sql(f"CREATE TABLE {_REBUILT} {with_checks(declared[opening:], checks)}")
    connection.exec_driver_sql(f"INSERT INTO {_REBUILT} ({columns}) SELECT {columns} FROM {table}")  # noqa: S608
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(f"ALTER TABLE {_REBUILT} RENAME TO {table}")
    for kind, sql in rows:
        if kind in ("index", "trigger"):
            connection.exec_driver_sql(sql)


def _closing(declared: str, opening: int) -> int:
    """Where the bracket that opens at `opening` closes; what stands in quotes is no bracket."""
    depth, quoted = 0, False
    for place in range(opening, len(declared)):
        sign = declared[place]
        quoted ^= sign == "'"
        if not quoted:
            depth += {"(": 1, ")": -1}.get(sign, 0)
            if not depth:
                return place
    raise ValueError("a bracket of the declaration does not close")
