"""What the town's page needs of the rest of the application; app.py passes it in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol


class Handsets(Protocol):
    """The handsets of the sandbox gateway. Numbers are in E.164 (`+86…`), as messages are addressed.

    The first two may read a database and are called in a worker thread.
    """

    def list_handsets(self) -> Sequence[dict[str, Any]]:
        """`number` and `count` of each handset that has received anything, the latest first."""

    def messages(self, number: str) -> Sequence[dict[str, Any]]:
        """What lies on one handset, oldest first: `id`, `at` (ISO 8601), `from` (`me` for its own), `text`."""

    async def deliver_reply(self, number: str, text: str) -> None:
        """The handset's owner sends a message to the centre."""


class MovableClock(Protocol):
    """The application's clock, which the town may move forward."""

    def now(self) -> datetime:
        """The application's time, aware."""

    def forward(self, *, seconds: float) -> datetime:
        """Move ahead; gives the new time."""
