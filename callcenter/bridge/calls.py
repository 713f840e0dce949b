"""Calls as they are now: live channels, who waits in which queue, and what each seat's telephone does.

The exchange owns this truth; here is a picture of it, made whole by each resync and carried on by events. Applying an
event twice, or one that a resync has already told, changes nothing. What must never be lost is in the journal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from callcenter.bridge.actions import Fields
from callcenter.bridge.events import AmiEvent

WANTED = (
    "Newchannel",
    "Newstate",
    "Hangup",
    "QueueCallerJoin",
    "QueueCallerLeave",
    "QueueCallerAbandon",
    "AgentCalled",
    "AgentConnect",
    "AgentComplete",
    "AgentRingNoAnswer",
    "AgentDump",
    "QueueMemberAdded",
    "QueueMemberRemoved",
    "QueueMemberPause",
    "QueueMemberStatus",
    "ContactStatus",
)
"""The events this picture is carried on by."""


class Channel(NamedTuple):
    """One live channel. `unique_id` of a call's first channel is the call's id."""

    unique_id: str
    linked_id: str
    name: str
    state: str
    caller_number: str
    exten: str


class QueueEntry(NamedTuple):
    """One caller in a queue; `position` counts from 1, as it was at the last event."""

    queue: str
    unique_id: str
    channel: str
    position: int


class Member(NamedTuple):
    """One seat in one queue. `status` is Asterisk's device state: 1 not in use, 2 in use, 5 unavailable, 6 ringing."""

    queue: str
    interface: str
    membership: str
    paused: bool
    reason: str
    status: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole picture at one moment of one connection.

    `live_call_ids` are the calls the exchange still has, those it told of for the first time while it was being
    asked, and those whose steps are not all committed yet. A call that the application holds for live and that is not
    among them has ended without its last step.
    """

    generation: int
    channels: Mapping[str, Channel]
    entries: Mapping[tuple[str, str], QueueEntry]
    members: Mapping[tuple[str, str], Member]
    contacts: Mapping[str, str]
    """Endpoint -> `Reachable`, `Unreachable`, `NonQualified` and so on; an endpoint without a telephone is not in it.
    """
    live_call_ids: frozenset[str] = frozenset()
    taken_at: float = 0.0
    """The exchange's own time (epoch) when it was asked: a call that arrived later may be missing without having
    ended."""


class Calls:
    """The picture and its two ways to change: an event, or a whole snapshot."""

    def __init__(self) -> None:
        self.generation = 0
        self.channels: dict[str, Channel] = {}
        self.entries: dict[tuple[str, str], QueueEntry] = {}
        self.members: dict[tuple[str, str], Member] = {}
        self.contacts: dict[str, str] = {}
        self.serving: dict[str, str] = {}
        """Interface -> unique id of the caller it rings for or talks with."""

    def replace(self, snapshot: Snapshot) -> None:
        """Take over what a resync has found."""
        self.generation = snapshot.generation
        self.channels = dict(snapshot.channels)
        self.entries = dict(snapshot.entries)
        self.members = dict(snapshot.members)
        self.contacts = dict(snapshot.contacts)
        self.serving = {seat: call for seat, call in self.serving.items() if call in self.channels}

    def apply(self, event: AmiEvent) -> bool:
        """Carry the picture on; False when the event told nothing new."""
        handler = _HANDLERS.get(event.name)
        return handler is not None and handler(self, event)

    # --- one event each; True when something changed ---------------------------------------------

    def _channel(self, event: AmiEvent) -> bool:
        channel = _channel_of(event.text)
        unique_id = channel.unique_id
        if not unique_id or self.channels.get(unique_id) == channel:
            return False
        if event.name == "Newstate" and unique_id not in self.channels:
            return False  # it may have hung up already; a resync would know it
        self.channels[unique_id] = channel
        return True

    def _hangup(self, event: AmiEvent) -> bool:
        unique_id = event.text("uniqueid")
        gone = [key for key in self.entries if key[1] == unique_id]
        for key in gone:
            del self.entries[key]
        if unique_id in self.serving.values():
            self.serving = {seat: call for seat, call in self.serving.items() if call != unique_id}
        return self.channels.pop(unique_id, None) is not None or bool(gone)

    def _join(self, event: AmiEvent) -> bool:
        entry = _entry_of(event.text)
        key = (entry.queue, entry.unique_id)
        if self.entries.get(key) == entry:
            return False
        self.entries[key] = entry
        return True

    def _leave(self, event: AmiEvent) -> bool:
        return self.entries.pop((event.text("queue"), event.text("uniqueid")), None) is not None

    def _serve(self, event: AmiEvent) -> bool:
        seat, call = event.text("interface"), event.text("uniqueid")
        if self.serving.get(seat) == call:
            return False
        self.serving[seat] = call
        return True

    def _release(self, event: AmiEvent) -> bool:
        seat = event.text("interface")
        if self.serving.get(seat) != event.text("uniqueid"):
            return False
        del self.serving[seat]
        return True

    def _member(self, event: AmiEvent) -> bool:
        member = _member_of(event.text)
        key = (member.queue, member.interface)
        if self.members.get(key) == member:
            return False
        self.members[key] = member
        return True

    def _member_removed(self, event: AmiEvent) -> bool:
        return self.members.pop((event.text("queue"), event.text("interface")), None) is not None

    def _contact(self, event: AmiEvent) -> bool:
        endpoint, status = event.text("endpointname") or event.text("aor"), event.text("contactstatus")
        if status in ("Removed", "Unknown"):
            return self.contacts.pop(endpoint, None) is not None
        if self.contacts.get(endpoint) == status:
            return False
        self.contacts[endpoint] = status
        return True


_HANDLERS = MappingProxyType(
    {
        "Newchannel": Calls._channel,
        "Newstate": Calls._channel,
        "Hangup": Calls._hangup,
        "QueueCallerJoin": Calls._join,
        "QueueCallerLeave": Calls._leave,
        "QueueCallerAbandon": Calls._leave,
        "AgentCalled": Calls._serve,
        "AgentConnect": Calls._serve,
        "AgentComplete": Calls._release,
        "AgentRingNoAnswer": Calls._release,
        "AgentDump": Calls._release,
        "QueueMemberAdded": Calls._member,
        "QueueMemberPause": Calls._member,
        "QueueMemberStatus": Calls._member,
        "QueueMemberRemoved": Calls._member_removed,
        "ContactStatus": Calls._contact,
    }
)


def snapshot_of(
    generation: int, channels: list[Fields], queues: list[Fields], contacts: list[Fields], also_live: set[str]
) -> Snapshot:
    """One picture from the answers to CoreShowChannels, QueueStatus and PJSIPShowContacts."""
    live = {channel.unique_id: channel for channel in map(_channel_of, map(_reader, channels)) if channel.unique_id}
    entries = [_entry_of(_reader(item)) for item in queues if item.get("event") == "QueueEntry"]
    members = [_member_of(_reader(item)) for item in queues if item.get("event") == "QueueMember"]
    ids = also_live | set(live) | {channel.linked_id for channel in live.values()}
    return Snapshot(
        generation,
        MappingProxyType(live),
        MappingProxyType({(entry.queue, entry.unique_id): entry for entry in entries}),
        MappingProxyType({(member.queue, member.interface): member for member in members}),
        MappingProxyType({text("endpoint") or text("aor"): text("status") for text in map(_reader, contacts)}),
        frozenset(call_id(one) for one in ids if one),
    )


def with_live(snapshot: Snapshot, also_live: set[str]) -> Snapshot:
    """The same picture with calls added that were first heard of while it was being made."""
    return replace(snapshot, live_call_ids=snapshot.live_call_ids | also_live)


def call_id(unique_id: str) -> str:
    """A unique id as the dialplan names the call: letters, digits, `.` and `-`."""
    return re.sub(r"[^a-zA-Z0-9.-]", "", unique_id)


Read = Callable[[str], str]
"""Gives a header's text by its key: `AmiEvent.text`, or the same for an item of a list."""


def _reader(fields: Fields) -> Read:
    def text(key: str) -> str:
        value = fields.get(key)
        return value if isinstance(value, str) else ""

    return text


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _channel_of(text: Read) -> Channel:
    return Channel(
        text("uniqueid"),
        text("linkedid"),
        text("channel"),
        text("channelstatedesc"),
        text("calleridnum"),
        text("exten"),
    )


def _entry_of(text: Read) -> QueueEntry:
    return QueueEntry(text("queue"), text("uniqueid"), text("channel"), _number(text("position")))


def _member_of(text: Read) -> Member:
    """Events call the seat's telephone Interface, QueueStatus calls it Location."""
    paused = text("paused") == "1"
    return Member(
        text("queue"),
        text("interface") or text("location"),
        text("membership"),
        paused,
        text("pausedreason") if paused else "",
        _number(text("status")),
    )
