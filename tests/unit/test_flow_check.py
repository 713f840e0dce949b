"""What lies between the steps and between the flows: every caller comes to a person or a good-bye."""

import random
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr_flows import paths
from ivr_flows.check import check, errors, examine
from ivr_flows.kinds import KINDS
from ivr_flows.loading import read_set, shipped, sources
from ivr_flows.model import END, Finding, FlowSet, Step
from ivr_flows.prompts import prompts

SPOKEN = {prompt.name: ("zh", "en") for prompt in prompts()}
CALENDARS = sources()["calendars.yaml"]


def flow(name: str, steps: str, kind: str = "call", first: str = "start: aa\noperator: op") -> str:
    return f"flow: {name}\ntitle: {{zh: 一, en: One}}\nkind: {kind}\n{first}\nsteps:\n{steps}"


def found(*flows: str, **options: object) -> list[Finding]:
    texts: dict[str, str | bytes] = {f"{text.split()[1]}.yaml": text for text in flows}
    return examine({**texts, "calendars.yaml": CALENDARS}, {"police": "110"}, SPOKEN, **options)[1]  # type: ignore[arg-type]


def codes(*flows: str) -> list[str]:
    return [finding.code for finding in found(*flows)]


QUEUE = "  op: {queue: service, otherwise: bye}\n  bye: {hang_up: good-bye}\n"


# --- warnings, and what is allowed ------------------------------------------------------------------------------------


def test_a_menu_before_every_person_is_warned_of_and_let_through() -> None:
    findings = found(flow("one", '  aa: {menu: nobody-choice, keys: {"1": bye}, otherwise: op}\n' + QUEUE))

    assert [(finding.level, finding.code, finding.line) for finding in findings] == [("warning", "menu_first", 7)]


def test_a_long_and_a_deep_menu_are_warned_of() -> None:
    five = ", ".join(f'"{key}": bye' for key in range(1, 6))
    deep = (
        "  aa: {branch: free, at_least: 1, yes: op, no: bb}\n"
        '  bb: {menu: nobody-choice, keys: {"1": cc}, otherwise: op}\n'
        '  cc: {menu: nobody-choice, keys: {"1": dd}, otherwise: op}\n'
        f"  dd: {{menu: nobody-choice, keys: {{{five}}}, otherwise: op}}\n"
    )

    assert codes(flow("one", deep + QUEUE)) == ["deep_menu", "long_menu"]


def test_a_life_safety_prompt_that_nobody_approved_is_warned_of_where_it_is_played() -> None:
    findings = found(flow("one", "  aa: {say: calm, next: op}\n" + QUEUE, first="start: aa"), unapproved={"calm"})

    assert [(finding.level, finding.code, finding.step) for finding in findings] == [("warning", "unapproved", "aa")]


def test_holidays_that_are_past_are_warned_of() -> None:
    last = max(shipped().calendars["office"].days)

    assert check(shipped(), SPOKEN, today=last) == []
    assert [each.code for each in check(shipped(), SPOKEN, today=date(last.year + 1, 1, 1))] == ["holidays_end"]


def test_a_sub_flow_that_never_comes_back_is_warned_of() -> None:
    outer = flow("one", "  aa: {flow: two, next: op}\n" + QUEUE, first="start: aa")
    inner = flow("two", "  aa: {queue: service, otherwise: bye}\n  bye: {hang_up: good-bye}\n", first="start: aa")

    assert codes(outer, inner) == ["never_back"]


def test_9_may_lead_to_a_transfer_and_0_may_not() -> None:
    steps = (
        "  aa: {branch: free, at_least: 1, yes: op, no: bb}\n"
        '  bb: {menu: nobody-choice, keys: {"1": bye}, otherwise: op}\n'
        "  put: {transfer: police, otherwise: op}\n" + QUEUE
    )

    assert codes(flow("one", steps, first="start: aa\noperator: op\ncentre: put")) == []
    assert codes(flow("one", steps, first="start: aa\noperator: put\ncentre: op")) == ["no_operator_on_0"]


def test_0_may_pass_words_and_hours_but_no_question() -> None:
    steps = (
        "  aa: {queue: service, otherwise: bb}\n"
        '  bb: {menu: nobody-choice, keys: {"1": bye}, otherwise: bye}\n'
        "  op: {hours: office, open: in_hours, closed: late}\n"
        "  in_hours: {queue: service, otherwise: bye}\n"
        "  bye: {hang_up: good-bye}\n"
    )

    assert codes(flow("one", steps + "  late: {say: to-operator, next: in_hours}\n")) == []
    assert codes(flow("one", steps + "  late: {voice_message: leave-message, next: bye, otherwise: bye}\n")) == [
        "no_centre_on_9",
        "no_operator_on_0",
    ]


def test_a_tell_in_a_sub_flow_reaches_the_person_that_every_caller_of_it_leads_to() -> None:
    inner = flow(
        "two",
        "  aa: {tell: my_ticket, next: ret, nothing: ret, otherwise: sorry}\n"
        "  sorry: {say: cannot-tell-now, next: ret}\n  ret: {back: }\n",
        first="start: aa",
    )
    good = flow("one", "  aa: {flow: two, next: op}\n" + QUEUE, first="start: aa")
    bad = flow("three", "  aa: {flow: two, next: bye}\n  bye: {hang_up: good-bye}\n", first="start: aa")

    assert codes(good, inner) == []
    assert codes(good, bad, inner) == ["tell_without_way"]


def test_an_emergency_queue_may_follow_what_asks_nothing() -> None:
    steps = "  aa: {recognise: caller, device: sos, unknown: op}\n  sos: {queue: emergency}\n"

    assert codes(flow("one", steps + QUEUE, first="start: aa")) == []


def test_an_elder_whom_we_rang_may_press_a_key_for_the_emergency_queue() -> None:
    steps = '  aa: {menu: care-question, keys: {"3": sos}, otherwise: op}\n  sos: {queue: emergency}\n'

    assert codes(flow("one", steps + QUEUE, kind="outbound")) == []


def test_a_variable_may_be_set_in_a_flow_that_calls_this_one() -> None:
    inner = flow("two", "  aa: {say: [{digits: NUM}], next: ret}\n  ret: {back: }\n", first="start: aa")
    calling = "  aa: {set: {NUM: 12}, next: sub}\n  sub: {flow: two, next: op}\n"
    not_setting = "  aa: {say: calm, next: sub}\n  sub: {flow: two, next: op}\n"

    assert codes(inner, flow("one", calling + QUEUE, first="start: aa")) == []
    assert codes(inner, flow("one", not_setting + QUEUE, first="start: aa")) == ["unset_variable"]
    given = "start: aa\ngiven: [NUM]"
    assert codes(flow("one", "  aa: {say: [{number: NUM}], next: op}\n" + QUEUE, kind="outbound", first=given)) == []


# --- laws -------------------------------------------------------------------------------------------------------------

NAMES = [f"s{number}" for number in range(9)]


@st.composite
def drawn_flow(draw: st.DrawFn, name: str, inner: Sequence[str]) -> str:
    """A flow of a few steps; most of it is in order: few ways lead back, few calls go round, few ends are silent."""
    count = draw(st.integers(1, len(NAMES)))

    def seldom() -> bool:
        return draw(st.integers(0, 29)) == 0

    def way(here: int) -> str:
        ahead = draw(st.integers(0, here)) if seldom() else draw(st.integers(here + 1, here + 3))
        return NAMES[ahead] if ahead < count else draw(st.sampled_from(["op", "ret"])) if name != "one" else "op"

    rows = []
    for here in range(count):
        sub = draw(st.sampled_from(["one", "two", "three"])) if seldom() or not inner else draw(st.sampled_from(inner))
        kinds = [
            f"say: calm, next: {way(here)}",
            f'menu: calm, keys: {{"1": {way(here)}}}, otherwise: {way(here)}',
            f"digits: calm, into: AA, next: {way(here)}, otherwise: {way(here)}",
            f"hours: office, open: {way(here)}, closed: {way(here)}",
            f"tell: my_ticket, next: {way(here)}, nothing: {way(here)}, otherwise: {way(here) if seldom() else 'word'}",
            f'queue: service, keys: {{"1": {way(here)}}}, otherwise: {way(here)}',
            f"voice_message: calm, next: {way(here)}, otherwise: {way(here)}",
            f"branch: AA, cases: {{a: {way(here)}}}, otherwise: {way(here)}",
            f"hang_up: {'' if seldom() else 'calm'}",
        ]
        rows.append(
            draw(st.sampled_from([*kinds, *([f"flow: {sub}, next: {way(here)}"] if inner or seldom() else [])]))
        )
    steps = "".join(f"  {NAMES[here]}: {{{row}}}\n" for here, row in enumerate(rows))
    ret = "  ret: {say: calm, next: op}\n" if name == "one" else "  ret: {back: }\n"
    return flow(name, f"{steps}  word: {{say: calm, next: op}}\n{ret}{QUEUE}", first="start: s0\noperator: op")


drawn_sets = st.tuples(drawn_flow("one", ["two", "three"]), drawn_flow("two", ["three"]), drawn_flow("three", [])).map(
    lambda texts: read_set({f"{text.split()[1]}.yaml": text for text in texts} | {"calendars.yaml": CALENDARS}, {})
)
# A busy machine is no defect of the flows.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
UNUSED = {"unreachable", "unset_variable", "back_to_nothing"}
"""What is wrong in most of the drawn sets and keeps no caller from a person: steps and flows that nobody comes to."""


@unhurried
@given(drawn_sets, st.randoms(use_true_random=False))
def test_without_errors_a_caller_who_does_nothing_comes_to_a_person_or_a_good_bye(
    flows: FlowSet, chance: random.Random
) -> None:
    wrong = {finding.code for finding in errors(check(flows, SPOKEN))} - UNUSED
    if wrong:
        return
    for _ in range(5):
        step, heard = silent_walk(flows, "one", chance)
        assert step.kind in ("queue", "transfer") or (step.kind == "hang_up" and heard)


def silent_walk(flows: FlowSet, name: str, chance: random.Random) -> tuple[Step, bool]:
    """One way through the flow by chance, without pressing anything: where it ends, and whether words were heard there.

    Written without the check's own questions about ways."""
    here, at = flows.flows[name], flows.flows[name].start
    above = []
    spoke = False
    for _ in range(1000):
        step = here.steps[at]
        if step.kind in ("transfer", "hang_up") or (step.kind == "queue" and chance.random() < 0.2):
            return step, spoke or bool(step.options.get("hang_up"))
        spoke = step.kind in ("say", "callback")
        if step.kind == "back":
            here, at = above.pop()
        elif step.kind == "flow":
            above.append((here, step.edges["next"]))
            here = flows.flows[step.options["flow"]]
            at = here.start
        else:
            asks = step.kind in ("menu", "digits", "survey", "voice_message", "queue")
            at = step.edges["otherwise" if asks else chance.choice(list(step.edges))]
    raise AssertionError("it goes round for ever")


@unhurried
@given(drawn_sets)
def test_the_circles_are_those_that_remain_when_all_that_ends_is_taken_away(flows: FlowSet) -> None:
    for each in flows.flows.values():
        ways = {
            name: {to for edge, to in step.edges.items() if to != END and not KINDS[step.kind].asked(edge)}
            for name, step in each.steps.items()
        }
        # Taken away from both ends (Kahn); a circle's steps are left, and those on a way from one circle to another.
        while ends := {
            name for name, on in ways.items() if not on or all(name not in other for other in ways.values())
        }:
            ways = {name: on - ends for name, on in ways.items() if name not in ends}
        circles = paths.loops(each)

        assert bool(circles) == bool(ways)
        assert {name for circle in circles for name in circle} <= set(ways)
        for circle in circles:
            for name in circle:
                assert set(paths.unasked(each.steps[name])) & set(circle)


def test_flows_that_call_one_another_in_every_way_are_judged_in_no_time() -> None:
    count = 60
    texts = [
        flow(
            f"layer_{layer}",
            "".join(
                f"  s{to}: {{flow: layer_{to}, next: {f's{to + 1}' if to + 1 < count else 'ret'}}}\n"
                for to in range(layer + 1, count)
            )
            + "  ret: {back: }\n",
            first=f"start: {f's{layer + 1}' if layer + 1 < count else 'ret'}",
        )
        for layer in range(count)
    ]

    assert {"too_deep_flows", "back_to_nothing"} == set(codes(*texts))


@pytest.mark.parametrize("name", sorted(shipped().flows))
def test_every_shipped_flow_asks_no_more_than_can_be_kept_in_mind(name: str) -> None:
    each = shipped().flows[name]

    assert max(paths.menu_depths(each).values(), default=0) <= 2
    for step in each.steps.values():
        assert len([key for key in step.edges if key.isdigit() and key not in "09"]) <= 4 or step.kind == "survey"
