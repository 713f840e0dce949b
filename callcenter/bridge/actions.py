"""The actions we use, one function each. All are sent at most once; see `errors` for what a failure means."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from callcenter.bridge.errors import ActionRefusedError, LinkDownError, UnsafeValueError
from callcenter.bridge.events import Value, normalise
from callcenter.bridge.headers import check_headers, variables
from callcenter.bridge.link import Link

Fields = dict[str, Value]

RUNG_BACK = "rungback"
"""The family of AstDB that remembers which calls back have been made."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One person to be rung for a waiting emergency call (docs/telephone.md, "The emergency ladder", 4)."""

    call_id: str
    channel: str
    """The caller's channel name, from the step `arrived`."""
    who: str
    number: str
    ring_seconds: int
    epoch: int
    """When the leg is made, whole seconds; with call and person it names the leg, so the same leg is made once."""

    @property
    def channel_id(self) -> str:
        """The unique id of the leg's first half."""
        return f"leg-{self.call_id}-{self.who}-{self.epoch}"


class Actions:
    """The exchange's actions over one link."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._calls_back: dict[str, str] = {}

    async def _do(self, name: str, action_id: str | None = None, **headers: str | list[str]) -> Fields:
        limit = self._link.settings.action_timeout
        reply = (await self._link.request({"Action": name, **headers}, limit=limit, action_id=action_id))[0]
        if not reply.success:
            raise ActionRefusedError(f"The exchange refuses {name}: {reply.get('message', 'no reason given')}")
        return normalise(dict(reply.items()))

    async def _list(self, name: str, empty_if: str = "", **headers: str) -> list[Fields]:
        """The items of a list; an error whose text has `empty_if` in it is an empty list."""
        limit = self._link.settings.list_timeout
        messages = await self._link.request({"Action": name, **headers}, limit=limit, listing=True)
        first = messages[0]
        if not first.success:
            reason = str(first.get("message", "no reason given"))
            if empty_if and empty_if.lower() in reason.lower():
                return []
            raise ActionRefusedError(f"The exchange refuses {name}: {reason}")
        items = [normalise(dict(message.items())) for message in messages[1:]]
        return [item for item in items if not str(item.get("event")).endswith("Complete")]

    # --- what is there ----------------------------------------------------------------------------

    async def core_show_channels(self) -> list[Fields]:
        """Every live channel (`CoreShowChannel` items)."""
        return await self._list("CoreShowChannels")

    async def queue_status(self, queue: str | None = None) -> list[Fields]:
        """`QueueParams`, `QueueMember` and `QueueEntry` items of one queue or of all."""
        return await self._list("QueueStatus", **({"Queue": queue} if queue else {}))

    async def pjsip_show_contacts(self) -> list[Fields]:
        """Every registered telephone. With none registered Asterisk answers with an error: that is an empty list."""
        return await self._list("PJSIPShowContacts", empty_if="no contacts found")

    # --- queues -----------------------------------------------------------------------------------

    async def queue_add(self, queue: str, interface: str, *, member_name: str, paused: bool, reason: str = "") -> None:
        """Sign a seat in."""
        headers = {"Queue": queue, "Interface": interface, "MemberName": member_name, "Paused": _yes(paused)}
        await self._do("QueueAdd", **headers, **({"Reason": reason} if paused and reason else {}))

    async def queue_remove(self, queue: str, interface: str) -> None:
        """Sign a seat out."""
        await self._do("QueueRemove", Queue=queue, Interface=interface)

    async def queue_pause(self, queue: str, interface: str, *, paused: bool, reason: str = "") -> None:
        """Begin or end a break in one queue. The queue is always named: the emergency queue knows no breaks."""
        if not queue:
            raise UnsafeValueError("A pause without a queue would pause the emergency queue too")
        headers = {"Queue": queue, "Interface": interface, "Paused": _yes(paused)}
        await self._do("QueuePause", **headers, **({"Reason": reason} if reason else {}))

    async def queue_withdraw_caller(self, queue: str, channel: str) -> None:
        """Take a caller out of a queue; the dialplan goes on behind `Queue()`."""
        await self._do("QueueWithdrawCaller", Queue=queue, Caller=channel)

    # --- the exchange's database ------------------------------------------------------------------

    async def db_get(self, family: str, key: str) -> str | None:
        """A value of AstDB, or None when there is none."""
        for item in await self._list("DBGet", empty_if="not found", Family=family, Key=key):
            value = item.get("val")
            return value if isinstance(value, str) else ""
        return None

    async def db_put(self, family: str, key: str, value: str) -> None:
        """Set a value; on disk within a second."""
        await self._do("DBPut", Family=family, Key=key, Val=value)

    async def db_del(self, family: str, key: str) -> None:
        """Delete a key; one that is not there is no error."""
        try:
            await self._do("DBDel", Family=family, Key=key)
        except ActionRefusedError:
            # Asterisk has one and the same answer for a key that is not there and for one it could not delete.
            if await self.db_get(family, key) is not None:
                raise

    async def db_del_all(self, keys: Sequence[tuple[str, str]]) -> int:
        """Delete many keys, `(family, key)`, in one write; returns how many are still there afterwards.

        As in `db_del`, a key that is not there is no failure; one that no action can name counts as still there.
        """
        actions = [{"Family": family, "Key": key} for family, key in keys]
        proper = [one for one in actions if _can_be_said(one)]
        limit = self._link.settings.action_timeout
        answers = await self._link.request_together("DBDel", proper, limit=limit) if proper else []
        refused = [one for one, answer in zip(proper, answers, strict=True) if not answer.success]
        there = [await self.db_get(one["Family"], one["Key"]) is not None for one in refused]
        return len(actions) - len(proper) + sum(there)

    async def db_del_tree(self, family: str) -> None:
        """Delete all keys of a family; none there is no error."""
        try:
            await self._do("DBDelTree", Family=family)
        except ActionRefusedError as error:
            if "not found" not in str(error).lower():
                raise

    async def db_get_tree(self, family: str, key: str = "") -> dict[str, str]:
        """All entries below a family (and key): full path without the leading stroke -> value."""
        headers = {"Family": family, **({"Key": key} if key else {})}
        entries: dict[str, str] = {}
        for item in await self._list("DBGetTree", empty_if="not found", **headers):
            path, value = item.get("key"), item.get("val")
            if isinstance(path, str):
                entries[path.lstrip("/")] = value if isinstance(value, str) else ""
        return entries

    # --- calls ------------------------------------------------------------------------------------

    async def originate_leg(self, leg: Leg) -> str:
        """Ring one person for an emergency. Returns the ActionID that the `OriginateResponse` will carry.

        A leg of the same name that is still alive makes Asterisk refuse the second.
        """
        return await self._originate(
            Channel="Local/s@leg/n",
            Context="leg-join",
            ChannelId=leg.channel_id,
            OtherChannelId=f"{leg.channel_id}-b",
            Timeout="120000",  # a person who is being asked to press 1 must not be cut off at the usual 30 s
            Codecs="alaw,ulaw",  # in slin, the default, a joined call now and then has sound one way only
            Variable=variables(
                {
                    "LEG_CALL": leg.call_id,
                    "LEG_CHAN": leg.channel,
                    "LEG_WHO": leg.who,
                    "LEG_NUMBER": leg.number,
                    "LEG_RING": str(leg.ring_seconds),
                    "LEG_BY": "app",
                }
            ),
        )

    async def originate_ring_back(self, alarm_id: str, attempt: int, number: str, *, ring_seconds: int = 45) -> str:
        """Call a line back whose emergency call was cut, once; returns the call's id.

        The exchange remembers the attempt (AstDB `rungback/<call id>`), since the ChannelId refuses a second call only
        while the first is up: an application that died before it wrote down its request asks again much later. The
        note is a variable of the request itself, set before the line rings, so nothing can come between the two.
        """
        call_id = f"rb-{alarm_id}-{attempt}"
        values = {"RB_CALL": call_id, "RB_ALARM": alarm_id, "RB_NUMBER": number}
        return await self._call_once("ring-back", call_id, number, values, ring_seconds)

    async def originate_flow(
        self,
        call_id: str,
        flow: str,
        number: str,
        *,
        subject: str = "",
        came: int | None = None,
        ring_seconds: int = 45,
    ) -> str:
        """Ring a number and begin an outbound flow when it answers, once, as above; returns the call's id.

        `came` is the epoch second that gives its place in the queue, should the flow lead there.
        """
        values = {"OUT_CALL": call_id, "OUT_FLOW": flow, "OUT_NUMBER": number, "OUT_SUBJECT": subject}
        if came is not None:
            values["OUT_CAME"] = str(came)
        return await self._call_once("outbound", call_id, number, values, ring_seconds)

    async def _call_once(
        self, context: str, call_id: str, number: str, values: dict[str, str], ring_seconds: int
    ) -> str:
        if await self.db_get(RUNG_BACK, call_id) is not None:
            return call_id
        note = f"DB({RUNG_BACK}/{call_id})={int(time.time())}"
        if "/" in number or "@" in number:
            raise UnsafeValueError("A number to call back has digits and at most a leading plus")
        action_id = self._link.new_action_id()
        # A second request while the first call rings is refused, and that is not the call's own end.
        if call_id not in self._calls_back.values():
            self._calls_back[action_id] = call_id
        try:
            await self._originate(
                action_id,
                Channel=f"PJSIP/{number}@trunk",
                Context=context,
                ChannelId=call_id,
                Timeout=str(ring_seconds * 1000),
                CallerID=f"<{self._link.settings.hotline}>",  # without it an old person is rung by "anonymous"
                Variable=[*variables(values), note],
            )
        except (ActionRefusedError, LinkDownError):
            self._calls_back.pop(action_id, None)
            raise
        return call_id

    def call_back_of(self, action_id: str) -> str:
        """The ring-back or call back that this ActionID asked for, told once; empty when it asked for none."""
        return self._calls_back.pop(action_id, "")

    async def forget_rung_back(self, before: float) -> None:
        """Drop the notes of calls back that were made before the epoch second `before`."""
        for path, made in (await self.db_get_tree(RUNG_BACK)).items():
            if made.isdigit() and int(made) < before:
                await self.db_del(RUNG_BACK, path.removeprefix(f"{RUNG_BACK}/"))

    async def _originate(self, action_id: str = "", **headers: str | list[str]) -> str:
        action_id = action_id or self._link.new_action_id()
        await self._do("Originate", action_id, Async="true", Exten="s", Priority="1", **headers)
        return action_id

    async def hangup(self, channel: str, *, cause: int = 16) -> None:
        """End one channel. `channel` is an exact name: Asterisk would read one between strokes as a pattern."""
        if channel.startswith("/"):
            raise UnsafeValueError("A channel name does not begin with a stroke")
        await self._do("Hangup", Channel=channel, Cause=str(cause))

    async def set_var(self, channel: str, name: str, value: str) -> None:
        """Set a variable of one channel. Raises `ActionRefusedError` when the channel is gone."""
        await self._do("Setvar", Channel=channel, Variable=name, Value=value)

    async def mute_recording(self, channel: str, *, muted: bool) -> None:
        """Leave what both sides say out of a channel's recording, or take it in again."""
        await self._do("MixMonitorMute", Channel=channel, Direction="both", State="1" if muted else "0")

    async def redirect(self, channel: str, context: str, exten: str = "s", priority: int = 1) -> None:
        """Send a live channel to another place in the dialplan."""
        await self._do("Redirect", Channel=channel, Context=context, Exten=exten, Priority=str(priority))

    async def get_var(self, channel: str, name: str) -> str:
        """A channel's variable; empty when unset. Without a channel the exchange's own."""
        headers = {"Channel": channel} if channel else {}
        value = (await self._do("Getvar", Variable=name, **headers)).get("value")
        return value if isinstance(value, str) else ""

    # --- the dialplan -----------------------------------------------------------------------------

    async def reload_dialplan(self) -> None:
        """Read the dialplan's files again. Calls go on: the new one takes the old one's place in one moment."""
        limit = self._link.settings.list_timeout  # answered when all files are read
        reply = (await self._link.request({"Action": "Reload", "Module": "pbx_config"}, limit=limit))[0]
        if not reply.success:
            raise ActionRefusedError(f"The exchange does not reload: {reply.get('message', 'no reason given')}")

    async def dialplan_of(self, context: str) -> list[tuple[str, str]]:
        """The extension and the application's data of each priority of a context; none where there is no such one."""
        items = await self._list("ShowDialPlan", empty_if="did not find context", Context=context)
        return [
            (str(item.get("extension") or ""), str(item.get("appdata") or "")) for item in items if "priority" in item
        ]

    async def calls_in_group(self, group: str, category: str) -> int:
        """How many channels are in a group of the dialplan's function GROUP."""
        value = await self.get_var("", f"GROUP_COUNT({group}@{category})")
        return int(value) if value.isdigit() else 0


def _can_be_said(headers: dict[str, str]) -> bool:
    try:
        check_headers(headers)
    except UnsafeValueError:
        return False
    return True


def _yes(value: bool) -> str:
    return "true" if value else "false"
