"""Calls that we make: back to a line that was cut, and to residents whom we did not serve."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base


class RingBack(Base):
    """A call the application makes back to a line whose emergency call was cut; it belongs to its alarm.

    A cut call gets one by itself; operators may ask for more (`by_hand`).
    """

    __tablename__ = "ring_backs"
    __table_args__ = (
        CheckConstraint("state IN ('wanted', 'live', 'ended', 'cancelled')", name="state"),
        Index("uq_ring_backs_attempt", "ticket_id", "attempt", unique=True),
        Index("uq_ring_backs_cut", "arrival_id", unique=True, sqlite_where=text("NOT by_hand"),
              postgresql_where=text("NOT by_hand")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(120), unique=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    arrival_id: Mapped[int] = mapped_column(ForeignKey("arrivals.id"))
    attempt: Mapped[int]
    number: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10))
    by_hand: Mapped[bool] = mapped_column(default=False)
    wanted_at: Mapped[datetime]
    taken_by: Mapped[str | None] = mapped_column(String(40))
    ended_at: Mapped[datetime | None]
    steps: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class CallBack(Base):
    """A call that we owe a number (回电) whose caller was not served. A number is owed one at a time; the arrivals it
    answers share it. `place` is when the earliest of them came: its place in the queue. `why` is the best reason of
    theirs (`dispatch.call_backs.RANK`); `call_id` is the attempt under way or made last.
    """

    __tablename__ = "call_backs"
    __table_args__ = (
        CheckConstraint("state IN ('wanted', 'calling', 'connected', 'unreached', 'cancelled')", name="state"),
        CheckConstraint("why IN ('chosen', 'abandoned', 'cut', 'full', 'closed')", name="why"),
        CheckConstraint("state <> 'calling' OR call_id IS NOT NULL", name="call"),
        Index("uq_call_backs_owed", "number", unique=True, sqlite_where=text("state IN ('wanted', 'calling')"),
              postgresql_where=text("state IN ('wanted', 'calling')")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20))
    why: Mapped[str] = mapped_column(String(10))
    place: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int]
    not_before: Mapped[datetime]
    call_id: Mapped[str | None] = mapped_column(String(40))
    answered_by: Mapped[str | None] = mapped_column(String(40))
    wanted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    steps: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class CallBackArrival(Base):
    """Which arrivals a call back answers; an arrival has at most one."""

    __tablename__ = "call_back_arrivals"

    arrival_id: Mapped[int] = mapped_column(ForeignKey("arrivals.id"), primary_key=True)
    call_back_id: Mapped[int] = mapped_column(ForeignKey("call_backs.id"), index=True)
