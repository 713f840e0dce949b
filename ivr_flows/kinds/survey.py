"""``survey``: a grade from 1 to 5, 5 being best, in the journal (``graded``)."""

from ivr_flows.dialplan_writer import key, keys, name
from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import OneOf, Prompts, Whole
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter


def _dialplan(step: Step, out: StepWriter) -> None:
    asked = out.sounds(step.options["survey"])
    edges = [edge for edge in step.edges if edge in ("0", "9")]
    out.does("Set(F_SOUNDS=%(asked)s)", asked=asked)
    out.tries(step.options["timeout"], "e")
    out.does("GotoIf($[${LEN(${F_KEY})} = 0]?silent)")
    out.does("GotoIf($[${LEN(${FILTER(1-5,${F_KEY})})} = 1]?graded)")
    out.does("GotoIf($[${LEN(${FILTER(%(keys)s,${F_KEY})})} = 0]?wrong)", keys=keys(edges or ["0"]))
    out.journal("chose", "&key=${F_KEY}")
    for edge in edges:
        out.goes_if('"${F_KEY}" = "%(key)s"', edge, key=key(edge))
    out.label("wrong")
    out.does("Set(F_SOUNDS=not-understood&%(asked)s)", asked=asked)
    out.does("Goto(tried)")
    out.label("silent")
    out.does("Set(F_SOUNDS=%(asked)s)", asked=asked)
    out.label("tried")
    out.tries_again(step.options["tries"])
    out.label("graded")
    about = name(step.options["about"])
    out.journal("graded", "&grade=${F_KEY}&about=%(about)s&subject=${URIENCODE(${SUBJECT})}", about=about)
    out.goes("next")


KIND = Kind(
    name="survey",
    summary="请打分，5分最好 / asks for a grade, 5 is best",
    main=Option("survey", Prompts(fixed=True), "问什么；要说明5分最好 / what is asked; it says that 5 is best"),
    options=(
        Option(
            "about",
            OneOf({"follow_up": "回访的订单 / the finished order", "call": "这次通话 / this call"}),
            "评什么 / what is graded",
        ),
        Option("timeout", Whole(1, 30), "问完以后等几秒 / seconds to wait after the question", 5),
        Option("tries", Whole(1, 5), "最多问几次 / how often it asks at most", 3),
    ),
    edges=(
        Edge("next", "打了分 / a grade was given", asked=True),
        Edge("otherwise", "几次都没有打分 / after the last try"),
    ),
    keypad=("0", "9"),
    asks=True,
    dialplan=_dialplan,
)
