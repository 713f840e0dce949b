"""Complaints (投诉): against whom, about which ticket, and whether it was true."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base

CATEGORIES = ("quality", "price", "attitude", "lateness", "damage", "safety", "price_fraud", "other")


class Complaint(Base):
    """What a complaint ticket is about; one row for each, its id the ticket's.

    `founded` is None until a supervisor has decided (属实 or not); only then has it a category and a reason.
    """

    __tablename__ = "complaints"
    __table_args__ = (
        CheckConstraint(f"category IN {CATEGORIES}", name="category"),
        CheckConstraint(
            "(founded IS NULL) = (decided_at IS NULL) AND (founded IS NULL) = (decided_by IS NULL)", name="decided"
        ),
        CheckConstraint("founded IS NULL OR (category IS NOT NULL AND reason <> '')", name="reason"),
        CheckConstraint("about_id <> ticket_id", name="about"),
        Index(
            "ix_complaints_provider_id", "provider_id", "decided_at", sqlite_where=text("founded"),
            postgresql_where=text("founded"),
        ),
    )  # fmt: skip

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("providers.id"))
    about_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    category: Mapped[str | None] = mapped_column(String(12))
    founded: Mapped[bool | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(String(400), default="")
