"""Recordings of calls."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base


class Recording(Base):
    """The recording of one call, named by our own call id and tied to its arrival.

    `kept`: the file is there, `keep_until` is when it goes. `missing`: the call was answered and has no recording.
    `deleted`: its time was over; the row stays, so that nobody looks for it in vain. `seconds` and `bytes` are of the
    file, `sha256` its content when it was taken in.
    """

    __tablename__ = "recordings"
    __table_args__ = (
        CheckConstraint("state IN ('kept', 'missing', 'deleted')", name="state"),
        CheckConstraint("state <> 'kept' OR keep_until IS NOT NULL", name="keep_until"),
        Index("ix_recordings_arrival_id", "arrival_id"),
        Index("ix_recordings_keep_until", "keep_until", sqlite_where=text("state = 'kept'"),
              postgresql_where=text("state = 'kept'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(120), unique=True)
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("arrivals.id"))
    state: Mapped[str] = mapped_column(String(8))
    seconds: Mapped[float] = mapped_column(default=0.0)
    bytes: Mapped[int] = mapped_column(default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    recorded_at: Mapped[datetime]
    keep_until: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
