"""What stars and prices are computed from and were computed to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base

CATEGORIES = ("quality", "price", "attitude", "lateness", "damage", "safety", "price_fraud", "other")


class FoundedComplaint(Base):
    """A complaint found true (查实投诉), once for each complaint's ticket; a reversed one has `withdrawn_at`.

    Tickets belong to the floor above: their ids stand here without a foreign key.
    """

    __tablename__ = "founded_complaints"
    __table_args__ = (
        CheckConstraint(f"category IN {CATEGORIES}", name="category"),
        Index("uq_founded_complaints_complaint_id", "complaint_id", unique=True),
        Index("ix_founded_complaints_provider_id", "provider_id", "founded_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    complaint_id: Mapped[int]
    order_id: Mapped[int | None]
    category: Mapped[str] = mapped_column(String(12))
    founded_at: Mapped[datetime]
    founded_by: Mapped[str] = mapped_column(String(60))
    withdrawn_at: Mapped[datetime | None]


class ProviderRating(Base):
    """The counts of the window from which a provider's stars were computed last (`providers.stars.Counts`)."""

    __tablename__ = "provider_ratings"
    __table_args__ = (CheckConstraint("stars IS NULL OR stars BETWEEN 1 AND 5", name="stars"),)

    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"), primary_key=True)
    window_from: Mapped[datetime]
    computed_at: Mapped[datetime]
    counts: Mapped[dict[str, Any]]
    score: Mapped[float | None]
    stars: Mapped[int | None]


class PriceBand(Base):
    """The reference price of an item (参考价), in yuan, with what it was computed from (`providers.prices.Band`)."""

    __tablename__ = "price_bands"

    item: Mapped[str] = mapped_column(String(4), primary_key=True)
    low: Mapped[int | None]
    high: Mapped[int | None]
    quotes: Mapped[int]
    quoted_low: Mapped[int | None]
    quoted_high: Mapped[int | None]
    charges: Mapped[int]
    charged_low: Mapped[int | None]
    charged_high: Mapped[int | None]
    computed_at: Mapped[datetime]
