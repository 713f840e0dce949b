"""What the exchange tells us, as values of our own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Headers = dict[str, str | list[str]]
Value = str | tuple[str, ...] | None

_SOLE = frozenset(("event", "response", "actionid"))
_CALLER_TEXT = frozenset(
    (
        "calleridnum",
        "calleridname",
        "connectedlinenum",
        "connectedlinename",
        "destcalleridnum",
        "destcalleridname",
    )
)
_ESCAPE = re.compile(r"\\([abfnrtv\\'\"?])")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class RepeatedHeaderError(ValueError):
    """A message with two Event, Response or ActionID headers: a forgery, or an exchange's defect."""


@dataclass(frozen=True, slots=True)
class AmiEvent:
    """One event. Keys are lower case; a header that came repeatedly is a tuple; `<unknown>` is None.

    `seq` counts events of this process, `generation` connections, `received_at` is the loop's clock in seconds.
    """

    name: str
    fields: Mapping[str, Value]
    seq: int
    generation: int
    received_at: float

    def text(self, key: str) -> str:
        """The header's text: empty when absent or unknown, the last one when repeated."""
        value = self.fields.get(key)
        if value is None:
            return ""
        return value if isinstance(value, str) else value[-1]


def parse_headers(text: str) -> Headers:
    """Split one message into its headers, keys in lower case.

    Raises `RepeatedHeaderError` when a header that steers dispatch comes twice.
    """
    lines = text.split("\r\n")
    parted = [line.partition(":") for line in lines]
    headers: Headers = {key.lower(): value[1:] if value[:1] == " " else value for key, colon, value in parted if colon}
    if len(headers) == len(lines):
        return headers  # the usual message: every line a header, none twice
    headers = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon:
            continue
        key = key.lower()
        if value[:1] == " ":
            value = value[1:]
        if key not in headers:
            headers[key] = value
            continue
        if key in _SOLE:
            raise RepeatedHeaderError(key)
        before = headers[key]
        if isinstance(before, list):
            before.append(value)
        else:
            headers[key] = [before, value]
    return headers


def normalise(headers: Mapping[str, str | list[str]]) -> dict[str, Value]:
    """Headers as an event's fields: no lists, no words that mean nothing, names as they were spoken."""
    fields: dict[str, Value] = {
        key: tuple(value) if isinstance(value, list) else None if value == "<unknown>" else value
        for key, value in headers.items()
    }
    for key in _CALLER_TEXT & fields.keys():
        value = fields[key]
        if value == "unknown":
            fields[key] = None
        elif isinstance(value, str) and "\\" in value:
            fields[key] = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), value)
    return fields
