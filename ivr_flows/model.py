"""What a flow is, as plain values: read by ``reading``, judged by ``check``, written as dialplan by ``compiler``, walked
by ``simulator``, drawn by ``drawing``.

Nothing here knows YAML, Asterisk or a database. What each kind of step means is written in ``docs/flows.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Literal

LANGUAGES = ("zh", "en")
"""The languages that every prompt must have; the first is the one a call begins in."""

FlowKind = Literal["call", "outbound", "question"]
"""``call``: somebody rings us. ``outbound``: we rang somebody, and it begins when he answers. ``question``: asked on a
helper's telephone in the middle of an emergency; its answer goes back to the ladder."""

END = "end"
"""The edge of a step after which the call is over for the flow."""


@dataclass(frozen=True)
class Step:
    """One step of a flow. ``options`` are those of its kind, each present, with its default where nothing was written;
    ``edges`` say which step follows which outcome. ``line`` is its line in the file, from 1."""

    name: str
    kind: str
    line: int
    options: Mapping[str, Any] = field(default_factory=dict)
    edges: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Flow:
    """One flow. ``operator`` and ``centre`` are the steps that the keys 0 and 9 lead to in each of its menus; empty in a
    ``question``, which has neither."""

    name: str
    kind: FlowKind
    title: Mapping[str, str]
    start: str
    steps: Mapping[str, Step]
    operator: str
    centre: str
    path: str


@dataclass(frozen=True)
class Calendar:
    """When an office is open, by the exchange's clock in ``timezone``. ``week`` has for each day (0 is Monday) its spans
    ``[from, to)``; ``days`` has those of single dates, which go before the week: none means closed."""

    name: str
    timezone: str
    week: Mapping[int, Sequence[tuple[time, time]]]
    days: Mapping[date, Sequence[tuple[time, time]]]


@dataclass(frozen=True)
class FlowSet:
    """All flows that are published together, with what they refer to. ``transfers`` has the number behind each name that
    a ``transfer`` step may use; it comes from the settings, never from a flow."""

    flows: Mapping[str, Flow]
    calendars: Mapping[str, Calendar]
    transfers: Mapping[str, str]
