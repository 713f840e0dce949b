"""What a kind of step writes its dialplan with: the step's own lines, and what every step needs.

Trail, forced outcomes and shorter times are for trials alone: only a caller of the compiler can ask for them, no
setting and no flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ivr_flows.dialplan_writer import Dialplan, Safe, filled, joined, literal, name, sound, variable
from ivr_flows.model import END, Flow, FlowSet, Spoken, Step

TRIAL_KEY_S = 1.5
"""A trial's caller has so long to press a key, or the whole time of the step: on a busy machine he needs a second."""


@dataclass(frozen=True)
class CompileOptions:
    """For trials only. ``time_scale``: the time given to press a key, or to an application to answer, is multiplied by
    it; ``wait_scale``: the time in a queue, of ringing and of recording. ``trail``: each step writes its name into
    ``<spool>/trail/<call id>`` as it begins, and a line into ``<call id>~waits`` whenever it begins to wait for a key.
    ``forced``: a step whose way out depends on the world takes it from AstDB, ``trial/<from>/<flow>.<step>``, when it
    is there."""

    time_scale: float = 1.0
    wait_scale: float = 1.0
    trail: bool = False
    forced: bool = False


class StepWriter:
    """Writes one step. ``version`` is that of the set, ``flow`` the one the step belongs to."""

    def __init__(
        self, dialplan: Dialplan, flows: FlowSet, version: int, flow: Flow, step: Step, options: CompileOptions
    ) -> None:
        self._dialplan = dialplan
        self._step = step
        self._options = options
        self.flows = flows
        self.flow = flow
        self.version = version

    def does(self, template: str, **values: Safe | int) -> None:
        """One line: a constant with ``%(name)s`` for each of ``values``."""
        self._dialplan.does(template, **values)

    def label(self, label: str) -> None:
        """The step's next line can be gone to by this name."""
        self._dialplan.label(label)

    def begins(self) -> None:
        """The step's first lines."""
        here = {"flow": name(self.flow.name), "step": name(self._step.name)}
        self._dialplan.extension("%(step)s", step=here["step"])
        if self._options.trail:
            self.does("Set(FILE(${JOURNAL}/../trail/${CALLID},,,al,u)=%(flow)s.%(step)s)", **here)

    def waits(self) -> None:
        """In a trial: from here on the step waits for the caller to do something."""
        if self._options.trail:
            self.does("Set(FILE(${JOURNAL}/../trail/${CALLID}~waits,,,al,u)=${CHANNEL})")

    def forced(self, edges: Iterable[str], **labels: str) -> None:
        """In a trial: the way out that AstDB names, if it names one; ``labels`` says at which label of the step a way
        begins that does something first."""
        if not self._options.forced:
            return
        here = {"flow": name(self.flow.name), "step": name(self._step.name)}
        self.does("Set(F_FORCED=${FILTER(a-z_,${DB(trial/${FROM}/%(flow)s.%(step)s)})})", **here)
        for edge in edges:
            if edge in self._step.edges:
                self.goes_if('"${F_FORCED}" = "%(edge)s"', edge, edge=literal(edge))
        for edge, label in labels.items():
            self.does('GotoIf($["${F_FORCED}" = "%(edge)s"]?%(label)s)', edge=name(edge), label=name(label))

    def goes(self, edge: str) -> None:
        """On to the step behind this edge."""
        self.does("Goto(%(target)s,1)", target=self._behind(edge))

    def goes_if(self, condition: str, edge: str, /, **values: Safe | int) -> None:
        """On to the step behind this edge if the expression is true."""
        self.does(
            "GotoIf($[%(condition)s]?%(target)s,1)", condition=filled(condition, **values), target=self._behind(edge)
        )

    def goes_either(self, condition: str, edge: str, other: str, /, **values: Safe | int) -> None:
        """On to the step behind the one edge if the expression is true, else behind the other."""
        self.does(
            "GotoIf($[%(condition)s]?%(target)s,1:%(other)s,1)",
            condition=filled(condition, **values),
            target=self._behind(edge),
            other=self._behind(other),
        )

    def journal(self, step: str, fields: str = "", **values: Safe | int) -> None:
        """A step of the journal, with the flow and the step as its first fields. A question writes none: what came of
        it is the ladder's ``result``."""
        if self.flow.kind == "question":
            return
        here = {"flow": name(self.flow.name), "step": name(self._step.name)}
        self.does("Set(FIELDS=&flow=%(flow)s&step=%(step)s%(more)s)", more=filled(fields, **values), **here)
        self.does("Gosub(journal,next,1(%(step)s))", step=name(step))

    def sounds(self, said: Sequence[Spoken]) -> Safe:
        """What is said, as a list of sound files. Writes the lines that find those of a value."""
        return joined("&", [self._sound(piece) for piece in said])

    def says(self, said: Sequence[Spoken]) -> None:
        """Say it, if it is anything; no key interrupts it."""
        files: list[Spoken] = []
        for piece in (*said, None):
            if piece is not None and piece.how != "number":
                files.append(piece)
                continue
            if files:
                self.does("Playback(%(sounds)s)", sounds=self.sounds(files))
                files = []
            if piece is not None:
                self.does("Gosub(flow-say-number,s,1(${%(held)s}))", held=variable(piece.what))

    def tries(self, timeout: int, options: Literal["", "e"], most: int = 1) -> None:
        """A step that asks, up to the answer: F_SOUNDS is played and F_KEY gets up to ``most`` keys. Option ``e``: #
        is a key like the others. Whoever is asked to help is not asked on when somebody else has taken the call."""
        self.does("Set(F_TRY=1)")
        self.label("again")
        if self.flow.kind == "question":
            self.does("Gosub(still-wanted,s,1)")
            self.does("GotoIf($[${LEN(${CLAIMED})} > 0]?END,1)")
        self.waits()
        told: dict[str, Safe | int] = {"most": most, "options": Safe(options), "timeout": self.seconds(timeout)}
        self.does("Read(F_KEY,${F_SOUNDS},%(most)s,%(options)s,1,%(timeout)s)", **told)
        # The last sound is missing or broken: a tone, and the same time to press.
        self.does('ExecIf($["${READSTATUS}" = "ERROR"]?Read(F_KEY,dial,%(most)s,i%(options)s,1,%(timeout)s))', **told)

    def tries_again(self, tries: int) -> None:
        """The end of a failed try: once more, or ``otherwise``."""
        if tries > 1:
            self.does("Set(F_TRY=$[${F_TRY} + 1])")
            self.does("GotoIf($[${F_TRY} <= %(tries)s]?again)", tries=tries)
        self.goes("otherwise")

    def asks(self, what: Literal["recognise", "tell"], topic: str, within: int, handed: Sequence[str] = ()) -> None:
        """Ask the application: F_OUTCOME and F_SOUNDS are its answer, empty when none came in time."""
        pieces = [
            filled("%(bare)s=${URIENCODE(${%(held)s})}", bare=Safe(variable(each)[2:]), held=variable(each))
            for each in handed
        ]
        self.does("Set(ASK_ARGS=%(handed)s)", handed=joined("&", pieces))
        self.does(
            "Gosub(flow-ask,s,1(%(what)s,%(topic)s,%(tenths)s))",
            what=name(what),
            topic=name(topic) if topic else Safe(""),
            tenths=max(1, round(10 * within * self._options.time_scale)),
        )

    def comes_back_from_queue(self, label: str) -> None:
        """A key pressed in the queue leads to this label of the step."""
        self.does(
            "Set(QUEUE_BACK=flow-%(version)s-%(flow)s,%(step)s,%(label)s)",
            version=self.version,
            flow=name(self.flow.name),
            step=name(self._step.name),
            label=name(label),
        )

    def message(self) -> None:
        """What the journal says of a message begins with flow and step, also when a hangup ends it."""
        here = {"flow": name(self.flow.name), "step": name(self._step.name)}
        self.does("Set(MESSAGE_FIELDS=&flow=%(flow)s&step=%(step)s)", **here)

    @property
    def is_trial(self) -> bool:
        """Whether outcomes can be forced."""
        return self._options.forced

    def seconds(self, told: int) -> Safe:
        """The time to press a key, with a fraction in trials."""
        scale = self._options.time_scale
        return Safe(f"{max(told * scale, min(told, TRIAL_KEY_S)):.1f}" if scale != 1.0 else str(told))

    def long_seconds(self, told: int) -> int:
        """The time in a queue, of ringing and of recording; whole seconds only."""
        return max(1, round(told * self._options.wait_scale))

    def _sound(self, piece: Spoken) -> Safe:
        if piece.how == "prompt":
            return sound(piece.what)
        held = variable(piece.what)
        how = Safe("number" if piece.how == "number" else "digits")
        self.does("Gosub(flow-spell,%(how)s,1(${%(held)s}))", how=how, held=held)
        # One for each place where it is said: no name of a flow's variable looks like it.
        self.does("Set(SPELT_%(how)s_%(held)s=${SPELT})", how=how, held=held)
        return filled("${SPELT_%(how)s_%(held)s}", how=how, held=held)

    def _behind(self, edge: str) -> Safe:
        target = self._step.edges[edge]
        return Safe("END") if target == END else name(target)
