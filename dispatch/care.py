"""Active care (关怀): somebody is rung in the window that suits him, on each of his numbers, and visited when silent.

A care ticket is a promise to hear a voice today: it ends only with what was heard or seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from dispatch import alarms, desk_work, limits, organisations, service_requests, tickets
from dispatch.errors import BadInput, missing
from dispatch.staff_tasks import add_tasks, settle
from dispatch.tables import Arrival, Ticket
from dispatch.tickets import Watch
from foundation.numbers import NumberPlan
from foundation.text import clean, one_line
from foundation.writer import Work
from residents.tables import Home, Person

OUTCOMES = {
    "fine": ("正常", "fine"),
    "needs_service": ("需服务", "needs something"),
    "abnormal": ("异常", "something is wrong"),
    "missed": ("未接", "not answered"),
}
"""What came of a care call (zh, en); a missed one is tried again."""
TRIES = 2
"""How often each number is rung."""
BETWEEN = timedelta(minutes=30)
CALL = "care.call"
_REASON = "关怀电话在约定时段内拨打 / the care call is made in the agreed window"


@dataclass(frozen=True)
class NewCare:
    """Whom to ring, when, and what to ask. The window is local time of one day; the first number is rung first."""

    home_id: int
    script: str
    numbers: Sequence[str]
    begins: time = time(9)
    ends: time = time(17)
    person_id: int | None = None


def plan(w: Work, new: NewCare, number_plan: NumberPlan | None = None) -> int:
    """Promise a care call in the next window; the ticket's id."""
    home, script = w.session.get(Home, new.home_id), clean(new.script, 2000)
    numbers = [number.e164 for raw in new.numbers if (number := (number_plan or NumberPlan()).parse(raw)).known]
    if home is None:
        raise missing("住户", "home", new.home_id)
    if new.person_id is not None and w.session.get(Person, new.person_id) is None:
        raise missing("居民", "person", new.person_id)
    if not script or not numbers or new.begins >= new.ends:
        raise BadInput(
            "需要号码、内容和时段", "a care call needs a number, words, and a window that begins before it ends"
        )
    due = next_in_window(w.now, new.begins, new.ends)
    ticket = tickets.open_ticket(
        w, "care", "registered", "desk", Watch(CALL, due, _REASON), summary=script, caller=numbers[0],
        home_id=home.id, person_id=new.person_id, community=home.division_code[:12], district=home.division_code[:6],
        address=home.address,
        policy={
            "care": {"numbers": numbers, "begins": new.begins.isoformat(), "ends": new.ends.isoformat(), "made": 0}
        },
    )  # fmt: skip
    return ticket.id


def call_due(w: Work, ticket: Ticket) -> None:
    """It is time: a person rings the next number; when all were rung in vain, somebody goes to the door."""
    care: dict[str, Any] = ticket.policy["care"]
    made, numbers = int(care["made"]), list(care["numbers"])
    if made >= TRIES * len(numbers):
        _visit(w, ticket)
        return
    number = numbers[made // TRIES]
    ticket.policy = {**ticket.policy, "care": {**care, "made": made + 1}}
    w.session.flush()
    subject = f"care:{ticket.id}"
    settle(w, "call_back", subject)
    words = f"关怀电话（第 {made + 1} 次）：{ticket.summary[:60]} / care call no. {made + 1}: {ticket.summary[:60]}"
    add_tasks(w, "call_back", {subject: words}, numbers={subject: number}, ticket_ids={subject: ticket.id})
    window = time.fromisoformat(care["begins"]), time.fromisoformat(care["ends"])
    tickets.set_watches(w, ticket, Watch(CALL, next_in_window(w.now + BETWEEN, *window), _REASON))
    w.log("care.called", ticket_id=ticket.id, number=number, attempt=made + 1)


def told(
    w: Work, ticket_id: int, outcome: str, note: str, *, item: str = "", number_plan: NumberPlan | None = None
) -> int | None:  # fmt: skip
    """What came of the call: `fine` ends it, `needs_service` opens a request for `item`, `abnormal` raises an alarm.

    The new ticket's id, where there is one. A missed call is tried again by the clock.
    """
    ticket = tickets.open_one(w.session, ticket_id)
    note = clean(note, tickets.MOST_NOTE)
    if ticket.kind != "care" or outcome not in OUTCOMES or not note:
        raise BadInput("需要关怀结果和说明", f"a care call ends with words and one of {', '.join(OUTCOMES)}")
    w.log("care.told", ticket_id=ticket.id, result=outcome, note=note)
    if outcome == "missed":
        return None
    settle(w, "call_back", f"care:{ticket.id}")
    opened = None
    if outcome == "needs_service":
        new = service_requests.NewRequest(
            item=item, summary=note, caller=ticket.caller, home_id=ticket.home_id, person_id=ticket.person_id,
        )  # fmt: skip
        opened = service_requests.open_request(w, new, number_plan)
    elif outcome == "abnormal":
        opened = alarms.raise_alarm(w, _arrival(w, ticket), new=True)
    ticket.note = note
    tickets.finish(w, ticket, outcome, opened=opened)
    return opened


def next_in_window(at: datetime, begins: time, ends: time) -> datetime:
    """The first moment from `at` on that lies in the daily window, local time; its end is not in it. Pure."""
    local = at.astimezone(limits.LOCAL)
    if begins <= local.time() < ends:
        return at
    day = local.date() if local.time() < begins else local.date() + timedelta(days=1)
    return datetime.combine(day, begins, limits.LOCAL)


def _visit(w: Work, ticket: Ticket) -> None:
    """The nearest desk sends somebody to the door; where there is none, a supervisor must."""
    tickets.set_urgency(w, ticket, "urgent", "多次未接 / not answered several times")
    near = organisations.desks_for(w.session, ticket.community, w.now.astimezone(limits.LOCAL).date())
    if near:
        desk_work.give(w, ticket, f"org:{near[0].id}", "多次未接，请上门查看 / not answered: please go to the door")
        return
    w.log("ticket.overdue", ticket_id=ticket.id, deadline=CALL, reason=_REASON, owner="supervisor")
    ticket.owner = "supervisor"
    tickets.set_watches(w, ticket, Watch(CALL, w.now + BETWEEN, _REASON, urgent=True))


def _arrival(w: Work, ticket: Ticket) -> Arrival:
    """The alarm's beginning: what was heard in the care call."""
    row = Arrival(
        source="care", external_id=one_line(f"care:{ticket.number}", 120), kind="emergency", state="ended",
        caller=ticket.caller, home_id=ticket.home_id, arrived_at=w.now, ended_at=w.now, recorded_at=w.now, steps={},
        next_deadline_at=w.now,
    )  # fmt: skip
    w.session.add(row)
    w.session.flush()
    w.log("arrival.recorded", arrival_id=row.id, source="care")
    return row
