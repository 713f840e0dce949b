"""The life of a provider: which steps there are, what founded complaints lead to, when a trial is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import states
from providers.errors import UnknownStep
from providers.tables import MATCHED_STATES
from providers.tables import STATES as STORED

CODES = sorted(states.STATES)


def test_the_table_and_the_database_know_the_same_states() -> None:
    assert set(states.STATES) == set(STORED)
    assert set(MATCHED_STATES) == states.MATCHED
    words = {state.zh for state in states.STATES.values()}
    assert words >= {
        "申请",
        "资质审核",
        "实地考察",
        "试用",
        "正式加盟",
        "停派整改",
    }


@given(st.sampled_from(CODES), st.sampled_from(CODES))
def test_only_steps_of_the_table_are_allowed(was: str, following: str) -> None:
    listed = any((step.was, step.following) == (was, following) for step in states.STEPS)
    if listed:
        step = states.check(was, following)
        assert step.zh
        assert step.en
    else:
        with pytest.raises(UnknownStep):
            states.check(was, following)


def test_every_state_is_reached_from_an_application_and_only_two_people_expel() -> None:
    reached, edge = {"applied"}, ["applied"]
    while edge:
        for step in states.steps_from(edge.pop()):
            if step.following not in reached:
                reached.add(step.following)
                edge.append(step.following)
    assert reached == set(states.STATES)
    assert {s.by for s in states.STEPS if s.following in ("expelled", "blacklisted")} == {"two"}
    assert not states.steps_from("blacklisted")


@given(st.sampled_from(CODES), st.sampled_from(["quality", "price", "safety", "price_fraud"]), st.integers(0, 5))
def test_a_complaint_leads_only_along_the_table_and_more_complaints_never_to_less(
    state: str, category: str, earlier: int
) -> None:
    severity = {None: 0, "warned": 1, "suspended": 2}
    following = states.after_complaint(state, category, earlier)
    if following is not None:
        states.check(state, following)
    assert severity[states.after_complaint(state, category, earlier + 1)] >= severity[following]
    assert severity[states.after_complaint(state, "safety", earlier)] >= severity[following]


def test_the_first_founded_complaint_warns_and_the_second_suspends() -> None:
    assert states.after_complaint("active", "price", 0) == "warned"
    assert states.after_complaint("warned", "price", 1) == "suspended"
    assert states.after_complaint("active", "quality", 1) == "suspended"
    assert states.after_complaint("active", "safety", 0) == "suspended"
    assert states.after_complaint("probation", "quality", 3) is None
    assert states.after_complaint("suspended", "safety", 3) is None


@given(st.integers(0, 60), st.integers(0, 60))
def test_only_twenty_offers_can_warn_and_only_below_sixty_per_cent(accepted: int, offers: int) -> None:
    warned = states.after_offers("active", min(accepted, offers), offers) == "warned"
    assert warned == (offers >= 20 and min(accepted, offers) * 10 < offers * 6)


def test_a_trial_is_over_after_ninety_days_or_ten_orders() -> None:
    assert not states.trial_over(timedelta(days=89), 9)
    assert states.trial_over(timedelta(days=90), 0)
    assert states.trial_over(timedelta(days=1), 10)
