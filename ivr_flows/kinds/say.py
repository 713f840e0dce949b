"""``say``: says something; no key interrupts it."""

from ivr_flows.kinds.kind import EVERYWHERE, Edge, Kind, Option
from ivr_flows.kinds.values import Prompts

KIND = Kind(
    name="say",
    summary="说一段话，按键不打断 / says something; keys do not interrupt it",
    main=Option("say", Prompts(), "说什么 / what is said"),
    edges=(Edge("next", "说完以后 / when it was said"),),
    flows=EVERYWHERE,
)
