"""Reading a flow: whatever somebody writes, it is either a whole flow or a FlowError, and never becomes dialplan."""

import contextlib
import re
from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ivr_flows.calendars import read_calendars
from ivr_flows.document import DEEPEST, MOST_BYTES, parse
from ivr_flows.kinds import KINDS
from ivr_flows.kinds.values import LITERAL, NAME, PROMPT, VARIABLE, Text, Wrong
from ivr_flows.loading import load, read_set, shipped, sources
from ivr_flows.model import END, Flow, FlowError, Spoken
from ivr_flows.reading import MOST_FINDINGS, MOST_STEPS, read_flow

SHIPPED = {name: text.decode() for name, text in sources().items() if name != "calendars.yaml"}

TINY = """\
flow: tiny
title: {zh: 小, en: Tiny}
kind: call
operator: wait
start: ask
steps:
  ask: {menu: nobody-choice, keys: {"1": wait, "*": ask}, otherwise: wait}
  wait: {queue: service, keys: {"#": ask}, otherwise: bye}
  bye: {hang_up: good-bye}
"""


def tiny(old: str = "", new: str = "") -> Flow:
    assert old in TINY
    return read_flow(TINY.replace(old, new, 1), "tiny.yaml")


def codes(text: str | bytes, path: str = "tiny.yaml") -> list[str]:
    with pytest.raises(FlowError) as caught:
        read_flow(text, path)
    return [finding.code for finding in caught.value.findings]


def test_a_flow_comes_out_whole() -> None:
    flow = tiny()

    assert flow.title == {"zh": "小", "en": "Tiny"}
    assert flow.steps["ask"].options == {
        "menu": (Spoken("prompt", "nobody-choice"),),
        "timeout": 5,
        "tries": 3,
        "invalid": "not-understood",
        "silent": (),
    }
    assert flow.steps["ask"].edges == {"1": "wait", "*": "ask", "otherwise": "wait", "0": "wait", "9": "wait"}
    assert flow.steps["wait"].edges == {"#": "ask", "otherwise": "bye", "answered": END}
    assert flow.steps["bye"].line == 9


def test_a_key_written_in_the_menu_stays_where_it_leads() -> None:
    flow = tiny('"*": ask', '"9": ask')

    assert flow.steps["ask"].edges["9"] == "ask"
    assert flow.steps["ask"].edges["0"] == "wait"


def test_the_centre_may_be_another_step_than_the_operator() -> None:
    assert tiny("start: ask", "centre: bye\nstart: ask").steps["ask"].edges["9"] == "bye"


def test_all_that_is_wrong_in_a_file_is_said_at_once() -> None:
    text = (
        TINY.replace("kind: call", "kind: cal")
        .replace("nobody-choice", "Nobody")
        .replace("bye: {", "bye: {retries: 1, ")
    )

    assert codes(text) == ["flow_kind", "bad_value", "unknown_key"]


def test_a_message_never_carries_what_a_terminal_would_obey() -> None:
    with pytest.raises(FlowError) as caught:
        read_flow(TINY.replace("nobody-choice", r'"\e[2Jx\n\u202ey"'), "tiny.yaml")

    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_numbers_and_yes_are_what_their_option_makes_of_them() -> None:
    flow = read_flow(
        "flow: tiny\ntitle: {zh: 小, en: Tiny}\nkind: call\nstart: one\nsteps:\n"
        "  one: {set: {A: 0570, B: yes, C: 1_0}, next: two}\n"
        "  two: {branch: free, at_least: 010, yes: bye, no: bye}\n"
        "  bye: {hang_up: good-bye}\n",
        "tiny.yaml",
    )

    assert flow.steps["one"].options["set"] == {"A": "0570", "B": "yes", "C": "1_0"}
    assert flow.steps["two"].options["at_least"] == 10
    assert flow.steps["two"].edges == {"yes": "bye", "no": "bye"}


def test_a_file_of_the_largest_size_and_one_step_too_many() -> None:
    comment = "#" * (MOST_BYTES - len(TINY.encode()) - 1)
    assert read_flow(f"{TINY}{comment}\n", "tiny.yaml").name == "tiny"
    assert codes(f"{TINY}{comment}#\n") == ["too_big"]

    many = "".join(f"  s{number}: {{say: good-bye, next: bye}}\n" for number in range(MOST_STEPS - 3))
    assert len(read_flow(TINY + many, "tiny.yaml").steps) == MOST_STEPS
    assert codes(TINY + many + "  one_more: {hang_up: good-bye}\n") == ["too_many_steps"]


def test_a_file_of_nothing_but_mistakes_is_not_read_to_its_end() -> None:
    mistakes = "".join(f"k{number}: x\n" for number in range(25_000))

    for read in (read_flow, read_calendars):
        with pytest.raises(FlowError) as caught:
            read(mistakes, "tiny.yaml")
        assert len(caught.value.findings) == MOST_FINDINGS


@pytest.mark.parametrize("opened", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_before_it_costs_anything(opened: str) -> None:
    assert codes("a: " * (opened != "- ") + opened * 60_000)[0] in ("too_deep", "not_yaml")


def test_a_short_file_cannot_grow() -> None:
    laughs = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
    )

    assert codes(laughs) == ["alias"]
    assert codes("steps:\n  <<: *x\n") == ["alias"]


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe",
        TINY.encode("utf-16"),
        TINY.encode().replace("小".encode(), b"\xd0\xa1"[:1]),
        "\ud800",
        "a: \x00",
        "\x1b[2J",
    ],
)
def test_what_is_no_text_is_refused(text: str | bytes) -> None:
    assert codes(text)[0] in ("not_text", "not_yaml")


# A busy machine is no defect of the reader.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

words = st.sampled_from(
    [
        *KINDS,
        "next",
        "otherwise",
        "keys",
        "cases",
        "steps",
        "flow",
        "start",
        "operator",
        "end",
        "0",
        "9",
        "*",
        "${SHELL(id)}",
    ]
)
scalars = words | st.text(max_size=20) | st.integers() | st.none() | st.booleans() | st.floats()
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=8), inner, max_size=6),
    max_leaves=30,
)


def is_read_or_refused(text: str | bytes) -> None:
    for read in (read_flow, read_calendars):
        with contextlib.suppress(FlowError):
            read(text, "tiny.yaml")


@unhurried
@given(st.text() | st.binary())
@example("---")
@example("? ")
@example("%YAML 9.9\n---\na")
@example("%TAG ! !\n--- !x")
@example("a: >9x\n")
@example("\ufeff\ufeff")
def test_any_text_is_a_flow_or_a_flow_error(text: str | bytes) -> None:
    is_read_or_refused(text)


@unhurried
@given(trees)
def test_any_yaml_is_a_flow_or_a_flow_error(tree: object) -> None:
    is_read_or_refused(yaml.safe_dump(tree))
    is_read_or_refused(yaml.safe_dump({"flow": "tiny", "kind": "call", "steps": tree}))
    is_read_or_refused(yaml.safe_dump({"flow": "tiny", "kind": "call", "steps": {"one_step": tree}}))
    is_read_or_refused(yaml.safe_dump({"holidays": {"cn": tree}, "calendars": {"office": tree}}))


@settings(unhurried, max_examples=150)
@given(st.sampled_from(sorted(SHIPPED)), st.data())
def test_a_shipped_flow_with_any_piece_changed_holds_no_dialplan(name: str, data: st.DataObject) -> None:
    text = SHIPPED[name]
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(begin + 30, len(text))))
    code = st.sampled_from(
        ["${SHELL(id)}", "s,1,System(x)", "a;b", "\n", "&", "|", "$[1]", "@default", "%n", "\\", '"', "{", "1"]
    )
    changed = text[:begin] + data.draw(code | st.text(max_size=10)) + text[end:]
    try:
        flow = read_flow(changed, name)
    except FlowError:
        return
    assert_harmless(flow)


def assert_harmless(flow: Flow) -> None:
    """Nothing in it but what the dialplan may hold; the title is for people and not compiled."""
    for step in flow.steps.values():
        assert re.fullmatch(NAME, step.name)
        for edge, target in step.edges.items():
            assert re.fullmatch(rf"{LITERAL}|[*#]", edge)
            assert target in flow.steps or target == END
        for value in step.options.values():
            held = value.items() if isinstance(value, dict) else value if isinstance(value, tuple) else [value]
            for item in held:
                for word in [item.what] if isinstance(item, Spoken) else item if isinstance(item, tuple) else [item]:
                    assert word is None or isinstance(word, int) or re.fullmatch(r"[A-Za-z0-9_-]{1,40}", word)


def test_the_shipped_flows_hold_no_dialplan() -> None:
    for flow in shipped().flows.values():
        assert_harmless(flow)


@unhurried
@given(st.sampled_from([NAME, PROMPT, VARIABLE, LITERAL]), st.text(max_size=45))
def test_a_name_is_never_more_than_letters_digits_and_a_dash(form: str, text: str) -> None:
    try:
        read = Text(form, "名字", "a name").read(text)
    except Wrong:
        return
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}\Z", read, re.ASCII)


@pytest.mark.parametrize("name", ["a\n", "é1", "ａｂ", "a١", "s,1", "a;b", "a b", "a/b", "${a}", "", "a" * 50])
def test_names_that_only_look_right_are_refused(name: str) -> None:
    for form in (NAME, PROMPT, VARIABLE, LITERAL):
        with pytest.raises(Wrong):
            Text(form, "名字", "a name").read(name)


def test_options_edges_and_kinds_never_share_a_name() -> None:
    for kind in KINDS.values():
        names = [option.name for option in (kind.main, *kind.options)] + [edge.name for edge in kind.edges]
        names += [kind.ways.option] if kind.ways else []
        assert len(names) == len(set(names))
        assert kind.main.name == kind.name
        assert not (set(names) - {kind.name}) & set(KINDS)


def test_lines_do_not_count_when_flows_are_compared() -> None:
    flow = tiny()

    assert tiny("steps:\n", "# a comment\nsteps:\n").steps == flow.steps
    assert replace(flow, start="wait") != flow


# --- a whole set, and calendars ---------------------------------------------------------------------------------------


def test_a_sites_own_flow_replaces_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "one_touch.yaml").write_text(SHIPPED["one_touch.yaml"].replace("一键求助", "本站求助"), "utf-8")
    (tmp_path / "tiny.yaml").write_text(TINY, "utf-8")

    flows = load(tmp_path, {"police": "110"})

    assert flows.flows["one_touch"].title["zh"] == "本站求助"
    assert set(flows.flows) == {*shipped().flows, "tiny"}
    assert flows.transfers == {"police": "110"}
    assert load(tmp_path / "nowhere").flows.keys() == shipped().flows.keys()


def test_every_broken_file_of_a_set_is_named() -> None:
    with pytest.raises(FlowError) as caught:
        read_set({"aa.yaml": "a", "tiny.yaml": TINY, "bb.yaml": "b: [", "calendars.yaml": "c"}, {"x;y": "1"})

    assert {finding.path for finding in caught.value.findings} == {
        "aa.yaml",
        "bb.yaml",
        "calendars.yaml",
        "[transfers]",
    }


def test_a_huge_file_of_a_site_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(1 << 32)

    assert len(sources(tmp_path)["huge.yaml"]) == MOST_BYTES + 1


def test_the_office_keeps_the_public_holidays_and_their_working_weekends() -> None:
    office = shipped().calendars["office"]
    work = ((time(8), time(18)),)

    assert office.timezone == "Asia/Shanghai"
    assert office.week == dict.fromkeys(range(5), work) | dict.fromkeys((), ())
    assert office.days[date(2026, 2, 17)] == ()
    assert office.days[date(2026, 2, 14)] == work
    assert date(2026, 2, 24) not in office.days
    assert office.days[date(2027, 2, 6)] == ()


def test_a_single_day_goes_before_a_holiday_and_a_span_may_end_with_the_day() -> None:
    calendar = read_calendars(
        "holidays: {cn: {closed: [2026-10-01..2026-10-03]}}\n"
        "calendars:\n"
        "  day:\n"
        "    timezone: Asia/Shanghai\n"
        "    holidays: cn\n"
        '    week: {mon-sun: "00:00-24:00"}\n'
        '    days: {2026-10-02: ["09:00-11:00", "13:00-15:00"]}\n',
        "calendars.yaml",
    )["day"]

    assert calendar.week[6] == ((time(0), time(0)),)
    assert list(calendar.days.values()) == [(), ((time(9), time(11)), (time(13), time(15))), ()]


def test_the_parser_counts_lists_in_lists() -> None:
    deep = "[" * DEEPEST + "x" + "]" * DEEPEST
    assert parse(deep, "x").line == 1
    with pytest.raises(FlowError):
        parse(f"[{deep}]", "x")
