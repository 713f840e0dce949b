"""What a call is, from the steps of its journal. Pure, and the same whatever the order in which steps came.

Steps are kept as they are in `Arrival.steps`: step name -> `{"s": kind, "t": seconds since 1970, …fields}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dispatch.journal import CallStep

MOST_FIELD = 200
GONE = "gone"
"""The step we add ourselves when the exchange no longer knows a call and left no word of its end."""

RING_BACK = re.compile(r"rb-([0-9]{1,12})-([0-9]{1,6})", re.ASCII)
"""The name of a ring-back: its alarm, and which attempt."""

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """A call as far as it is known."""

    kind: str
    to: str
    caller_from: str
    caller_raw: str
    name: str
    line: str
    home: str
    channel: str
    queue: str
    arrived_at: datetime
    answered_by: str | None
    answered_at: datetime | None
    taken_by: str | None
    ended_at: datetime | None
    cut: bool

    @property
    def ended(self) -> bool:
        return self.ended_at is not None


def record(step: CallStep) -> Record:
    """How a step is kept; empty fields are left out, long ones cut."""
    kept: Record = {"s": step.kind.value, "t": step.at.timestamp()}
    for name, value in step.fields.items():
        if value:
            kept[name] = value[:MOST_FIELD]
    return kept


def moment(kept: Record) -> datetime:
    """When a kept step happened."""
    return datetime.fromtimestamp(kept["t"], UTC)


def fold(steps: Mapping[str, Record]) -> Story:
    """The story of a call; `steps` has at least one step. Of two steps of a kind the earlier counts.

    Only of those who took it the last counts, and nobody when the claim was released after that: a winner who is lost
    within moments has not taken the call (docs/telephone.md, "The emergency ladder", 3).
    """
    first: dict[str, Record] = {}
    claim: Record | None = None
    for name, kept in steps.items():
        kind = kept["s"]
        if kind == "ended" and not name.isdigit():
            continue  # the end of a leg is not the end of the caller's call
        if kind in ("took", "released") and (claim is None or _claim_order(kept) > _claim_order(claim)):
            claim = kept
        known = first.get(kind)
        if known is None or kept["t"] < known["t"]:
            first[kind] = kept
    arrived = first.get("arrived", {})
    took, answered = first.get("took"), first.get("answered")
    picked_up = min((s for s in (took, answered) if s is not None), key=lambda s: s["t"], default=None)
    ended, gone = first.get("ended"), first.get(GONE)
    end = ended or gone
    queue = first.get("queued", {}).get("queue", "")
    return Story(
        kind=_kind(arrived, steps, queue),
        to=arrived.get("to", ""),
        caller_from=arrived.get("from", ""),
        caller_raw=arrived.get("raw", ""),
        name=arrived.get("name", ""),
        line=arrived.get("line", ""),
        home=arrived.get("home", ""),
        channel=arrived.get("chan", ""),
        queue=queue,
        arrived_at=moment(arrived or min(steps.values(), key=lambda s: s["t"])),
        answered_by=picked_up.get("who", "") if picked_up else None,
        answered_at=moment(picked_up) if picked_up else None,
        taken_by=claim.get("who", "") if claim is not None and claim["s"] == "took" else None,
        ended_at=moment(end) if end else None,
        cut=ended is None and gone is not None,
    )


def _claim_order(kept: Record) -> tuple[float, bool, str]:
    """Steps of the same moment have an order too, so that the story never depends on how they came."""
    return kept["t"], kept["s"] == "took", str(kept.get("who", ""))


def released_by(steps: Mapping[str, Record]) -> str:
    """Who gave the claim back last; empty when nobody did."""
    released = [kept for kept in steps.values() if kept["s"] == "released"]
    return str(max(released, key=lambda kept: kept["t"]).get("who", "")) if released else ""


def _kind(arrived: Record, steps: Mapping[str, Record], queue: str) -> str:
    """Emergency wins: a call that stands in the emergency queue is one, whatever its first step said."""
    if queue == "emergency" or any(s.get("queue") == "emergency" for s in steps.values() if s["s"] == "queued"):
        return "emergency"
    said = str(arrived.get("kind", ""))
    if said in ("service", "emergency", "other"):
        return said
    return "service" if queue == "service" else "unknown"


def automatic_disposition(story: Story) -> tuple[str, str] | None:
    """The end a call has without anybody saying so, with its reason; None when a person must say, or it still lives.

    An emergency is not judged here: it has its alarm.
    """
    if story.kind == "other":
        return "wrong_number", "拨打的不是本中心号码 / the number dialled is not ours"
    if not story.ended:
        return None
    if story.cut:
        return "ended_unknown", "通话中断，原因不明 / the exchange lost the call"
    if story.answered_by is None and story.kind == "service":
        return "abandoned", "接通前挂断 / hung up before anyone answered"
    return None


def unserved(story: Story, steps: Mapping[str, Record]) -> str:
    """Why a caller whom nobody answered is owed a call back: a key of `dispatch.call_backs.RANK`.

    Empty for who left a voice message: a person listens to it first.
    """
    if any(kept["s"] == "message" for kept in steps.values()):
        return ""
    if any(kept["s"] == "callback" for kept in steps.values()):
        return "chosen"
    if story.cut:
        return "cut"
    left = next((kept.get("qs", "") for kept in steps.values() if kept["s"] == "ended"), "")
    if left in ("FULL", "TIMEOUT", "JOINEMPTY", "LEAVEEMPTY", "JOINUNAVAIL", "LEAVEUNAVAIL"):
        return "full"
    return "abandoned" if story.queue else "closed"
