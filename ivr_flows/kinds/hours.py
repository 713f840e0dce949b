"""``hours``: open or closed, by a calendar."""

from ivr_flows.kinds.kind import Edge, Kind, Option
from ivr_flows.kinds.values import CALENDAR_NAME

KIND = Kind(
    name="hours",
    summary="按日历分上班和下班 / open or closed, by a calendar",
    main=Option("hours", CALENDAR_NAME, "哪个日历 / which calendar"),
    edges=(
        Edge("open", "上班时间 / within the hours"),
        Edge("closed", "下班时间和节假日 / outside them, and on holidays"),
    ),
)
