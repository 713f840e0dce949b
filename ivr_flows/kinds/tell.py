"""``tell``: the application says something that only it knows."""

from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import OneOf, Variables, Whole
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter

TELLINGS = {
    "my_ticket": "来电人工单的进展 / how far the caller's open ticket is",
    "provider_on_way": "谁几点上门 / who comes to the caller's home, and when",
    "my_orders": "加盟商今天的订单 / the calling provider's orders of today",
    "offer": "派给加盟商的单是什么 / what the offered order is (an outbound call about an offer)",
    "follow_up": "回访哪一单 / which finished order the call is about (an outbound call)",
    "incident": "来电人所在区域的突发事件 / the mass incident in the caller's area",
}
"""What the application can be asked to say."""


def _dialplan(step: Step, out: StepWriter) -> None:
    out.forced(("next", "nothing", "otherwise"))
    out.asks("tell", step.options["tell"], step.options["within"], step.options["with"])
    out.goes_if('"${F_OUTCOME}" = "nothing"', "nothing")
    out.goes_if('"${F_OUTCOME}" != "told"', "otherwise")
    out.does("ExecIf($[${LEN(${F_SOUNDS})} > 0]?Playback(${F_SOUNDS}))")
    out.goes("next")


KIND = Kind(
    name="tell",
    summary="由系统告诉来电人 / the application tells the caller something",
    main=Option("tell", OneOf(TELLINGS), "说什么 / what is told"),
    options=(
        Option("with", Variables(), "交给系统的变量 / variables handed to the application", ()),
        Option("within", Whole(1, 5), "最多等几秒 / seconds to wait at most", 3),
    ),
    edges=(
        Edge("next", "说完了 / it was told"),
        Edge("nothing", "没有可说的 / there is nothing to tell"),
        Edge("otherwise", "系统没有回答：先说一句话，再到人工 / nobody answered: a spoken word, then a person"),
    ),
    dialplan=_dialplan,
)
