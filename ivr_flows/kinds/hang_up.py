"""``hang_up``: says good-bye and ends the call; in a ``question`` it goes back to the ladder."""

from ivr_flows.dialplan_writer import literal
from ivr_flows.kinds.kind import EVERYWHERE, Kind, Option
from ivr_flows.kinds.values import Prompts, Whole
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter


def _dialplan(step: Step, out: StepWriter) -> None:
    out.says(step.options["hang_up"])
    if out.flow.kind == "question":
        out.does("Return()")
    else:
        out.does("Hangup(%(cause)s)", cause=literal(str(step.options["cause"])))


KIND = Kind(
    name="hang_up",
    summary="说再见，挂机 / says good-bye and hangs up",
    main=Option("hang_up", Prompts(least=0), "最后说什么 / what is said last"),
    options=(Option("cause", Whole(1, 127), "挂机原因 (Q.850) / the cause (Q.850)", 16),),
    flows=EVERYWHERE,
    dialplan=_dialplan,
)
