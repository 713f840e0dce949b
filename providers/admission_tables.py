"""How a provider came in and what became of it: its ledger, documents, visits, decisions of two, workers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base

DOCUMENT_KINDS = ("licence", "permit", "identity", "agreement")
DECISIONS = ("expelled", "blacklisted")


class ProviderEvent(Base):
    """The ledger: what happened to a provider, append only, written with the change by `providers.ledger`.

    `detail["set"]` holds the columns that the change gave the provider; read in order, they give the row as it is.
    """

    __tablename__ = "provider_events"
    __table_args__ = (Index("ix_provider_events_provider_id", "provider_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(40))
    detail: Mapped[dict[str, Any]]


class ProviderDocument(Base):
    """A paper that somebody of the desk has seen: business licence, permit for items, identity, signed agreement.

    `number` of an identity keeps its last four characters only. `items` are what a permit allows. `valid_to` is the
    last day; null: it does not end. `warned_at` is when its end was announced, `ended_at` when it was taken to have
    expired, `withdrawn_at` when the desk took it out.
    """

    __tablename__ = "provider_documents"
    __table_args__ = (
        CheckConstraint(f"kind IN {DOCUMENT_KINDS}", name="kind"),
        Index("ix_provider_documents_provider_id", "provider_id"),
        Index("ix_provider_documents_valid_to", "valid_to", sqlite_where=text("withdrawn_at IS NULL"),
              postgresql_where=text("withdrawn_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    kind: Mapped[str] = mapped_column(String(10))
    number: Mapped[str] = mapped_column(String(60))
    issuer: Mapped[str] = mapped_column(String(80), default="")
    items: Mapped[list[Any]] = mapped_column(JSON)
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    seen_by: Mapped[str] = mapped_column(String(60))
    added_at: Mapped[datetime]
    warned_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class ProviderVisit(Base):
    """The visit to the premises (实地考察): noted by one person, signed by a second one."""

    __tablename__ = "provider_visits"
    __table_args__ = (
        CheckConstraint("second_by IS NULL OR second_by <> first_by", name="two_people"),
        CheckConstraint("(second_by IS NULL) = (signed_at IS NULL)", name="signed"),
        Index("ix_provider_visits_provider_id", "provider_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    visited_on: Mapped[date]
    premises: Mapped[bool]
    staff: Mapped[bool]
    equipment: Mapped[bool]
    price_list: Mapped[bool]
    note: Mapped[str] = mapped_column(Text)
    first_by: Mapped[str] = mapped_column(String(60))
    noted_at: Mapped[datetime]
    second_by: Mapped[str | None] = mapped_column(String(60))
    signed_at: Mapped[datetime | None]


class ProviderDecision(Base):
    """A decision that needs two people: proposed by one, carried or refused by another."""

    __tablename__ = "provider_decisions"
    __table_args__ = (
        CheckConstraint(f"decision IN {DECISIONS}", name="decision"),
        CheckConstraint("state IN ('open', 'carried', 'refused')", name="state"),
        CheckConstraint("state <> 'carried' OR decided_by <> proposed_by", name="two_people"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided"),
        Index("uq_provider_decisions_open", "provider_id", unique=True, sqlite_where=text("state = 'open'"),
              postgresql_where=text("state = 'open'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    decision: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(String(200))
    until: Mapped[datetime | None]
    proposed_by: Mapped[str] = mapped_column(String(60))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(60))
    decided_at: Mapped[datetime | None]


class ProviderWorker(Base):
    """Somebody who works for a provider, and on which items (empty: on all of its items)."""

    __tablename__ = "provider_workers"
    __table_args__ = (Index("ix_provider_workers_provider_id", "provider_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    name: Mapped[str] = mapped_column(String(40))
    items: Mapped[list[Any]] = mapped_column(JSON)
    added_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
