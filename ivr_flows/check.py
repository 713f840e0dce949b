"""What is wrong in a set of flows that are each in order by themselves: where their ways lead, and what they refer to.

An ``error`` keeps the set from being published; a ``warning`` is said and let through. Nothing here raises.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from ivr_flows import paths
from ivr_flows.kinds import KINDS
from ivr_flows.kinds.answer import IN_A_QUESTION
from ivr_flows.kinds.branch import COUNTS
from ivr_flows.kinds.flow import DEEPEST
from ivr_flows.loading import read_set
from ivr_flows.model import LANGUAGES, Finding, Flow, FlowError, FlowSet, Level, Spoken, Step

DEEPEST_MENU = 2
LONGEST_MENU = 4
"""Menus inside one another, and choices beside 0 and 9. GB/T 33358-2016 would rather have no menu at all; these bounds
are ours, short enough to be kept in mind while listening."""


def examine(
    texts: Mapping[str, str | bytes],
    transfers: Mapping[str, str],
    prompts: Mapping[str, Collection[str]],
    unapproved: Collection[str] = (),
    today: date | None = None,
) -> tuple[FlowSet | None, list[Finding]]:
    """Read the files (name -> content) and check them: the set, None when a file cannot be used, and everything that is
    wrong. The other parameters are those of ``check``."""
    try:
        flows = read_set(texts, transfers)
    except FlowError as error:
        return None, list(error.findings)
    return flows, check(flows, prompts, unapproved, today)


def check(
    flows: FlowSet,
    prompts: Mapping[str, Collection[str]],
    unapproved: Collection[str] = (),
    today: date | None = None,
) -> list[Finding]:
    """Everything that is wrong in ``flows``, by file and line.

    ``prompts`` has the languages in which each prompt can be heard; ``unapproved`` are the life-safety prompts without
    an approved recording; with ``today``, calendars whose holidays are past are found too.
    """
    calls = paths.Calls(flows)
    findings: list[Finding] = []
    for flow in flows.flows.values():
        findings += _Flow(flows, calls, flow).findings(prompts, unapproved)
    if today is not None:
        findings += _old_calendars(flows, today)
    return sorted(findings, key=lambda found: (found.path, found.line, found.code))


def errors(findings: Collection[Finding]) -> list[Finding]:
    """Those that keep a set from being published."""
    return [finding for finding in findings if finding.level == "error"]


def prompts_of(step: Step) -> Iterator[str]:
    """The prompts that a step plays, by their names."""
    for value in step.options.values():
        for piece in value if isinstance(value, tuple) else ():
            if isinstance(piece, Spoken) and piece.how == "prompt":
                yield piece.what
    if "invalid" in step.options:
        yield step.options["invalid"]
    elif step.kind in ("digits", "survey"):
        yield "not-understood"


def _old_calendars(flows: FlowSet, today: date) -> Iterator[Finding]:
    for calendar in flows.calendars.values():
        if calendar.days and max(calendar.days) < today:
            zh = f"日历 {calendar.name} 的节假日到 {max(calendar.days)} 为止；请补上今后的日期"
            en = f"the holidays of calendar {calendar.name} end on {max(calendar.days)}; add those to come"
            yield Finding("warning", "holidays_end", "calendars.yaml", 1, "", zh, en)


class _Flow:
    """The rules for one flow of the set."""

    def __init__(self, flows: FlowSet, calls: paths.Calls, flow: Flow) -> None:
        self._flows = flows
        self._calls = calls
        self._flow = flow
        self._silent = paths.Ends(flows, calls, past_questions=True)
        self._direct = paths.Ends(flows, calls, past_questions=False)
        self._called = bool(calls.returns(flow.name))

    def findings(self, prompts: Mapping[str, Collection[str]], unapproved: Collection[str]) -> Iterator[Finding]:
        yield from self._ways()
        yield from self._sub_flows()
        yield from self._keys()
        yield from self._emergency()
        yield from self._variables()
        yield from self._menus()
        for step in self._flow.steps.values():
            yield from self._step(step)
            yield from self._prompts(step, prompts, unapproved)

    def _found(self, code: str, step: Step | None, key: str, zh: str, en: str, level: Level = "error") -> Finding:
        """A finding at the line of ``key`` in the step, or in the flow's first level."""
        where = step.lines if step else self._flow.lines
        line = where.get(key, step.line if step else 1)
        return Finding(level, code, self._flow.path, line, step.name if step else "", zh, en)

    # --- ways ----------------------------------------------------------------------------------------------------

    def _ways(self) -> Iterator[Finding]:
        steps = self._flow.steps
        reached = paths.reached(self._flow)
        for name in steps:
            if name not in reached:
                zh = f"没有路通到步骤 {name}；请接上或删去"
                yield self._found(
                    "unreachable", steps[name], "", zh, f"no way leads to {name}; lead one there or remove it"
                )
        for circle in paths.loops(self._flow):
            way = " → ".join([*circle, circle[0]])
            zh = f"不按键会一直转圈：{way}；请让其中一步通到人工或再见"
            en = f"without a key this goes round for ever: {way}; lead one of them to a person or a good-bye"
            yield self._found("endless", steps[circle[0]], "", zh, en)
        for step in steps.values():
            if step.kind == "hang_up" and self._flow.kind != "question" and not step.options["hang_up"]:
                for before in steps.values():
                    if step.name in before.edges.values() and before.kind not in ("say", "callback"):
                        zh = f"从 {before.name} 来的人没有听到再见就断了；请写提示音"
                        en = f"who comes from {before.name} is cut off without a good-bye; give it a prompt"
                        yield self._found("no_good_bye", step, "hang_up", zh, en)
                        break

    def _sub_flows(self) -> Iterator[Finding]:
        for step in self._flow.steps.values():
            if step.kind == "back" and not self._called:
                zh = "没有流程调用这个流程，back 会把来电人挂断；请改成人工或再见"
                en = "no flow calls this one, so back would cut the caller off; lead to a person or a good-bye"
                yield self._found("back_to_nothing", step, "back", zh, en)
            if step.kind != "flow":
                continue
            inside = self._flows.flows.get(step.options["flow"])
            if inside is None:
                yield self._unknown("unknown_flow", step, "flow", "流程", "flow", self._flows.flows)
            elif inside.kind != "call":
                zh = f"{inside.name} 的种类是 {inside.kind}，只能调用 call"
                yield self._found(
                    "flow_not_call", step, "flow", zh, f"{inside.name} is of kind {inside.kind}, not call"
                )
            elif self._flow.name in self._calls.below(inside.name):
                zh = f"流程经过 {inside.name} 又回到自己；请去掉这个调用"
                en = f"by {inside.name} the flow comes to itself; remove this call"
                yield self._found("recursion", step, "flow", zh, en)
            elif (deep := 1 + self._calls.depth(inside.name)) > DEEPEST:
                zh = f"流程套了{deep}层，最多{DEEPEST}层；请减少"
                en = f"{deep} flows inside one another, at most {DEEPEST}"
                yield self._found("too_deep_flows", step, "flow", zh, en)
            elif not paths.comes_back(inside):
                zh = f"{inside.name} 没有 back，不会回到 next"
                yield self._found(
                    "never_back", step, "flow", zh, f"{inside.name} has no back, so next is never taken", "warning"
                )

    # --- 0 and 9 -------------------------------------------------------------------------------------------------

    def _keys(self) -> Iterator[Finding]:
        """0 reaches an operator everywhere, 9 the centre; nothing is asked on the way."""
        for step in self._flow.steps.values():
            for key in KINDS[step.kind].keypad if self._flow.kind != "question" else ():
                ends = self._direct.of(self._flow, step.edges[key])
                allowed = {"service", "emergency"} if key == "0" else {"service", "emergency", "transfer"}
                if not ends or ends - allowed:
                    place = ("操作员", "an operator") if key == "0" else ("中心", "the centre")
                    root = key not in step.lines
                    zh = f"按{key}到 {step.edges[key]}，不能直接到{place[0]}；请通到 queue"
                    en = f"key {key} leads to {step.edges[key]} and not straight to {place[1]}; lead it to a queue"
                    code = "no_operator_on_0" if key == "0" else "no_centre_on_9"
                    at = None if root else step
                    written = "centre" if key == "9" and "centre" in self._flow.lines else "operator"
                    yield self._found(code, at, written if root else key, zh, en)
                    if root and key == KINDS[step.kind].keypad[-1]:
                        return

    def _menus(self) -> Iterator[Finding]:
        steps = self._flow.steps
        for name, depth in paths.menu_depths(self._flow).items():
            if depth > DEEPEST_MENU:
                zh = f"要按{depth - 1}次键才到这个菜单，最多{DEEPEST_MENU - 1}次"
                en = f"this menu lies {depth} deep, at most {DEEPEST_MENU} are easy to use"
                yield self._found("deep_menu", steps[name], "menu", zh, en, "warning")
        for step in steps.values():
            choices = [key for key in step.edges if key.isdigit() and key not in ("0", "9")]
            if step.kind == "menu" and len(choices) > LONGEST_MENU:
                zh = f"菜单有{len(choices)}个选项，最多{LONGEST_MENU}个好记"
                en = f"the menu has {len(choices)} choices, {LONGEST_MENU} can be kept in mind"
                yield self._found("long_menu", step, "keys", zh, en, "warning")
        if self._flow.kind == "call" and not self._called and not paths.person_without_menu(self._flow):
            zh = "来电人不按键到不了人工；GB/T 33358 主张不设菜单"
            en = "nobody reaches a person without a menu; GB/T 33358 would have none"
            yield self._found("menu_first", steps[self._flow.start], "", zh, en, "warning")

    # --- emergency -----------------------------------------------------------------------------------------------

    def _emergency(self) -> Iterator[Finding]:
        flow = self._flow
        first = flow.steps[flow.start]
        if flow.name == "one_touch" and (first.kind != "queue" or first.options["queue"] != "emergency"):
            zh = "一键求助的第一步必须是 queue: emergency，前面什么都不能有"
            en = "the first step of one_touch must be queue: emergency, with nothing before it"
            yield self._found("one_touch_first", first, first.kind, zh, en)
        if flow.kind != "call" or self._called:
            return
        for name, at in sorted(paths.asked_before(self._flows, flow)):
            there = self._flows.flows[name]
            step = there.steps[at]
            if step.kind == "queue" and step.options["queue"] == "emergency":
                zh = "紧急求助前面不能有菜单、提问或排队；求助有自己的号码"
                en = "no menu, question or queue may come before the emergency queue; emergencies have their own number"
                yield Finding("error", "emergency_behind", there.path, step.lines["queue"], at, zh, en)

    # --- what a step refers to -----------------------------------------------------------------------------------

    def _step(self, step: Step) -> Iterator[Finding]:
        if step.kind == "hours" and step.options["hours"] not in self._flows.calendars:
            yield self._unknown("unknown_calendar", step, "hours", "日历", "calendar", self._flows.calendars)
        if step.kind == "transfer" and step.options["transfer"] not in self._flows.transfers:
            yield self._unknown("unknown_transfer", step, "transfer", "转接号码", "transfer", self._flows.transfers)
        word = step.options.get("answer", "")
        if word == "take" if self._flow.kind != "question" else word and word not in IN_A_QUESTION:
            zh = f"{self._flow.kind} 流程里没有人处理 {word}"
            yield self._found(
                "answer_nowhere", step, "answer", zh, f"nobody acts on {word} in a flow of kind {self._flow.kind}"
            )
        if step.kind == "tell":
            after = step.edges["otherwise"]
            ends = self._silent.of(self._flow, after)
            if self._flow.steps[after].kind != "say" or not ends or ends - {"service", "emergency", "transfer"}:
                zh = "系统没有回答时，要先说一句话（say），再到人工"
                en = "when nobody answers, a spoken word (say) must follow, and then a person"
                yield self._found("tell_without_way", step, "otherwise", zh, en)

    def _unknown(self, code: str, step: Step, key: str, what_zh: str, what_en: str, known: Collection[str]) -> Finding:
        name = step.options[key]
        names = ", ".join(sorted(known)[:10]) or "-"
        zh = f"没有{what_zh} {name}；现有：{names}"
        return self._found(code, step, key, zh, f"there is no {what_en} {name}; known are {names}")

    def _prompts(
        self, step: Step, prompts: Mapping[str, Collection[str]], unapproved: Collection[str]
    ) -> Iterator[Finding]:
        for name in dict.fromkeys(prompts_of(step)):
            key = "invalid" if name == step.options.get("invalid") else step.kind
            missing = [language for language in LANGUAGES if language not in prompts.get(name, ())]
            if missing:
                zh = f"提示音 {name} 没有 {'、'.join(missing)}；请写上文字或录音"
                en = f"prompt {name} is missing in {', '.join(missing)}; add its text or a recording"
                yield self._found("missing_prompt", step, key, zh, en)
            if name in unapproved:
                zh = f"生命安全提示音 {name} 没有经人批准的录音"
                en = f"life-safety prompt {name} has no recording that a named person approved"
                yield self._found("unapproved", step, key, zh, en, "warning")

    def _variables(self) -> Iterator[Finding]:
        """A variable belongs to the call: it may be set in any flow that calls this one, or is called."""
        known = {name for other in self._calls.together(self._flow.name) for name in _set_in(self._flows.flows[other])}
        for step in self._flow.steps.values():
            for key, name in _used_in(step):
                if name not in known:
                    zh = f"变量 {name} 没有地方给值；请加 set、digits 或 given"
                    yield self._found(
                        "unset_variable", step, key, zh, f"variable {name} is set nowhere; add set, digits or given"
                    )


def _set_in(flow: Flow) -> Iterator[str]:
    yield from flow.given
    for step in flow.steps.values():
        if step.kind == "digits":
            yield step.options["into"]
        elif step.kind == "set":
            yield from step.options["set"]


def _used_in(step: Step) -> Iterator[tuple[str, str]]:
    for option, value in step.options.items():
        for piece in value if isinstance(value, tuple) else ():
            if isinstance(piece, Spoken) and piece.how != "prompt":
                yield option, piece.what
            elif isinstance(piece, str) and option == "with":
                yield option, piece
    if step.kind == "branch" and step.options["branch"] not in COUNTS:
        yield "branch", step.options["branch"]
