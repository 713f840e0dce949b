"""Divisions over time: which hold on a day, what followed one that was abolished, and all codes of an area."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.scope import Scope, scope_of
from foundation.writer import Work
from residents.errors import DivisionEnded, FieldInvalid, NoSuch
from residents.tables import Division

CHINA = ZoneInfo("Asia/Shanghai")
"""Divisions begin and end at midnight in China."""
_MOST_STEPS = 20


def holds(division: Division, on: date) -> bool:
    """Whether the division exists on that day."""
    return division.valid_from <= on and (division.valid_to is None or on < division.valid_to)


def today(work: Work) -> date:
    """The day it is in China when the work is done."""
    return work.now.astimezone(CHINA).date()


def valid(session: Session, code: str, on: date) -> Division:
    """The division, if it holds on that day. Raises `NoSuch`, or `DivisionEnded` with its follower."""
    row = session.get(Division, code)
    if row is None:
        raise NoSuch("division", code)
    if not holds(row, on):
        follower = current(session, code, on)
        raise DivisionEnded(code, row.name, follower.code if follower else "", follower.name if follower else "")
    return row


def current(session: Session, code: str, on: date) -> Division | None:
    """The division that `code` is on that day: itself, or the last of its followers; None when it has none.

    A division without a follower of its own follows the one it lies in. A circle of followers leads nowhere.
    """
    row = session.get(Division, code)
    for _ in range(_MOST_STEPS):
        if row is None or holds(row, on):
            return row
        following = row.replaced_by or row.parent_code
        row = session.get(Division, following) if following else None
    return None


def end(work: Work, code: str, valid_to: date, replaced_by: str | None) -> None:
    """The division ends before the day `valid_to`; `replaced_by` follows it, which must hold on that day."""
    row = work.session.get(Division, code)
    if row is None:
        raise NoSuch("division", code)
    if valid_to <= row.valid_from:
        raise FieldInvalid("valid_to", "必须晚于生效日期", "must be later than valid_from")
    if replaced_by is not None:
        follower = valid(work.session, replaced_by, valid_to)
        if follower.code == code or follower.level != row.level:
            raise FieldInvalid("replaced_by", "必须是同级的另一个区划", "must be another division of the same level")
    row.valid_to, row.replaced_by = valid_to, replaced_by
    work.session.flush()
    work.log("division.ended", code=code, valid_to=valid_to.isoformat(), replaced_by=replaced_by or "")


def area(session: Session, code: str, on: date, *, unplaced: bool = False) -> Scope:
    """All that lies in the division `code`, under the codes of abolished divisions that became part of it too.

    An abolished division that went to several followers counts only as far as its parts came here.
    """
    asked = scope_of([code])
    ended = list(session.scalars(select(Division).where(Division.valid_to.is_not(None), Division.valid_to <= on)))
    now_in = {row.code: current(session, row.code, on) for row in ended}
    came: list[str] = []
    went: list[str] = []
    for old, follower in now_in.items():
        (came if follower is not None and asked.covers(follower.code) else went).append(old)
    whole = [old for old in came if not any(part.startswith(old) for part in went)]
    # A part that left this division has a new code; homes still written under its old one are seen by both sides, until
    # somebody writes the new code: better twice than by nobody.
    return scope_of([code, *whole], unplaced=unplaced)
