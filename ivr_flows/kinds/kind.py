"""What there is to know about one kind of step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ivr_flows.kinds.values import NAME, Value, Wrong
from ivr_flows.model import FlowKind, Step

if TYPE_CHECKING:
    from ivr_flows.step_writer import StepWriter

REQUIRED = object()
"""The default of an option that must be written."""

PHONE_KEYS = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#")

EVERYWHERE: tuple[FlowKind, ...] = ("call", "outbound", "question")
WITH_A_CALLER: tuple[FlowKind, ...] = ("call", "outbound")


@dataclass(frozen=True)
class Option:
    """A key of a step that says how it is done. ``note`` says what it means, for editors."""

    name: str
    value: Value
    note: str
    default: Any = REQUIRED


@dataclass(frozen=True)
class Edge:
    """A way out of a step. ``default`` is the step where nothing is written, empty when one must be written. ``fixed``:
    it always leads there and cannot be written. ``asked``: the caller must do something to go this way, so a loop over
    it is his own wish. ``optional``: may be missing."""

    name: str
    note: str
    default: str = ""
    fixed: bool = False
    asked: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Ways:
    """Ways out that the flow's author names himself: under the step's key ``option``, ``{edge: step}``. ``least`` of
    them must be there. ``asked`` as with an Edge."""

    option: str
    pattern: str
    note: str
    least: int = 0
    most: int = 12
    asked: bool = True
    not_these: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One kind of step.

    ``main`` is the option written as ``<kind>: <value>``. ``keypad`` are the keys that lead to the flow's operator (0)
    and centre (9) wherever the step does not lead them elsewhere. ``asks``: it waits for the caller to do something.
    ``check`` finds what is wrong in a step alone, beyond its options one by one. ``dialplan`` writes what the exchange
    does in such a step; each of its paths ends on another step, or ends the call.
    """

    name: str
    summary: str
    main: Option
    dialplan: Callable[[Step, StepWriter], None]
    options: tuple[Option, ...] = ()
    edges: tuple[Edge, ...] = ()
    ways: Ways | None = None
    keypad: tuple[str, ...] = ()
    asks: bool = False
    flows: tuple[FlowKind, ...] = WITH_A_CALLER
    check: Callable[[Step], Iterator[Wrong]] | None = None

    def asked(self, edge: str) -> bool:
        """Whether only the caller's doing leads over ``edge``."""
        for known in self.edges:
            if known.name == edge:
                return known.asked
        return edge in self.keypad or (self.ways is not None and self.ways.asked)

    def schema(self) -> dict[str, Any]:
        """The step as JSON Schema."""
        step = {"type": "string", "pattern": f"^{NAME}$"}
        properties: dict[str, Any] = {}
        for option in (self.main, *self.options):
            properties[option.name] = {**option.value.schema(), "description": option.note}
            if option.default not in (REQUIRED, None, ()):
                properties[option.name]["default"] = option.default
        for edge in self.edges:
            if not edge.fixed:
                properties[edge.name] = {**step, "description": edge.note}
        needed = [option.name for option in (self.main, *self.options) if option.default is REQUIRED]
        needed += [edge.name for edge in self.edges if not (edge.default or edge.fixed or edge.optional)]
        if self.ways:
            properties[self.ways.option] = self._ways_schema(self.ways, step)
            needed += [self.ways.option] if self.ways.least else []
        return {
            "type": "object",
            "title": self.name,
            "description": self.summary,
            "properties": properties,
            "required": needed,
            "additionalProperties": False,
        }

    def _ways_schema(self, ways: Ways, step: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "description": ways.note,
            "propertyNames": {"pattern": f"^{ways.pattern}$", "not": {"enum": list(ways.not_these)}},
            "additionalProperties": step,
            "minProperties": ways.least,
            "maxProperties": ways.most,
        }
