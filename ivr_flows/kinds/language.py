"""``language``: what follows is said in this language."""

from ivr_flows.kinds.kind import EVERYWHERE, Edge, Kind, Option
from ivr_flows.kinds.values import OneOf

KIND = Kind(
    name="language",
    summary="换语言 / changes the language",
    main=Option("language", OneOf({"zh": "普通话", "en": "English"}), "哪种语言 / which language"),
    edges=(Edge("next", "下一步 / what follows"),),
    flows=EVERYWHERE,
)
