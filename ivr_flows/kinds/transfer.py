"""``transfer``: joins the caller with a number of the settings' ``[transfers]``."""

from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import TRANSFER_NAME, Whole
from ivr_flows.model import END

KIND = Kind(
    name="transfer",
    summary="转接到设置里的号码 / joins the caller with a number of the settings",
    main=Option("transfer", TRANSFER_NAME, "设置 [transfers] 里的名字 / a name of [transfers]"),
    options=(Option("ring", Whole(5, 120), "最多振铃几秒 / seconds to ring at most", 30),),
    edges=(
        Edge("next", "通话结束以后 / when the talk is over", default=END),
        Edge("otherwise", "忙或无人接 / busy, or no answer"),
    ),
)
