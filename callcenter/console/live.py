"""What a committed event means for the pages."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection
from typing import Any

from callcenter.console.pages import Pages
from callcenter.console.stream import AlarmCard, News
from callcenter.console.words import LOCALES
from dispatch import queries
from dispatch.names import Names
from dispatch.tables import Arrival, Ticket
from foundation.database import Database
from foundation.events import Happened

_REMEMBERED = 500
_OPENING = 2
"""Events of its own that a new alarm has: its ticket was opened, and the alarm raised."""


class Live:
    """Reads what changed, once for all browsers."""

    def __init__(self, database: Database, pages: Pages) -> None:
        self._database = database
        self._pages = pages
        self._popped: OrderedDict[int, str] = OrderedDict()

    def alarm_cards(self, happened: list[Happened]) -> list[AlarmCard]:
        """The card of every alarm that the events touch, rendered in each language; `gone` when it is closed.

        Of an alarm just opened all is known already and nothing is read.
        """
        opened = _opened(happened)
        cards = [self._alarm(alarm, None) for alarm in opened.values()]
        others = sorted({h.ticket_id for h in happened if h.ticket_id is not None} - opened.keys())
        if not others:
            return cards
        with self._database.read() as session:
            for ticket_id in others:
                ticket = session.get(Ticket, ticket_id)
                if ticket is None or ticket.kind != "emergency":
                    continue
                alarm = queries.alarm(session, ticket_id)
                if alarm is None:
                    gone = {locale: {"id": ticket_id, "gone": True} for locale in LOCALES}
                    cards.append(AlarmCard(_place(ticket), gone))
                    continue
                cards.append(self._alarm(alarm, Names(session)))
        return cards

    def understand(self, happened: list[Happened]) -> News:
        """Which regions changed, and which call a seat has just answered."""
        regions: set[str] = set()
        for event in happened:
            regions |= _regions(event)
        arrivals = {h.arrival_id for h in happened if h.arrival_id is not None}
        called_back = {h.arrival_id for h in happened if h.kind == "call_back.connected"}
        return News(frozenset(regions), tuple(self._answered(sorted(arrivals), called_back)) if arrivals else ())

    def _alarm(self, alarm: queries.AlarmView, names: Names | None) -> AlarmCard:
        return AlarmCard(_place(alarm.ticket), {locale: self._card(alarm, names, locale) for locale in LOCALES})

    def _card(self, alarm: queries.AlarmView, names: Names | None, locale: str) -> dict[str, Any]:
        html = self._pages.render("alarm_card.html", locale, alarm=alarm, names=names)
        return {"id": alarm.ticket.id, "taken": alarm.taken, "html": html}

    def _answered(self, arrival_ids: list[int], called_back: Collection[int | None]) -> list[tuple[str, int]]:
        """Calls that a seat has answered and that were not told yet: each pops up once at that seat."""
        found = []
        with self._database.read() as session:
            for arrival_id in arrival_ids:
                arrival = session.get(Arrival, arrival_id)
                who = (arrival.answered_by or arrival.taken_by or "") if arrival else ""
                if arrival is None or not who.startswith("seat-"):
                    continue
                if arrival.state != "live" and arrival_id not in called_back:
                    continue
                if self._popped.get(arrival_id) != who:
                    self._popped[arrival_id] = who
                    found.append((who.removeprefix("seat-"), arrival_id))
        while len(self._popped) > _REMEMBERED:
            self._popped.popitem(last=False)
        return found


def _place(ticket: Ticket) -> str:
    return ticket.community or ticket.district


def _opened(happened: list[Happened]) -> dict[int, queries.AlarmView]:
    """Alarms that were opened and to which the same command did nothing further; a card with tries needs names."""
    changes = Counter(h.ticket_id for h in happened if h.kind.startswith(("alarm.", "ticket.")))
    return {
        h.seen.ticket.id: h.seen
        for h in happened
        if isinstance(h.seen, queries.AlarmView) and not h.seen.tries and changes[h.ticket_id] == _OPENING
    }


def _regions(event: Happened) -> set[str]:
    """The parts of the page that show what this event changed."""
    regions = {"today"}
    if event.arrival_id is not None:
        regions |= {"calls", "seats", f"call:{event.arrival_id}"}
    if event.ticket_id is not None:
        regions |= {"calls", "deadlines", "tickets", f"ticket:{event.ticket_id}"}
    if event.kind.startswith("flows."):
        regions.add("flows")
    if event.kind.startswith(("seat.", "break.")):
        regions.add("seats")
    if event.kind.startswith(("task.", "inbox.", "message.", "arrival.", "deadline.")):
        regions.add("deadlines")
    return regions
