"""The pump: takes due messages out of the outbox, sends them, and writes down what became of them.

Claim and commit; send outside any transaction; record in a new one. It claims a few at a time, so that an emergency's
message is the next to go although thousands wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from callcenter.messaging.gateways import Gateway, GatewayError, Outgoing
from foundation import outbox
from foundation.clock import Clock
from foundation.tables import OutboxMessage
from foundation.writer import Priority, Work, Writer

log = logging.getLogger(__name__)

SEND_LIMIT_S = 5.0
IDLE_S = 1.0
_AT_A_TIME = 4

Untrue = Callable[[Session, OutboxMessage, datetime], str | None]
Sent = Callable[[Work, int], object]
Failed = Callable[[Work, int, str], object]


class Pump:
    """Empties the outbox of one channel into one gateway."""

    def __init__(
        self,
        channel: str,
        gateway: Gateway,
        writer: Writer,
        clock: Clock,
        *,
        text: Callable[[str, dict[str, object]], str],
        untrue: Untrue,
        sent: Sent,
        failed: Failed,
    ) -> None:
        """`text` makes a message's words; `sent` and `failed` are what the domain makes of the end of a sending."""
        self._channel = channel
        self._gateway = gateway
        self._writer = writer
        self._clock = clock
        self._text = text
        self._untrue = untrue
        self._sent = sent
        self._failed = failed
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look again now: something was queued. Call it in the loop's thread."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled. An error is logged and the pump goes on."""
        while True:
            self._wake.clear()
            try:
                while await self.empty_once():
                    pass
            except Exception:
                log.exception("the %s pump stumbled", self._channel)
                await asyncio.sleep(IDLE_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), IDLE_S)

    async def empty_once(self) -> int:
        """Claim, send and record a few messages; returns how many were claimed."""
        claimed = await self._writer.run(_claim, self._channel, self._untrue, priority=Priority.CALL)
        await asyncio.gather(*(self._send(row) for row in claimed))
        return len(claimed)

    async def _send(self, row: OutboxMessage) -> None:
        try:
            text = self._text(row.template, row.params)
            message = Outgoing(row.id, row.kind, row.recipient, text, row.params)
            gateway_id = await asyncio.wait_for(self._gateway.send(message), SEND_LIMIT_S)
        except GatewayError as error:
            await self._record_failure(row, error.reason, permanent=error.permanent)
        except TimeoutError:
            # Nobody knows whether it went out: the sweep settles it by the kind's own promise.
            log.warning("%s message %s: %s gave no answer in time", self._channel, row.id, self._gateway.name)
        except Exception as error:
            log.exception("%s message %s failed", self._channel, row.id)
            await self._record_failure(row, repr(error), permanent=False)
        else:
            await self._writer.run(_record_sent, row.id, self._gateway.name, gateway_id, text, self._sent)

    async def _record_failure(self, row: OutboxMessage, reason: str, *, permanent: bool) -> None:
        await self._writer.run(_record_failure, row.id, reason, self._failed, permanent=permanent)


def _claim(w: Work, channel: str, untrue: Untrue) -> list[OutboxMessage]:
    return outbox.claim(w.session, channel, w.now, _AT_A_TIME, untrue)


def _record_sent(w: Work, outbox_id: int, gateway: str, gateway_id: str, text: str, sent: Sent) -> None:
    if outbox.record_sent(w.session, outbox_id, gateway, gateway_id, text, w.now):
        row = w.session.get_one(OutboxMessage, outbox_id)
        w.log("message.sent", ticket_id=row.ticket_id, message=outbox_id, kind=row.kind)
        sent(w, outbox_id)


def _record_failure(w: Work, outbox_id: int, reason: str, failed: Failed, *, permanent: bool) -> None:
    if outbox.record_failure(w.session, outbox_id, reason, w.now, permanent=permanent) == "failed":
        failed(w, outbox_id, reason)


def sweep(w: Work, kinds: dict[str, outbox.MessageKind], failed: Failed) -> int:
    """Settle messages whose sender died; returns how many of them ended as failed.

    One whose failure the domain cannot deal with does not keep the others unsettled; what it was for is covered by its
    deadline.
    """
    ended = outbox.sweep(w.session, kinds, w.now)
    for row in ended:
        try:
            with w.attempt():
                failed(w, row.id, row.reason or "")
        except Exception:
            log.exception("the failure of message %s could not be dealt with", row.id)
    return len(ended)
