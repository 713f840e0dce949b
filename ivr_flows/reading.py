"""A flow's file as a Flow.

What comes out is whole: every option has its value, every edge leads to a step of the flow, and the keys 0 and 9 are
there wherever a key is asked for. What is wrong is all said at once, as a FlowError.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import PurePath
from typing import Any, get_args

from ivr_flows.document import Node, parse
from ivr_flows.kinds import KINDS
from ivr_flows.kinds.kind import REQUIRED, Edge, Kind, Option, Ways
from ivr_flows.kinds.values import FLOW_NAME, STEP_NAME, VARIABLE_NAME, Text, Value, Wrong, shown
from ivr_flows.model import END, Finding, Flow, FlowError, FlowKind, Step

MOST_STEPS = 200
MOST_VARIABLES = 10
MOST_TITLE = 60
MOST_FINDINGS = 100
"""Said of one file at once; whoever made more mistakes than that begins with these."""

_KEYS = ("flow", "title", "kind", "given", "operator", "centre", "start", "steps")
_KINDS_OF_FLOW: tuple[FlowKind, ...] = get_args(FlowKind)


def read_flow(text: str | bytes, path: str) -> Flow:
    """The flow in ``text``; ``path`` is for the messages, and its last part must be the flow's name. Raises FlowError
    with everything that is wrong in the file, and nothing else whatever the text is."""
    return _Reader(path).flow(parse(text, path))


class _Reader:
    def __init__(self, path: str) -> None:
        self._path = path
        self._findings: list[Finding] = []

    def _say(self, code: str, line: int, step: str, zh: str, en: str) -> None:
        self._findings.append(Finding("error", code, self._path, line, step, zh, en))
        if len(self._findings) == MOST_FINDINGS:
            raise FlowError(self._findings)

    def flow(self, root: Node) -> Flow:
        rows = root.value
        if not isinstance(rows, Mapping):
            self._say("not_a_flow", root.line, "", "文件要以 flow: 名字 开头", "the file must begin with flow: NAME")
            raise FlowError(self._findings)
        self._unknown_keys(rows, root.keys, _KEYS, "")
        name = self._name(root, "flow", FLOW_NAME)
        if name and PurePath(self._path).suffix in (".yaml", ".yml") and PurePath(self._path).stem != name:
            self._say(
                "flow_and_file",
                root.keys["flow"],
                "",
                f"流程名{shown(name)}与文件名不同；请改成一样",
                f"the flow is called {shown(name)}, its file is not; give both one name",
            )
        kind = self._kind_of_flow(root)
        title = self._title(root)
        steps = self._steps(root, kind)
        if not steps:
            raise FlowError(self._findings)
        start = self._step_name(root, "start", steps)
        operator = self._step_name(root, "operator", steps) if "operator" in rows else ""
        centre = self._step_name(root, "centre", steps) if "centre" in rows else operator
        steps = self._keypads(steps, kind, operator, centre, root)
        given = self._given(root)
        if self._findings:
            raise FlowError(sorted(self._findings, key=lambda finding: finding.line))
        return Flow(name, kind, title, start, steps, operator, centre, self._path, given, dict(root.keys))

    # --- the first level -----------------------------------------------------------------------------------------

    def _unknown_keys(self, rows: Collection[str], lines: Mapping[str, int], known: Collection[str], step: str) -> None:
        for key in rows:
            if key not in known:
                near = difflib.get_close_matches(key[:40], known, 1)
                zh = f"；是不是 {near[0]}？" if near else f"；可用：{', '.join(known)}"
                en = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
                self._say(
                    "unknown_key", lines[key], step, f"没有{shown(key)}这一项{zh}", f"there is no {shown(key)} here{en}"
                )

    def _read(self, value: Value, node: Node, line: int, step: str, what: str) -> Any:
        """``node`` read by ``value``; None after saying what is wrong."""
        try:
            return value.read(node.plain())
        except Wrong as wrong:
            self._say("bad_value", line, step, f"{what}：{wrong.zh}", f"{what}: {wrong.en}")
            return None

    def _name(self, root: Node, key: str, form: Text) -> str:
        rows: Any = root.value
        if key not in rows:
            self._say("missing_key", root.line, "", f"缺少 {key}:", f"`{key}:` is missing")
            return ""
        return self._read(form, rows[key], root.keys[key], "", key) or ""

    def _kind_of_flow(self, root: Node) -> FlowKind:
        rows: Any = root.value
        kind = rows["kind"].value if "kind" in rows else None
        for known_kind in _KINDS_OF_FLOW:
            if kind == known_kind:
                return known_kind
        known = ", ".join(_KINDS_OF_FLOW)
        self._say(
            "flow_kind", root.keys.get("kind", root.line), "", f"kind 须为 {known}", f"kind must be one of {known}"
        )
        return "call"

    def _title(self, root: Node) -> Mapping[str, str]:
        rows: Any = root.value
        title = rows["title"].plain() if "title" in rows else None
        if isinstance(title, dict) and set(title) == {"zh", "en"}:
            texts = {
                language: text
                for language, text in title.items()
                if isinstance(text, str) and 0 < len(text) <= MOST_TITLE
            }
            if len(texts) == 2 and all(text.isprintable() for text in texts.values()):
                return texts
        line = root.keys.get("title", root.line)
        self._say(
            "bad_title",
            line,
            "",
            f"title 要有 zh 和 en，各一行，最多{MOST_TITLE}字",
            f"title needs zh and en, one line of at most {MOST_TITLE} characters each",
        )
        return {}

    def _given(self, root: Node) -> tuple[str, ...]:
        rows: Any = root.value
        if "given" not in rows:
            return ()
        nodes = rows["given"].value
        if not isinstance(nodes, tuple) or len(nodes) > MOST_VARIABLES:
            self._say(
                "bad_value",
                root.keys["given"],
                "",
                f"given 是最多{MOST_VARIABLES}个变量名的列表",
                f"given lists at most {MOST_VARIABLES} variables",
            )
            return ()
        return tuple(self._read(VARIABLE_NAME, node, node.line, "", "given") for node in nodes)

    def _step_name(self, root: Node, key: str, steps: Mapping[str, Step]) -> str:
        name = self._name(root, key, STEP_NAME)
        if name and name not in steps:
            self._no_step(key, name, steps, root.keys[key], "")
        return name

    def _no_step(self, edge: str, name: str, steps: Collection[str], line: int, step: str) -> None:
        near = difflib.get_close_matches(name, steps, 1)
        zh = f"；是不是 {near[0]}？" if near else "；请写上这一步或改名"
        en = f"; did you mean {near[0]}?" if near else "; write that step or change the name"
        self._say(
            "unknown_step",
            line,
            step,
            f"{edge} 指向没有的步骤 {name}{zh}",
            f"{edge} leads to {name}, which is no step{en}",
        )

    # --- the steps -----------------------------------------------------------------------------------------------

    def _steps(self, root: Node, kind: FlowKind) -> dict[str, Step]:
        rows: Any = root.value
        node = rows.get("steps")
        line = root.keys.get("steps", root.line)
        if node is None or not isinstance(node.value, Mapping) or not node.value:
            self._say("no_steps", line, "", "steps: 下要有步骤", "steps: must hold the steps")
            return {}
        if len(node.value) > MOST_STEPS:
            count = f"{len(node.value)} > {MOST_STEPS}"
            self._say(
                "too_many_steps",
                line,
                "",
                f"步骤太多（{count}）；请分成子流程",
                f"too many steps ({count}); use sub-flows",
            )
            return {}
        steps = {}
        for name, row in node.value.items():
            if name == END or self._read(STEP_NAME, Node(name, 0), node.keys[name], name, "steps") is None:
                if name == END:
                    self._say("bad_value", node.keys[name], name, "步骤不能叫 end", "no step can be called end")
                continue
            steps[name] = self._step(name, row, node.keys[name], kind)
        for step in steps.values():
            for edge, target in step.edges.items():
                if target not in node.value and not (target == END and edge not in step.lines):
                    self._no_step(edge, target, steps, step.lines.get(edge, step.line), step.name)
        return steps

    def _step(self, name: str, node: Node, line: int, flow_kind: FlowKind) -> Step:
        rows = node.value
        kinds = [key for key in rows if key in KINDS] if isinstance(rows, Mapping) else []
        if not isinstance(rows, Mapping) or len(kinds) != 1:
            known = ", ".join(KINDS)
            what = ", ".join(kinds)
            self._say(
                "step_kind",
                line,
                name,
                f"一步只做一件事，现在是 {what or '没有'}；可用：{known}",
                f"a step has exactly one kind, this has {what or 'none'}; known are {known}",
            )
            return Step(name, "", line)
        kind = KINDS[kinds[0]]
        if flow_kind not in kind.flows:
            self._say(
                "not_in_this_flow",
                node.keys[kind.name],
                name,
                f"{flow_kind} 流程里不能用 {kind.name}",
                f"{kind.name} cannot be used in a flow of kind {flow_kind}",
            )
        before = len(self._findings)
        step = self._filled(name, kind, rows, node.keys, line)
        if kind.check and len(self._findings) == before:
            for wrong in kind.check(step):
                self._say("bad_step", line, name, wrong.zh, wrong.en)
        return step

    def _filled(self, name: str, kind: Kind, rows: Mapping[str, Node], keys: Mapping[str, int], line: int) -> Step:
        options = (kind.main, *kind.options)
        edges = [edge for edge in kind.edges if not edge.fixed]
        known = [*(option.name for option in options), *(edge.name for edge in edges)]
        self._unknown_keys(rows, keys, [*known, *([kind.ways.option] if kind.ways else [])], name)
        lines = dict(keys)
        values = {option.name: self._option(name, option, rows, keys, line) for option in options}
        ways: dict[str, str] = {}
        if kind.ways:
            ways = self._ways(name, kind.ways, rows, lines, line)
        for edge in kind.edges:
            target = self._edge(name, edge, rows, keys, line)
            if target:
                ways[edge.name] = target
        return Step(name, kind.name, line, values, ways, lines)

    def _option(self, step: str, option: Option, rows: Mapping[str, Node], keys: Mapping[str, int], line: int) -> Any:
        if option.name in rows:
            return self._read(option.value, rows[option.name], keys[option.name], step, option.name)
        if option.default is REQUIRED:
            self._say("missing_option", line, step, f"缺少 {option.name}:", f"`{option.name}:` is missing")
            return None
        return option.default

    def _edge(self, step: str, edge: Edge, rows: Mapping[str, Node], keys: Mapping[str, int], line: int) -> str:
        if edge.fixed:
            return edge.default
        if edge.name in rows:
            return self._read(STEP_NAME, rows[edge.name], keys[edge.name], step, edge.name) or ""
        if not edge.default and not edge.optional:
            self._say(
                "missing_edge",
                line,
                step,
                f"缺少 {edge.name}:（{edge.note.partition(' / ')[0]}），来电人会断在这里",
                f"`{edge.name}:` ({edge.note.partition(' / ')[2]}) is missing, the caller would be lost here",
            )
        return edge.default

    def _ways(
        self, step: str, ways: Ways, rows: Mapping[str, Node], lines: dict[str, int], line: int
    ) -> dict[str, str]:
        node = rows.get(ways.option)
        if node is None:
            if ways.least:
                self._say("missing_option", line, step, f"缺少 {ways.option}:", f"`{ways.option}:` is missing")
            return {}
        if not isinstance(node.value, Mapping) or not ways.least <= len(node.value) <= ways.most:
            zh = f"{ways.option} 要写{ways.least}到{ways.most}行“键: 步骤”"
            en = f"{ways.option} holds between {ways.least} and {ways.most} lines `key: step`"
            self._say("bad_value", lines[ways.option], step, zh, en)
            return {}
        found = {}
        form = Text(ways.pattern, "这里可用的键", "a key that can be used here")
        for key, row in node.value.items():
            lines.setdefault(key, node.keys[key])
            if key in ways.not_these or self._read(form, Node(key, 0), node.keys[key], step, ways.option) is None:
                if key in ways.not_these:
                    self._say("bad_value", node.keys[key], step, f"{key} 不能用作值", f"{key} cannot be a value here")
                continue
            found[key] = self._read(STEP_NAME, row, node.keys[key], step, f"{ways.option} {key}") or ""
        return {key: target for key, target in found.items() if target}

    # --- the keys 0 and 9 ----------------------------------------------------------------------------------------

    def _keypads(
        self, steps: Mapping[str, Step], kind: FlowKind, operator: str, centre: str, root: Node
    ) -> dict[str, Step]:
        """The same steps, with 0 and 9 wherever a key is asked for."""
        if kind == "question":
            if operator or centre:
                line = root.keys.get("operator", root.keys.get("centre", root.line))
                zh = "question 流程没有话务员；请删去 operator 和 centre"
                self._say(
                    "operator_in_question", line, "", zh, "a question has no operator; remove operator and centre"
                )
            return dict(steps)
        listening = [step for step in steps.values() if step.kind and KINDS[step.kind].keypad]
        if listening and "operator" not in root.keys:
            self._say(
                "no_operator",
                root.line,
                listening[0].name,
                "流程里有按键，须写 operator: 按0去的步骤",
                "the flow asks for keys, so it needs operator: the step for key 0",
            )
        places = {"0": operator, "9": centre}
        whole = {}
        for name, step in steps.items():
            keypad = KINDS[step.kind].keypad if step.kind else ()
            added = {key: places[key] for key in keypad if key not in step.edges and places[key]}
            whole[name] = Step(name, step.kind, step.line, step.options, {**step.edges, **added}, step.lines)
        return whole
