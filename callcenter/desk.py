"""How the service desk stands, from the exchange's own list of the queue `service`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dispatch.call_backs import Desk

_NOT_IN_USE = "1"
_NO_TELEPHONE = frozenset({"4", "5"})
"""Device states of Asterisk's queue members: 1 not in use, 4 invalid, 5 unavailable."""


def desk_of(items: Iterable[Mapping[str, object]], now: float) -> Desk:
    """Count the seats among the items of `QueueStatus`; `now` is the exchange's epoch, for who is still in wrap-up."""
    signed_in = free = 0
    for item in items:
        if item.get("event") != "QueueMember" or item.get("paused") == "1" or item.get("status") in _NO_TELEPHONE:
            continue
        signed_in += 1
        wrapped_up = now >= _number(item, "lastcall") + _number(item, "wrapuptime")
        free += item.get("status") == _NOT_IN_USE and wrapped_up
    return Desk(signed_in, free)


def _number(item: Mapping[str, object], name: str) -> int:
    text = str(item.get(name, "0"))
    return int(text) if text.isascii() and text.isdigit() else 0
