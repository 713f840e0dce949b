"""The base of all tables, and the tables that belong to no single domain: events, deadlines, outbox, inbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine


class _SqliteInstant(sqlite.DATETIME):
    """SQLAlchemy's own text of a moment, `2026-11-23 08:00:00.000000`, made in one step: each row has several."""

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        def text_of(value: datetime | None) -> str | None:
            if value is None:
                return None
            if value.tzinfo is not UTC:
                value = value.astimezone(UTC)
            return value.isoformat(" ", "microseconds")[:26]

        return text_of


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` on PostgreSQL, sortable text on SQLite; always aware in Python."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """The database's own type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_SqliteInstant())  # type: ignore[no-untyped-call]
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time without a zone was about to be stored: {value!r}")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table in the house; constraint names are fixed so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Instant, dict[str, Any]: JSON}  # noqa: RUF012 - SQLAlchemy reads the class


class TicketEvent(Base):
    """What happened, append only, written in the transaction that made it happen."""

    __tablename__ = "ticket_events"
    __table_args__ = (
        CheckConstraint("audience IN ('staff', 'provider', 'resident')", name="audience"),
        Index("ix_ticket_events_ticket_id", "ticket_id", "id"),
        Index("ix_ticket_events_arrival_id", "arrival_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(60))
    actor: Mapped[str] = mapped_column(String(60))
    audience: Mapped[str] = mapped_column(String(10))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"))
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("arrivals.id"))
    detail: Mapped[dict[str, Any]]


class Deadline(Base):
    """A moment at which something must have happened, and the sentence that says why.

    `subject` names the row it watches (`ticket:7`, `offer:3`, `arrival:12`); there is at most one open deadline of a
    kind for a subject. `working`: it is counted in working time, so a pause moves it by the working time in it;
    `paused_s` is by how many seconds pauses have moved it.
    """

    __tablename__ = "deadlines"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'fired', 'met', 'withdrawn')", name="state"),
        Index("uq_deadlines_open", "subject", "kind", unique=True, sqlite_where=text("state = 'open'"),
              postgresql_where=text("state = 'open'")),
        Index("ix_deadlines_due", "due_at", sqlite_where=text("state = 'open'"),
              postgresql_where=text("state = 'open'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(60))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    due_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    urgent: Mapped[bool] = mapped_column(default=False)
    working: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    paused_s: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    state: Mapped[str] = mapped_column(String(10), default="open")
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class OutboxMessage(Base):
    """One message to one recipient, written with the change that causes it and sent after the commit."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint(
            "state IN ('pending','sending','sent','delivered','failed','unknown','cancelled','expired')", name="state"
        ),
        CheckConstraint("state <> 'pending' OR (claim_deadline IS NULL AND sent_at IS NULL)", name="pending"),
        CheckConstraint("state <> 'sending' OR claim_deadline IS NOT NULL", name="sending"),
        CheckConstraint("state NOT IN ('sent', 'delivered') OR sent_at IS NOT NULL", name="sent"),
        Index("uq_outbox_live_key", "dedupe_key", unique=True, sqlite_where=text("state = 'pending'"),
              postgresql_where=text("state = 'pending'")),
        Index("ix_outbox_due", "priority", "id", sqlite_where=text("state = 'pending'"),
              postgresql_where=text("state = 'pending'")),
        Index("ix_outbox_state", "state"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(10))
    recipient: Mapped[str] = mapped_column(String(120))
    template: Mapped[str] = mapped_column(String(60))
    params: Mapped[dict[str, Any]]
    priority: Mapped[int]
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("offers.id"), index=True)
    dedupe_key: Mapped[str | None] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(10), default="pending")
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    claim_deadline: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    gateway: Mapped[str | None] = mapped_column(String(20))
    gateway_id: Mapped[str | None] = mapped_column(String(80), unique=True)
    status_rank: Mapped[int] = mapped_column(default=0)
    text: Mapped[str | None] = mapped_column(Text)


class InboxItem(Base):
    """One thing that came from outside, kept raw; `(source, external_id)` makes it come in once."""

    __tablename__ = "inbox"
    __table_args__ = (
        Index("uq_inbox_source", "source", "external_id", unique=True),
        Index("ix_inbox_open", "received_at", sqlite_where=text("handled_at IS NULL"),
              postgresql_where=text("handled_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(30))
    external_id: Mapped[str] = mapped_column(String(120))
    payload: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)


class Heartbeat(Base):
    """When a repeated piece of work last ran to its end; `/readyz` reads it."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime]
