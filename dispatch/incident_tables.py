"""Mass incidents (突发事件): one matter about which many call at once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base


class MassIncident(Base):
    """What callers from an area hear before they queue, while it is open; its parent ticket joins all who called.

    `areas` are division codes of 6 to 15 digits, each standing for all below it; none means everywhere. `over_zh` and
    `over_en` are what those who called are told when it ends; `told_up_to` is the last arrival that was.
    """

    __tablename__ = "mass_incidents"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (over_zh = '')", name="over"),
        Index("ix_mass_incidents_open", "opened_at", sqlite_where=text("ended_at IS NULL"),
              postgresql_where=text("ended_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), unique=True)
    areas: Mapped[list[str]] = mapped_column(JSON)
    sentence_zh: Mapped[str] = mapped_column(String(200))
    sentence_en: Mapped[str] = mapped_column(String(300))
    over_zh: Mapped[str] = mapped_column(String(200), default="")
    over_en: Mapped[str] = mapped_column(String(300), default="")
    told_up_to: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(60))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(60))
