"""``say``: says something; no key interrupts it."""

from ivr_flows.kinds.kind import EVERYWHERE, Edge, Kind, Option
from ivr_flows.kinds.values import Prompts
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter


def _dialplan(step: Step, out: StepWriter) -> None:
    out.says(step.options["say"])
    out.goes("next")


KIND = Kind(
    name="say",
    summary="说一段话，按键不打断 / says something; keys do not interrupt it",
    main=Option("say", Prompts(), "说什么 / what is said"),
    edges=(Edge("next", "说完以后 / when it was said"),),
    flows=EVERYWHERE,
    dialplan=_dialplan,
)
