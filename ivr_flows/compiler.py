"""From a set of flows to the dialplan that carries them out without any help of ours.

The text is the same for the same set, version and options, byte by byte. Each flow becomes the context
``flow-<version>-<flow>`` with an extension for each step, each calendar the context ``calendar-<version>-<calendar>``.
What they call on (journal, lease, asking the application, the queue) is the exchange's own, ``asterisk_conf/``.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ivr_flows.dialplan_writer import Dialplan, Refused, filled, joined, name, zone
from ivr_flows.kinds import KINDS
from ivr_flows.model import Calendar, Flow, FlowSet
from ivr_flows.step_writer import CompileOptions, StepWriter

__all__ = ["CompileOptions", "compile_flows"]

_HIGHEST_VERSION = 999_999_999


def compile_flows(flows: FlowSet, version: int, options: CompileOptions | None = None) -> str:
    """The dialplan of ``flows`` as that version. Raises Refused when the set holds anything that no checked set can."""
    if not 0 <= version <= _HIGHEST_VERSION:
        raise Refused(f"{version} is no version of flows")
    dialplan = Dialplan()
    for _, calendar in sorted(flows.calendars.items()):
        _calendar(dialplan, calendar, version)
    for _, flow in sorted(flows.flows.items()):
        _flow(dialplan, flows, flow, version, options or CompileOptions())
    return dialplan.text()


def _flow(dialplan: Dialplan, flows: FlowSet, flow: Flow, version: int, options: CompileOptions) -> None:
    dialplan.context("flow-%(version)s-%(flow)s", version=version, flow=name(flow.name))
    _start(dialplan, flow)
    for _, step in sorted(flow.steps.items()):
        out = StepWriter(dialplan, flows, version, flow, step, options)
        out.begins()
        KINDS[step.kind].dialplan(step, out)
    dialplan.extension("END")
    dialplan.does("Return()" if flow.kind == "question" else "Hangup(16)")


def _start(dialplan: Dialplan, flow: Flow) -> None:
    """How a call comes in from outside; a sub-flow begins at its first step. In capitals, like END, so that no step can
    be called so."""
    first = flow.steps[flow.start]
    dialplan.extension("START")
    # Answered by [arrive] already: the sooner the better.
    if flow.kind == "call" and first.kind != "queue":
        dialplan.does("Set(FIELDS=)")
        dialplan.does("Gosub(journal,next,1(greeted))")
    dialplan.does("Goto(%(first)s,1)", first=name(first.name))


def _calendar(dialplan: Dialplan, calendar: Calendar, version: int) -> None:
    """F_OPEN = 1 or 0: by the date's own spans, else by those of the day of the week."""
    dialplan.context("calendar-%(version)s-%(calendar)s", version=version, calendar=name(calendar.name))
    here = filled("calendar-%(version)s-%(calendar)s", version=version, calendar=name(calendar.name))
    dialplan.extension("start")
    dialplan.does(
        "MSet(F_OPEN=0,F_TIME=${STRFTIME(,%(zone)s,1%%H%%M)},F_DATE=date${STRFTIME(,%(zone)s,%%Y%%m%%d)},"
        "F_DAY=day${STRFTIME(,%(zone)s,%%u)})",
        zone=zone(_rule(calendar.timezone)),
    )
    day = filled("${IF(${DIALPLAN_EXISTS(%(here)s,${F_DAY},1)}?${F_DAY}:CLOSED)}", here=here)
    dialplan.does("Goto(${IF(${DIALPLAN_EXISTS(%(here)s,${F_DATE},1)}?${F_DATE}:%(day)s)},1)", here=here, day=day)
    dialplan.extension("CLOSED")
    dialplan.does("Return()")
    for weekday, spans in sorted(calendar.week.items()):
        dialplan.extension("day%(day)s", day=weekday + 1)
        _open(dialplan, spans)
    for date, spans in sorted(calendar.days.items()):
        dialplan.extension("date%(date)s", date=int(date.strftime("%Y%m%d")))
        _open(dialplan, spans)


def _open(dialplan: Dialplan, spans: object) -> None:
    within = [
        # With a 1 before it a time of day is a number without leading zeros.
        filled("(${F_TIME} >= %(since)s & ${F_TIME} < %(until)s)", since=_minute(since), until=_minute(until, end=True))
        for since, until in spans  # type: ignore[attr-defined]
    ]
    if within:
        dialplan.does("Set(F_OPEN=$[%(within)s])", within=joined(" | ", within))
    dialplan.does("Return()")


def _minute(told: time, end: bool = False) -> int:
    return 12400 if end and told == time() else 10000 + told.hour * 100 + told.minute


def _rule(timezone: str) -> str:
    """The zone as a rule that needs no file where it is always the same distance from UTC, for an exchange without the
    zones' files would silently keep UTC; else its name."""
    zone_info = ZoneInfo(timezone)
    first = datetime(2026, 1, 1, tzinfo=UTC)
    offsets = {(first + timedelta(days=day)).astimezone(zone_info).utcoffset() for day in range(0, 4 * 366, 7)}
    [offset, *others] = sorted(o for o in offsets if o is not None)
    if others:
        return timezone
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes >= 0 else "-"
    shown = f"{sign}{hours:02}" + (f"{rest:02}" if rest else "")
    # A rule counts westwards.
    return f"<{shown}>{'-' if minutes > 0 else ''}{hours}" + (f":{rest:02}" if rest else "")
