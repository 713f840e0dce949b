"""Replaying a ticket's events: a history that follows the tables gives what was stored, any other raises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch import states
from dispatch.errors import UnknownTransition
from dispatch.states import Life, replay
from dispatch.tickets import URGENCIES

Event = tuple[str, Mapping[str, Any]]
OWNERS = ("desk", "supervisor", "city", "org:3", "user:li", "provider:7", "")
TOTALS = {"ticket.returned": "returns", "ticket.nudged": "nudges", "ticket.repeated": "repeats",
          "ticket.resumed": "paused_s"}  # fmt: skip
NOISE = ("offer.made", "visit.late", "message.sent", "ticket.noted", "ticket.escalated", "call.ended")


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Event], Life]:
    """A walk through the table of a kind, with what else happens on the way; and what it comes to."""
    kind = draw(st.sampled_from(sorted(states.TRANSITIONS)))
    table = states.TRANSITIONS[kind]
    state = draw(st.sampled_from(sorted(table[None])))
    life = Life(kind, state, draw(st.sampled_from(OWNERS)), draw(st.sampled_from(URGENCIES)))
    events: list[Event] = [
        ("ticket.opened", {"kind": kind, "state": state, "owner": life.owner, "urgency": life.urgency})
    ]
    for _ in range(draw(st.integers(0, 25))):
        step = draw(st.sampled_from(["move", "move", "owner", "overdue", "urgency", "total", "noise"]))
        following = sorted(table[life.state])
        if step == "move" and following:
            life, event = _move(draw, life, draw(st.sampled_from(following)))
            events.append(event)
        elif step in ("owner", "overdue"):
            life = replace(life, owner=draw(st.sampled_from(OWNERS)))
            name = "ticket.owner_changed" if step == "owner" else "ticket.overdue"
            events.append((name, {"owner": life.owner, "why": "x"}))
        elif step == "urgency":
            life = replace(life, urgency=draw(st.sampled_from(URGENCIES)))
            events.append(("ticket.urgency_changed", {"urgency": life.urgency}))
        elif step == "total":
            name, total = draw(st.sampled_from(sorted(TOTALS))), draw(st.integers(0, 99))
            life = replace(life, **{TOTALS[name]: total})  # type: ignore[arg-type]
            events.append((name, {"total": total, "owner_then": "nobody"}))
        else:
            events.append((draw(st.sampled_from(NOISE)), {"owner": "not the owner", "state": "nowhere"}))
    return events, life


def _move(draw: st.DrawFn, life: Life, following: str) -> tuple[Life, Event]:
    held = draw(st.none() | st.integers(1, 9))
    outcome = draw(st.sampled_from(["served", "answered", "unmet"])) if not states.is_open(following) else None
    after = replace(
        life, state=following, owner=draw(st.sampled_from(OWNERS)), round=draw(st.integers(1, 4)), held=held,
        outcome=outcome,
    )  # fmt: skip
    detail: dict[str, Any] = {
        "was": life.state, "state": following, "owner": after.owner, "round": after.round, "held": held, "due": None,
    }  # fmt: skip
    if outcome:
        detail["outcome"] = outcome
    return after, ("ticket.state_changed", detail)


@given(histories())
def test_what_happened_gives_what_is_stored(told: tuple[list[Event], Life]) -> None:
    events, life = told
    assert replay(events) == life


@given(histories(), st.data())
def test_a_history_with_a_change_left_out_does_not_pass_for_a_true_one(
    told: tuple[list[Event], Life], data: st.DataObject
) -> None:
    events, _ = told
    moves = [
        n for n, (kind, detail) in enumerate(events)
        if kind == "ticket.state_changed" and detail["was"] != detail["state"]
        and any(later == "ticket.state_changed" for later, _ in events[n + 1 :])
    ]  # fmt: skip
    if not moves:
        return
    gone = data.draw(st.sampled_from(moves))
    with pytest.raises((ValueError, UnknownTransition)):
        replay(events[:gone] + events[gone + 1 :])


@given(histories())
def test_no_beginning_or_two_beginnings_are_no_history(told: tuple[list[Event], Life]) -> None:
    events, _ = told
    with pytest.raises(ValueError, match="opened"):
        replay([*events, events[0]])
    if any(kind.startswith("ticket.") for kind, _ in events[1:]):
        with pytest.raises(ValueError, match="opened"):
            replay(events[1:])
    with pytest.raises(ValueError, match="opened"):
        replay([])
