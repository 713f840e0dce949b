"""The operators' list of tickets, page after page, as quick with millions stored as with a few.

A page begins behind the last ticket of the one before (keyset), never after so many rows. Words, and what lies in a
narrow sight, are looked for among the newest tickets that fit the other filters, `WINDOW` or `WIDE_WINDOW` of them; the
page says how far back that was, and goes on from there. A whole ticket number (or its day) and a whole telephone number
are found by an index, however old they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, TextClause, and_, func, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from dispatch.names import Names
from dispatch.sight import ALL, Sight
from dispatch.tables import Ticket
from foundation.numbers import NumberPlan
from foundation.text import fold

PAGE = 40
WINDOW = 5_000
WIDE_WINDOW = 50_000
"""How many are looked through for words, and for what lies in a narrow sight, before the page says how far it came."""
MOST_COUNTED = 1_000
"""Counting stops here, and the page says 1000+."""

IS_OPEN = text("tickets.state NOT IN ('closed', 'archived')")
IS_ENDED = text("tickets.state IN ('closed', 'archived')")
"""In plain words and not as parameters: only so is a partial index of open tickets used."""

_NUMBER = re.compile(r"20\d{6}(?:-\d{1,6})?", re.ASCII)


@dataclass(frozen=True)
class TicketList:
    """A page of the list: newest first. `older` and `newer` are the ticket ids behind which the neighbouring pages
    begin, None at the ends. `searched_to`: how far back words were looked for, None when the search saw all there is.
    """

    rows: list[Ticket]
    older: int | None
    newer: int | None
    open_total: int
    names: Names
    filters: dict[str, str] = field(default_factory=dict)
    searched_to: datetime | None = None

    @property
    def open_shown(self) -> str:
        return f"{MOST_COUNTED}+" if self.open_total > MOST_COUNTED else str(self.open_total)


def tickets(
    session: Session, *, show: str = "open", kind: str = "", text: str = "", before: int | None = None,
    after: int | None = None, sight: Sight = ALL, plan: NumberPlan | None = None,
) -> TicketList:  # fmt: skip
    """The page of tickets older than the ticket `before`, or newer than `after`, else the newest.

    `show` is `open`, `closed` or `all`; `text` a number, a telephone number, or part of a name, an address, a matter.
    """
    where: list[ColumnElement[bool] | TextClause] = []
    if show != "all":
        where.append(IS_OPEN if show == "open" else IS_ENDED)
    if kind:
        where.append(Ticket.kind == kind)
    exact = _exact(text, plan or NumberPlan())
    if exact is not None:
        where.append(exact)
    if after is not None:
        rows = _page(session, [*where, sight.tickets(), Ticket.id > after], newest_first=False)
        found, more = list(reversed(rows[:PAGE])), len(rows) > PAGE
        older, newer, to = (found[-1].id if found else None), (found[0].id if more else None), None
    elif (text and exact is None) or (not sight.everything and show != "open"):
        narrow = [sight.tickets(), *([_has(text)] if exact is None and text else [])]
        found, older, to = _search(session, where, narrow, before, WINDOW if text else WIDE_WINDOW)
        newer = found[0].id if found and before is not None else None
    else:
        behind = [Ticket.id < before] if before is not None else []
        rows = _page(session, [*where, sight.tickets(), *behind])
        found, to = rows[:PAGE], None
        older = found[-1].id if len(rows) > PAGE else None
        newer = found[0].id if found and before is not None else None
    return TicketList(
        found, older, newer, count_up_to(session, MOST_COUNTED, Ticket.id, IS_OPEN, sight.tickets()), Names(session),
        {"show": show, "kind": kind, "q": text}, to,
    )  # fmt: skip


def count_up_to(
    session: Session, most: int, column: InstrumentedAttribute[int], *where: ColumnElement[bool] | TextClause
) -> int:
    """How many rows there are, but `most + 1` for any larger number: a count that does not grow with the table."""
    some = select(column).where(*where).limit(most + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _exact(told: str, plan: NumberPlan) -> ColumnElement[bool] | None:
    """The condition for a ticket number, a day of them, or a telephone number; None for words."""
    told = fold(told)
    if _NUMBER.fullmatch(told):
        return and_(Ticket.number >= told, Ticket.number < told + "~")
    number = plan.parse(told)
    if number.callable_back and not number.extension:
        return Ticket.caller == number.e164
    return None


def _page(
    session: Session, where: list[ColumnElement[bool] | TextClause], *, newest_first: bool = True
) -> list[Ticket]:
    """One row more than a page has, so that one knows whether another follows."""
    rows = select(Ticket).where(*where)
    return list(session.scalars(rows.order_by(Ticket.id.desc() if newest_first else Ticket.id).limit(PAGE + 1)))


def _search(
    session: Session,
    where: list[ColumnElement[bool] | TextClause],
    narrow: list[ColumnElement[bool]],
    before: int | None,
    size: int,
) -> tuple[list[Ticket], int | None, datetime | None]:
    """Those of the next `size` tickets that also fit what no index serves; the id to go on from, and when the oldest
    looked at came in."""
    behind = [Ticket.id < before] if before is not None else []
    window = select(Ticket.id).where(*where, *behind).order_by(Ticket.id.desc()).limit(size).subquery()
    lowest, seen = session.execute(select(func.min(window.c.id), func.count()).select_from(window)).one()
    if lowest is None:
        return [], None, None
    rows = _page(session, [*where, *behind, Ticket.id >= lowest, *narrow])
    if len(rows) > PAGE:
        return rows[:PAGE], rows[PAGE - 1].id, None
    if seen < size:
        return rows, None, None
    return rows, lowest, session.scalar(select(Ticket.opened_at).where(Ticket.id == lowest))


def _has(words: str) -> ColumnElement[bool]:
    fields = (Ticket.number, Ticket.caller_name, Ticket.caller, Ticket.address, Ticket.summary)
    return or_(*(column.contains(words, autoescape=True) for column in fields))
