"""Mass incidents: a water main bursts, and half a district calls. They hear what is known before they queue.

Who has heard it and hangs up is informed: his arrival joins the parent ticket, and so does who leaves his address by a
key. Whoever goes on to an operator is the operator's to judge. All who joined are told when it ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from dispatch import limits, messages, tickets
from dispatch.call_story import Record
from dispatch.errors import BadInput, TicketNotOpen, missing
from dispatch.incident_tables import MassIncident
from dispatch.tables import Arrival, ArrivalTicket, Ticket
from dispatch.tickets import Watch
from foundation import deadlines
from foundation.numbers import NumberPlan
from foundation.text import one_line
from foundation.writer import Work
from residents import queries as residents
from residents.tables import Division, Home

REVIEW = limits.Limit(
    timedelta(hours=1),
    "突发事件每小时复核：通报词还对不对",
    "looked at each hour: is the sentence still true",
)
HEARD = frozenset({"informed", "affected"})
"""The answers of the flow `incident`: he heard the sentence; he pressed the key that says "with us too"."""

INFORMED = "已听取突发事件通报 / heard what is known of the incident"

AT_ONCE = 100
"""Told in one unit of work: it must not keep an alarm waiting."""

MOST_ZH, MOST_EN = 120, 240
"""Characters of a sentence: what takes longer to say than about half a minute is not listened to."""


@dataclass(frozen=True)
class IncidentView:
    """An incident with how many arrivals joined it, and of those how many said that it is with them too."""

    incident: MassIncident
    ticket: Ticket
    areas: tuple[str, ...]
    callers: int
    affected: int


def open_incident(w: Work, title: str, zh: str, en: str, areas: Sequence[str], item: str | None = None) -> int:
    """Open an incident with its parent ticket; from the next call on its area hears it. Returns the incident's id."""
    title = one_line(title, 60)
    zh, en = _sentences(zh, en)
    known = set(w.session.scalars(select(Division.code).where(Division.code.in_(areas)))) if areas else set()
    if strange := [code for code in areas if code not in known]:
        raise BadInput(f"没有这个区划：{'、'.join(strange)}", f"no division has the code {', '.join(strange)}")
    if not title:
        raise BadInput("突发事件要有名称", "an incident needs a title")
    watch = Watch.within("incident.review", REVIEW, w.now)
    ticket = tickets.open_ticket(
        w, "complaint", "registered", "supervisor", watch, summary=title, note=zh, urgency="urgent", item=item
    )
    tickets.change_state(w, ticket, "handling", "supervisor", watch)
    incident = MassIncident(
        ticket_id=ticket.id, areas=sorted(set(areas)), sentence_zh=zh, sentence_en=en, over_zh="", over_en="",
        opened_at=w.now, opened_by=w.actor,
    )  # fmt: skip
    w.session.add(incident)
    w.session.flush()
    w.log("incident.opened", ticket_id=ticket.id, incident=incident.id, areas=incident.areas, sentence=zh)
    return incident.id


def end_incident(w: Work, incident_id: int, zh: str, en: str) -> None:
    """End it: the parent ticket closes, and from now on those who called are told, some each second."""
    zh, en = _sentences(zh, en)
    change = update(MassIncident).where(MassIncident.id == incident_id, MassIncident.ended_at.is_(None))
    ended = change.values(ended_at=w.now, ended_by=w.actor, over_zh=zh, over_en=en)
    if w.session.execute(ended.execution_options(synchronize_session=False)).rowcount != 1:  # type: ignore[attr-defined]
        if w.session.get(MassIncident, incident_id) is None:
            raise missing("突发事件", "incident", incident_id)
        raise TicketNotOpen("该突发事件已经结束", f"incident {incident_id} has ended already")
    incident = w.session.get_one(MassIncident, incident_id, populate_existing=True)
    ticket = tickets.open_one(w.session, incident.ticket_id)
    ticket.note = f"{ticket.note}\n{zh}"
    tickets.finish(w, ticket, "served")
    w.log("incident.ended", ticket_id=ticket.id, incident=incident.id, sentence=zh)
    _tell_soon(w, incident)


def tell_next(w: Work, incident_id: int, plan: NumberPlan) -> int:
    """Tell the next `AT_ONCE` of those who called that it is over, each number once; how many were told."""
    incident = w.session.get_one(MassIncident, incident_id)
    joined = select(Arrival.id, Arrival.caller).join(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id)
    joined = joined.where(ArrivalTicket.ticket_id == incident.ticket_id)
    next_ones = joined.where(Arrival.id > incident.told_up_to).order_by(Arrival.id).limit(AT_ONCE)
    rows = w.session.execute(next_ones).all()
    before = joined.where(Arrival.id <= incident.told_up_to, Arrival.caller.in_({number for _, number in rows}))
    known = {number for _, number in w.session.execute(before)} if rows else set()
    told = 0
    for arrival_id, number in rows:
        if number in known or not plan.parse(number).callable_back:
            continue
        known.add(number)
        told += 1
        if messages.can_text(number, plan):
            w.send(messages.sms(messages.NOTICE, number, "incident_over", text=incident.over_zh))
        else:
            w.send(messages.notice_call(arrival_id, number=plan.dial(number)))
    if rows:
        incident.told_up_to = rows[-1][0]
        w.session.flush()
        w.log("incident.told", ticket_id=incident.ticket_id, count=told)
    if len(rows) == AT_ONCE:
        _tell_soon(w, incident)
    return told


def open_count(session: Session) -> int:
    """How many are open: what the exchange knows of them, so that without one no call asks."""
    return session.scalar(select(func.count()).where(MassIncident.ended_at.is_(None))) or 0


def covering(session: Session, number: str, home_id: int | None, at: datetime) -> MassIncident | None:
    """The incident that a caller from this home or number hears at `at`: the newest of those in his area.

    Of a caller whose home nobody knows only that is known which holds everywhere.
    """
    incidents = session.scalars(
        select(MassIncident)
        .where(MassIncident.opened_at <= at, or_(MassIncident.ended_at.is_(None), MassIncident.ended_at > at))
        .order_by(MassIncident.id.desc())
    ).all()
    return _of_area(session, incidents, number, home_id)


def _of_area(
    session: Session, incidents: Sequence[MassIncident], number: str, home_id: int | None
) -> MassIncident | None:  # fmt: skip
    if not incidents:
        return None
    if home_id is None:
        home_id = residents.find_by_number(session, number).home_id
    code = session.scalar(select(Home.division_code).where(Home.id == home_id)) or "" if home_id is not None else ""
    return next((one for one in incidents if not one.areas or any(code.startswith(area) for area in one.areas)), None)


def over_for(session: Session, arrival_id: int) -> MassIncident | None:
    """The incident that this arrival joined and that is over; None when there is none."""
    joined = select(MassIncident).join(ArrivalTicket, ArrivalTicket.ticket_id == MassIncident.ticket_id)
    return session.scalar(joined.where(ArrivalTicket.arrival_id == arrival_id, MassIncident.ended_at.is_not(None)))


def heard_by(
    session: Session, steps: Mapping[str, Record], number: str, home_id: int | None
) -> MassIncident | None:  # fmt: skip
    """The incident of which the caller of this journal heard; None when it tells of none."""
    if _heard(steps) is None:
        return None
    # Not by the time of the step: the exchange's clock is not ours, and the journal may come when it is over.
    newest = select(MassIncident).order_by(MassIncident.ended_at.is_not(None), MassIncident.id.desc()).limit(20)
    return _of_area(session, session.scalars(newest).all(), number, home_id)


def join(w: Work, informed: Sequence[tuple[int, MassIncident, Mapping[str, Record]]]) -> None:
    """These arrivals, whose disposition says so already, join the parent ticket; who is affected leaves his address."""
    for arrival_id, incident, steps in informed:
        if w.session.get(ArrivalTicket, arrival_id) is not None:
            continue
        tickets.attach(w, arrival_id, incident.ticket_id, "joined")
        kept = _heard(steps) or {}
        arrival = w.session.get_one(Arrival, arrival_id)
        home_id = arrival.home_id or residents.find_by_number(w.session, arrival.caller).home_id
        address = w.session.scalar(select(Home.address).where(Home.id == home_id)) if home_id is not None else None
        detail = {"address": address} if kept.get("answer") == "affected" and address else {}
        w.log(
            f"incident.{kept.get('answer', 'informed')}", ticket_id=incident.ticket_id, arrival_id=arrival_id, **detail
        )


def _heard(steps: Mapping[str, Record]) -> Record | None:
    """The step that says most of what this caller made of an incident; None when he heard of none."""
    fits = [
        kept for kept in steps.values()
        if kept["s"] == "said" and kept.get("flow") == "incident" and kept.get("answer") in HEARD
    ]  # fmt: skip
    return max(fits, key=lambda kept: (kept.get("answer") == "affected", kept["t"]), default=None)


def shown(session: Session, most: int = 20) -> list[IncidentView]:
    """Open ones first, then those that ended last."""
    rows = session.execute(
        select(MassIncident, Ticket)
        .join(Ticket, Ticket.id == MassIncident.ticket_id)
        .order_by(MassIncident.ended_at.is_not(None), MassIncident.id.desc())
        .limit(most)
    ).all()
    names = _names(session, {code for incident, _ in rows for code in incident.areas})
    return [_view(session, incident, ticket, names) for incident, ticket in rows]


def _view(session: Session, incident: MassIncident, ticket: Ticket, names: Mapping[str, str]) -> IncidentView:
    joined = select(ArrivalTicket.arrival_id).where(ArrivalTicket.ticket_id == ticket.id)
    arrivals = session.scalars(select(Arrival.steps).where(Arrival.id.in_(joined))).all()
    affected = sum((_heard(steps) or {}).get("answer") == "affected" for steps in arrivals)
    areas = tuple(names.get(code, code) for code in incident.areas)
    return IncidentView(incident, ticket, areas, len(arrivals), affected)


def _tell_soon(w: Work, incident: MassIncident) -> None:
    reason = "告知来电人事件已结束 / those who called are told that it is over"
    deadlines.put(w.session, "incident.tell", f"incident:{incident.id}", w.now, reason, w.now)


def _names(session: Session, codes: Collection[str]) -> dict[str, str]:
    rows = session.execute(select(Division.code, Division.name).where(Division.code.in_(codes))) if codes else ()
    return {row.code: row.name for row in rows}


def _sentences(zh: str, en: str) -> tuple[str, str]:
    zh, en = one_line(zh, MOST_ZH), one_line(en, MOST_EN)
    if not zh or not en:
        raise BadInput("中英文各写一句", "one sentence in Chinese and one in English is needed")
    return zh, en
