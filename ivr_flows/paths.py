"""Where the steps of a flow lead to: questions about its ways that ``check`` and the drawings ask.

Nothing here changes or judges a flow. Flows that call themselves are harmless: each question stops where it has been.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

from ivr_flows.kinds import KINDS
from ivr_flows.model import END, Flow, FlowSet, Step

End = Literal["service", "emergency", "transfer", "hang_up", "back", "asks"]
"""How a way ends: in a queue, at another telephone, with a good-bye, back in the flow before, or at a question."""


def reached(flow: Flow) -> set[str]:
    """The steps that a caller can come to."""
    seen: set[str] = set()
    ahead = [flow.start]
    while ahead:
        name = ahead.pop()
        if name in seen or name not in flow.steps:
            continue
        seen.add(name)
        ahead += flow.steps[name].edges.values()
    return seen


def unasked(step: Step) -> Iterator[str]:
    """The steps that may follow without the caller doing anything."""
    kind = KINDS[step.kind]
    for edge, target in step.edges.items():
        if target != END and not kind.asked(edge):
            yield target


def loops(flow: Flow) -> list[list[str]]:
    """The circles that go round without the caller doing anything: for each its steps, the first in the file first."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    # Tarjan's strongly connected components, without recursion: 200 steps may follow one another.
    for root in flow.steps:
        work = [(root, unasked(flow.steps[root]))] if root not in order else []
        while work:
            name, ways = work[-1]
            if name not in order:
                order[name] = low[name] = len(order)
                stack.append(name)
            for target in ways:
                if target not in order:
                    work.append((target, unasked(flow.steps[target])))
                    break
                if target in stack:
                    low[name] = min(low[name], order[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == order[name]:
                    circle = stack[stack.index(name) :]
                    del stack[stack.index(name) :]
                    if len(circle) > 1 or name in unasked(flow.steps[name]):
                        found.append(sorted(circle, key=lambda step: flow.steps[step].line))
    return sorted(found, key=lambda circle: flow.steps[circle[0]].line)


class Calls:
    """Which flow calls which. Only flows that are in the set count."""

    def __init__(self, flows: FlowSet) -> None:
        self._inside: dict[str, set[str]] = {name: set() for name in flows.flows}
        self._returns: dict[str, list[tuple[Flow, str]]] = {name: [] for name in flows.flows}
        for flow in flows.flows.values():
            for step in flow.steps.values():
                if step.kind == "flow" and step.options["flow"] in flows.flows:
                    self._inside[flow.name].add(step.options["flow"])
                    self._returns[step.options["flow"]].append((flow, step.edges["next"]))
        self._below = {name: self._reach(name) for name in flows.flows}
        self._depths: dict[str, int] = {}

    def returns(self, name: str) -> Sequence[tuple[Flow, str]]:
        """Where a ``back`` in the flow ``name`` may go on: flow and step. None: nobody calls it."""
        return self._returns[name]

    def below(self, name: str) -> Collection[str]:
        """The flows that ``name`` comes to, with itself if it comes to itself."""
        return self._below[name]

    def depth(self, name: str) -> int:
        """How many flows are inside one another from ``name`` on, at least 1. What comes to itself counts once."""
        if name not in self._depths:
            inner = [inside for inside in self._inside[name] if inside not in self._below[inside]]
            self._depths[name] = 1 + max(map(self.depth, inner), default=0)
        return self._depths[name]

    def together(self, name: str) -> Collection[str]:
        """The flows that one call with ``name`` in it may go through: those it comes to, and those that come to it."""
        outer = {caller for caller, below in self._below.items() if name in below}
        return {name}.union(*(self._below[flow] for flow in {*outer, name})) | outer

    def _reach(self, name: str) -> set[str]:
        found: set[str] = set()
        ahead = list(self._inside[name])
        while ahead:
            inside = ahead.pop()
            if inside not in found:
                found.add(inside)
                ahead += self._inside[inside]
        return found


class Ends:
    """How the ways out of a step end when the caller does nothing. ``past_questions``: a question that is not answered
    goes on by its ``otherwise``; else it is an end itself."""

    def __init__(self, flows: FlowSet, calls: Calls, *, past_questions: bool) -> None:
        self._flows = flows
        self._calls = calls
        self._past_questions = past_questions

    def of(self, flow: Flow, name: str) -> set[End]:
        """The ends of the ways from ``name`` on; a ``back`` goes on in every flow that calls this one."""
        ends: set[End] = set()
        seen: set[tuple[str, str]] = set()
        ahead = [(flow, name)]
        while ahead:
            here, at = ahead.pop()
            if (here.name, at) in seen or at not in here.steps:
                continue
            seen.add((here.name, at))
            step = here.steps[at]
            if step.kind == "flow":
                if step.options["flow"] in self._flows.flows:
                    inside = self._flows.flows[step.options["flow"]]
                    ahead.append((inside, inside.start))
            elif step.kind == "back":
                callers = self._calls.returns(here.name)
                ends |= set() if callers else {"back"}
                ahead += callers
            elif (end := self._end(step)) is not None:
                ends.add(end)
            else:
                ahead += [(here, target) for target in unasked(step)]
        return ends

    def _end(self, step: Step) -> End | None:
        if step.kind == "queue":
            return "emergency" if step.options["queue"] == "emergency" else "service"
        if step.kind == "transfer":
            return "transfer"
        if step.kind == "hang_up":
            return "hang_up"
        return "asks" if KINDS[step.kind].asks and not self._past_questions else None


def comes_back(flow: Flow) -> bool:
    """Whether a caller can come to a ``back``."""
    return any(flow.steps[name].kind == "back" for name in reached(flow))


def asked_before(flows: FlowSet, flow: Flow) -> set[tuple[str, str]]:
    """The steps (flow, step) that a caller may come to after he was asked something or stood in a queue, in ``flow``
    and in those it calls. Whoever comes back from a flow that may ask was asked."""
    after: set[tuple[str, str]] = set()
    seen: set[tuple[str, str, bool]] = set()
    ahead = deque([(flow, flow.start, False)])
    while ahead:
        here, name, asked = ahead.popleft()
        if (here.name, name, asked) in seen or name not in here.steps:
            continue
        seen.add((here.name, name, asked))
        step = here.steps[name]
        if asked:
            after.add((here.name, name))
        inside = flows.flows.get(step.options["flow"]) if step.kind == "flow" else None
        if inside:
            ahead.append((inside, inside.start, asked))
        out = asked or _asks(step) or (inside is not None and any(map(_asks, inside.steps.values())))
        ahead += [(here, target, out) for target in step.edges.values()]
    return after


def _asks(step: Step) -> bool:
    return KINDS[step.kind].asks or step.kind == "queue"


def menu_depths(flow: Flow) -> Mapping[str, int]:
    """For each menu that a caller can come to, how many menus he has gone through at least, itself counted."""
    depths: dict[str, int] = {flow.start: 0}
    ahead = deque([flow.start])
    while ahead:
        name = ahead.popleft()
        step = flow.steps.get(name)
        if step is None:
            continue
        for target in step.edges.values():
            depth = depths[name] + (step.kind == "menu")
            if depth < depths.get(target, 1 << 30):
                depths[target] = depth
                ahead.append(target)
    return {name: depth + 1 for name, depth in depths.items() if name in flow.steps and flow.steps[name].kind == "menu"}


def person_without_menu(flow: Flow) -> bool:
    """Whether a caller who is asked nothing can come to a person. True, too, where no person is met at all."""
    met = False
    seen: set[str] = set()
    ahead = [flow.start]
    for step in (flow.steps[name] for name in reached(flow)):
        met = met or step.kind in ("queue", "transfer")
    while ahead:
        name = ahead.pop()
        if name in seen or name not in flow.steps:
            continue
        seen.add(name)
        step = flow.steps[name]
        if step.kind in ("queue", "transfer", "back"):
            return True
        if not KINDS[step.kind].asks:
            ahead += step.edges.values()
    return not met
