"""Controls every telephone of the town through ARI, and keeps the diary. Asynchronous; one at a time."""

import asyncio
import contextlib
import itertools
import logging
import re
import secrets
import time
from collections.abc import Coroutine
from typing import Any

from callcenter.town.ari import CONNECTED, Ari, AriError
from callcenter.town.behaviour import CAUSES, RINGS_OUT, WhenRung
from callcenter.town.diary import Call, Diary
from callcenter.town.directory import Directory
from callcenter.town.errors import TownError
from callcenter.town.network import APPLICATION, NetworkSettings
from callcenter.town.sip_trace import SipMessage, SipTrace

log = logging.getLogger(__name__)

KEYS = frozenset("0123456789*#ABCD")
# Between the digits of one press: a person's pace, and well above what a DTMF detector needs.
_KEY_MS = 140
# Calls whose SIP messages are still told apart: more than can be up at once.
_SIP_IDS = 5000


class TownController:
    """The hands on all telephones. `start()`, then dial, answer, press; what happens is in `diary`."""

    def __init__(self, settings: NetworkSettings, directory: Directory, diary: Diary) -> None:
        self.settings = settings
        self.directory = directory
        self.diary = diary
        self._ari = Ari(
            settings.bind, settings.ari_port, settings.ari_user, settings.ari_secret, application=APPLICATION
        )
        self._behaviours: dict[str, list[WhenRung]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._by_sip_id: dict[str, Call] = {}
        self._early_messages: dict[str, list[SipMessage]] = {}
        self._trace: asyncio.DatagramTransport | None = None
        self._numbers = itertools.count(1)
        self._run_id = secrets.token_hex(3)

    # --- life

    async def start(self, deadline: float = 20.0) -> None:
        """Take control; returns when events flow. Raises `TownError` when the Asterisk cannot be reached."""
        loop = asyncio.get_running_loop()
        try:
            self._trace, _ = await loop.create_datagram_endpoint(
                lambda: SipTrace(self._on_sip), local_addr=(self.settings.bind, self.settings.trace_port)
            )
        except OSError as error:
            raise TownError(
                f"Port {self.settings.trace_port}/udp of the town is taken ({error}): "
                "another controller is at work; only one can be."
            ) from error
        self._spawn(self._listen())
        try:
            await asyncio.wait_for(self._ari.connected(), deadline)
        except TimeoutError:
            await self.stop()
            raise TownError(
                f"The town's Asterisk does not answer on port {self.settings.ari_port}: is it running?"
            ) from None

    async def stop(self) -> None:
        """Let go; calls that are up stay up."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._trace is not None:
            self._trace.close()
        await self._ari.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            if isinstance(error, AriError) and error.status in (404, 409, 412):
                return  # the other side hung up while we were about to act
            log.error("a telephone of the town failed", exc_info=error)

    # --- what a telephone does

    async def dial(
        self,
        phone: str,
        number: str,
        *,
        caller_number: str | None = None,
        caller_name: str = "",
        record: bool = True,
    ) -> Call:
        """`phone` dials `number` at the exchange. A seat dials on its own account, all others over the trunk.

        `caller_number` is what the network shows as the caller; it may be anything at all, as on a real line.
        """
        telephone = self.directory.find(phone)
        call_id = f"{self._run_id}-{next(self._numbers)}"
        endpoint = telephone.number if telephone.number in self.settings.seats else self.settings.trunk.endpoint
        shown = telephone.number if caller_number is None else caller_number
        call = Call(call_id, telephone.number, "out", number, time.time())
        self.diary.begin(call, to=number, shown=shown, name=caller_name)
        try:
            await self._ari.request(
                "POST",
                "channels",
                endpoint=f"PJSIP/{number}@{endpoint}",
                context="dialled",
                extension="recorded" if record else "plain",
                priority=1,
                timeout=-1,
                channelId=call_id,
                callerId=_caller_id(shown, caller_name),
            )
        except AriError as error:
            self._end(call, "network", 0, str(error))
        return call

    async def answer(self, call: Call) -> None:
        """Lift the receiver of a telephone that rings."""
        await self._ari.on_channel(call.id, "POST", "/answer")

    async def press(self, call: Call, keys: str) -> None:
        """Press keys in a call that is up; `w` between them waits half a second."""
        for part in re.split(r"(w+)", keys):
            if not part:
                continue
            if part[0] == "w":
                await asyncio.sleep(0.5 * len(part))
                continue
            if not set(part) <= KEYS:
                raise TownError(f"{part!r} cannot be pressed: the keys are {''.join(sorted(KEYS))}")
            await self._ari.on_channel(call.id, "POST", "/dtmf", dtmf=part, before=0, between=_KEY_MS, duration=_KEY_MS)
            with self.diary.changing():
                call.keys_pressed += part
                self.diary.write(call.phone, "presses", call, keys=part)
            await asyncio.sleep((2 * len(part) + 1) * _KEY_MS / 1000)

    async def hang_up(self, call: Call, cause: int = 16) -> None:
        """Put the receiver down, or refuse a call that rings (17 busy, 21 declined, 20 not reached)."""
        with self.diary.changing():
            if call.is_over:
                return
            call.ended_by = "telephone"
        with contextlib.suppress(AriError):
            await self._ari.on_channel(call.id, "DELETE", "", reason_code=cause)

    async def play(self, call: Call, media: str) -> None:
        """Play into the line: `sound:voicemail`, `sound:voice`, `sound:tone-530`."""
        await self._ari.on_channel(call.id, "POST", "/play", media=media)

    async def hang_up_all(self) -> None:
        """Every receiver down."""
        await asyncio.gather(*(self.hang_up(call) for call in self.diary.calls() if not call.is_over))

    def when_rung(self, phone: str, *behaviours: WhenRung) -> None:
        """What the telephone does at its next rings, one after another; the last one stays."""
        self._behaviours[self.directory.find(phone).number] = list(behaviours)

    def behaviour(self, number: str) -> WhenRung:
        """What the telephone would do if it rang now."""
        return (self._behaviours.get(number) or [RINGS_OUT])[0]

    def _next_behaviour(self, number: str) -> WhenRung:
        known = self._behaviours.get(number) or [RINGS_OUT]
        return known.pop(0) if len(known) > 1 else known[0]

    async def behave(self, call: Call, behaviour: WhenRung) -> None:
        """Let a telephone that rings do this."""
        await asyncio.sleep(behaviour.after)
        if behaviour.does == "ring" or call.is_over:
            return
        if behaviour.does in CAUSES:
            await self.hang_up(call, CAUSES[behaviour.does])
            return
        await self.answer(call)
        if behaviour.does == "voicemail":
            await self.play(call, "sound:voicemail")
        if behaviour.presses:
            await asyncio.sleep(behaviour.press_after)
            await self.press(call, behaviour.presses)
        if behaviour.hangs_up_after is not None:
            await asyncio.sleep(behaviour.hangs_up_after)
            await self.hang_up(call)

    # --- what happens

    async def _listen(self) -> None:
        async for event in self._ari.events():
            try:
                if event is CONNECTED:
                    await self._resync()
                else:
                    self._on_event(event)
            except Exception:
                log.exception("the town did not understand %s", event.get("type"))

    async def _resync(self) -> None:
        """After a gap in the events: calls that are gone have ended, calls that are unknown are taken over."""
        channels = {channel["id"]: channel for channel in await self._ari.request("GET", "channels")}
        for call in self.diary.calls():
            if not call.is_over and call.id not in channels and time.time() - call.started_at > 1:
                self._end(call, "unseen", 0, "ended while nobody watched")
        for channel in channels.values():
            if self.diary.call(channel["id"]) is None and channel["name"].startswith("PJSIP/"):
                self._adopt(channel)

    def _adopt(self, channel: dict[str, Any]) -> None:
        incoming = channel["dialplan"]["context"] == "from-exchange"
        side = channel["dialplan"]["exten"] if incoming else channel["caller"]["number"]
        call = Call(channel["id"], side, "in" if incoming else "out", "", time.time(), controlled=True)
        call.sip_call_id = channel.get("protocol_id", "")
        if incoming:
            call.other = channel["caller"]["number"]
        call.answered_at = time.time() if channel["state"] == "Up" else None
        call.ringing_at = time.time() if incoming else None
        self.diary.begin(call, found="already under way")

    def _on_event(self, event: dict[str, Any]) -> None:
        channel = event.get("channel")
        if not isinstance(channel, dict) or not str(channel.get("name", "")).startswith("PJSIP/"):
            return
        call = self.diary.call(channel["id"])
        kind = event["type"]
        if call is None:
            if kind == "StasisStart":
                self._on_rung(channel)
            return
        self._know_sip_id(call, channel)
        if kind in ("ChannelStateChange", "StasisStart"):
            self._on_state(call, channel["state"])
        if kind == "StasisStart":
            with self.diary.changing():
                call.controlled = True
                self.diary.write(call.phone, "on the line", call)
            self._spawn(self._breathe(call))
        elif kind == "ChannelDtmfReceived":
            with self.diary.changing():
                call.keys_heard += event["digit"]
                self.diary.write(call.phone, "hears key", call, key=event["digit"])
        elif kind == "ChannelHangupRequest" and not call.ended_by:
            call.ended_by = "exchange"
        elif kind == "ChannelDestroyed":
            self._end(call, call.ended_by or "exchange", event.get("cause", 0), event.get("cause_txt", ""))

    def _on_rung(self, channel: dict[str, Any]) -> None:
        number = channel["dialplan"]["exten"]
        call = Call(
            channel["id"], number, "in", channel["caller"]["number"], time.time(),
            other_name=channel["caller"]["name"], controlled=True,
        )  # fmt: skip
        behaviour = self._next_behaviour(number)
        with self.diary.changing():
            if behaviour.does not in CAUSES or behaviour.after > 0:
                call.ringing_at = call.started_at
            self._know_sip_id(call, channel)
            self.diary.begin(call, by=call.other, name=call.other_name)
        self._spawn(self._ring(call, behaviour))

    async def _ring(self, call: Call, behaviour: WhenRung) -> None:
        if call.ringing_at is not None:
            await self._ari.on_channel(call.id, "POST", "/ring")
        await self.behave(call, behaviour)

    async def _breathe(self, call: Call) -> None:
        """An open line is never without packets, though nobody speaks: the exchange would think it dead."""
        await self._ari.on_channel(call.id, "POST", "/silence")

    def _on_state(self, call: Call, state: str) -> None:
        with self.diary.changing():
            if state == "Ringing" and call.ringing_at is None:
                call.ringing_at = time.time()
                self.diary.write(call.phone, "hears ringing", call)
            elif state == "Up" and call.answered_at is None:
                call.answered_at = time.time()
                self.diary.write(call.phone, "is answered" if call.direction == "out" else "answers", call)
                if call.direction == "in":
                    self._spawn(self._breathe(call))

    def _end(self, call: Call, by: str, cause: int, text: str) -> None:
        with self.diary.changing():
            if call.is_over:
                return
            call.ended_at, call.ended_by, call.cause, call.cause_text = time.time(), by, cause, text
            self.diary.write(call.phone, "ends", call, by=by, cause=cause, text=text)

    # --- the proof on the wire

    def _know_sip_id(self, call: Call, channel: dict[str, Any]) -> None:
        sip_id = channel.get("protocol_id", "")
        if sip_id and not call.sip_call_id:
            call.sip_call_id = sip_id
            if call.direction == "in":
                return  # what the town itself answers proves nothing
            self._by_sip_id[sip_id] = call
            while len(self._by_sip_id) > _SIP_IDS:
                self._by_sip_id.pop(next(iter(self._by_sip_id)))
            for message in self._early_messages.pop(sip_id, []):
                self._on_sip_of(call, message)

    def _on_sip(self, message: SipMessage) -> None:
        if message.method not in ("INVITE", "BYE", "CANCEL"):
            return
        call = self._by_sip_id.get(message.call_id)
        if call is not None:
            self._on_sip_of(call, message)
            return
        self._early_messages.setdefault(message.call_id, []).append(message)
        while len(self._early_messages) > 500:
            self._early_messages.pop(next(iter(self._early_messages)))

    def _on_sip_of(self, call: Call, message: SipMessage) -> None:
        if message.method != "INVITE" or call.direction != "out":
            return
        with self.diary.changing():
            if message.status == 0:
                if call.invite_at is None:
                    call.invite_at = message.at
            elif message.status not in call.responses and message.status != 401:
                call.responses[message.status] = message.at
                self.diary.write(call.phone, "sip", call, status=message.status, at=round(message.at, 6))


def _caller_id(number: str, name: str) -> str:
    """`"name" <number>` without what would end either part; line ends cannot travel in a SIP header's name."""
    shown_name = "".join(letter for letter in name if letter not in '"<>\r\n\0')
    shown_number = "".join(letter for letter in number if letter not in "<>\0")
    return f'"{shown_name}" <{shown_number}>'
