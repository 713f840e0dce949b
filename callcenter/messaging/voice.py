"""The exchange as a gateway: messages of the channel `call` are telephone calls that the application makes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from callcenter.messaging.gateways import GatewayError, Outgoing

MakeCall = Callable[[Outgoing], Awaitable[str]]


class VoiceGateway:
    """Makes the call that a message of its kind asks for; `makers` has one function for each kind.

    A maker returns the exchange's id of the attempt, or raises `GatewayError`. What becomes of the call is told by
    the journal, not here.
    """

    name = "exchange"

    def __init__(self, makers: dict[str, MakeCall]) -> None:
        self._makers = makers

    async def send(self, message: Outgoing) -> str:
        """Make the call. A kind that nobody can make is a permanent error."""
        make = self._makers.get(message.kind)
        if make is None:
            raise GatewayError(f"no telephone call is known for messages of kind {message.kind!r}", permanent=True)
        return await make(message)
