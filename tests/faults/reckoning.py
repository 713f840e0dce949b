"""The town's diary against the database: what was lost, doubled, or told wrongly, as sentences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from dispatch.tables import Arrival, ArrivalTicket, RingBack, StaffTask, Ticket
from tests.faults.operators import OperatorAtWork
from tests.faults.traffic import Placed
from tests.system import System
from tests.waiting import NotInTimeError, wait_until


def wait_until_told(system: System, placed: Sequence[Placed], within: float = 30) -> None:
    """Wait until every call that reached the exchange is known and over."""
    names = {one.name for one in placed if one.reached}
    missing: set[str] = set()

    def none_missing(session: Session) -> bool:
        missing.clear()
        missing.update(names - set(session.scalars(select(Arrival.caller_name).where(Arrival.state == "ended"))))
        return not missing

    try:
        system.wait_for(none_missing, within, f"{len(names)} calls are known and over")
    except NotInTimeError as error:
        raise AssertionError(f"{error}\nNot known, or not over: {sorted(missing)}") from error


def wait_until_forgotten(system: System, within: float = 75) -> None:
    """Wait until the journal is empty, in files and in AstDB: nothing committed comes again.

    A file that has no key is looked for at each audit only, hence the patience.
    """
    spool = system.settings.home / "exchange" / "spool" / "journal"
    wait_until(lambda: not any(spool.iterdir()), within, "the journal's files are gone")
    wait_until(
        lambda: "0 results" in system.exchange.ask("database show journal"), within, "the journal's keys are gone"
    )


def dispose_of_all(system: System, operators: Sequence[OperatorAtWork]) -> int:
    """Ten minutes after a call, the desk is asked how it ended; operators say it. Returns how many were asked about."""
    system.town.clock.forward(minutes=11)

    def without_end(session: Session) -> list[int]:
        return list(session.scalars(select(Arrival.id).where(Arrival.disposition.is_(None)).order_by(Arrival.id)))

    def all_asked(session: Session) -> bool:
        asked = select(StaffTask.arrival_id).where(StaffTask.kind == "undisposed")
        return set(without_end(session)) <= set(session.scalars(asked))

    system.wait_for(all_asked, 60, "the desk is asked how each call ended that nobody has said it of")
    asked = system.look(without_end)
    for place, arrival_id in enumerate(asked):
        operator = operators[place % len(operators)]
        if place % 3:
            operator.answered(arrival_id)
        else:
            operator.says(arrival_id, "test", "演练 / a drill")
    return len(asked)


def differences(session: Session, placed: Iterable[Placed]) -> list[str]:
    """Everything in which database and diary do not agree; empty when nothing was lost, doubled or told wrongly."""
    found: list[str] = []
    arrivals = list(session.scalars(select(Arrival).where(Arrival.source == "call")))
    by_name: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        by_name[arrival.caller_name].append(arrival)
    tickets = {row.arrival_id: row.ticket_id for row in session.scalars(select(ArrivalTicket))}
    alarms: dict[int, set[int]] = defaultdict(set)
    placed = list(placed)
    for one in placed:
        told = by_name.pop(one.name, [])
        if len(told) != one.reached:
            found.append(f"{one.name} from {one.number} is {len(told)} arrivals, and should be {int(one.reached)}")
        for arrival in told:
            found += _wrong(one, arrival)
            if one.home is not None and arrival.id in tickets:
                alarms[one.home].add(tickets[arrival.id])
    found += [f"an arrival that nobody made: {name!r} from {rows[0].caller}" for name, rows in by_name.items()]
    found += [f"home {home} has {len(ids)} alarms: {sorted(ids)}" for home, ids in alarms.items() if len(ids) != 1]
    found += [f"{one.name}: home {one.home} has no alarm" for one in placed if one.home and one.home not in alarms]
    found += _tickets(session)
    return found


def _wrong(one: Placed, arrival: Arrival) -> list[str]:
    right = {
        "caller": one.caller,
        "dialled": one.dialled,
        "kind": "service" if one.home is None else "emergency",
        "state": "ended",
        "device_code": f"home-{one.home}" if one.home is not None else arrival.device_code,
    }
    found = [
        f"{one.name} from {one.number} has {field} {getattr(arrival, field)!r}, not {value!r}"
        for field, value in right.items()
        if getattr(arrival, field) != value
    ]
    if arrival.disposition is None:
        found.append(f"{one.name} from {one.number} has no disposition")
    if one.home is not None and arrival.disposition != "ticket":
        found.append(f"{one.name}, a press, ended as {arrival.disposition}")
    if one.home is None and arrival.disposition == "ticket":
        found.append(f"{one.name}, a service call, became an alarm")
    return found


def _tickets(session: Session) -> list[str]:
    """What must hold of every ticket and task besides."""
    bare = select(Ticket.number).where(
        Ticket.closed_at.is_(None), or_(Ticket.next_deadline_at.is_(None), Ticket.owner == "")
    )
    found = [f"ticket {number} is open without owner or deadline" for number in session.scalars(bare)]
    odd = select(StaffTask.text).where(StaffTask.kind.in_(("malformed_step", "inbox_failed")))
    return found + [f"the desk got {text!r}" for text in session.scalars(odd)]


def not_called_back_once(system: System, cut: Iterable[tuple[Placed, float]]) -> list[str]:
    """Each press that the exchange's death cut: its telephone rang from the exchange once, no less and no more."""
    found = []
    for one, since in cut:
        rings = len(system.town.phone(one.number).rings(since=since))
        if rings != 1:
            found.append(f"{one.name}: {one.number} was called back {rings} times")
    return found


def dispositions(session: Session) -> dict[str, int]:
    """How many arrivals ended how."""
    rows = session.execute(select(Arrival.disposition, func.count()).group_by(Arrival.disposition))
    return {str(name): number for name, number in rows}


def ring_backs(session: Session) -> Counter[str]:
    """How many calls back there are, by state."""
    return Counter(session.scalars(select(RingBack.state)))
