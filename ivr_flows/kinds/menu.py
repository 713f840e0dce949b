"""``menu``: asks for one key. Each choice is written into the journal (``chose``)."""

from ivr_flows.dialplan_writer import key, keys, sound
from ivr_flows.kinds.kind import EVERYWHERE, Edge, Kind, Option, Ways
from ivr_flows.kinds.values import PROMPT_NAME, Prompts, Whole
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter


def _dialplan(step: Step, out: StepWriter) -> None:
    edges = [edge for edge in step.edges if edge != "otherwise"]
    asked = out.sounds(step.options["menu"])
    out.does("Set(F_SOUNDS=%(asked)s)", asked=asked)
    out.tries(step.options["timeout"], "e")
    if step.options["tries"] > 1:
        out.does("GotoIf($[${LEN(${F_KEY})} = 0]?silent)")
    out.does("GotoIf($[${LEN(${FILTER(%(keys)s,${F_KEY})})} = 0]?wrong)", keys=keys(edges))
    out.journal("chose", "&key=${URIENCODE(${F_KEY})}")
    for edge in edges:
        out.goes_if('"${F_KEY}" = "%(key)s"', edge, key=key(edge))
    out.label("wrong")
    if step.options["tries"] > 1:
        out.does("Set(F_SOUNDS=%(invalid)s&%(asked)s)", invalid=sound(step.options["invalid"]), asked=asked)
        out.does("Goto(tried)")
        out.label("silent")
        out.does("Set(F_SOUNDS=%(all)s)", all=out.sounds((*step.options["silent"], *step.options["menu"])))
        out.label("tried")
    out.tries_again(step.options["tries"])


KIND = Kind(
    name="menu",
    summary="请来电人按一个键 / asks for one key",
    main=Option("menu", Prompts(fixed=True), "问什么；按键即打断 / what is asked; a key interrupts it"),
    options=(
        Option("timeout", Whole(1, 30), "问完以后等几秒 / seconds to wait after the question", 5),
        Option("tries", Whole(1, 5), "最多问几次 / how often it asks at most", 3),
        Option(
            "invalid",
            PROMPT_NAME,
            "按错以后、再问以前说 / said before the next try after a wrong key",
            "not-understood",
        ),
        Option(
            "silent",
            Prompts(least=0, most=1, fixed=True),
            "没按键、再问以前说 / said before the next try after no key",
            (),
        ),
    ),
    ways=Ways("keys", r"[0-9*#]", "每个键去哪一步 / the step for each key", least=1),
    edges=(Edge("otherwise", "问完几次仍没有按对 / after the last try"),),
    keypad=("0", "9"),
    asks=True,
    flows=EVERYWHERE,
    dialplan=_dialplan,
)
