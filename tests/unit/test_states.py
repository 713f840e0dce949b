"""The state tables, as laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch import limits, states
from dispatch.errors import UnknownTransition
from dispatch.tables import TICKET_KINDS

NAMES = sorted(states.ZH)


def test_every_kind_of_ticket_has_its_table() -> None:
    assert set(states.TRANSITIONS) == set(TICKET_KINDS)


@pytest.mark.parametrize("kind", sorted(states.TRANSITIONS))
def test_every_state_can_be_reached_has_its_word_and_leads_to_the_end(kind: str) -> None:
    table = states.TRANSITIONS[kind]
    reached: set[str] = set()
    front = set(table[None])
    while front:
        reached |= front
        front = {after for state in front for after in table[state]} - reached
    assert reached == set(table) - {None}
    for state in reached:
        assert state in states.ZH
        assert len(state) <= 12, "the column holds twelve characters"
        end, seen = {state}, set[str]()
        while end - seen:
            seen |= end
            end = {after for now in seen for after in table[now]}
        assert "archived" in seen, f"{kind}/{state} is a dead end"


@given(
    st.sampled_from(sorted(states.TRANSITIONS)), st.one_of(st.none(), st.sampled_from(NAMES)), st.sampled_from(NAMES)
)
def test_what_the_table_does_not_say_raises_with_words_for_people(kind: str, state: str | None, after: str) -> None:
    if after in states.TRANSITIONS[kind].get(state, ()):
        states.check(kind, state, after)
    else:
        with pytest.raises(UnknownTransition) as caught:
            states.check(kind, state, after)
        assert caught.value.zh
        assert after in caught.value.en


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_unknown_words_raise_the_same_error(kind: str, state: str, after: str) -> None:
    if after not in states.TRANSITIONS.get(kind, {}).get(state, ()):
        with pytest.raises(UnknownTransition):
            states.check(kind, state, after)


def test_every_limit_says_why_in_two_languages() -> None:
    for work_class in limits.ACCEPT:
        for limit in (limits.accept(work_class), limits.arrive(work_class, None), limits.work(work_class),
                      limits.escalated(work_class), limits.arrive(work_class, 20)):  # fmt: skip
            assert limit.length.total_seconds() > 0
            assert " / " in limit.reason
