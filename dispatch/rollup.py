"""Figures that roll up the tree: of each division what lies in it and all below, computed from the tickets themselves.

They name nobody: hosts see these, and only these. Each has its denominator.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from dispatch.sight import placed
from dispatch.tables import Ticket
from foundation.scope import Scope
from residents import divisions
from residents.tables import Division

_ENDED = ("closed", "archived")


@dataclass(frozen=True)
class Figures:
    """Tickets opened in the period; of those the closed ones, alarms, and `unmet`; open ones past their deadline."""

    opened: int = 0
    closed: int = 0
    alarms: int = 0
    unmet: int = 0
    late: int = 0

    def plus(self, other: Figures) -> Figures:
        """Both together."""
        return Figures(
            self.opened + other.opened, self.closed + other.closed, self.alarms + other.alarms,
            self.unmet + other.unmet, self.late + other.late,
        )  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A division with its figures; `depth` is how far below the widest one shown it lies."""

    division: Division
    depth: int
    figures: Figures


def by_division(session: Session, scope: Scope, since: datetime, now: datetime, on: date) -> list[Row]:
    """The divisions of `scope` that hold on that day, each before its parts, with the tickets opened since `since`.

    A ticket of an abolished division counts for the one that followed it. Requests of no known place are counted with
    none: `unplaced` says how many there are.
    """
    own = _own_figures(session, scope, since, now, on)
    shown = [
        row
        for row in session.scalars(select(Division).where(scope.where(Division.code)).order_by(Division.code))
        if divisions.holds(row, on) and row.level != "grid"
    ]
    codes = [row.code for row in shown]
    rows = []
    for row in shown:
        inside = [figures for code, figures in own.items() if code.startswith(row.code)]
        total = Figures()
        for figures in inside:
            total = total.plus(figures)
        rows.append(Row(row, sum(row.code != code and row.code.startswith(code) for code in codes), total))
    return rows


def unplaced(session: Session, since: datetime) -> int:
    """Tickets opened since `since` whose place nobody knows; they are in no division's figures."""
    nowhere = Ticket.community == "", Ticket.district == ""
    return session.scalar(select(func.count()).select_from(Ticket).where(Ticket.opened_at >= since, *nowhere)) or 0


def _own_figures(session: Session, scope: Scope, since: datetime, now: datetime, on: date) -> Mapping[str, Figures]:
    late = Ticket.state.not_in(_ENDED) & (Ticket.next_deadline_at < now)
    rows = session.execute(
        select(
            Ticket.community, Ticket.district, func.count(), _sum(Ticket.state.in_(_ENDED)),
            _sum(Ticket.kind == "emergency"), _sum(Ticket.outcome == "unmet"), _sum(late),
        )
        .where(Ticket.opened_at >= since, placed(scope))
        .group_by(Ticket.community, Ticket.district)
    ).all()  # fmt: skip
    own: dict[str, Figures] = defaultdict(Figures)
    for community, district, *numbers in rows:
        if code := community or district:
            now_is = divisions.current(session, code, on)
            code = now_is.code if now_is else code
            own[code] = own[code].plus(Figures(*map(int, numbers)))
    return own


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
