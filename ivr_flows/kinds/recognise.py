"""``recognise``: who is calling. A device's line is known to the exchange; for the rest it asks the application."""

from ivr_flows.dialplan_writer import name
from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import OneOf, Whole
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter


def _dialplan(step: Step, out: StepWriter) -> None:
    outcomes = [each for each in ("provider", "ticket", "known") if each in step.edges]
    out.forced(("device", "provider", "ticket", "known", "unknown"))
    if "device" in step.edges:
        out.goes_if("${LEN(${LINE_KIND})} > 0", "device")
    out.asks("recognise", "", step.options["within"])
    for outcome in outcomes:
        out.goes_if('"${F_OUTCOME}" = "%(outcome)s"', outcome, outcome=name(outcome))
    out.goes("unknown")


KIND = Kind(
    name="recognise",
    summary="认出来电人 / finds out who is calling",
    main=Option("recognise", OneOf({"caller": "来电号码 / by the caller's number"}), "凭什么认 / by what"),
    options=(Option("within", Whole(1, 5), "最多等几秒 / seconds to wait at most", 2),),
    edges=(
        Edge("device", "设备线 / the line of a device", optional=True),
        Edge("provider", "加盟商 / a provider", optional=True),
        Edge("ticket", "有未办结的工单 / has an open ticket", optional=True),
        Edge("known", "有档案，没有工单 / known, without an open ticket", optional=True),
        Edge("unknown", "不认识、没人回答，或上面没写的 / not known, nobody answered in time, or not written above"),
    ),
    dialplan=_dialplan,
)
