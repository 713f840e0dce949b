"""A surge, step by step (集中派单): planned, looked at, let run, carried out row by row, planned again, ended.

The planning itself runs outside every transaction (`dispatch.surge.make_plan`); what it found is stored in parts under
a version of its own, which counts only once `turn` made it the plan's. A row is carried out by one conditional UPDATE
with the ticket and the provider judged again, so a plan that has become untrue is never carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from dispatch import answers, matching, offers, tickets
from dispatch.errors import BadInput, PlanStands, missing
from dispatch.surge import Plan, Pressure, Visit
from dispatch.surge_reading import OUTRIGHT_KINDS, Snapshot, free_places, waits
from dispatch.surge_tables import SurgeChoice, SurgePlan, SurgeRow
from dispatch.tables import Ticket
from foundation.text import one_line
from foundation.writer import Work
from providers import queries as providers

ROWS_AT_ONCE = 250
"""So many rows are stored or dropped by one command: well under 50 ms on SQLite."""
CHOICES = ("pin", "veto")


def open_plan(w: Work) -> int:
    """Begin a surge's plan; its id. Raises `PlanStands` while another has not ended."""
    plan = SurgePlan(state="ready", opened_at=w.now, opened_by=w.actor, figures={})
    try:
        with w.session.begin_nested():
            w.session.add(plan)
            w.session.flush()
    except IntegrityError as error:
        raise PlanStands("已有一个集中派单计划", "there is a plan of a surge already") from error
    w.log("surge.opened", plan=plan.id)
    return plan.id


def store(w: Work, plan_id: int, version: int, snapshot: Snapshot, visits: Sequence[Visit]) -> None:
    """Store some of the rows of a version that is not the plan's yet (at most `ROWS_AT_ONCE`)."""
    rows = [
        {
            "plan_id": plan_id, "version": version, "ticket_id": visit.request, "provider_id": visit.server,
            "team": visit.team, "position": visit.position, "state": "planned", "why": "",
            "at_door": snapshot.at + timedelta(minutes=visit.at_door), "drive_minutes": round(visit.drive, 1),
            "outright": visit.outright, "changed_at": w.now,
        }
        for visit in visits
    ]  # fmt: skip
    if rows:
        w.session.execute(insert(SurgeRow), rows)


def turn(w: Work, snapshot: Snapshot, found: Plan, pressure: Pressure, seconds: float) -> bool:
    """Make the stored version the plan's. False: the plan moved on meanwhile, and the version counts for nothing."""
    assert snapshot.plan_id is not None
    told = _figures(found, pressure, snapshot, seconds)
    change = (
        update(SurgePlan)
        .where(SurgePlan.id == snapshot.plan_id, SurgePlan.version == snapshot.version, SurgePlan.state != "ended")
        .values(version=snapshot.version + 1, planned_at=snapshot.at, figures=told)
        .execution_options(synchronize_session=False)
    )
    if w.session.execute(change).rowcount != 1:  # type: ignore[attr-defined]
        return False
    w.log("surge.planned", plan=snapshot.plan_id, version=snapshot.version + 1, requests=len(snapshot.requests),
          unserved=len(found.unserved), cost=round(found.planned.cost), bound=round(found.bound))  # fmt: skip
    return True


def sweep(w: Work, plan_id: int) -> int:
    """Drop some rows that belong to no version any more; how many."""
    plan = _plan(w, plan_id)
    old = (
        select(SurgeRow.id)
        .where(SurgeRow.plan_id == plan_id, SurgeRow.version != plan.version, SurgeRow.state == "planned")
        .limit(ROWS_AT_ONCE)
    )
    ids = list(w.session.scalars(old))
    if ids:
        w.session.execute(delete(SurgeRow).where(SurgeRow.id.in_(ids)).execution_options(synchronize_session=False))
    return len(ids)


def choose(w: Work, ticket_id: int, provider_id: int, kind: str) -> None:
    """Pin or veto a pair: the next planning respects it, and a vetoed row is not carried out. A pin replaces a pin."""
    plan = _standing(w)
    if kind not in CHOICES:
        raise BadInput("只能指定或排除", "a pair can be pinned or vetoed")
    ticket = tickets.open_one(w.session, ticket_id)
    provider = providers.find(w.session, provider_id)
    _forget(w, plan.id, ticket_id, provider_id)
    if kind == "pin":
        _forget(w, plan.id, ticket_id, None)
    w.session.add(
        SurgeChoice(plan_id=plan.id, ticket_id=ticket_id, provider_id=provider_id, kind=kind, at=w.now, by=w.actor)
    )
    plan.choices += 1
    w.session.flush()
    w.log("surge.chosen", ticket_id=ticket.id, plan=plan.id, provider=provider_id, name=provider.name, choice=kind)


def unchoose(w: Work, ticket_id: int, provider_id: int) -> None:
    """Take a pin or a veto back."""
    plan = _standing(w)
    if _forget(w, plan.id, ticket_id, provider_id):
        plan.choices += 1
        w.session.flush()
        w.log("surge.unchosen", ticket_id=ticket_id, plan=plan.id, provider=provider_id)


def start(w: Work) -> None:
    """Let the plan run: from now on its rows are carried out, and it is planned again as answers come."""
    plan = _standing(w)
    if plan.state != "ready" or plan.version == 0:
        raise PlanStands("计划还没有算好，或已在执行", "the plan is not made yet, or runs already")
    plan.state, plan.started_at, plan.started_by = "running", w.now, w.actor
    w.session.flush()
    w.log("surge.started", plan=plan.id, version=plan.version)


def end(w: Work, reason: str) -> None:
    """End the surge. Offers that are out stay; what was not carried out is offered one by one, as on other days."""
    plan = _standing(w)
    plan.state, plan.ended_at, plan.ended_by = "ended", w.now, w.actor
    plan.end_reason = one_line(reason, 200)
    w.session.flush()
    w.log("surge.ended", plan=plan.id, reason=plan.end_reason)


def carry_out(w: Work, row_id: int) -> str:
    """Offer or assign one row: `offered`, `assigned`, `untrue`, or `moved` (it is not the running plan's row any more).

    The ticket must still wait, the pair may not be vetoed, and the provider must still be able and have a free place.
    """
    row = _claim(w, row_id)
    if row is None:
        return "moved"
    ticket = tickets.locked(w.session, row.ticket_id)
    why = _against(w, row, ticket)
    if why:
        return _untrue(w, row, why)
    minutes = max(round((row.at_door - w.now) / timedelta(minutes=1)), 1)
    reasons = [
        (
            f"集中派单第 {row.position} 位，预计 {minutes} 分钟后到场",
            f"planned as number {row.position}: at the door in {minutes} min",
        )
    ]
    row.offer_id = offers.offer_planned(w, ticket.id, row.provider_id, reasons)
    row.state = "offered"
    w.session.flush()
    if row.outright and answers.accept(w, row.offer_id, minutes) == answers.Answer.YOURS:
        row.state = "assigned"
        w.session.flush()
    w.log("surge.carried_out", ticket_id=ticket.id, plan=row.plan_id, row=row.id, provider=row.provider_id,
          offer=row.offer_id, how=row.state)  # fmt: skip
    return row.state


def give_up(w: Work, row_id: int, why: str) -> str:
    """A row that could not be carried out for a reason nobody foresaw; the next planning finds another way."""
    row = _claim(w, row_id)
    return "moved" if row is None else _untrue(w, row, why)


def let_go(w: Work, row_id: int) -> None:
    """The surge ended before this row was carried out: a request that still waits is offered as on other days."""
    drop = (
        update(SurgeRow)
        .where(SurgeRow.id == row_id, SurgeRow.state == "planned")
        .values(state="untrue", why="集中派单已结束 / the surge had ended", changed_at=w.now)
        .returning(SurgeRow.ticket_id)
        .execution_options(synchronize_session=False)
    )
    ticket_id = w.session.scalar(drop)
    if ticket_id is None:
        return
    ticket = tickets.locked(w.session, ticket_id)
    if w.session.scalar(select(Ticket.id).where(Ticket.id == ticket_id, waits())) is not None:
        if ticket.state == "offered":
            offers.offer_next(w, ticket_id)
        else:
            offers.begin(w, ticket_id)


def _claim(w: Work, row_id: int) -> SurgeRow | None:
    """The row, ours until the commit, if it is to be carried out: planned, and of the running plan's version."""
    of_its_plan = (SurgePlan.id == SurgeRow.plan_id) & (SurgePlan.version == SurgeRow.version)
    claim = (
        update(SurgeRow)
        .where(SurgeRow.id == row_id, SurgeRow.state == "planned")
        .where(exists().where(of_its_plan, SurgePlan.state == "running"))
        .values(changed_at=w.now)
        .execution_options(synchronize_session=False)
    )
    if w.session.execute(claim).rowcount != 1:  # type: ignore[attr-defined]
        return None
    return w.session.get_one(SurgeRow, row_id, populate_existing=True)


def _against(w: Work, row: SurgeRow, ticket: Ticket) -> str:
    """What has become untrue about the row; empty when nothing has."""
    if w.session.scalar(select(Ticket.id).where(Ticket.id == ticket.id, waits())) is None:
        return "工单已不在等待 / the request does not wait any more"
    choice = w.session.get(SurgeChoice, (row.plan_id, row.ticket_id, row.provider_id))
    if choice is not None and choice.kind == "veto":
        return "已被排除 / vetoed"
    if free_places(w.session, [row.provider_id]).get(row.provider_id, 0) <= 0:
        return "在手工单已满 / has as many orders as it takes"
    judged = matching.judge(w.session, ticket, row.provider_id, w.now)
    if not judged.able:
        zh, en = judged.reasons[0] if judged.reasons else ("不能派", "is not able")
        return f"{zh} / {en}"
    if row.outright and providers.find(w.session, row.provider_id).kind not in OUTRIGHT_KINDS:
        return "不再是自有队伍 / is not our own team any more"
    return ""


def _untrue(w: Work, row: SurgeRow, why: str) -> str:
    row.state, row.why = "untrue", why[:300]
    w.session.flush()
    w.log("surge.row_untrue", ticket_id=row.ticket_id, plan=row.plan_id, row=row.id, provider=row.provider_id, why=why)
    return "untrue"


def _figures(found: Plan, pressure: Pressure, snapshot: Snapshot, seconds: float) -> dict[str, Any]:
    return {
        "waiting": pressure.waiting, "free": pressure.free, "at_once": pressure.at_once,
        "planned": {"cost": found.planned.cost, "waiting": found.planned.waiting, "travel": found.planned.travel},
        "nearest": {"cost": found.nearest.cost, "waiting": found.nearest.waiting, "travel": found.nearest.travel},
        "bound": found.bound, "unserved": list(found.unserved), "seconds": round(seconds, 2),
        "choices": snapshot.choices,
    }  # fmt: skip


def _plan(w: Work, plan_id: int) -> SurgePlan:
    plan = w.session.get(SurgePlan, plan_id)
    if plan is None:
        raise missing("集中派单计划", "plan of a surge", plan_id)
    return plan


def _standing(w: Work) -> SurgePlan:
    """The plan that has not ended, locked."""
    plan = w.session.scalar(select(SurgePlan).where(SurgePlan.state != "ended").with_for_update())
    if plan is None:
        raise PlanStands("现在没有集中派单计划", "there is no plan of a surge now")
    return plan


def _forget(w: Work, plan_id: int, ticket_id: int, provider_id: int | None) -> int:
    gone = delete(SurgeChoice).where(SurgeChoice.plan_id == plan_id, SurgeChoice.ticket_id == ticket_id)
    gone = gone.where(SurgeChoice.kind == "pin" if provider_id is None else SurgeChoice.provider_id == provider_id)
    removed: int = w.session.execute(gone.execution_options(synchronize_session="fetch")).rowcount  # type: ignore[attr-defined]
    return removed
