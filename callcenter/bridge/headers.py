"""What may go into an action. The exchange reads headers line by line: a line end in a value is a second action."""

from __future__ import annotations

import re
from collections.abc import Mapping

from callcenter.bridge.errors import UnsafeValueError

MAX_LINE = 1023
"""Bytes of one header with its line end: Asterisk's buffer holds 1,024 (main/manager.c) and cuts off who exceeds it."""
MAX_HEADERS = 128
"""Headers of one action; Asterisk ignores what follows (AST_MAX_MANHEADERS in manager.h)."""

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
_FORBIDDEN = re.compile("[\r\n\x00]")
_VARIABLE = re.compile(r"[A-Za-z0-9+:._/@;~=*#-]*", re.ASCII)


def check_headers(headers: Mapping[str, str | list[str]] | Mapping[str, str]) -> None:
    """Raise `UnsafeValueError` unless each header is one line that Asterisk takes as it is meant."""
    count = 0
    for key, value in headers.items():
        if not _KEY.fullmatch(key):
            raise UnsafeValueError(f"{key!r} is no name of a header")
        for one in value if isinstance(value, list) else [value]:
            count += 1
            if _FORBIDDEN.search(one):
                raise UnsafeValueError(f"The value of {key} has a line end or NUL in it")
            try:
                size = len(f"{key}: {one}\r\n".encode())
            except UnicodeEncodeError:
                raise UnsafeValueError(f"The value of {key} is no valid text") from None
            if size > MAX_LINE:
                raise UnsafeValueError(f"The value of {key} makes a line of {size} bytes; {MAX_LINE} are allowed")
    if count > MAX_HEADERS:
        raise UnsafeValueError(f"{count} headers; {MAX_HEADERS} are allowed")


def variables(values: Mapping[str, str]) -> list[str]:
    """Channel variables as `Variable` headers. Asterisk splits them at commas, so only plain characters pass."""
    for name, value in values.items():
        if not _KEY.fullmatch(name) or not _VARIABLE.fullmatch(value):
            raise UnsafeValueError(f"The channel variable {name} has characters that the exchange would interpret")
    return [f"{name}={value}" for name, value in values.items()]
