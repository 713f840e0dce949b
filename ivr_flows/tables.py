"""Published flows: every version ever made, who put it into force and when, and what each exchange node has of it.

The compiled text is kept with its version, so that a node which lost its files is given the same ones again. Version 0
is what this software was delivered with: it has no row, and each exchange has it from its own start.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base

PUBLICATION_STATES = ("prepared", "loaded", "current", "past", "failed", "withdrawn")

_ONE_OF_EACH = text("state IN ('prepared', 'loaded', 'current')")


class FlowVersion(Base):
    """One set of flows as it was published; never changed. `sources` are the files by name, as they were read,
    `dialplan` what they became, `digest` names that text."""

    __tablename__ = "flow_versions"
    __table_args__ = (CheckConstraint("id > 0", name="id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sources: Mapped[dict[str, Any]]
    transfers: Mapped[dict[str, Any]]
    dialplan: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    warnings: Mapped[list[Any]] = mapped_column(JSON)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(60))


class FlowPublication(Base):
    """One order to put a version into force, and how far it came.

    `prepared`: ordered and written down. `loaded`: every node has it, no call uses it yet. `current`: new calls begin
    in it. `past`: another one is. `failed` and `withdrawn` never came into force, and `problem` says why. `before` is
    the version that was in force when it was ordered: of its first publication, where a step back leads.
    """

    __tablename__ = "flow_publications"
    __table_args__ = (
        CheckConstraint(f"state IN {PUBLICATION_STATES}", name="state"),
        CheckConstraint("kind IN ('publish', 'back')", name="kind"),
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint("state NOT IN ('failed', 'withdrawn') OR problem <> ''", name="problem"),
        CheckConstraint("state NOT IN ('current', 'past') OR current_at IS NOT NULL", name="current"),
        Index("uq_flow_publications_state", "state", unique=True, sqlite_where=_ONE_OF_EACH,
              postgresql_where=_ONE_OF_EACH),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]  # no foreign key: 0 has no row
    before: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(200))
    asked_by: Mapped[str] = mapped_column(String(60))
    asked_at: Mapped[datetime]
    loaded_at: Mapped[datetime | None]
    current_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(Text, default="")


class FlowNode(Base):
    """What an exchange node was last seen to have. `loaded` are its versions beside 0, `current` the one its new calls
    begin in, `calls` how many calls are in which version, `waits_for` what a person must do there, or empty."""

    __tablename__ = "flow_nodes"

    node: Mapped[str] = mapped_column(String(40), primary_key=True)
    seen_at: Mapped[datetime]
    loaded: Mapped[list[Any]] = mapped_column(JSON)
    current: Mapped[int]
    calls: Mapped[dict[str, Any]]
    waits_for: Mapped[str] = mapped_column(Text, default="")
