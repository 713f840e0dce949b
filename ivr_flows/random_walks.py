"""Makes up what a caller might do, by a seeded die, so that every edge of a flow gets walked.

The made-up inputs are plain ``Inputs``: the simulator walks them, and so can a telephone on the real exchange.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence

from ivr_flows.model import END, FlowSet, Step
from ivr_flows.simulator import COUNTS, follow, walk
from ivr_flows.walks import Event, HangUp, Inputs, Key, Place, Silence, Walk

KEYS = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#")

MOST_EVENTS = 40
"""After so many the caller loses patience: a flow may let him go round for as long as he likes."""

MOST_WALKS = 2000
"""Walks after which ``random_walks`` gives up covering what it could not yet."""

_BORED = 0.04  # of all events: he hangs up instead
_AT_RANDOM = 0.25  # of all choices: not the one that is wanted most
_NEAR = 0.8  # what an edge one step further on is worth beside the one that is here
_ROUNDS = 20  # how far ahead wishes are carried; more steps than that are in no sensible walk

_FORCED = ("hours", "recognise", "tell", "transfer", "callback", "voice_message")

Edge = tuple[Place, str]


class Coverage:
    """How often each edge that can be reached from ``flow`` was walked. The edges of its sub-flows are among them."""

    def __init__(self, flow_set: FlowSet, flow: str, wanted: int = 5) -> None:
        self.wanted = wanted
        self.steps: dict[Place, Step] = {}
        self._follows: dict[Edge, list[Place]] = {}
        self._reach(flow_set, flow)
        self.counts: Counter[Edge] = Counter(dict.fromkeys(self._edges(), 0))

    def add(self, edges: Sequence[Edge]) -> None:
        """Count the edges of a walk."""
        self.counts.update(edges)

    def missing(self) -> dict[Edge, int]:
        """The edges walked less often than wanted, with how often they were."""
        return {edge: count for edge, count in self.counts.items() if count < self.wanted}

    def worth(self, walked: Sequence[Edge]) -> Mapping[Edge, float]:
        """How much each edge is wanted, for itself and for what lies behind it, when ``walked`` come on top."""
        more = Counter(walked)
        own = {edge: float(max(0, self.wanted - count - more[edge])) for edge, count in self.counts.items()}
        worth = own
        for _ in range(_ROUNDS):
            best: dict[Place, float] = {}
            for (place, _name), value in worth.items():
                best[place] = max(best.get(place, 0.0), value)
            worth = {
                edge: own[edge] + _NEAR * max((best.get(place, 0.0) for place in self._follows[edge]), default=0.0)
                for edge in own
            }
        return worth

    def _edges(self) -> list[Edge]:
        return [(place, name) for place, step in self.steps.items() for name in step.edges]

    def _reach(self, flow_set: FlowSet, flow: str) -> None:
        """All steps that can be reached, and where each edge leads: into the sub-flow too, and from there back."""
        waiting = [Place(flow, flow_set.flows[flow].start)]
        while waiting:
            place = waiting.pop()
            if place in self.steps:
                continue
            step = self.steps[place] = flow_set.flows[place.flow].steps[place.step]
            for name, target in step.edges.items():
                follows = [] if target == END else [Place(place.flow, target)]
                if step.kind == "flow":
                    called = step.options["flow"]
                    follows.append(Place(called, flow_set.flows[called].start))
                self._follows[place, name] = follows
                waiting += follows


class _Die:
    """A caller, and a world around him, who do anything at all, but rather what has seldom been done."""

    def __init__(self, rng: random.Random, coverage: Coverage | None) -> None:
        self.events: list[Event] = []
        self.forced: dict[str, str] = {}
        self._rng = rng
        self._coverage = coverage
        self._walked: list[Edge] = []
        self._plan: list[Event] = []
        self._unforced: set[str] = set()

    def begins(self, place: Place, step: Step) -> None:
        self._plan = []

    def outcome(self, place: Place, step: Step, natural: str | None) -> str | None:
        name = str(place)
        if name in self.forced or name in self._unforced:
            return self.forced.get(name)
        if step.kind in _FORCED or (step.kind == "branch" and step.options["branch"] in COUNTS):
            self.forced[name] = self._pick(place, tuple(step.edges))
        elif step.kind == "queue":
            edge = self._pick(place, tuple(step.edges))
            if edge == "answered" or (edge == "otherwise" and self._rng.random() < 0.5):
                self.forced[name] = edge
            else:
                self._unforced.add(name)
                self._plan = self._in_queue(step, edge)
        return self.forced.get(name)

    def event(self, place: Place, step: Step) -> Event:
        if not self._plan:
            self._plan = self._plans(place, step)
        event = self._plan.pop(0)
        if len(self.events) >= MOST_EVENTS or self._rng.random() < _BORED:
            event = HangUp()
        self.events.append(event)
        return event

    def hears(self, place: Place, said: Sequence[str], language: str) -> None:
        return

    def variables(self, coverage: Coverage) -> dict[str, str]:
        """Values for the variables that the flow asks about and never sets: the application gives them."""
        written = {name for step in coverage.steps.values() for name in _written(step)}
        given: dict[str, str] = {}
        for place, step in coverage.steps.items():
            if step.kind == "branch" and step.options["branch"] not in (*COUNTS, *written):
                value = self._pick(place, tuple(step.edges))
                given.setdefault(step.options["branch"], "" if value == "otherwise" else value)
        return given

    def _pick(self, place: Place, edges: Sequence[str]) -> str:
        if self._coverage and self._rng.random() >= _AT_RANDOM:
            worth = self._coverage.worth(self._walked)
            most = max(worth[place, edge] for edge in edges)
            edges = [edge for edge in edges if worth[place, edge] == most]
        edge = self._rng.choice(edges)
        self._walked.append((place, edge))
        return edge

    # --- what he does while he is asked ---

    def _plans(self, place: Place, step: Step) -> list[Event]:
        if step.kind == "queue":
            return self._in_queue(step, self._pick(place, [edge for edge in step.edges if edge != "answered"]))
        edge = self._pick(place, tuple(step.edges))
        tries = int(step.options["tries"])
        failures = tries if edge == "otherwise" else self._rng.choice([0, 0, 0, *range(tries)])
        plan = [event for _ in range(failures) for event in self._fails(step)]
        return plan if edge == "otherwise" else plan + self._succeeds(step, edge)

    def _in_queue(self, step: Step, edge: str) -> list[Event]:
        unheard = [key for key in KEYS if key not in step.edges]
        idle: list[Event] = [Key(self._rng.choice(unheard))] if self._rng.random() < 0.2 else []
        return [*idle, Silence() if edge == "otherwise" else Key(edge)]

    def _succeeds(self, step: Step, edge: str) -> list[Event]:
        if step.kind == "survey" and edge == "next":
            return [Key(self._rng.choice("12345"))]
        if step.kind != "digits":
            return [Key(edge)]
        if edge == "0":
            return self._types(step, "0")
        length = self._rng.randint(step.options["min"], step.options["max"])
        first = self._rng.choice("123456789")  # a single 0 would be the operator
        return self._types(step, first + "".join(self._rng.choices("0123456789", k=length - 1)))

    def _fails(self, step: Step) -> list[Event]:
        if step.kind != "digits":
            known = (*step.edges, *"12345") if step.kind == "survey" else tuple(step.edges)
            wrong = [key for key in KEYS if key not in known]
            return [Key(self._rng.choice(wrong)) if wrong and self._rng.random() < 0.6 else Silence()]
        short = step.options["min"] - 1
        typed = self._rng.choice(["", "*", "9" * short])
        return self._types(step, typed)

    def _types(self, step: Step, typed: str) -> list[Event]:
        """These keys, and what ends them where they are not as many as may be."""
        keys: list[Event] = [Key(key) for key in typed]
        if len(typed) >= step.options["max"]:
            return keys
        return [*keys, Key("#") if self._rng.random() < 0.5 else Silence()]


def random_walk(flow_set: FlowSet, flow: str, rng: random.Random, coverage: Coverage | None = None) -> Inputs:
    """Inputs for one walk through ``flow``; the same die gives the same. With ``coverage`` it goes rather where few
    have been; adding the walk to it is the caller's part."""
    die = _Die(rng, coverage)
    variables = die.variables(coverage or Coverage(flow_set, flow))
    follow(flow_set, flow, Inputs(variables=variables), die)
    return Inputs(tuple(die.events), die.forced, variables=variables)


def random_walks(
    flow_set: FlowSet, flow: str, seed: int, least: int = 30, wanted: int = 5
) -> tuple[list[tuple[Inputs, Walk]], Coverage]:
    """At least ``least`` walks, and as many more as it takes for each edge to be walked ``wanted`` times (at most
    MOST_WALKS: an edge that nothing leads over stays in the coverage's ``missing``)."""
    rng = random.Random(seed)  # noqa: S311 - a die for trials, no secret
    coverage = Coverage(flow_set, flow, wanted)
    walks: list[tuple[Inputs, Walk]] = []
    while len(walks) < least or (coverage.missing() and len(walks) < MOST_WALKS):
        inputs = random_walk(flow_set, flow, rng, coverage)
        walked = walk(flow_set, flow, inputs)
        coverage.add(walked.edges)
        walks.append((inputs, walked))
    return walks, coverage


def _written(step: Step) -> Sequence[str]:
    if step.kind == "set":
        return tuple(step.options["set"])
    return (step.options["into"],) if step.kind == "digits" else ()
