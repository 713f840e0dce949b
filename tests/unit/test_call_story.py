"""A call's story is the same whatever the order of its steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dispatch.call_story import GONE, automatic_disposition, fold, record
from dispatch.journal import CallStep, StepKind

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(list(StepKind)),
        st.integers(0, 100),
        st.sampled_from(["seat-op1", "duty-3", "contact-17"]),
        st.sampled_from(["service", "emergency", "other", "odd"]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda step: (step[0], step[1]),
)


@given(STEPS, st.randoms(use_true_random=False), st.booleans())
def test_any_order_gives_the_same_story(told: list[tuple[StepKind, int, str, str]], chance: object, gone: bool) -> None:
    steps = {
        f"{n:03}": record(
            CallStep("c", f"{n:03}", kind, START + timedelta(seconds=after),
                     {"who": who, "kind": what, "queue": what, "to": str(after)})
        )
        for n, (kind, after, who, what) in enumerate(told)
    }  # fmt: skip
    if gone:
        steps[GONE] = {"s": GONE, "t": START.timestamp() + 200}
    names = list(steps)
    chance.shuffle(names)  # type: ignore[attr-defined]
    story = fold({name: steps[name] for name in names})
    assert story == fold(steps)
    assert story.ended == (gone or any(kind is StepKind.ENDED for kind, *_ in told))
    arrived = [after for kind, after, *_ in told if kind is StepKind.ARRIVED]
    assert story.to == (str(min(arrived)) if arrived else "")
    claims = [step for step in told if step[0] in (StepKind.TOOK, StepKind.RELEASED)]
    last = max(claims, key=lambda step: (step[1], step[0] is StepKind.TOOK), default=None)
    assert story.taken_by == (last[2] if last is not None and last[0] is StepKind.TOOK else None)


def test_the_end_of_a_leg_is_not_the_end_of_the_call() -> None:
    ended = record(CallStep("c", "duty-3.17-001", StepKind.ENDED, START, {}))
    arrived = record(CallStep("c", "001", StepKind.ARRIVED, START, {"kind": "service"}))
    assert not fold({"001": arrived, "duty-3.17-001": ended}).ended
    assert automatic_disposition(fold({"001": arrived, "002": ended})) is not None
