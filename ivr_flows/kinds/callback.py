"""``callback``: promises one call back, in the journal (``callback``)."""

from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import Prompts
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter


def _dialplan(step: Step, out: StepWriter) -> None:
    out.forced(("otherwise",))
    out.goes_if("${LEN(${FROM})} < 3", "otherwise")
    out.journal("callback", "&number=${URIENCODE(${FROM})}")
    out.says(step.options["callback"])
    out.goes("next")


KIND = Kind(
    name="callback",
    summary="登记回拨，再说确认 / promises a call back and confirms it",
    main=Option("callback", Prompts(), "登记以后说 / said when it is written down"),
    edges=(
        Edge("next", "已登记 / it is promised"),
        Edge("otherwise", "没有来电号码，不能回拨 / the caller has no number"),
    ),
    flows=("call",),
    dialplan=_dialplan,
)
