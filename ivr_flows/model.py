"""What a flow is, as plain values: read by ``reading``, judged by ``check``, written as dialplan by ``compiler``,
walked by ``simulator``, drawn by ``drawing``.

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
"""Where an edge leads after which the call is over for the flow (somebody talked with the caller). No step's name."""

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """Something wrong in a file. ``code`` names the rule for programs and tests; ``zh`` and ``en`` say to a person
    what is wrong and what to do. ``line`` counts from 1; ``step`` is empty where it is about the whole file."""

    level: Level
    code: str
    path: str
    line: int
    step: str
    zh: str
    en: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" + (f" [{self.step}]" if self.step else "")
        return f"{where}: {self.zh} / {self.en}"


class FlowError(Exception):
    """Files that cannot be used; ``findings`` says all that is wrong, at least one."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


@dataclass(frozen=True)
class Spoken:
    """One piece of what a step says: the prompt of that name, or what the variable holds, as a ``number`` (二十三) or
    as single ``digits`` (二三)."""

    how: Literal["prompt", "number", "digits"]
    what: str


@dataclass(frozen=True)
class Step:
    """One step of a flow. ``options`` are those of its kind, each present, with its default where nothing was written;
    ``edges`` say which step follows which outcome. ``line`` is its line in the file, from 1."""

    name: str
    kind: str
    line: int = field(compare=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    edges: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """The line of each key written in it, by the names of options and edges."""


@dataclass(frozen=True)
class Flow:
    """One flow. ``operator`` and ``centre`` are the steps that the keys 0 and 9 lead to in each of its menus; empty in
    a ``question`` and in a flow without keys, which need neither. ``given`` are the variables that the application
    sets when it starts the flow (an outbound call: what it is about)."""

    name: str
    kind: FlowKind
    title: Mapping[str, str]
    start: str
    steps: Mapping[str, Step]
    operator: str
    centre: str
    path: str
    given: tuple[str, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """The line of each key of the file's first level."""


@dataclass(frozen=True)
class Calendar:
    """When an office is open, by the exchange's clock in ``timezone``. ``week`` has for each day (0 is Monday) its
    spans ``[from, to)``, where a ``to`` of 00:00 is the midnight that ends the day; ``days`` has those of single
    dates, which go before the week: none means closed."""

    name: str
    timezone: str
    week: Mapping[int, Sequence[tuple[time, time]]]
    days: Mapping[date, Sequence[tuple[time, time]]]


@dataclass(frozen=True)
class FlowSet:
    """All flows that are published together, with what they refer to. ``transfers`` has the number behind each name
    that a ``transfer`` step may use; it comes from the settings, never from a flow."""

    flows: Mapping[str, Flow]
    calendars: Mapping[str, Calendar]
    transfers: Mapping[str, str]
