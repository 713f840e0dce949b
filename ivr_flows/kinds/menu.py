"""``menu``: asks for one key. Each choice is written into the journal (``chose``)."""

from ivr_flows.kinds.kind import EVERYWHERE, Edge, Kind, Option, Ways
from ivr_flows.kinds.values import PROMPT_NAME, Prompts, Whole

KIND = Kind(
    name="menu",
    summary="请来电人按一个键 / asks for one key",
    main=Option("menu", Prompts(), "问什么；按键即打断 / what is asked; a key interrupts it"),
    options=(
        Option("timeout", Whole(1, 30), "问完以后等几秒 / seconds to wait after the question", 5),
        Option("tries", Whole(1, 5), "最多问几次 / how often it asks at most", 3),
        Option(
            "invalid",
            PROMPT_NAME,
            "按错以后、再问以前说 / said before the next try after a wrong key",
            "not-understood",
        ),
        Option("silent", Prompts(least=0, most=1), "没按键、再问以前说 / said before the next try after no key", ()),
    ),
    ways=Ways("keys", r"[0-9*#]", "每个键去哪一步 / the step for each key", least=1),
    edges=(Edge("otherwise", "问完几次仍没有按对 / after the last try"),),
    keypad=("0", "9"),
    asks=True,
    flows=EVERYWHERE,
)
