"""The sandbox gateway: every message stays here, on handsets that the town's page shows.

It keeps no store of its own. What a handset received is the outbox's rows that went out by this gateway, and what it
replied is the inbox's rows from it; so a demo and a test look at exactly what a carrier would have been given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import select

from callcenter.messaging.gateways import Outgoing
from foundation.database import Database
from foundation.tables import InboxItem, OutboxMessage

SOURCE = "sandbox_sms"
_SHOWN = 200


class SandboxGateway:
    """Accepts everything at once."""

    name = "sandbox"

    async def send(self, message: Outgoing) -> str:
        """The id repeats for the same outbox row, as a carrier's idempotency key would make it."""
        return f"sandbox-{message.outbox_id}"


class SandboxHandsets:
    """The handsets of the sandbox: what lies on each, and a way to reply from one."""

    def __init__(
        self, database: Database, receive: Callable[[str, str, str, str], Awaitable[None]], next_id: Callable[[], str]
    ) -> None:
        self._database = database
        self._receive = receive
        self._next_id = next_id

    def list_handsets(self) -> list[dict[str, Any]]:
        """Numbers that ever got a message, the latest first, each with the number of its messages."""
        seen: dict[str, int] = {}
        with self._database.read() as session:
            numbers = select(OutboxMessage.recipient).where(OutboxMessage.gateway == SandboxGateway.name)
            for number in session.scalars(numbers.order_by(OutboxMessage.id.desc()).limit(5000)):
                seen[number] = seen.get(number, 0) + 1
        return [{"number": number, "count": count} for number, count in seen.items()]

    def messages(self, number: str) -> list[dict[str, Any]]:
        """What lies on the handset `number`, the oldest first: received (`from` is the centre) and sent (`me`)."""
        with self._database.read() as session:
            got = session.scalars(
                select(OutboxMessage)
                .where(OutboxMessage.recipient == number, OutboxMessage.gateway == SandboxGateway.name)
                .order_by(OutboxMessage.id.desc())
                .limit(_SHOWN)
            ).all()
            said = session.scalars(
                select(InboxItem)
                .where(InboxItem.source == SOURCE, InboxItem.payload["from"].as_string() == number)
                .order_by(InboxItem.id.desc())
                .limit(_SHOWN)
            ).all()
        lines = [
            {"id": f"out-{m.id}", "at": m.sent_at.isoformat(), "from": "centre", "text": m.text or ""}
            for m in got
            if m.sent_at is not None
        ]
        lines += [
            {"id": f"in-{i.id}", "at": i.received_at.isoformat(), "from": "me", "text": str(i.payload.get("text", ""))}
            for i in said
        ]
        return sorted(lines, key=lambda line: (line["at"], line["id"]))

    async def deliver_reply(self, number: str, text: str) -> None:
        """The handset `number` sends `text` to the centre; returns when the reply is kept and dealt with."""
        await self._receive(SOURCE, self._next_id(), number, text)
