"""``flow``: walks through another flow and comes back at its ``back``."""

from ivr_flows.dialplan_writer import name
from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import FLOW_NAME
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter

DEEPEST = 4
"""How many flows may be inside one another."""


def _dialplan(step: Step, out: StepWriter) -> None:
    inner = out.flows.flows[step.options["flow"]]
    out.does("Set(F_DEPTH=$[0${F_DEPTH} + 1])")
    out.does(
        "Gosub(flow-%(version)s-%(flow)s,%(first)s,1)",
        version=out.version,
        flow=name(inner.name),
        first=name(inner.start),
    )
    out.goes("next")


KIND = Kind(
    name="flow",
    summary="走完另一个流程再回来 / walks through another flow and comes back",
    main=Option("flow", FLOW_NAME, "哪个流程，种类须为 call / which flow, of kind call"),
    edges=(Edge("next", "回来以后 / when it comes back"),),
    dialplan=_dialplan,
)
