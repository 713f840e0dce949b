"""``flow``: walks through another flow and comes back at its ``back``."""

from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import FLOW_NAME

DEEPEST = 4
"""How many flows may be inside one another."""

KIND = Kind(
    name="flow",
    summary="走完另一个流程再回来 / walks through another flow and comes back",
    main=Option("flow", FLOW_NAME, "哪个流程，种类须为 call / which flow, of kind call"),
    edges=(Edge("next", "回来以后 / when it comes back"),),
)
