"""What the exchange tells us, as values of our own."""

from __future__ import annotations

import re
from collections.abc import Mapping

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


class _Needles(dict[str, bytes]):
    """How a header looks on the wire, in lower case, at the beginning of its line; made once for each key."""

    def __missing__(self, key: str) -> bytes:
        self[key] = needle = f"\r\n{key}:".encode()
        return needle


_NEEDLES = _Needles()


class AmiEvent:
    """One event, read as far as somebody asks: of twenty headers an event has, its handlers want three.

    Keys are lower case.
    """

    __slots__ = ("_lower", "_raw", "name")

    def __init__(self, name: str, raw: bytes, lower: bytes = b"") -> None:
        """`raw` is the message without its empty line; `lower` the same in lower case, where that is known already."""
        self.name = name
        self._raw = raw
        self._lower = lower or raw.lower()

    def text(self, key: str) -> str:
        """The header's text: empty when absent or unknown, the last one when repeated. Not for the first header."""
        lower = self._lower
        needle = _NEEDLES[key]
        start = lower.rfind(needle)
        if start < 0:
            return ""
        start += len(needle)
        end = lower.find(b"\r\n", start)
        value = (self._raw[start:end] if end >= 0 else self._raw[start:]).decode("utf-8", "replace")
        if value[:1] == " ":
            value = value[1:]
        if value == "<unknown>":
            return ""
        return value if key not in _CALLER_TEXT else _as_spoken(value) or ""

    @property
    def fields(self) -> Mapping[str, Value]:
        """All headers; one that came repeatedly is a tuple, `<unknown>` is None."""
        return normalise(parse_headers(self._raw.decode("utf-8", "replace")))


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
        if isinstance(value, str):
            fields[key] = _as_spoken(value)
    return fields


def _as_spoken(value: str) -> str | None:
    """A caller's number or name without the exchange's escapes; None when it has none."""
    if value == "unknown":
        return None
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), value) if "\\" in value else value
