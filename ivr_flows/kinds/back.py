"""``back``: goes back to the flow that this one was called from."""

from ivr_flows.kinds.kind import Kind, Option
from ivr_flows.kinds.values import Nothing

KIND = Kind(
    name="back",
    summary="回到上一个流程 / goes back to the flow before",
    main=Option("back", Nothing(), "什么都不写 / nothing is written"),
    flows=("call",),
)
