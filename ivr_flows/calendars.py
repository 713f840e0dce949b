"""Calendars: a file of office hours and holidays as Calendar values."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Collection, Iterator, Mapping
from datetime import date, time, timedelta

from ivr_flows.document import Node, parse
from ivr_flows.kinds.values import CALENDAR_NAME, Wrong, shown
from ivr_flows.model import Calendar, Finding, FlowError
from ivr_flows.reading import MOST_FINDINGS

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_DAYS = 1000
"""Single dates of one calendar: some ten years of holidays."""

Spans = tuple[tuple[time, time], ...]


def read_calendars(text: str | bytes, path: str) -> dict[str, Calendar]:
    """The calendars in ``text`` by their names; raises FlowError with everything that is wrong, and nothing else."""
    return _Reader(path).calendars(parse(text, path))


class _Reader:
    def __init__(self, path: str) -> None:
        self._path = path
        self._findings: list[Finding] = []

    def calendars(self, root: Node) -> dict[str, Calendar]:
        rows = self._rows(root, ("calendars", "holidays"), "calendars: …")
        lists: dict[str, tuple[set[date], set[date]]] = {}
        for name, node in self._named(rows.get("holidays")):
            parts = self._rows(node, ("closed", "workdays"), "closed: […], workdays: […]")
            lists[name] = (self._dates(parts.get("closed")), self._dates(parts.get("workdays")))
        calendars = {name: self._calendar(name, node, lists) for name, node in self._named(rows.get("calendars"))}
        if self._findings:
            raise FlowError(sorted(self._findings, key=lambda finding: finding.line))
        return calendars

    def _say(self, line: int, zh: str, en: str) -> None:
        self._findings.append(Finding("error", "calendar", self._path, line, "", zh, en))
        if len(self._findings) == MOST_FINDINGS:
            raise FlowError(self._findings)

    def _rows(self, node: Node, known: Collection[str], form: str) -> Mapping[str, Node]:
        if not isinstance(node.value, Mapping):
            self._say(node.line, f"这里的格式是 {form}", f"the form here is {form}")
            return {}
        for key in node.value:
            if key not in known:
                names = ", ".join(known)
                self._say(
                    node.keys[key], f"没有{shown(key)}；可用：{names}", f"no {shown(key)} here; known are {names}"
                )
        return node.value

    def _named(self, node: Node | None) -> Iterator[tuple[str, Node]]:
        if node is None:
            return
        if not isinstance(node.value, Mapping):
            self._say(node.line, "这里的格式是“名字: 内容”", "the form here is `name: content`")
            return
        for name, row in node.value.items():
            try:
                yield CALENDAR_NAME.read(name), row
            except Wrong as wrong:
                self._say(node.keys[name], wrong.zh, wrong.en)

    def _calendar(self, name: str, node: Node, lists: Mapping[str, tuple[set[date], set[date]]]) -> Calendar:
        rows = self._rows(node, ("timezone", "holidays", "week", "days"), "timezone: …, week: …")
        timezone = rows["timezone"].value if "timezone" in rows else None
        if not isinstance(timezone, str) or not _known_timezone(timezone):
            line = node.keys.get("timezone", node.line)
            self._say(
                line,
                f"没有时区{shown(_text(timezone))}；例：Asia/Shanghai",
                f"no time zone {shown(_text(timezone))}; e.g. Asia/Shanghai",
            )
            timezone = "Asia/Shanghai"
        week = self._week(rows.get("week"), node.line)
        days: dict[date, Spans] = {}
        if "holidays" in rows:
            chosen = rows["holidays"].value
            if not isinstance(chosen, str) or chosen not in lists:
                self._say(
                    rows["holidays"].line,
                    f"没有节假日表{shown(_text(chosen))}",
                    f"no list of holidays {shown(_text(chosen))}",
                )
            else:
                closed, workdays = lists[chosen]
                working = next((week[day] for day in range(7) if week.get(day)), ())
                days |= dict.fromkeys(closed, ()) | dict.fromkeys(workdays, working)
        if "days" in rows:
            days |= self._days(rows["days"])
        if len(days) > MOST_DAYS:
            self._say(node.line, f"日期太多，最多{MOST_DAYS}个", f"too many dates, at most {MOST_DAYS}")
        return Calendar(name, timezone, week, dict(sorted(days.items())))

    def _week(self, node: Node | None, line: int) -> dict[int, Spans]:
        if node is None or not isinstance(node.value, Mapping):
            self._say(node.line if node else line, "缺少 week：每天的时间", "week is missing: the hours of each day")
            return {}
        week: dict[int, Spans] = {}
        for key, row in node.value.items():
            first, _, last = key.partition("-")
            if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
                self._say(
                    node.keys[key], f"{shown(key)}不是 mon 或 mon-fri", f"{shown(key)} is neither mon nor mon-fri"
                )
                continue
            days = range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1)
            if not days or any(day in week for day in days):
                self._say(
                    node.keys[key],
                    f"{shown(key)}有一天写了两次或次序反了",
                    f"{shown(key)} has a day twice or runs backwards",
                )
                continue
            week |= dict.fromkeys(days, self._spans(row))
        return week

    def _days(self, node: Node) -> dict[date, Spans]:
        if not isinstance(node.value, Mapping):
            self._say(node.line, "days 的格式是“日期: [时间]”", "days holds lines `date: [hours]`")
            return {}
        days: dict[date, Spans] = {}
        for key, row in node.value.items():
            days |= dict.fromkeys(self._date_range(key, node.keys[key]), self._spans(row))
        return days

    def _dates(self, node: Node | None) -> set[date]:
        dates: set[date] = set()
        if node is None:
            return dates
        if not isinstance(node.value, tuple):
            self._say(node.line, "这里是日期的列表", "a list of dates belongs here")
            return dates
        for row in node.value:
            dates |= set(self._date_range(_text(row.value), row.line))
        return dates

    def _date_range(self, text: str, line: int) -> list[date]:
        first, _, last = text.partition("..")
        try:
            begin, end = _date(first), _date(last or first)
        except ValueError:
            form = "2026-10-01, 2026-10-01..2026-10-07"
            self._say(line, f"{shown(text)}不是日期；格式：{form}", f"{shown(text)} is no date; the form is {form}")
            return []
        if not 0 <= (end - begin).days < 366:
            self._say(
                line, f"{shown(text)}的次序反了，或超过一年", f"{shown(text)} runs backwards or over more than a year"
            )
            return []
        return [begin + timedelta(days=day) for day in range((end - begin).days + 1)]

    def _spans(self, node: Node) -> Spans:
        rows = node.value if isinstance(node.value, tuple) else (node,)
        spans = []
        for row in rows[:10]:
            text = _text(row.value)
            found = re.fullmatch(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])", text, re.ASCII)
            begin, end = (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])) if found else (0, 0)
            if not begin < end <= 24 * 60:
                form = '["08:30-12:00", "13:30-17:30"]'
                self._say(
                    row.line, f"{shown(text)}不是时间段；格式：{form}", f"{shown(text)} is no span; the form is {form}"
                )
                continue
            spans.append((time(begin // 60, begin % 60), time(end // 60 % 24, end % 60)))
        return tuple(spans)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _date(text: str) -> date:
    """A date in the one form; ``fromisoformat`` alone takes others too."""
    if not re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        raise ValueError(text)
    return date.fromisoformat(text)


def _known_timezone(name: str) -> bool:
    if not re.fullmatch(r"[A-Za-z]+(/[A-Za-z_]+)*", name, re.ASCII):
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):
        return False
    return True
