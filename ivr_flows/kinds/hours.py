"""``hours``: open or closed, by a calendar."""

from ivr_flows.dialplan_writer import name
from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import CALENDAR_NAME
from ivr_flows.model import Step
from ivr_flows.step_writer import StepWriter


def _dialplan(step: Step, out: StepWriter) -> None:
    out.forced(("open", "closed"))
    calendar = name(step.options["hours"])
    out.does("Gosub(calendar-%(version)s-%(calendar)s,start,1)", version=out.version, calendar=calendar)
    out.goes_either('"${F_OPEN}" = "1"', "open", "closed")


KIND = Kind(
    name="hours",
    summary="按日历分上班和下班 / open or closed, by a calendar",
    main=Option("hours", CALENDAR_NAME, "哪个日历 / which calendar"),
    edges=(
        Edge("open", "上班时间 / within the hours"),
        Edge("closed", "下班时间和节假日 / outside them, and on holidays"),
    ),
    dialplan=_dialplan,
)
