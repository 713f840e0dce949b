"""What the town's page needs of the rest of the application; app.py passes it in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class SmsOnHandset:
    """One message that the centre sent to a handset. `sender` is the number that the handset shows."""

    id: str
    at: datetime
    sender: str
    text: str


class Handsets(Protocol):
    """The handsets of the sandbox gateway. All three may be called often; none may take long."""

    async def list_handsets(self) -> Sequence[str]:
        """The numbers that have received anything, the latest first."""

    async def messages(self, number: str) -> Sequence[SmsOnHandset]:
        """What one handset received, oldest first."""

    async def deliver_reply(self, number: str, text: str) -> None:
        """The handset's owner sends a message to the centre."""


class MovableClock(Protocol):
    """The application's clock, which the town may move forward."""

    def forward(self, *, seconds: float) -> datetime:
        """Move ahead; gives the new time."""
