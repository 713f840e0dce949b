"""Journals of calls that we made ourselves: they are no arrivals, and each kind of them belongs to something else."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from dispatch import call_backs, call_story, flow_answers, ring_backs
from dispatch.call_story import Record
from dispatch.journal import Malformed
from dispatch.tables import Arrival
from foundation.writer import Work

_OF_A_CALL_BACK = frozenset({"called", "answered"})
"""Steps of a call back that belong to the arrival it answers too: a person talks to its caller now."""


def take(w: Work, by_call: dict[str, dict[str, Record]]) -> list[Malformed]:
    """Take the steps of our own calls out of `by_call` and record them; what nobody knows comes back.

    Puts those steps of a call back that are part of an arrival's story among that arrival's.
    """
    strange = []
    for call_id in [c for c in by_call if ring_backs.CALL_ID.fullmatch(c)]:
        new = by_call.pop(call_id)
        if not ring_backs.record(w, call_id, _readable(new)):
            strange.append(Malformed(call_id, next(iter(new)), str(new)[:400], "a ring-back that no alarm knows"))
    for call_id in [c for c in by_call if call_backs.CALL_ID.fullmatch(c)]:
        new = by_call.pop(call_id)
        answers = call_backs.record(w, call_id, _readable(new))
        if answers is None:
            strange.append(Malformed(call_id, next(iter(new)), str(new)[:400], "a call back that nobody owes"))
            continue
        for arrival_call in w.session.scalars(select(Arrival.external_id).where(Arrival.id.in_(answers[-1:]))):
            told = {f"{call_id}:{name}": kept for name, kept in new.items() if kept["s"] in _OF_A_CALL_BACK}
            by_call.setdefault(arrival_call, {}).update(told)
    for call_id in [c for c in by_call if flow_answers.CALL_ID.fullmatch(c)]:
        flow_answers.record(w, call_id, by_call.pop(call_id))
    return strange


def end_those_gone(w: Work, live: Collection[str], before: datetime) -> None:
    """End our own calls that the exchange no longer has, as `arrivals.end_unknown` does with those of others."""
    mark: Record = {"s": call_story.GONE, "t": w.now.timestamp()}
    for call_id in ring_backs.live_before(w.session, before):
        if call_id not in live:
            ring_backs.record(w, call_id, {call_story.GONE: mark})
    for call_id in call_backs.live_before(w.session, before):
        if call_id not in live:
            call_backs.record(w, call_id, {call_story.GONE: mark})


def _readable(new: dict[str, Record]) -> dict[str, Record]:
    return {name: kept for name, kept in new.items() if kept["s"] != "unreadable"}
