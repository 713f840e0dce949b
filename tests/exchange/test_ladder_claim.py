"""Two in the same moment: by the lock in the dialplan one has the call, and one rings a person for it, every time.

Telephones are too slow for this: two keys never go down within the few microseconds that count. So two channels wait at
a line, with no pause between their looks at it, and go on when it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.exchange.ladder_room import Room, Step
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

ROUNDS = 200
"""Without the lock both had it once in about twenty rounds."""
LEG_ROUNDS = 20
"""Without the lock the person was rung twice in the first or the second round."""
RUNNERS = ("one", "two")
CONTEXTS = {
    "race-idle": ("Answer()", "Wait(120)"),
    "race": (
        "Set(ROUND=1)",
        "GotoIf($[0${GLOBAL(RACE)}<${ROUND}]?2)",
        "Gosub(claim,s,1)",
        "Set(GLOBAL(SAID-${ROUND}-${WHO})=${CLAIMED})",
        "Set(ROUND=$[${ROUND}+1])",
        f"GotoIf($[${{ROUND}}<={ROUNDS}]?2)",
        "Hangup()",
    ),
    "race-leg": (
        "Set(GLOBAL(LINE-${LEG_WHO}-${RUNNER})=1)",
        "GotoIf($[0${GLOBAL(RACE)}<${ROUND}]?2)",
        "Goto(leg,s,1)",
    ),
}


def test_of_two_who_ask_for_a_call_in_the_same_moment_one_gets_it(race: Race) -> None:
    race.begins()
    for number in range(1, ROUNDS + 1):
        race.sets("SHARED(CLAIM)", "", channel=race.call)
        race.sets("RACE", str(number))
        said = wait_until(lambda number=number: race.said(number), 10, f"both have asked in round {number}")  # type: ignore[misc]
        assert sorted(said) == ["taken", "won"], f"round {number}: {said}"


def test_of_two_drivers_who_ring_a_person_in_the_same_moment_one_does(race: Race) -> None:
    arrived = race.room.step(race.room.home().presses(), s="arrived")
    for number in range(1, LEG_ROUNDS + 1):
        person = race.room.town.phone(f"1380003{number:04}").busy()
        for runner in RUNNERS:
            race.makes_leg(runner, number, arrived, person.number)
        race.sets("RACE", str(number))
        wait_until(lambda number=number: not race.legs(number), 10, f"both legs of round {number} are over")  # type: ignore[misc]
        assert len(person.rings()) == 1, f"round {number}"


class Race:
    """A call that nobody has, and two who want it, or want to ring somebody for it."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.sets("RACE", "0")
        self.call = ""
        self.call = self._makes("call")

    def begins(self) -> None:
        """Both who want the call are at the line."""
        for who in RUNNERS:
            self._makes(who, context="race")

    def makes_leg(self, runner: str, number: int, arrived: Step, telephone: str) -> None:
        """A leg that waits at the line of this round."""
        who = f"duty-{number}"
        told = {
            "LEG_CALL": arrived.call, "LEG_CHAN": arrived.chan, "LEG_WHO": who, "LEG_NUMBER": telephone,
            "LEG_RING": "20", "LEG_BY": "app", "ROUND": str(number), "RUNNER": runner,
        }  # fmt: skip
        self._originates(f"leg-{number}-{runner}", "race-leg", "race-idle", told)
        wait_until(lambda: self.reads(f"LINE-{who}-{runner}"), 10, f"{runner} is at the line")

    def legs(self, number: int) -> list[str]:
        """The channels of this round's legs that are up."""
        return [name for unique_id, name in self._channels().items() if unique_id.startswith(f"race-leg-{number}-")]

    def _makes(self, who: str, context: str = "race-idle") -> str:
        """A channel that goes through this context; its name."""
        self._originates(who, "race-idle", context, {"WHO": who, "CALLID": "race", "CALL_CHAN": self.call})
        return wait_until(lambda: self._channels().get(f"race-{who}"), 10, f"the channel of {who} is up") or ""

    def _originates(self, name: str, far: str, near: str, variables: dict[str, str]) -> None:
        self._asks(
            "Originate", Channel=f"Local/s@{far}/n", Context=near, Exten="s", Priority="1", Async="true",
            ChannelId=f"race-{name}", Variable=[f"{key}={value}" for key, value in variables.items()],
        )  # fmt: skip

    def _channels(self) -> dict[str, str]:
        shown = self.room.manager.does(self.room.manager.actions.core_show_channels())
        return {str(c["uniqueid"]): str(c["channel"]) for c in shown}

    def sets(self, variable: str, value: str, channel: str = "") -> None:
        """Set a channel's variable, or a global one."""
        self._asks("Setvar", Variable=variable, Value=value, **({"Channel": channel} if channel else {}))

    def said(self, number: int) -> list[str] | None:
        """What both were told in this round; None until both have been told."""
        told = [self.reads(f"SAID-{number}-{who}") for who in RUNNERS]
        return told if all(told) else None

    def reads(self, variable: str) -> str:
        """A global variable."""
        return str(self._asks("Getvar", Variable=variable).get("value", ""))

    def _asks(self, action: str, **headers: str | list[str]) -> Any:
        link = self.room.manager.link
        (reply,) = self.room.manager.does(link.request({"Action": action, **headers}, limit=5))
        assert reply.success, f"{action}: {reply.get('message')}"
        return reply

    def ends(self) -> None:
        """Everybody goes home."""
        self.sets("RACE", str(ROUNDS))
        self.room.exchange.ask("channel request hangup all")


@pytest.fixture
def race(room: Room) -> Iterator[Race]:
    for context, steps in CONTEXTS.items():
        for priority, step in enumerate(steps, 1):
            told = room.exchange.ask(f"dialplan add extension s,{priority},{step} into {context}")
            assert "added" in told, told
    race = Race(room)
    yield race
    race.ends()
    for context in CONTEXTS:
        room.exchange.ask(f"dialplan remove context {context}")
