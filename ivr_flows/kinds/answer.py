"""``answer``: writes down what the person decided, durably, in the journal (``said``)."""

from ivr_flows.dialplan_writer import Safe, filled, joined, name, variable
from ivr_flows.kinds.kind import EVERYWHERE, Edge, Kind, Option
from ivr_flows.kinds.values import OneOf, Variables
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter

ANSWERS = {
    "accept": "加盟商接单 / the provider accepts the offer",
    "refuse": "不接 / the provider refuses the offer, or the contact cannot take the call",
    "take": "联系人接听求助 / the contact takes the emergency call",
    "absent_today": "加盟商今天不能上门 / the provider is absent today",
    "informed": "来电人听到了突发事件的说明 / the caller has heard about the incident",
    "affected": "我家也受影响 / the caller's home is hit by the incident",
    "fine": "一切正常 / a care call: all is well",
    "needs_service": "需要服务 / a care call: something is needed",
    "abnormal": "情况异常 / a care call: something is wrong",
}
"""What can be answered; the application acts on these words."""

IN_A_QUESTION = ("take", "refuse")
"""What the emergency ladder understands. ``refuse`` is an answer to an offer too."""


def _dialplan(step: Step, out: StepWriter) -> None:
    word = name(step.options["answer"])
    out.does("Set(F_ANSWER=%(word)s)", word=word)
    held = joined(
        "",
        [
            filled("&%(bare)s=${URIENCODE(${%(held)s})}", bare=Safe(variable(each)[2:]), held=variable(each))
            for each in step.options["with"]
        ],
    )
    out.journal("said", "&answer=%(word)s%(held)s", word=word, held=held)
    out.goes("next")


KIND = Kind(
    name="answer",
    summary="记下对方的决定，不会丢失 / writes down what the person decided; it is never lost",
    main=Option("answer", OneOf(ANSWERS), "什么决定 / which decision"),
    options=(Option("with", Variables(), "一起记下的变量 / variables written with it", ()),),
    edges=(Edge("next", "下一步 / what follows"),),
    flows=EVERYWHERE,
    dialplan=_dialplan,
)
