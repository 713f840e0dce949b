"""``recognise``: who is calling. A device's line is known to the exchange; for the rest it asks the application."""

from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import OneOf, Whole

KIND = Kind(
    name="recognise",
    summary="认出来电人 / finds out who is calling",
    main=Option("recognise", OneOf({"caller": "来电号码 / by the caller's number"}), "凭什么认 / by what"),
    options=(Option("within", Whole(1, 5), "最多等几秒 / seconds to wait at most", 2),),
    edges=(
        Edge("device", "设备线 / the line of a device"),
        Edge("provider", "加盟商 / a provider"),
        Edge("ticket", "有未办结的工单 / has an open ticket"),
        Edge("known", "有档案，没有工单 / known, without an open ticket"),
        Edge("unknown", "不认识，或没人回答 / not known, or nobody answered in time"),
    ),
)
