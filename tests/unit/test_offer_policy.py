"""The laws of offering that need no database: modes, limits, codes, and the rule that picks among named times."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch import offer_policy
from dispatch.asking import _next_code
from dispatch.collecting import best
from dispatch.errors import BadInput
from dispatch.tables import OFFER_MODES, Ticket
from providers.taxonomy import ITEMS


def ticket(item: str | None = "0302", urgency: str = "normal", **policy: Any) -> Ticket:
    return Ticket(item=item, urgency=urgency, policy=policy, summary="水龙头漏水")


@pytest.mark.parametrize("code", sorted(ITEMS))
def test_every_item_has_a_mode_that_can_be_offered_and_stored(code: str) -> None:
    policy = offer_policy.new(ticket(code))
    assert policy.mode in offer_policy.WIDTH
    assert policy.mode in OFFER_MODES
    assert policy.accept.length == timedelta(minutes=policy.accept_minutes)


def test_urgency_lifts_any_item_and_an_unknown_one_is_urgent() -> None:
    assert offer_policy.work_class(ticket("0102")) == "appt"
    assert offer_policy.work_class(ticket("0102", "urgent")) == "urgent"
    assert offer_policy.work_class(ticket(None)) == "urgent"


@given(st.sampled_from(sorted(offer_policy.WIDTH)), st.integers(1, offer_policy.MOST_AT_ONCE), st.booleans())
def test_what_is_kept_in_the_ticket_is_what_holds_for_it(mode: str, width: int, by_hand: bool) -> None:
    kept = ticket(preferred=7, refused=[3])
    policy = offer_policy.new(kept, mode, width, "operator" if by_hand else "rule")
    assert not offer_policy.begun(kept)
    offer_policy.keep(kept, policy)
    assert offer_policy.begun(kept)
    assert offer_policy.of(kept) == policy
    assert (kept.policy["preferred"], kept.policy["refused"]) == (7, [3])
    kept.urgency = "extra_urgent"  # later changes do not touch a running case
    assert offer_policy.of(kept) == policy


@pytest.mark.parametrize(
    "wrong", [("shout",), ("broadcast", 0), ("broadcast", 51), ("collect", None, "dice"), ("planned",)]
)
def test_a_policy_outside_its_bounds_is_refused(wrong: tuple[Any, ...]) -> None:
    with pytest.raises(BadInput):
        offer_policy.new(ticket(), *wrong)


@given(st.from_regex(r"\+861[3-9]\d{9}", fullmatch=True))
def test_a_code_comes_again_only_after_all_nine_thousand(phone: str) -> None:
    code, seen = _next_code(phone, None), set()
    for _ in range(9000):
        assert len(code) == 4
        assert 1000 <= int(code) <= 9999
        assert code not in seen
        seen.add(code)
        code = _next_code(phone, code)
    assert code in seen


PROPOSALS = st.lists(st.tuples(st.integers(1, 1440), st.integers(1, 60)), min_size=1, max_size=20)


@given(PROPOSALS)
def test_nobody_is_earlier_than_the_one_picked_and_no_equal_is_ranked_before_it(times: list[tuple[int, int]]) -> None:
    rows = [SimpleNamespace(id=n, eta_minutes=eta, rank=rank) for n, (eta, rank) in enumerate(times)]
    picked = best(rows)  # type: ignore[arg-type]
    assert all(picked.eta_minutes <= row.eta_minutes for row in rows)
    assert all(picked.rank <= row.rank for row in rows if row.eta_minutes == picked.eta_minutes)
