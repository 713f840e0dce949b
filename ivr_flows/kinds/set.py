"""``set``: gives variables a fixed value."""

from ivr_flows.dialplan_writer import literal, variable
from ivr_flows.kinds.kind import EVERYWHERE, Edge, Kind, Option
from ivr_flows.kinds.values import Assignments
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter


def _dialplan(step: Step, out: StepWriter) -> None:
    for held, value in step.options["set"].items():
        out.does("Set(%(held)s=%(value)s)", held=variable(held), value=literal(value))
    out.goes("next")


KIND = Kind(
    name="set",
    summary="给变量定值 / gives variables a value",
    main=Option("set", Assignments(), "变量: 值 / VARIABLE: value"),
    edges=(Edge("next", "下一步 / what follows"),),
    flows=EVERYWHERE,
    dialplan=_dialplan,
)
