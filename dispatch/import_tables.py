"""Files that are being imported: what was brought, how far it is, and what could not be written."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base

IMPORT_STATES = ("receiving", "checked", "waiting", "working", "done", "failed", "cancelled")
UNDER_WAY = ("receiving", "checked", "waiting", "working")
"""While an import is in one of these, its file is kept."""
_CARRIED_OUT = text("state IN ('waiting', 'working')")


class FileImport(Base):
    """One file to be taken in (导入). `(kind, sha256)` is under way at most once.

    `receiving`: its parts come; `checked`: it has no fault and waits for a person's yes; `waiting`: ordered; `working`:
    `worker` carries it out and has said so until `lease_until`, after which another may go on. `position` is how many
    of its `records` are dealt with: it moves in the same transaction as their rows, so an import that is killed goes on
    exactly there. `faults` are the records left out because the database had changed since the check.
    """

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint(f"state IN {IMPORT_STATES}", name="state"),
        CheckConstraint("state <> 'working' OR (worker IS NOT NULL AND lease_until IS NOT NULL)", name="worker"),
        CheckConstraint(f"state IN {UNDER_WAY} OR ended_at IS NOT NULL", name="ended"),
        CheckConstraint("added + changed + same + left_out = position", name="counts"),
        Index("uq_imports_under_way", "kind", "sha256", unique=True,
              sqlite_where=_CARRIED_OUT, postgresql_where=_CARRIED_OUT),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    file_name: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int]
    scope: Mapped[list[str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10))
    records: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    same: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[int] = mapped_column(default=0)
    faults: Mapped[list[Any]] = mapped_column(JSON, default=list)
    problem: Mapped[str] = mapped_column(Text, default="")
    asked_by: Mapped[str] = mapped_column(String(60))
    asked_at: Mapped[datetime]
    worker: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class ImportPart(Base):
    """A piece of an import's file; gone when the import has ended."""

    __tablename__ = "import_parts"

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
