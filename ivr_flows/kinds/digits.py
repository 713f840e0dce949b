"""``digits``: takes a number from the keypad; ``#`` ends it, 0 alone leads to the operator."""

from collections.abc import Iterator

from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import VARIABLE_NAME, Prompts, Whole, Wrong
from ivr_flows.model import Step


def _check(step: Step) -> Iterator[Wrong]:
    if step.options["min"] > step.options["max"]:
        yield Wrong(
            "min 大于 max，没有号码能通过；请改小 min", "min is above max, so no number is ever right; lower min"
        )


KIND = Kind(
    name="digits",
    summary="请来电人按一串数字，#号结束 / takes a number from the keypad; # ends it",
    main=Option("digits", Prompts(), "问什么 / what is asked"),
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
)
