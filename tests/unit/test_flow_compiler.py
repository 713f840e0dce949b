"""The text that flows become: the same every time, and nothing in it that anybody could have written himself."""

import ast
import re
from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_flows import dialplan_writer as writer
from ivr_flows import kinds
from ivr_flows.compiler import CompileOptions, compile_flows
from ivr_flows.dialplan_writer import Dialplan, Refused, Safe
from ivr_flows.loading import shipped
from ivr_flows.model import Calendar, Flow, FlowSet, Spoken, Step

LINE = re.compile(
    r"\[[a-z]+-[0-9]+-[a-z0-9_]+\]"
    r"|(exten => [A-Za-z0-9_]+,1| same => n)(\([a-z_]+\))?,"
    r"(Dial|ExecIf|Goto|GotoIf|Gosub|Hangup|MSet|Playback|Queue|Read|Record|Return|Set)\([^;\n]*\)",
    re.ASCII,
)
TRIAL = CompileOptions(time_scale=0.1, wait_scale=0.1, trail=True, forced=True)

# What somebody would write who wants the exchange to do something of his own.
HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "a\nexten => x,1,System(id)",
            "${SHELL(id)}",
            "$[1+1]",
            "a,b",
            "a)",
            "a;b",
            "a&b",
            "x]\n[from-trunk",
            "",
            "a|b",
            "h\r",
        ]
    ),
    st.from_regex(r"[a-z][a-z0-9_]{1,30}[\n,;${}()&|-].{0,5}", fullmatch=True),
)


def one_flow(*steps: Step, **more: object) -> FlowSet:
    """A flow of these steps, beginning at the first, and an end."""
    end = Step("bye", "hang_up", 9, {"hang_up": (), "cause": "16"})
    flow = Flow("hotline", "call", {}, steps[0].name, {s.name: s for s in (*steps, end)}, "bye", "bye", "x.yaml")
    return FlowSet({"hotline": flow}, {}, {}, **more)  # type: ignore[arg-type]


def test_every_line_of_the_shipped_flows_is_one_of_a_few_applications() -> None:
    for options in (None, TRIAL):
        text = compile_flows(shipped(), 3, options)
        wrong = [line for line in text.splitlines() if not LINE.fullmatch(line)]
        assert not wrong


def test_the_same_set_gives_the_same_bytes_in_whatever_order_it_was_read() -> None:
    flows = shipped()
    turned = replace(
        flows,
        flows={
            name: replace(flow, steps=dict(reversed(flow.steps.items())))
            for name, flow in reversed(flows.flows.items())
        },
    )
    assert compile_flows(flows, 7) == compile_flows(turned, 7)


def test_every_goto_leads_to_an_extension_of_the_text_or_to_the_core() -> None:
    flows = shipped()
    text = compile_flows(flows, 3)
    context, there, wanted = "", set(), []
    for line in text.splitlines():
        if line.startswith("["):
            context = line.strip("[]")
        elif line.startswith("exten => "):
            there.add((context, line.removeprefix("exten => ").split(",")[0]))
        for target in re.findall(r"(?:Goto\(|\?)([a-zA-Z0-9_]+),1\)", line):
            wanted.append((context, target))
        for other, target in re.findall(r"Gosub\(((?:flow|calendar)-3-[a-z0-9_]+),([a-zA-Z0-9_]+),1\)", line):
            wanted.append((other, target))
    assert len(wanted) > 100
    assert [target for target in wanted if target not in there] == []


def test_a_trial_s_options_are_nowhere_in_what_a_centre_gets() -> None:
    text = compile_flows(shipped(), 3)
    assert "trail" not in text
    assert "F_FORCED" not in text


@given(HOSTILE)
def test_no_name_lets_dialplan_through(text: str) -> None:
    for made in (
        writer.name,
        writer.sound,
        writer.variable,
        writer.literal,
        writer.key,
        writer.telephone_number,
        writer.zone,
    ):
        try:
            safe = made(text)
        except Refused:
            continue
        assert re.fullmatch(r"[A-Za-z0-9_+*#/<>-]{1,70}", safe, re.ASCII)


@given(HOSTILE, st.data())
def test_whatever_stands_in_a_step_is_refused_or_harmless(text: str, data: st.DataObject) -> None:
    """Values that no reader would let through: the compiler looks at each of them itself."""
    flows = shipped()
    places = [(f, s) for f, flow in sorted(flows.flows.items()) for s in sorted(flow.steps)]
    flow_name, step_name = data.draw(st.sampled_from(places))
    flow = flows.flows[flow_name]
    step = flow.steps[step_name]
    changed = data.draw(
        st.sampled_from([*(f"option {o}" for o in step.options), *(f"edge {e}" for e in step.edges), "name"])
    )
    what, _, which = changed.partition(" ")
    if what == "option":
        old = step.options[which]
        new: object = {tuple: (Spoken("prompt", text),), dict: {text: text}}.get(type(old), text)
        step = replace(step, options={**step.options, which: new})
    elif what == "edge":
        step = replace(step, edges={**step.edges, which: text, text: step.edges[which]})
    else:
        step = replace(step, name=text)
    hostile = replace(flows, flows={**flows.flows, flow_name: replace(flow, steps={**flow.steps, step_name: step})})
    try:
        written = compile_flows(hostile, 3)
    except (Refused, KeyError, TypeError, ValueError):
        return
    assert all(LINE.fullmatch(line) for line in written.splitlines())


def test_only_constants_and_looked_at_values_make_a_line() -> None:
    """A template put together at run time would be a way around every check."""
    folder = Path(kinds.__file__).parent
    files = [*folder.glob("*.py"), folder.parent / "compiler.py", folder.parent / "step_writer.py"]
    calls = [
        (path.name, node)
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute | ast.Name)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id)
        in ("does", "goes_if", "filled", "label", "context", "extension", "journal", "Safe")
    ]
    made = [
        f"{name}:{node.lineno}"
        for name, node in calls
        if node.args and not _is_constant(node.args[0]) and name not in ("step_writer.py",)
    ]
    assert len(calls) > 80
    # The count a branch takes, from a table of constants; and a variable of the flow without its F_.
    assert [place.split(":")[0] for place in made] == ["answer.py", "branch.py"]


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.IfExp):
        return _is_constant(node.body) and _is_constant(node.orelse)
    return isinstance(node, ast.Constant)


@pytest.mark.parametrize("value", ["plain", b"x", 1.5, True, None, ["a"]])
def test_a_value_that_was_not_looked_at_is_refused(value: object) -> None:
    plan = Dialplan()
    plan.context("flow-%(n)s", n=1)
    plan.extension("START")
    with pytest.raises(Refused):
        plan.does("NoOp(%(value)s)", value=value)  # type: ignore[arg-type]


def test_a_line_that_asterisk_would_cut_off_is_refused() -> None:
    with pytest.raises(Refused):
        Dialplan().does("NoOp(%(value)s)", value=Safe("a" * 5000))


def test_times_are_shorter_only_where_a_trial_asks_for_it() -> None:
    step = Step("wait", "queue", 1, {"queue": "service", "limit": 300}, {"answered": "end", "otherwise": "bye"})
    assert "join,1(300)" in compile_flows(one_flow(step), 1)
    assert "join,1(30)" in compile_flows(one_flow(step), 1, TRIAL)


def test_a_transfer_whose_name_the_settings_do_not_have_leads_on() -> None:
    step = Step("put", "transfer", 1, {"transfer": "police", "ring": 30}, {"next": "end", "otherwise": "bye"})
    text = compile_flows(one_flow(step), 1)
    assert "Dial(" not in text
    known = replace(one_flow(step), transfers={"police": "057412345678"})
    assert "Dial(PJSIP/057412345678@trunk,30," in compile_flows(known, 1)
    with pytest.raises(Refused):
        compile_flows(replace(known, transfers={"police": "110@evil"}), 1)


@pytest.mark.parametrize(
    ("zone", "rule"),
    [
        ("Asia/Shanghai", "<+08>-8"),
        ("UTC", "<+00>0"),
        ("Asia/Kolkata", "<+0530>-5:30"),
        ("Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_a_zone_that_never_changes_needs_no_file_on_the_exchange(zone: str, rule: str) -> None:
    calendar = Calendar("office", zone, {0: [(time(8), time(0))]}, {date(2026, 10, 1): []})
    flows = replace(
        one_flow(Step("x1", "language", 1, {"language": "en"}, {"next": "bye"})), calendars={"office": calendar}
    )
    text = compile_flows(flows, 2)
    assert f"STRFTIME(,{rule}," in text
    assert "exten => day1,1,Set(F_OPEN=$[(${F_TIME} >= 10800 & ${F_TIME} < 12400)])" in text
    assert "exten => date20261001,1,Return()" in text
