"""``language``: what follows is said in this language."""

from ivr_flows.dialplan_writer import name
from ivr_flows.kinds.kind import EVERYWHERE, Edge, Kind, Option
from ivr_flows.kinds.values import OneOf
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter


def _dialplan(step: Step, out: StepWriter) -> None:
    out.does("Set(CHANNEL(language)=%(language)s)", language=name(step.options["language"]))
    out.goes("next")


KIND = Kind(
    name="language",
    summary="换语言 / changes the language",
    main=Option("language", OneOf({"zh": "普通话", "en": "English"}), "哪种语言 / which language"),
    edges=(Edge("next", "下一步 / what follows"),),
    flows=EVERYWHERE,
    dialplan=_dialplan,
)
