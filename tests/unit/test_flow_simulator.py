"""A walk through a flow means what 'Exact meaning' in docs/flows.md says, whatever the caller does."""

import ast
import random
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr_flows import simulator
from ivr_flows.loading import read_set, shipped
from ivr_flows.model import FlowSet
from ivr_flows.random_walks import KEYS, Coverage, random_walk, random_walks
from ivr_flows.simulator import is_open, walk
from ivr_flows.walks import HangUp, Inputs, Key, Silence, Speech, Walk, WalkError

SHIPPED = shipped()
CALENDARS = """
calendars:
  office:
    timezone: Asia/Shanghai
    week: {mon-fri: ["08:30-12:00", "13:30-17:30"], sat: "20:00-24:00"}
    days: {2026-12-02: [], 2026-12-06: "10:00-11:00"}
"""
SHANGHAI = ZoneInfo("Asia/Shanghai")


def flows(*texts: str, transfers: dict[str, str] | None = None) -> FlowSet:
    files = {f"{text.split()[1]}.yaml": text for text in texts}
    return read_set({**files, "calendars.yaml": CALENDARS}, transfers or {})


def one(steps: str, head: str = "") -> FlowSet:
    """A call flow of these steps, beginning at `first`, with an operator's step of its own."""
    return flows(
        f"flow: trial\ntitle: {{zh: 试, en: Trial}}\nkind: call\nstart: first\noperator: person\n{head}steps:\n{steps}"
        "  person: {queue: service, otherwise: bye}\n  bye: {hang_up: good-bye}\n"
    )


def taken(flow_set: FlowSet, *events: Key | Silence | Speech | HangUp, **inputs: object) -> Walk:
    return walk(flow_set, "trial", Inputs(events=events, **inputs))  # type: ignore[arg-type]


def steps(walked: Walk) -> list[str]:
    return [place.step for place in walked.path]


MENU = one(
    "  first: {menu: [greeting, hello], tries: 3, invalid: sorry-wrong, silent: still-there, "
    'keys: {"1": one_step, "#": bye}, otherwise: bye}\n  one_step: {say: fine, next: bye}\n'
)


def test_the_simulator_knows_nothing_but_plain_values() -> None:
    folder = Path(simulator.__file__).parent
    reached, waiting = set(), ["simulator"]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ivr_flows"):
                waiting += [node.module.split(".")[1]] if "." in (node.module or "") else [a.name for a in node.names]
            assert not (isinstance(node, ast.Import) and any(a.name.startswith("ivr_flows") for a in node.names))
    assert reached == {"simulator", "walks", "model"}


def test_a_key_that_leads_somewhere_is_followed_and_written_down() -> None:
    walked = taken(MENU, Key("1"))
    assert steps(walked) == ["first", "one_step", "bye"]
    assert walked.said == ["greeting", "hello", "fine", "good-bye"]
    assert walked.journal == [("greeted", {}), ("chose", {"flow": "trial", "step": "first", "key": "1"})]
    assert walked.end == "hung_up"


@pytest.mark.parametrize(("key", "target"), [("0", "person"), ("9", "person"), ("#", "bye")])
def test_0_and_9_reach_a_person_and_hash_is_a_key_like_others(key: str, target: str) -> None:
    walked = taken(MENU, Key(key))
    assert steps(walked)[1] == target
    assert ("chose", {"flow": "trial", "step": "first", "key": key}) in walked.journal


def test_a_wrong_key_and_silence_have_their_own_words_before_the_next_try() -> None:
    walked = taken(MENU, Key("7"), Silence(), Key("1"))
    asked = ["greeting", "hello"]
    assert walked.said == [*asked, "sorry-wrong", *asked, "still-there", *asked, "fine", "good-bye"]


@pytest.mark.parametrize("last", [Key("*"), Silence()])
def test_after_the_last_try_nothing_more_is_said(last: Key | Silence) -> None:
    walked = taken(MENU, Silence(), Silence(), last)
    assert steps(walked) == ["first", "bye"]
    assert walked.said[-2:] == ["hello", "good-bye"]
    assert walked.journal == [("greeted", {})]


def test_a_caller_without_further_events_hangs_up() -> None:
    walked = taken(MENU, Key("7"))
    assert (walked.end, steps(walked)) == ("caller", ["first"])
    assert [event.event for event in walked.happened] == [Key("7"), HangUp()]


DIGITS = one(
    "  first: {digits: ask, into: ORDER, min: 2, max: 4, tries: 2, next: told, otherwise: bye}\n"
    "  told: {say: [{digits: ORDER}, {number: ORDER}, {number: NEVER}], next: bye}\n"
    "  never: {set: {NEVER: x}, next: bye}\n"
)


def typed(text: str) -> list[Key | Silence]:
    return [Silence() if letter == "-" else Key(letter) for letter in text]


@pytest.mark.parametrize(
    ("text", "value"),
    [("12#", "12"), ("12-", "12"), ("1234", "1234"), ("007#", "007"), ("00#", "00"), ("1#23#", "23"), ("-99#", "99"),
     ("1*#12#", "12"), ("1*34-", None), ("*#1#", None), ("##", None), ("--", None), ("5-6-", None)],
)  # fmt: skip
def test_digits_end_with_hash_a_pause_or_the_last_that_fits(text: str, value: str | None) -> None:
    walked = taken(DIGITS, *typed(text))
    if value is None:
        assert (walked.variables, steps(walked)) == ({}, ["first", "bye"])
    else:
        assert walked.variables == {"ORDER": value}
        assert walked.said[-3:] == [f"digits:{value}", f"number:{value}", "good-bye"]


@pytest.mark.parametrize("text", ["0#", "0-", "1#0#"])
def test_0_alone_reaches_the_operator_where_digits_are_asked(text: str) -> None:
    walked = taken(DIGITS, *typed(text))
    assert steps(walked)[:2] == ["first", "person"]
    assert ("chose", {"flow": "trial", "step": "first", "key": "0"}) in walked.journal


def test_every_wrong_entry_of_digits_is_answered_by_the_same_words() -> None:
    walked = taken(DIGITS, *typed("-1#"))
    assert walked.said == ["ask", "not-understood", "ask", "good-bye"]


SURVEY = one("  first: {survey: how, about: follow_up, tries: 2, next: bye, otherwise: bye}\n")


def test_a_grade_is_written_down_with_what_it_is_about() -> None:
    walked = taken(SURVEY, Key("6"), Key("5"))
    assert walked.said == ["how", "not-understood", "how", "good-bye"]
    assert walked.journal[1:] == [("graded", {"flow": "trial", "step": "first", "grade": "5", "about": "follow_up"})]


def test_0_leads_out_of_a_survey_without_a_grade() -> None:
    walked = taken(SURVEY, Silence(), Key("0"))
    assert [step for step, _ in walked.journal] == ["greeted", "chose", "queued"]
    assert walked.said[:2] == ["how", "how"]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-12-01T08:29:59", False), ("2026-12-01T08:30:00", True), ("2026-12-01T12:00:00", False),
        ("2026-12-01T13:30:00", True), ("2026-12-01T17:29:59", True), ("2026-12-02T09:00:00", False),
        ("2026-12-05T19:59:59", False), ("2026-12-05T23:59:59", True), ("2026-12-06T00:00:00", False),
        ("2026-12-06T10:30:00", True), ("2026-12-13T10:30:00", False),
    ],
)  # fmt: skip
def test_an_office_is_open_from_the_first_minute_until_before_the_last(moment: str, expected: bool) -> None:
    now = datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI)
    assert is_open(MENU.calendars["office"], now) is expected
    assert is_open(MENU.calendars["office"], now.astimezone(ZoneInfo("America/New_York"))) is expected


def test_hours_without_a_time_cannot_be_walked() -> None:
    with pytest.raises(WalkError, match="time"):
        taken(one("  first: {hours: office, open: person, closed: bye}\n"))


QUEUE = one('  first: {queue: service, keys: {"1": again}, otherwise: bye}\n  again: {say: once-more, next: first}\n')


def test_in_the_queue_only_its_own_keys_do_anything() -> None:
    walked = taken(QUEUE, Key("7"), Key("1"), Silence())
    assert steps(walked) == ["first", "again", "first", "bye"]
    assert walked.journal == [("queued", {"queue": "service"})] * 2, "a flow that begins with a queue greets nobody"


def test_a_seat_that_answers_is_the_end_of_the_walk() -> None:
    walked = taken(QUEUE, forced={"trial.first": "answered"})
    assert (walked.end, steps(walked)) == ("answered", ["first"])


CALLBACK = one("  first: {callback: promised, next: bye, otherwise: person}\n")


def test_a_call_back_is_written_down_before_it_is_promised() -> None:
    walked = taken(CALLBACK, number="13900000001")
    assert walked.journal[1:] == [("callback", {"flow": "trial", "step": "first", "number": "13900000001"})]
    assert walked.said == ["promised", "good-bye"]


def test_a_caller_without_a_number_is_promised_nothing() -> None:
    walked = taken(CALLBACK, number="")
    assert (steps(walked), walked.said) == (["first", "person"], [])


@pytest.mark.parametrize(
    ("events", "path", "kept"),
    [
        ((Speech(), Key("#")), "first person", True),
        ((Speech(), Silence()), "first person", True),
        ((Speech(), HangUp()), "first", True),
        ((Key("#"),), "first bye", False),
        ((Key("1"), Silence()), "first bye", False),
        ((HangUp(),), "first", False),
    ],
)
def test_a_message_is_kept_when_something_was_said_even_by_hanging_up(
    events: tuple[Key | Silence | Speech | HangUp, ...], path: str, kept: bool
) -> None:
    walked = taken(one("  first: {voice_message: speak-now, next: person, otherwise: bye}\n"), *events)
    assert steps(walked) == path.split()
    assert (("message", {"flow": "trial", "step": "first"}) in walked.journal) is kept


CHILD = """flow: child
title: {zh: 子, en: Child}
kind: call
operator: person
start: ask
steps:
  ask: {digits: which, into: ORDER, min: 1, max: 1, next: home, otherwise: home}
  home: {back: }
  person: {queue: service, otherwise: home}
"""
PARENT = """flow: trial
title: {zh: 试, en: Trial}
kind: call
operator: bye
start: first
steps:
  first: {flow: child, next: which}
  which: {branch: ORDER, cases: {"7": seven}, otherwise: other}
  seven: {hang_up: seven-it-is}
  other: {hang_up: other-it-is}
  bye: {hang_up: good-bye}
"""


def test_a_sub_flow_comes_back_and_shares_its_variables() -> None:
    walked = taken(flows(CHILD, PARENT), Key("7"))
    assert [str(place) for place in walked.path] == [
        "trial.first",
        "child.ask",
        "child.home",
        "trial.which",
        "trial.seven",
    ]
    assert walked.journal == [("greeted", {})], "a sub-flow greets nobody a second time"
    assert taken(flows(CHILD, PARENT), Key("8")).said[-1] == "other-it-is"


def test_a_sub_flow_entered_from_outside_ends_at_its_back() -> None:
    walked = walk(flows(CHILD, PARENT), "child", Inputs(events=(Key("7"),)))
    assert (walked.end, steps(walked)) == ("hung_up", ["ask", "home"])


@pytest.mark.parametrize(("waiting", "said"), [(4, "no"), (5, "yes"), (6, "yes")])
def test_a_count_is_reached_at_the_number_itself(waiting: int, said: str) -> None:
    flow_set = one(
        "  first: {branch: waiting, at_least: 5, yes: many, no: few}\n"
        "  many: {hang_up: yes-many}\n  few: {hang_up: no-few}\n"
    )
    assert taken(flow_set, counts={"waiting": waiting}).said[0].startswith(said)


def test_who_is_recognised_without_a_way_of_his_own_is_treated_as_unknown() -> None:
    flow_set = one("  first: {recognise: caller, provider: person, unknown: bye}\n")
    assert steps(taken(flow_set, forced={"trial.first": "known"})) == ["first", "bye"]
    assert steps(taken(flow_set, forced={"trial.first": "provider"}))[1] == "person"


@pytest.mark.parametrize(("outcome", "said"), [("next", ["tell:my_ticket", "good-bye"]), ("nothing", ["good-bye"])])
def test_what_the_application_tells_is_heard_only_when_there_is_something(outcome: str, said: list[str]) -> None:
    flow_set = one("  first: {tell: my_ticket, next: bye, nothing: bye, otherwise: person}\n")
    assert taken(flow_set, forced={"trial.first": outcome}).said == said


def test_a_name_without_a_number_cannot_be_put_through() -> None:
    text = "  first: {transfer: gas, next: bye, otherwise: person}\n"
    assert steps(taken(one(text))) == ["first", "person"]


def test_what_a_person_decides_is_written_with_its_variables() -> None:
    flow_set = one(
        "  first: {set: {OFFER: A7}, next: yes_step}\n  yes_step: {answer: accept, with: OFFER, next: bye}\n"
    )
    walked = taken(flow_set)
    assert walked.journal[1:] == [("said", {"flow": "trial", "step": "yes_step", "answer": "accept", "OFFER": "A7"})]


@pytest.mark.parametrize(("key", "answer"), [("1", "take"), ("2", "refuse")])
def test_a_question_goes_back_to_the_ladder_with_the_answer_and_journals_nothing(key: str, answer: str) -> None:
    walked = walk(SHIPPED, "contact", Inputs(events=(Key(key),)))
    assert (walked.end, walked.answer, walked.journal) == ("returned", answer, [])


def test_nobody_who_does_not_press_has_taken_an_emergency() -> None:
    walked = walk(SHIPPED, "contact", Inputs(events=(Silence(), Key("5"), Silence())))
    assert (walked.end, walked.answer) == ("returned", "")


def test_the_one_touch_flow_is_the_ladder_at_once() -> None:
    walked = walk(SHIPPED, "one_touch", Inputs())
    assert (walked.end, walked.said, walked.journal) == ("emergency", [], [])


def test_a_language_stays_until_another_is_chosen() -> None:
    assert taken(one("  first: {language: en, next: person}\n"), Silence()).language == "en"
    assert taken(MENU, Key("1")).language == "zh"


def test_a_walk_without_end_is_refused() -> None:
    with pytest.raises(WalkError, match="no end"):
        taken(one("  first: {say: again, next: second}\n  second: {say: again, next: first}\n"))


def test_a_flow_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(WalkError, match="hotline"):
        walk(SHIPPED, "hotlines", Inputs())


EVENTS = st.one_of(st.sampled_from(KEYS).map(Key), st.just(Silence()), st.just(Speech()), st.just(HangUp()))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(SHIPPED.flows)),
    st.lists(EVENTS, max_size=25),
    st.datetimes(timezones=st.just(SHANGHAI)),
    st.integers(0, 40),
)
def test_whatever_a_caller_does_he_is_never_lost(flow: str, events: list[object], now: datetime, waiting: int) -> None:
    inputs = Inputs(tuple(events), now=now, counts={"waiting": waiting, "incidents": waiting % 2})  # type: ignore[arg-type]
    walked = walk(SHIPPED, flow, inputs)
    assert walked.end in {"caller", "hung_up", "answered", "emergency", "returned"}
    last = walked.path[-1]
    if walked.end == "hung_up":
        assert SHIPPED.flows[last.flow].steps[last.step].kind in {"hang_up", "back", "transfer"}
    assert len(walked.happened) <= len(events) + 1


# --- random walks ---


@pytest.mark.parametrize("flow", sorted(SHIPPED.flows))
def test_made_up_walks_go_over_every_edge_of_a_shipped_flow_five_times(flow: str) -> None:
    walks, coverage = random_walks(SHIPPED, flow, seed=1)
    assert coverage.missing() == {}
    assert 30 <= len(walks) <= 200, "so few that a telephone can walk them"
    assert set(coverage.counts) == set(Coverage(SHIPPED, flow).counts), "no walk left the flow"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(SHIPPED.flows)), st.integers(0, 10**6))
def test_a_made_up_walk_can_be_walked_again_from_its_inputs_alone(flow: str, seed: int) -> None:
    inputs = random_walk(SHIPPED, flow, random.Random(seed))
    assert inputs == random_walk(SHIPPED, flow, random.Random(seed))
    walked = walk(SHIPPED, flow, inputs)
    assert tuple(happened.event for happened in walked.happened) == inputs.events, "each event is used, none is missing"


def test_made_up_walks_try_wrong_keys_silence_and_hanging_up() -> None:
    walks, _ = random_walks(SHIPPED, "provider_line", seed=3)
    events = [event for inputs, _ in walks for event in inputs.events]
    assert Silence() in events
    assert HangUp() in events
    assert Key("7") in events or Key("5") in events
