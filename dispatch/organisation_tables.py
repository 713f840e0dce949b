"""The tables of organisations: who they are, which staff belong to them, and the requests that went up or down."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base

KINDS = ("owner", "operating_body", "station", "desk", "affairs_station", "volunteer_group", "outside")


class Organisation(Base):
    """A body of the network (市, 区, 街道, 社区, 网格) at its place in the tree of divisions.

    It works for the division `division_code` and all below it. `parent_id` is the organisation it answers to. `phone`
    is E.164 or None. A closed organisation gets nothing new and its members see nothing.
    """

    __tablename__ = "organisations"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        UniqueConstraint("division_code", "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(120), default="")
    kind: Mapped[str] = mapped_column(String(20))
    division_code: Mapped[str] = mapped_column(ForeignKey("divisions.code"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    phone: Mapped[str | None] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(String(200), default="")
    closed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class OrganisationMember(Base):
    """Which organisation an account belongs to: one at most. An account without one is the installation's own."""

    __tablename__ = "organisation_members"

    user_id: Mapped[int] = mapped_column(ForeignKey("staff_users.id"), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    since: Mapped[datetime]


class TicketJourney(Base):
    """A request that left the desk it came to: up to a wider division's desk, or down to an organisation's.

    `division_code` is where it went, `from_division` whose it is all the while (首接负责制). Of each direction one is
    under way at most.
    """

    __tablename__ = "ticket_journeys"
    __table_args__ = (
        CheckConstraint("direction IN ('up', 'down')", name="direction"),
        CheckConstraint("direction = 'up' OR organisation_id IS NOT NULL", name="organisation"),
        Index("ix_ticket_journeys_ticket_id", "ticket_id", "id"),
        Index("ix_ticket_journeys_organisation_id", "organisation_id", "ticket_id"),
        Index("uq_ticket_journeys_under_way", "ticket_id", "direction", unique=True,
              sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    direction: Mapped[str] = mapped_column(String(4))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    division_code: Mapped[str] = mapped_column(String(15))
    from_division: Mapped[str] = mapped_column(String(15))
    reason: Mapped[str] = mapped_column(String(200))
    began_at: Mapped[datetime]
    began_by: Mapped[str] = mapped_column(String(60))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(60))
    ended_why: Mapped[str | None] = mapped_column(String(200))
