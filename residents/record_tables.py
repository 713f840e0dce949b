"""The tables about residents' records: proposed corrections, where each field came from, and consents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base

SUBJECTS = ("home", "person", "contact", "device")
CONSENT_KINDS = ("sms", "position", "share")
WAYS = ("call", "form", "visit", "sms", "web", "registry", "import", "demo")
"""How something was learnt: on a call, by a paper form, at a visit, …; `registry`: entered here, no more is known."""


class Proposal(Base):
    """A correction heard on a call, to be confirmed by the community that keeps the record.

    `subject` and `row_id` name the record, `field` its column; `old_value` is what stood there when it was proposed.
    `said_by` is who said it (a name or `本人`), `arrival_id` the call on which it was said.
    """

    __tablename__ = "proposals"
    __table_args__ = (
        CheckConstraint("subject IN ('home', 'person', 'contact', 'device')", name="subject"),
        CheckConstraint("state IN ('open', 'confirmed', 'rejected', 'stale')", name="state"),
        CheckConstraint("state = 'open' OR (decided_at IS NOT NULL AND decided_by IS NOT NULL)", name="decided"),
        Index("ix_proposals_subject", "subject", "row_id"),
        Index("ix_proposals_home_id", "home_id"),
        Index("ix_proposals_open", "id", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(10))
    row_id: Mapped[int]
    home_id: Mapped[int | None] = mapped_column(ForeignKey("homes.id"))
    field: Mapped[str] = mapped_column(String(30))
    old_value: Mapped[Any] = mapped_column(JSON)
    new_value: Mapped[Any] = mapped_column(JSON)
    said_by: Mapped[str] = mapped_column(String(60))
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("arrivals.id"))
    state: Mapped[str] = mapped_column(String(10), default="open")
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[str] = mapped_column(String(60))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(60))
    decision_note: Mapped[str] = mapped_column(String(200), default="")


class FieldSource(Base):
    """Where the fields of one record came from: field -> `{way, by, at, purpose}` of the last time it was set."""

    __tablename__ = "field_sources"
    __table_args__ = (CheckConstraint("subject IN ('home', 'person', 'contact', 'device')", name="subject"),)

    subject: Mapped[str] = mapped_column(String(10), primary_key=True)
    row_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fields: Mapped[dict[str, Any]]


class Consent(Base):
    """One time somebody gave or withdrew a consent, append only; the person's own columns say what holds now.

    `said_by` is who said it (the person or a guardian), `named` to whom it is given (the relatives who may ask where
    the person is; empty: to the centre).
    """

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint("kind IN ('sms', 'position', 'share')", name="kind"),
        CheckConstraint(f"how IN {WAYS}", name="how"),
        Index("ix_consents_person_id", "person_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str] = mapped_column(String(10))
    given: Mapped[bool]
    said_by: Mapped[str] = mapped_column(String(60))
    how: Mapped[str] = mapped_column(String(10))
    named: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(60))
