"""Handsets and the movable clock of the running application, seen over HTTP as a test sees them."""

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import httpx

from callcenter.town.errors import NotSeenError, TownError


@dataclass(frozen=True)
class HandsetMessage:
    """One SMS on a handset: `at` in seconds since 1970, `sender` what it shows (`me`: sent from this handset)."""

    id: str
    at: float
    sender: str
    text: str


class TownClock:
    """The application's movable clock."""

    def __init__(self, web: "TownWeb") -> None:
        self._web = web

    def forward(self, minutes: float = 0.0, seconds: float = 0.0, hours: float = 0.0) -> None:
        """Move the application's clock; the exchange's own clock stays as it is."""
        self._web.post("/town/clock", {"seconds": seconds + 60 * minutes + 3600 * hours})


class TownWeb:
    """The `/town` routes of the running application. `base` None: there is none, and each use says so."""

    def __init__(self, base: str | None) -> None:
        self._base = base
        self._http = httpx.Client(timeout=10.0, trust_env=False)
        self._expected: set[tuple[str, str]] = set()
        self.clock = TownClock(self)

    def close(self) -> None:
        self._http.close()

    def url(self, path: str) -> str:
        if self._base is None:
            raise TownError("This town was not told where the application is (web=...): no SMS, no clock.")
        return self._base.rstrip("/") + path

    def post(self, path: str, body: dict[str, object]) -> None:
        reply = self._http.post(self.url(path), json=body)
        if reply.is_error:
            raise TownError(f"{path}: {reply.status_code} {reply.text[:300]}")

    def messages(self, number: str) -> list[HandsetMessage]:
        reply = self._http.get(self.url(f"/town/handsets/{quote(number, safe='')}/messages"))
        if reply.is_error:
            raise TownError(f"The handset {number} cannot be read: {reply.status_code} {reply.text[:300]}")
        return [
            HandsetMessage(row["id"], datetime.fromisoformat(row["at"]).timestamp(), row["from"], row["text"])
            for row in reply.json()
        ]

    def reply(self, number: str, text: str) -> None:
        self.post(f"/town/handsets/{quote(number, safe='')}/replies", {"text": text})

    def expect(self, number: str, text: str, within: float, since: float) -> HandsetMessage:
        """Wait for a message with this text that no earlier call has taken."""
        end = time.monotonic() + within
        while True:
            messages = self.messages(number)
            for message in messages:
                mark = (number, message.id)
                if (
                    message.sender != "me"
                    and text in message.text
                    and message.at >= since
                    and mark not in self._expected
                ):
                    self._expected.add(mark)
                    return message
            if time.monotonic() > end:
                texts = "\n".join(f"  {message.text}" for message in messages) or "  (nothing)"
                raise NotSeenError(f"No SMS with {text!r} on {number} within {within:g} s. It has:\n{texts}")
            threading.Event().wait(0.1)
