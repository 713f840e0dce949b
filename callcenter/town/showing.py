"""What the town's page shows, as plain values: the book of telephones, read once, and the state, read each second."""

import time
from collections.abc import Mapping
from typing import Any

from callcenter.town.behaviour import BUSY, RINGS_OUT, VOICEMAIL, WhenRung
from callcenter.town.controller import TownController
from callcenter.town.diary import Call
from callcenter.town.directory import Telephone
from foundation.numbers import NumberPlan

SHOWN_LINES = 40
# An ended call stays on its telephone for so long, so that one sees how it ended. Seconds.
SHOWN_AFTER_END = 30.0
STANDING: Mapping[str, WhenRung] = {
    "rings": RINGS_OUT,
    "busy": BUSY,
    "voicemail": VOICEMAIL,
    "takes": WhenRung("answer", after=2.0, presses="1", press_after=2.0),
}


class Book:
    """The telephones of the town with the operators' desk phones, and who an outside number is."""

    def __init__(self, town: TownController, plan: NumberPlan) -> None:
        seats = [
            Telephone(name, name, f"坐席话机 {name}", "seat", english="Desk phone") for name in town.settings.seats
        ]
        self.telephones = [*seats, *town.directory]
        self._plan = plan
        self._by_complete = {self.complete(telephone.number): telephone.number for telephone in self.telephones}

    def complete(self, number: str) -> str:
        """The form to which messages are addressed, or the number as it is when it is no outside line's."""
        return self._plan.parse(number).e164 or number

    def own(self, number: str) -> str:
        """The number under which the book has this one, however the network wrote it; itself when it is not there."""
        return self._by_complete.get(self.complete(number), number) if number else ""

    def rows(self) -> list[dict[str, str]]:
        """Everything that does not change while the town runs."""
        return [
            {
                "number": one.number,
                "name": one.name or one.key,
                "english": one.english,
                "place": one.place,
                "kind": one.kind,
                "dials": one.dials or ("81891" if one.kind == "device" else ""),
                "handset": self.complete(one.number),
            }
            for one in self.telephones
        ]


def as_seen(call: Call, book: Book) -> dict[str, Any]:
    """A call as the page shows it; `other` is the far side as the book has it."""
    state = "over" if call.is_over else "talking" if call.is_talking else "ringing" if call.is_ringing else "dialling"
    return {
        "id": call.id,
        "direction": call.direction,
        "other": book.own(call.other)[:40],
        "name": call.other_name[:40],
        "state": state,
        "since": call.answered_at or call.started_at,
        "keys": call.keys_pressed[-20:],
    }


def calls(town: TownController, book: Book, now: float | None = None) -> dict[str, dict[str, Any]]:
    """The latest call of each telephone that is in one, or was until just now."""
    now = time.time() if now is None else now
    latest = {call.phone: call for call in town.diary.calls()}
    return {
        book.own(phone): as_seen(call, book)
        for phone, call in latest.items()
        if call.ended_at is None or now - call.ended_at < SHOWN_AFTER_END
    }


def standing(town: TownController, book: Book) -> dict[str, str]:
    """The telephones that do something by themselves when they are rung, and what; all others just ring."""
    names = {behaviour: name for name, behaviour in STANDING.items()}
    does = {one.number: names.get(town.behaviour(one.number), "rings") for one in book.telephones}
    return {number: name for number, name in does.items() if name != "rings"}


def diary_lines(town: TownController) -> list[str]:
    """The last lines of the diary, oldest first."""
    return [str(entry) for entry in town.diary.entries()[-SHOWN_LINES:]]
