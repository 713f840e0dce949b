"""``voice_message``: takes a message, named by our own id, in the journal (``message``)."""

from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import Prompts, Whole

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
)
