"""One step of a call's journal, as the dialplan wrote it (docs/telephone.md, "Journal").

Pure: text in, value out. A record comes from a telephone exchange that may be half broken, and its values come from
callers; so nothing here raises. What cannot be understood becomes `Malformed`, which keeps the whole record, so that
a person can be told about it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import quote, unquote

MAX_RECORD = 8192
"""Characters; a record of the contract is below 1,000. More is not parsed."""

MOST_TYPED = 10
"""Values that a person typed in one step `said`; more are not kept."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPED = re.compile(r"[A-Z][A-Z0-9_]{0,30}", re.ASCII)
MOST_SECONDS, MOST_FRACTION = 12, 9
"""Digits of a record's time before and behind the point."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class StepKind(StrEnum):
    """What happened; the `s` of a record."""

    ARRIVED = "arrived"
    GREETED = "greeted"
    QUEUED = "queued"
    RUNG = "rung"
    TRIED = "tried"
    RESULT = "result"
    ANSWERED = "answered"
    TOOK = "took"
    RELEASED = "released"
    ENDED = "ended"
    RUNGBACK = "rungback"
    CALLBACK = "callback"
    CALLED = "called"
    CHOSE = "chose"
    SAID = "said"
    GRADED = "graded"
    MESSAGE = "message"
    TRANSFERRED = "transferred"


_KINDS = {kind.value: kind for kind in StepKind}

FIELDS: Mapping[StepKind, tuple[str, ...]] = MappingProxyType(
    {
        StepKind.ARRIVED: ("to", "from", "raw", "name", "kind", "line", "home", "chan"),
        StepKind.GREETED: (),
        StepKind.QUEUED: ("queue",),
        StepKind.RUNG: ("rung", "driver"),
        StepKind.TRIED: ("who", "by"),
        StepKind.RESULT: ("who", "result"),
        StepKind.ANSWERED: ("who",),
        StepKind.TOOK: ("who",),
        StepKind.RELEASED: ("who",),
        StepKind.ENDED: ("cause", "qs", "secs"),
        StepKind.RUNGBACK: ("alarm", "to"),
        StepKind.CALLBACK: ("flow", "step", "number"),
        StepKind.CALLED: ("flow", "to", "subject"),
        StepKind.CHOSE: ("flow", "step", "key"),
        StepKind.SAID: ("flow", "step", "answer"),
        StepKind.GRADED: ("flow", "step", "about", "grade", "subject"),
        StepKind.MESSAGE: ("flow", "step", "file", "secs"),
        StepKind.TRANSFERRED: ("flow", "step", "to", "result"),
    }
)
"""The fields of each kind, in the order of the contract."""


@dataclass(frozen=True, slots=True)
class CallStep:
    """A step of the call `call_id`. `at` is the exchange's own clock, UTC.

    `fields` holds every field of the kind and no other; one that the record lacks is the empty string. `said` has
    beside them what the person typed, under the flow's own names in capitals. Texts are decoded, and control characters
    in them replaced by U+FFFD; they are still a caller's words.
    """

    call_id: str
    step: str
    kind: StepKind
    at: datetime
    fields: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """The field's value, or the empty string when this kind has no such field."""
        return self.fields.get(name, "")


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record nobody can read: a person has to look. `reason` says what is wrong with it, in English."""

    call_id: str
    step: str
    record: str
    reason: str


def parse(call_id: str, step: str, record: str) -> CallStep | Malformed:
    """Read one record. Never raises, whatever the text."""
    if len(record) > MAX_RECORD:
        return Malformed(call_id, step, clean(record[:MAX_RECORD]), f"longer than {MAX_RECORD} characters")
    values: dict[str, str] = {}
    proper = record.isprintable()
    for part in record.split("&"):
        name, equals, value = part.partition("=")
        if equals and name not in values:
            if "%" in value:
                value = clean(unquote(value, errors="replace"))
            elif not proper:
                value = clean(value)
            values[name] = value
    kind = _KINDS.get(values.get("s", ""))
    if kind is None:
        return Malformed(call_id, step, clean(record), "no known step in field s")
    at = _time(values.get("t", ""))
    if at is None:
        return Malformed(call_id, step, clean(record), "no time in field t")
    known = {name: values.get(name, "") for name in FIELDS[kind]}
    if kind is StepKind.SAID:
        known |= dict([item for item in values.items() if _TYPED.fullmatch(item[0])][:MOST_TYPED])
    return CallStep(call_id, step, kind, at, MappingProxyType(known))


def render(step: CallStep) -> str:
    """The record of a step, as the dialplan would write it (for tests and for putting a step back)."""
    micros = (step.at - _EPOCH) // timedelta(microseconds=1)
    parts = [f"s={step.kind}", f"t={micros // 1_000_000}.{micros % 1_000_000:06d}"]
    typed = [name for name in step.fields if name not in FIELDS[step.kind]]
    parts += [f"{name}={quote(step[name], safe='')}" for name in (*FIELDS[step.kind], *typed)]
    return "&".join(parts)


def clean(text: str) -> str:
    """Text without control characters and lone surrogates, which no database and no page takes."""
    return _CONTROL.sub("�", text)


def _time(text: str) -> datetime | None:
    """Seconds since 1970 with up to nine digits behind the point, of which a clock of ours keeps six."""
    seconds, point, fraction = text.partition(".")
    if not (text.isascii() and seconds.isdigit() and len(seconds) <= MOST_SECONDS):
        return None
    if point and not (fraction.isdigit() and len(fraction) <= MOST_FRACTION):
        return None
    try:
        return _EPOCH + timedelta(0, int(seconds), int(fraction[:6].ljust(6, "0")))
    except OverflowError:  # behind the year 9999
        return None
