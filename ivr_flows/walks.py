"""What goes into a walk through a flow and what comes out of it, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from ivr_flows.model import Step

End = Literal["caller", "hung_up", "answered", "emergency", "returned"]
"""How a walk ends: the caller hung up, we did, a seat answered, the emergency ladder took over, or a question went back
to the ladder."""


@dataclass(frozen=True)
class Key:
    """The caller presses one key while he is asked."""

    key: str


@dataclass(frozen=True)
class Silence:
    """The caller does nothing until the time is out."""


@dataclass(frozen=True)
class Speech:
    """The caller speaks for more than a second; counts only in a ``voice_message``."""


@dataclass(frozen=True)
class HangUp:
    """The caller hangs up."""


Event = Key | Silence | Speech | HangUp


@dataclass(frozen=True)
class Place:
    """A step of a flow, as the trail names it: ``hotline.greet``."""

    flow: str
    step: str

    def __str__(self) -> str:
        return f"{self.flow}.{self.step}"


@dataclass(frozen=True)
class Inputs:
    """All that decides a walk. ``events`` are what the caller does each time he is asked or waits; when they are used
    up he hangs up. ``forced`` has for ``<flow>.<step>`` the edge it takes. ``now`` (with a time zone) is what the
    exchange's clock says, ``number`` the caller's (empty: withheld), ``counts`` the numbers behind ``waiting``,
    ``free`` and ``incidents``, ``variables`` those that the call begins with."""

    events: tuple[Event, ...] = ()
    forced: Mapping[str, str] = field(default_factory=dict)
    now: datetime | None = None
    number: str = "13800000000"
    counts: Mapping[str, int] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Happened:
    """An event, and the visit of the path (from 0) in which it was taken."""

    visit: int
    event: Event


@dataclass
class Walk:
    """What came of it. ``path``: the steps in the order in which they began. ``edges``: the way out of each that was
    left. ``said``: prompts by name, ``number:<value>``, ``digits:<value>``, ``tell:<what>``; what a queue says while
    one waits is not in it. ``journal``: without the times, and without what only the exchange knows (``file``,
    ``secs``), and without the core's own ``arrived`` and ``ended``. ``answer``: the last word of an ``answer`` step."""

    path: list[Place] = field(default_factory=list)
    edges: list[tuple[Place, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    journal: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    happened: list[Happened] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    language: str = "zh"
    answer: str = ""
    end: End = "hung_up"


class World(Protocol):
    """Whoever is on the line, and what is around him: a list of inputs, a die, or a person at a terminal."""

    def begins(self, place: Place, step: Step) -> None:
        """The walk has come to ``step``."""

    def outcome(self, place: Place, step: Step, natural: str | None) -> str | None:
        """The edge that ``step`` takes by what is not the caller's to decide; ``natural`` is what it would be, None
        where only the caller's events can tell. None: as in real life."""

    def event(self, place: Place, step: Step) -> Event:
        """What the caller does next, while ``step`` asks or waits."""

    def hears(self, place: Place, said: Sequence[str], language: str) -> None:
        """The caller hears this, in this language."""


class WalkError(Exception):
    """The walk cannot be made: the set is one that the check refuses, or an input is missing."""
