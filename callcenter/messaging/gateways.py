"""What a gateway is: one file and one line in `make_gateway` each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class GatewayError(Exception):
    """A gateway did not take a message. `permanent` says that trying again cannot help."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


@dataclass(frozen=True)
class Outgoing:
    """One message ready to go out: `outbox_id` travels with it, so that a late callback can prove the sending."""

    outbox_id: int
    kind: str
    recipient: str
    text: str
    params: dict[str, object]


class Gateway(Protocol):
    """Takes messages of one channel to people.

    `send` returns the gateway's own id of the message, or raises `GatewayError`. It is called outside any
    transaction and is given a time limit by the pump.
    """

    name: str

    async def send(self, message: Outgoing) -> str: ...
