"""``set``: gives variables a fixed value."""

from ivr_flows.kinds.kind import EVERYWHERE, Edge, Kind, Option
from ivr_flows.kinds.values import Assignments

KIND = Kind(
    name="set",
    summary="给变量定值 / gives variables a value",
    main=Option("set", Assignments(), "变量: 值 / VARIABLE: value"),
    edges=(Edge("next", "下一步 / what follows"),),
    flows=EVERYWHERE,
)
