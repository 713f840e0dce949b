"""``survey``: a grade from 1 to 5, 5 being best, in the journal (``graded``)."""

from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import OneOf, Prompts, Whole

KIND = Kind(
    name="survey",
    summary="请打分，5分最好 / asks for a grade, 5 is best",
    main=Option("survey", Prompts(), "问什么；要说明5分最好 / what is asked; it says that 5 is best"),
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
)
