"""``back``: goes back to the flow that this one was called from."""

from ivr_flows.kinds.kind import Kind, Option
from ivr_flows.kinds.values import Nothing
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter


def _dialplan(step: Step, out: StepWriter) -> None:
    # A flow that was not called from another has nowhere to go back to.
    out.does("GotoIf($[0${F_DEPTH} < 1]?END,1)")
    out.does("Set(F_DEPTH=$[${F_DEPTH} - 1])")
    out.does("Return()")


KIND = Kind(
    name="back",
    summary="回到上一个流程 / goes back to the flow before",
    main=Option("back", Nothing(), "什么都不写 / nothing is written"),
    flows=("call",),
    dialplan=_dialplan,
)
