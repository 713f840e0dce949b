"""``digits``: takes a number from the keypad; ``#`` ends it, 0 alone leads to the operator."""

from collections.abc import Iterator

from ivr_flows.dialplan_writer import variable
from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import VARIABLE_NAME, Prompts, Whole, Wrong
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter


def _check(step: Step) -> Iterator[Wrong]:
    if step.options["min"] > step.options["max"]:
        yield Wrong(
            "min 大于 max，没有号码能通过；请改小 min", "min is above max, so no number is ever right; lower min"
        )


def _dialplan(step: Step, out: StepWriter) -> None:
    asked = out.sounds(step.options["digits"])
    out.does("Set(F_SOUNDS=%(asked)s)", asked=asked)
    out.tries(step.options["timeout"], "", most=step.options["max"])
    if "0" in step.edges:
        out.does('GotoIf($["${F_KEY}" = "0" & ${LEN(${F_KEY})} = 1]?operator)')
    # Anything but digits is a slip, not a shorter number.
    out.does("GotoIf($[${LEN(${FILTER(0-9,${F_KEY})})} != ${LEN(${F_KEY})}]?wrong)")
    out.does("GotoIf($[${LEN(${F_KEY})} < %(least)s]?wrong)", least=step.options["min"])
    out.does("Set(%(into)s=${F_KEY})", into=variable(step.options["into"]))
    out.goes("next")
    if "0" in step.edges:
        out.label("operator")
        out.journal("chose", "&key=0")
        out.goes("0")
    out.label("wrong")
    out.does("Set(F_SOUNDS=not-understood&%(asked)s)", asked=asked)
    out.tries_again(step.options["tries"])


KIND = Kind(
    name="digits",
    summary="请来电人按一串数字，#号结束 / takes a number from the keypad; # ends it",
    main=Option("digits", Prompts(fixed=True), "问什么 / what is asked"),
    options=(
        Option("into", VARIABLE_NAME, "存入哪个变量 / the variable that gets it"),
        Option("min", Whole(1, 20), "最少几位 / digits at least", 1),
        Option("max", Whole(1, 20), "最多几位 / digits at most", 20),
        Option("timeout", Whole(1, 30), "两个键之间等几秒 / seconds to wait for each key", 5),
        Option("tries", Whole(1, 5), "最多问几次 / how often it asks at most", 3),
    ),
    edges=(
        Edge("next", "位数正确 / a number of the right length", asked=True),
        Edge("otherwise", "几次都不对 / after the last try"),
    ),
    keypad=("0",),
    asks=True,
    check=_check,
    dialplan=_dialplan,
)
