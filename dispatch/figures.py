"""The figures of a period (办结率, 满意率, …): each with numerator, denominator and what they count. Only reads.

They count stored tickets, offers and follow-ups, which are what their events say (`dispatch.states.replay`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true
from sqlalchemy.orm import Session

from dispatch.tables import FollowUp, Offer, Ticket

_ENDED = ("closed", "archived")
_NO_SUCCESS = ("unmet",)
_NOT_COUNTED = ("joined", "cancelled")
"""A joined ticket is counted once, with the one it joined; a cancelled one is nobody's to finish."""


@dataclass(frozen=True)
class Figure:
    """One rate: `numerator` of `denominator`; the sentences say what is counted in each."""

    code: str
    zh: str
    en: str
    numerator: int
    denominator: int
    zh_how: str
    en_how: str

    @property
    def rate(self) -> float | None:
        """Between 0 and 1; None where there was nothing to count: no rate is better than 100 % of nothing."""
        return self.numerator / self.denominator if self.denominator else None


def figures(
    session: Session, since: datetime, until: datetime, where: ColumnElement[bool] | None = None
) -> list[Figure]:
    """Every figure of the time from `since` up to, not including, `until`; `where` narrows the tickets (a scope)."""
    of = true() if where is None else where
    return [
        *_settled(session, since, until, of),
        *_asked(session, since, until, of),
        *_first_contact(session, since, until, of),
        _accepted(session, since, until, of),
        _accidental(session, since, until, of),
    ]


def _settled(session: Session, since: datetime, until: datetime, of: ColumnElement[bool]) -> list[Figure]:
    """办结率 and 按时办结率: of what was due in the period; what was never dispatched is due when it is closed."""
    due = or_(
        and_(Ticket.due_at >= since, Ticket.due_at < until),
        and_(Ticket.due_at.is_(None), Ticket.closed_at >= since, Ticket.closed_at < until),
    )
    counted = func.coalesce(Ticket.outcome, "").not_in(_NOT_COUNTED)
    closed = and_(Ticket.state.in_(_ENDED), Ticket.outcome.not_in(_NO_SUCCESS))
    in_time = and_(
        closed, or_(Ticket.due_at.is_(None), func.coalesce(Ticket.done_at, Ticket.closed_at) <= Ticket.due_at)
    )
    of_service = and_(Ticket.kind == "service_request", Ticket.closed_at >= since, Ticket.closed_at < until)
    row = session.execute(
        select(_count(true()), _count(closed), _count(in_time)).where(due, counted, Ticket.kind != "emergency", of)
    ).one()
    unmet = session.execute(select(_count(true()), _count(Ticket.outcome == "unmet")).where(of_service, of)).one()
    return [
        Figure("closed", "办结率", "closed", row[1], row[0],
               "期内到期的工单中已办结的；无人能服务的不算办结，并单和撤销的不计",
               "closed, of the tickets due in the period; unmet ones are no success, joined and cancelled not counted"),
        Figure("in_time", "按时办结率", "closed in time", row[2], row[0],
               "期内到期的工单中在期限前完工或办结的",
               "done or closed before their limit, of the tickets due in the period"),
        Figure("unmet", "未能服务率", "unmet", unmet[1], unmet[0],
               "期内办结的求助单中无人能服务的", "nobody could serve, of the service requests closed in the period"),
    ]  # fmt: skip


def _asked(session: Session, since: datetime, until: datetime, of: ColumnElement[bool]) -> list[Figure]:
    """回访率 over what was asked to the end, 满意率 over those who gave a grade."""
    ended = and_(FollowUp.outcome.is_not(None), FollowUp.due_at >= since, FollowUp.due_at < until)
    answered, graded = FollowUp.state == "answered", FollowUp.grade.is_not(None)
    row = session.execute(
        select(
            _count(true()), _count(answered), _count(graded), _count(FollowUp.grade >= 3), _count(FollowUp.grade >= 4),
            _count(FollowUp.outcome == "redo"),
        )
        .join(Ticket, Ticket.id == FollowUp.ticket_id)
        .where(ended, of)
    ).one()  # fmt: skip
    return [
        Figure("reached", "回访率", "reached", row[1], row[0],
               "期内应回访且已了结的完工中回访到的；三次未接通的计入分母",
               "reached, of the finished works due to be asked about in the period; unreached ones are counted below"),
        Figure("satisfied", "满意率", "satisfied", row[3], row[2],
               "给出评分的回访中 3、4、5 分的；未接通的不计", "grades 3, 4 and 5, of the follow-ups that gave a grade"),
        Figure("well_satisfied", "满意率（从严）", "satisfied, strict", row[4], row[2],
               "给出评分的回访中 4、5 分的", "grades 4 and 5, of the follow-ups that gave a grade"),
        Figure("redone", "重办率", "done again", row[5], row[1],
               "回访到的完工中退回重办的", "done again, of the finished works whose resident was reached"),
    ]  # fmt: skip


def _first_contact(session: Session, since: datetime, until: datetime, of: ColumnElement[bool]) -> list[Figure]:
    """首呼解决率 over inquiries, and how much of everything that is."""
    opened = and_(Ticket.opened_at >= since, Ticket.opened_at < until)
    counted = func.coalesce(Ticket.outcome, "") != "joined"
    at_once = and_(
        Ticket.kind == "inquiry", Ticket.outcome == "answered", Ticket.dispatched_at.is_(None), Ticket.round == 1
    )
    row = session.execute(
        select(
            _count(true()),
            _count(Ticket.kind == "inquiry"),
            _count(at_once),
            func.coalesce(func.sum(Ticket.repeats), 0),
        ).where(opened, counted, Ticket.kind != "emergency", of)
    ).one()
    return [
        Figure("first_contact", "首呼解决率", "first contact", row[2], row[1],
               "期内登记的咨询中当场答复的", "answered on the spot, of the inquiries registered in the period"),
        Figure("direct_answer", "直接答复率", "direct answers", row[2], row[0],
               "期内登记的全部工单（警情除外）中当场答复的",
               "answered on the spot, of all tickets registered in the period but alarms"),
        Figure("repeated", "重复来电率", "asked again", row[3], row[0],
               "期内登记的工单收到的重复来电次数，按工单数计",
               "repeated contacts, over the tickets registered in the period"),
    ]  # fmt: skip


def _accepted(session: Session, since: datetime, until: datetime, of: ColumnElement[bool]) -> Figure:
    took = Offer.state.in_(("accepted", "fulfilled"))
    row = session.execute(
        select(_count(true()), _count(took))
        .join(Ticket, Ticket.id == Offer.ticket_id)
        .where(
            Offer.offered_at >= since, Offer.offered_at < until,
            Offer.state.in_(("accepted", "fulfilled", "declined", "expired")), of,
        )
    ).one()  # fmt: skip
    return Figure("accepted", "接单率", "accepted", row[1], row[0], "期内派单中接单的；撤回和未送达的不计",
                  "accepted, of the offers made in the period that were accepted, declined or expired")  # fmt: skip


def _accidental(session: Session, since: datetime, until: datetime, of: ColumnElement[bool]) -> Figure:
    alarms = and_(Ticket.kind == "emergency", Ticket.opened_at >= since, Ticket.opened_at < until)
    row = session.execute(
        select(_count(true()), _count(Ticket.alarm_grade == "accidental")).where(alarms, of)
    ).one()  # fmt: skip
    return Figure("accidental", "误触率", "accidental", row[1], row[0], "期内警情中定为误触的",
                  "graded accidental, of the alarms raised in the period")  # fmt: skip


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
