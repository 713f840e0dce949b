"""What residents want of providers beyond one ticket: whom they refuse."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base

_STANDS = text("lifted_at IS NULL")


class Refusal(Base):
    """A resident does not want this provider, on any ticket, until the refusal is lifted.

    It is the person's, and where nobody knows which person it was, the line's (`line`: E.164, may be empty beside a
    person). `ticket_id` is where it was said.
    """

    __tablename__ = "refusals"
    __table_args__ = (
        CheckConstraint("person_id IS NOT NULL OR line <> ''", name="resident"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted"),
        Index("ix_refusals_line", "line", sqlite_where=_STANDS, postgresql_where=_STANDS),
        Index("ix_refusals_person_id", "person_id", sqlite_where=_STANDS, postgresql_where=_STANDS),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    line: Mapped[str] = mapped_column(String(20), default="")
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    reason: Mapped[str] = mapped_column(String(200), default="")
    refused_at: Mapped[datetime]
    refused_by: Mapped[str] = mapped_column(String(60))
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(60))
