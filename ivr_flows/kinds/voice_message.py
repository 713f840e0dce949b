"""``voice_message``: takes a message, named by our own id, in the journal (``message``)."""

from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import Prompts, Whole
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter


def _dialplan(step: Step, out: StepWriter) -> None:
    out.says(step.options["voice_message"])
    out.forced(("otherwise",), next="left")
    # From here on the message counts, also when the caller ends it by hanging up.
    out.message()
    out.does("Gosub(flow-message,begins,1)")
    out.waits()
    # k: what was said before hanging up is kept. The key # ends it, or 5 s of silence.
    out.does("Record(${MESSAGES}/${MESSAGE},5,%(most)s,k)", most=out.long_seconds(step.options["max"]))
    out.does("Gosub(flow-message,ends,1)")
    out.goes_if('"${F_LEFT}" = "1"', "next")
    out.goes("otherwise")
    if out.is_trial:
        out.label("left")
        out.journal("message", "&file=forced&secs=0")
        out.goes("next")


KIND = Kind(
    name="voice_message",
    summary="请来电人留言 / takes a message",
    main=Option("voice_message", Prompts(), "留言以前说 / said before the message"),
    options=(Option("max", Whole(5, 300), "最长几秒 / seconds at most", 120),),
    edges=(
        Edge("next", "已留言 / a message is there", asked=True),
        Edge("otherwise", "没有说话 / nothing was said"),
    ),
    asks=True,
    dialplan=_dialplan,
)
