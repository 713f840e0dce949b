"""Two who press 1 in the same moment: the lock in the dialplan lets one of them have the call, every time.

Telephones are too slow for this: two keys never go down within the few microseconds that count. So two channels wait at
a line, with no pause between their looks at it, and ask for the same call when it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.exchange.ladder_room import Room
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

ROUNDS = 200
"""Without the lock both had it once in about twenty rounds."""
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
}


def test_of_two_who_ask_for_a_call_in_the_same_moment_one_gets_it(race: Race) -> None:
    for number in range(1, ROUNDS + 1):
        race.sets("SHARED(CLAIM)", "", channel=race.call)
        race.sets("RACE", str(number))
        said = wait_until(lambda number=number: race.said(number), 10, f"both have asked in round {number}")  # type: ignore[misc]
        assert sorted(said) == ["taken", "won"], f"round {number}: {said}"


class Race:
    """A call that nobody has, and two who want it."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.call = self._makes("call", "race-idle")
        self.sets("RACE", "0")
        for who in RUNNERS:
            self._makes(who, "race")

    def _makes(self, who: str, context: str) -> str:
        """A channel that goes through this context; its name."""
        told = {"WHO": who, "CALLID": "race", "CALL_CHAN": getattr(self, "call", "")}
        self._asks(
            "Originate", Channel="Local/s@race-idle/n", Context=context, Exten="s", Priority="1", Async="true",
            ChannelId=f"race-{who}", Variable=[f"{key}={value}" for key, value in told.items()],
        )  # fmt: skip

        def name() -> str | None:
            shown = self._room.manager.does(self._room.manager.actions.core_show_channels())
            return next((str(c["channel"]) for c in shown if c["uniqueid"] == f"race-{who}"), None)

        return wait_until(name, 10, f"the channel of {who} is up") or ""

    def sets(self, variable: str, value: str, channel: str = "") -> None:
        """Set a channel's variable, or a global one."""
        self._asks("Setvar", Variable=variable, Value=value, **({"Channel": channel} if channel else {}))

    def said(self, number: int) -> list[str] | None:
        """What both were told in this round; None until both have been told."""
        told = [self._asks("Getvar", Variable=f"SAID-{number}-{who}").get("value", "") for who in RUNNERS]
        return told if all(told) else None

    def _asks(self, action: str, **headers: str | list[str]) -> Any:
        link = self._room.manager.link
        (reply,) = self._room.manager.does(link.request({"Action": action, **headers}, limit=5))
        assert reply.success, f"{action}: {reply.get('message')}"
        return reply

    def ends(self) -> None:
        """Everybody goes home."""
        self.sets("RACE", str(ROUNDS))
        self._room.exchange.ask("channel request hangup all")


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
