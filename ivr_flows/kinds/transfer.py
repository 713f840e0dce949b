"""``transfer``: joins the caller with a number of the settings' ``[transfers]``."""

from ivr_flows.dialplan_writer import literal, name, telephone_number
from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import TRANSFER_NAME, Whole
from ivr_flows.model import END, Step
from ivr_flows.step_writer import StepWriter


def _dialplan(step: Step, out: StepWriter) -> None:
    out.forced(("next", "otherwise"))
    to = step.options["transfer"]
    if to not in out.flows.transfers:
        out.journal("transferred", "&to=%(to)s&result=failed", to=name(to))
        out.goes("otherwise")
        return
    number = telephone_number(out.flows.transfers[to])
    # g: come back when that side hangs up. i: it cannot forward the caller. f: the network takes only our own number.
    ring = out.long_seconds(step.options["ring"])
    out.does("Dial(PJSIP/%(number)s@trunk,%(ring)s,gif(<${HOTLINE}>))", number=number, ring=ring)
    out.does("Set(F_RESULT=failed)")
    for status, result in (("ANSWER", "answer"), ("BUSY", "busy"), ("NOANSWER", "noanswer")):
        out.does(
            'ExecIf($["${DIALSTATUS}" = "%(status)s"]?Set(F_RESULT=%(result)s))',
            status=literal(status),
            result=literal(result),
        )
    out.journal("transferred", "&to=%(to)s&result=${F_RESULT}", to=name(to))
    out.goes_if('"${F_RESULT}" = "answer"', "next")
    out.goes("otherwise")


KIND = Kind(
    name="transfer",
    summary="转接到设置里的号码 / joins the caller with a number of the settings",
    main=Option("transfer", TRANSFER_NAME, "设置 [transfers] 里的名字 / a name of [transfers]"),
    options=(Option("ring", Whole(5, 120), "最多振铃几秒 / seconds to ring at most", 30),),
    edges=(
        Edge("next", "通话结束以后 / when the talk is over", default=END),
        Edge("otherwise", "忙或无人接 / busy, or no answer"),
    ),
    dialplan=_dialplan,
)
