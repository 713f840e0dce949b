"""Walks through a flow as a caller does, without any telephone.

It knows the flow as plain values and the chapter 'Exact meaning' of ``docs/flows.md``, and nothing of the dialplan:
whatever the exchange does differently shows in the comparison of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import NoReturn
from zoneinfo import ZoneInfo

from ivr_flows.model import END, Calendar, Flow, FlowSet, Spoken, Step
from ivr_flows.walks import End, Event, HangUp, Happened, Inputs, Key, Place, Silence, Speech, Walk, WalkError, World

LONGEST = 2000
"""Steps after which a walk is taken for endless; the longest real one has some dozens."""

COUNTS = ("waiting", "free", "incidents")
"""What a ``branch`` may count; everything else it names is a variable."""


class _Over(Exception):
    """The walk has come to its end."""


def walk(flow_set: FlowSet, flow: str, inputs: Inputs) -> Walk:
    """Walk through ``flow`` with ``inputs``. Raises WalkError."""
    return follow(flow_set, flow, inputs, _Replay(inputs))


def follow(flow_set: FlowSet, flow: str, inputs: Inputs, world: World) -> Walk:
    """The same with ``world`` deciding instead of the inputs' events and forced outcomes."""
    walker = _Walker(flow_set, flow, inputs, world)
    walker.run()
    return walker.walk


def is_open(calendar: Calendar, now: datetime) -> bool:
    """Whether ``now`` (with a time zone) is inside the hours. A span that ends at 00:00 ends with the day."""
    local = now.astimezone(ZoneInfo(calendar.timezone))
    spans = calendar.days.get(local.date())
    if spans is None:
        spans = calendar.week.get(local.weekday(), ())
    clock = local.time()
    return any(start <= clock and (clock < end or end == time(0)) for start, end in spans)


class _Replay:
    def __init__(self, inputs: Inputs) -> None:
        self._forced = inputs.forced
        self._events = iter(inputs.events)

    def begins(self, place: Place, step: Step) -> None:
        return

    def outcome(self, place: Place, step: Step, natural: str | None) -> str | None:
        return self._forced.get(str(place))

    def event(self, place: Place, step: Step) -> Event:
        return next(self._events, HangUp())

    def hears(self, place: Place, said: Sequence[str], language: str) -> None:
        return


class _Walker:
    """One walk under way. Each kind of step is a method that gives the edge to leave by."""

    def __init__(self, flow_set: FlowSet, flow: str, inputs: Inputs, world: World) -> None:
        self.walk = Walk(variables=dict(inputs.variables))
        self._flow_set = flow_set
        self._flow = self._outermost = self._flow_named(flow)
        self._inputs = inputs
        self._world = world
        self._callers: list[tuple[Flow, Step]] = []

    def run(self) -> None:
        first = self._step(self._flow.start)
        if self._flow.kind == "call" and first.kind != "queue":
            self.walk.journal.append(("greeted", {}))
        step = first
        try:
            while True:
                if len(self.walk.path) >= LONGEST:
                    raise WalkError(f"{self._place(step)}: the walk has no end")
                self.walk.path.append(self._place(step))
                self._world.begins(self._place(step), step)
                step = self._after(step, getattr(self, f"do_{step.kind}")(step))
        except _Over:
            return

    def _after(self, step: Step, edge: str) -> Step:
        """The step that follows: in the flow called, back in the caller's, or over the edge."""
        if step.kind == "flow":
            self._callers.append((self._flow, step))
            self._flow = self._flow_named(step.options["flow"])
            return self._step(self._flow.start)
        if step.kind == "back":
            if not self._callers:
                self._hang_up()
            self._flow, step = self._callers.pop()
        self.walk.edges.append((self._place(step), edge))
        if edge not in step.edges:
            raise WalkError(f"{self._place(step)} has no edge '{edge}'")
        if step.edges[edge] == END:
            self._hang_up()
        return self._step(step.edges[edge])

    def _flow_named(self, name: str) -> Flow:
        if name not in self._flow_set.flows:
            raise WalkError(f"there is no flow '{name}'; known are {', '.join(sorted(self._flow_set.flows))}")
        return self._flow_set.flows[name]

    def _step(self, name: str) -> Step:
        if name not in self._flow.steps:
            raise WalkError(f"the flow '{self._flow.name}' has no step '{name}'")
        return self._flow.steps[name]

    def _hang_up(self) -> NoReturn:
        self._end("returned" if self._outermost.kind == "question" else "hung_up")

    def _end(self, end: End) -> NoReturn:
        self.walk.end = end
        raise _Over

    def _place(self, step: Step) -> Place:
        return Place(self._flow.name, step.name)

    # --- what steps are made of ---

    def _speak(self, step: Step, pieces: Sequence[Spoken | str]) -> None:
        said = [word for word in map(self._in_words, pieces) if word]
        self.walk.said += said
        if said:
            self._world.hears(self._place(step), said, self.walk.language)

    def _in_words(self, piece: Spoken | str) -> str:
        if isinstance(piece, str):
            return piece
        if piece.how == "prompt":
            return piece.what
        value = self.walk.variables.get(piece.what, "")
        return f"{piece.how}:{value}" if value.isascii() and value.isdigit() else ""

    def _next_event(self, step: Step) -> Event:
        event = self._world.event(self._place(step), step)
        self.walk.happened.append(Happened(len(self.walk.path) - 1, event))
        if isinstance(event, HangUp):
            self._end("caller")
        return event

    def _outcome(self, step: Step, natural: str) -> str:
        return self._world.outcome(self._place(step), step, natural) or natural

    def _write(self, step: Step, record: str, **fields: str) -> None:
        if self._flow.kind == "question":
            return  # what came of it is the ladder's own ``result``
        self.walk.journal.append((record, {"flow": self._flow.name, "step": step.name, **fields}))

    def _ask(self, step: Step, invalid: str, silent: Sequence[Spoken | str]) -> str | None:
        """One key out of those the step knows; None after the last try."""
        before: Sequence[Spoken | str] = ()
        for _ in range(step.options["tries"]):
            self._speak(step, (*before, *step.options[step.kind]))
            event = self._next_event(step)
            key = event.key if isinstance(event, Key) else ""
            if key in self._keys(step):
                return key
            before = (invalid,) if key else silent
        return None

    @staticmethod
    def _keys(step: Step) -> tuple[str, ...]:
        keys = tuple(edge for edge in step.edges if len(edge) == 1)
        return (*keys, "1", "2", "3", "4", "5") if step.kind == "survey" else keys

    # --- the kinds ---

    def do_say(self, step: Step) -> str:
        self._speak(step, step.options["say"])
        return "next"

    def do_menu(self, step: Step) -> str:
        key = self._ask(step, step.options["invalid"], step.options["silent"])
        if key is None:
            return "otherwise"
        self._write(step, "chose", key=key)
        return key

    def do_survey(self, step: Step) -> str:
        key = self._ask(step, "not-understood", ())
        if key is None:
            return "otherwise"
        if key in step.edges:
            self._write(step, "chose", key=key)
            return key
        self._write(step, "graded", grade=key, about=step.options["about"])
        return "next"

    def do_digits(self, step: Step) -> str:
        before: tuple[str, ...] = ()
        for _ in range(step.options["tries"]):
            self._speak(step, (*before, *step.options["digits"]))
            typed = self._typed(step)
            if typed == "0" and "0" in step.edges:
                self._write(step, "chose", key="0")
                return "0"
            if typed.isdigit() and step.options["min"] <= len(typed) <= step.options["max"]:
                self.walk.variables[step.options["into"]] = typed
                return "next"
            before = ("not-understood",)
        return "otherwise"

    def _typed(self, step: Step) -> str:
        typed = ""
        while len(typed) < step.options["max"]:
            event = self._next_event(step)
            if not isinstance(event, Key) or event.key == "#":
                break
            typed += event.key
        return typed

    def do_hours(self, step: Step) -> str:
        forced = self._world.outcome(self._place(step), step, None)
        if forced:
            return forced
        if self._inputs.now is None:
            raise WalkError(f"{self._place(step)} asks for the time, and none was given")
        calendar = self._flow_set.calendars[step.options["hours"]]
        return "open" if is_open(calendar, self._inputs.now) else "closed"

    def do_language(self, step: Step) -> str:
        self.walk.language = step.options["language"]
        return "next"

    def do_recognise(self, step: Step) -> str:
        outcome = self._outcome(step, "unknown")
        return outcome if outcome in step.edges else "unknown"

    def do_tell(self, step: Step) -> str:
        outcome = self._outcome(step, "next")
        if outcome == "next":
            self._speak(step, (f"tell:{step.options['tell']}",))
        return outcome

    def do_answer(self, step: Step) -> str:
        self.walk.answer = step.options["answer"]
        handed = {name: self.walk.variables.get(name, "") for name in step.options["with"]}
        self._write(step, "said", answer=self.walk.answer, **handed)
        return "next"

    def do_queue(self, step: Step) -> str:
        if step.options["queue"] == "emergency":
            self.walk.edges.append((self._place(step), "answered"))
            self._end("emergency")
        self.walk.journal.append(("queued", {"queue": "service"}))
        outcome = self._world.outcome(self._place(step), step, None) or self._wait(step)
        if outcome == "answered":
            self.walk.edges.append((self._place(step), outcome))
            self._end("answered")
        return outcome

    def _wait(self, step: Step) -> str:
        while True:
            event = self._next_event(step)
            if isinstance(event, Silence):
                return "otherwise"
            if isinstance(event, Key) and event.key in self._keys(step):
                return event.key

    def do_callback(self, step: Step) -> str:
        outcome = self._outcome(step, "next" if self._inputs.number else "otherwise")
        if outcome == "next":
            self._write(step, "callback", number=self._inputs.number)
            self._speak(step, step.options["callback"])
        return outcome

    def do_voice_message(self, step: Step) -> str:
        self._speak(step, step.options["voice_message"])
        outcome = self._world.outcome(self._place(step), step, None)
        spoken = outcome == "next"
        if outcome is None:
            spoken = self._recorded(step)
        if spoken:
            self._write(step, "message")
        return "next" if spoken else "otherwise"

    def _recorded(self, step: Step) -> bool:
        """Whether the caller said something. One who hangs up after it has left his message."""
        spoken = False
        while True:
            try:
                event = self._next_event(step)
            except _Over:
                if spoken:
                    self._write(step, "message")
                raise
            if isinstance(event, Silence) or event == Key("#"):
                return spoken
            spoken = spoken or isinstance(event, Speech)

    def do_transfer(self, step: Step) -> str:
        natural = "next" if step.options["transfer"] in self._flow_set.transfers else "otherwise"
        return self._outcome(step, natural)

    def do_flow(self, step: Step) -> str:
        return "next"

    def do_back(self, step: Step) -> str:
        return "next"  # of the step that called this flow

    def do_set(self, step: Step) -> str:
        self.walk.variables.update(step.options["set"])
        return "next"

    def do_branch(self, step: Step) -> str:
        subject = step.options["branch"]
        if subject in COUNTS:
            reached = self._inputs.counts.get(subject, 0) >= step.options["at_least"]
            return self._outcome(step, "yes" if reached else "no")
        value = self.walk.variables.get(subject, "")
        return value if value in step.edges and value not in ("yes", "no") else "otherwise"

    def do_hang_up(self, step: Step) -> NoReturn:
        self._speak(step, step.options["hang_up"])
        self._hang_up()
