"""What is different between two sets of flows, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any, Literal

from ivr_flows.model import END, Calendar, Flow, FlowSet, Spoken, Step
from ivr_flows.step_words import KIND_WORDS, Texts, edge_word

What = Literal["flow", "step", "option", "edge", "prompt", "calendar", "transfer"]
Mark = Literal["added", "changed", "removed"]

_DAYS = (
    ("周一", "Monday"),
    ("周二", "Tuesday"),
    ("周三", "Wednesday"),
    ("周四", "Thursday"),
    ("周五", "Friday"),
    ("周六", "Saturday"),
    ("周日", "Sunday"),
)
_KEYS_OF_FLOW = ("kind", "start", "operator", "centre", "given")
_MOST_DATES = 5
"""Dates of a calendar that are named; of more only the number is said."""


@dataclass(frozen=True)
class Change:
    """One difference. ``name`` is the flow, prompt, calendar or transfer it is about, ``step`` is empty where it is not
    about a step; ``zh`` and ``en`` say it to a person."""

    what: What
    how: Mark
    name: str
    step: str
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"


def compare(old: FlowSet, new: FlowSet, old_texts: Texts | None = None, new_texts: Texts | None = None) -> list[Change]:
    """All that is different in ``new``. Same flows in another order, with other comments, are the same. The texts are
    what the prompts say."""
    return [
        *_flows(old, new),
        *_prompts(old_texts or {}, new_texts or {}),
        *_calendars(old, new),
        *_transfers(old.transfers, new.transfers),
    ]


def marked(old: Flow | None, new: Flow) -> tuple[Flow, dict[str, Mark]]:
    """``new`` with the steps that only ``old`` has, for one drawing of both; and what to mark. None: all is new."""
    if old is None:
        return new, dict.fromkeys(new.steps, "added")
    marks: dict[str, Mark] = {}
    for name, step in new.steps.items():
        if name not in old.steps:
            marks[name] = "added"
        elif old.steps[name] != step:
            marks[name] = "changed"
    gone = {name: step for name, step in old.steps.items() if name not in new.steps}
    marks |= dict.fromkeys(gone, "removed")
    return replace(new, steps={**new.steps, **gone}), marks


def _flows(old: FlowSet, new: FlowSet) -> Iterator[Change]:
    for name in sorted({*old.flows, *new.flows}):
        title = (new if name in new.flows else old).flows[name].title
        zh, en = f"流程 {name}（{title['zh']}）", f"flow {name} ({title['en']})"
        if name not in old.flows:
            yield Change("flow", "added", name, "", f"新增{zh}", f"{en} is new")
        elif name not in new.flows:
            yield Change("flow", "removed", name, "", f"删去{zh}", f"{en} is gone")
        else:
            yield from _flow(old.flows[name], new.flows[name])


def _flow(old: Flow, new: Flow) -> Iterator[Change]:
    for key in _KEYS_OF_FLOW:
        if getattr(old, key) != getattr(new, key):
            yield _told("flow", new.name, "", key, getattr(old, key), getattr(new, key))
    for language, before in old.title.items():
        if new.title[language] != before:
            yield _told("flow", new.name, "", f"title.{language}", before, new.title[language])
    for name in [*new.steps, *(name for name in old.steps if name not in new.steps)]:
        if name not in old.steps:
            yield _step(new, new.steps[name], "added")
        elif name not in new.steps:
            yield _step(new, old.steps[name], "removed")
        else:
            yield from _changed_step(new, old.steps[name], new.steps[name])


def _step(flow: Flow, step: Step, how: Mark) -> Change:
    zh, en = KIND_WORDS[step.kind]
    said = ("新增", "is new") if how == "added" else ("删去", "is gone")
    return Change(
        "step", how, flow.name, step.name,
        f"{flow.name}：{said[0]}步骤 {step.name}（{zh}）", f"{flow.name}: step {step.name} ({en}) {said[1]}",
    )  # fmt: skip


def _changed_step(flow: Flow, old: Step, new: Step) -> Iterator[Change]:
    if old.kind != new.kind:
        yield _told("step", flow.name, new.name, "kind", old.kind, new.kind)
        return
    for option in [*new.options, *(option for option in old.options if option not in new.options)]:
        if old.options.get(option) != new.options.get(option):
            yield _told("option", flow.name, new.name, option, old.options.get(option), new.options.get(option))
    for edge in [*new.edges, *(edge for edge in old.edges if edge not in new.edges)]:
        if old.edges.get(edge) != new.edges.get(edge):
            yield _edge(flow, new, edge, old.edges.get(edge), new.edges.get(edge))


def _edge(flow: Flow, step: Step, edge: str, before: str | None, after: str | None) -> Change:
    zh, en = edge_word(step, edge)
    zh, en = (f"按 {edge}", f"key {edge}") if len(edge) == 1 else (zh, en or edge)
    where = f"{flow.name}.{step.name}"
    how: Mark = "changed"
    if before is None:
        how, zh, en = "added", f"新增 {zh} → {_to(after)[0]}", f"{en} is new and leads to {_to(after)[1]}"
    elif after is None:
        how, zh, en = "removed", f"删去 {zh}（原到 {_to(before)[0]}）", f"{en} is gone, it led to {_to(before)[1]}"
    else:
        zh = f"{zh} 由 {_to(before)[0]} 改到 {_to(after)[0]}"
        en = f"{en} led to {_to(before)[1]}, now to {_to(after)[1]}"
    return Change("edge", how, flow.name, step.name, f"{where}：{zh}", f"{where}: {en}")


def _to(target: str | None) -> tuple[str, str]:
    return ("通话结束", "the end") if target == END else (str(target), str(target))


def _told(what: What, name: str, step: str, key: str, before: Any, after: Any) -> Change:
    where = f"{name}.{step}" if step else name
    old, new = _shown(before), _shown(after)
    return Change(
        what, "changed", name, step,
        f"{where}：{key} 由 {old or '无'} 改为 {new or '无'}",
        f"{where}: {key} was {old or 'none'}, is now {new or 'none'}",
    )  # fmt: skip


def _shown(value: Any) -> str:
    if isinstance(value, Spoken):
        return value.what if value.how == "prompt" else f"{{{value.how}: {value.what}}}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_shown(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return " + ".join(_shown(item) for item in value)
    return "" if value is None else str(value)


# --- what flows refer to ---


def _prompts(old: Texts, new: Texts) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        if name not in old:
            zh, en = new[name]
            yield Change("prompt", "added", name, "", f"新增提示音 {name}：“{zh}”", f"prompt {name} is new: “{en}”")
        elif name not in new:
            yield Change("prompt", "removed", name, "", f"删去提示音 {name}", f"prompt {name} is gone")
        elif old[name] != new[name]:
            zh = f"提示音 {name} 由“{old[name][0]}”改为“{new[name][0]}”"
            en = f"prompt {name} was “{old[name][1]}”, is now “{new[name][1]}”"
            yield Change("prompt", "changed", name, "", zh, en)


def _calendars(old: FlowSet, new: FlowSet) -> Iterator[Change]:
    for name in sorted({*old.calendars, *new.calendars}):
        if name not in old.calendars:
            yield Change("calendar", "added", name, "", f"新增日历 {name}", f"calendar {name} is new")
        elif name not in new.calendars:
            yield Change("calendar", "removed", name, "", f"删去日历 {name}", f"calendar {name} is gone")
        else:
            yield from _calendar(old.calendars[name], new.calendars[name])


def _calendar(old: Calendar, new: Calendar) -> Iterator[Change]:
    if old.timezone != new.timezone:
        yield _day(new.name, "时区", "the time zone", (old.timezone,) * 2, (new.timezone,) * 2)
    for weekday, (zh, en) in enumerate(_DAYS):
        before, after = _hours(old.week.get(weekday, ())), _hours(new.week.get(weekday, ()))
        if before != after:
            yield _day(new.name, zh, en, before, after)
    dates = [day for day in sorted({*old.days, *new.days}) if old.days.get(day) != new.days.get(day)]
    for day in dates[:_MOST_DATES]:
        yield _day(new.name, str(day), str(day), _on(old, day), _on(new, day))
    if len(dates) > _MOST_DATES:
        rest = dates[_MOST_DATES:]
        yield Change(
            "calendar", "changed", new.name, "",
            f"日历 {new.name}：另有 {len(rest)} 天不同，{rest[0]} 至 {rest[-1]}",
            f"calendar {new.name}: {len(rest)} more dates are different, {rest[0]} to {rest[-1]}",
        )  # fmt: skip


def _on(calendar: Calendar, day: date) -> tuple[str, str]:
    return _hours(calendar.days[day]) if day in calendar.days else ("按星期", "as the day of the week")


def _hours(spans: Any) -> tuple[str, str]:
    told = ", ".join(f"{_clock(start)}-{_clock(end) if end != time(0) else '24:00'}" for start, end in spans)
    return (told, told) if told else ("休息", "closed")


def _clock(moment: time) -> str:
    return moment.strftime("%H:%M")


def _day(name: str, zh: str, en: str, before: tuple[str, str], after: tuple[str, str]) -> Change:
    return Change(
        "calendar", "changed", name, "",
        f"日历 {name}：{zh} 由 {before[0]} 改为 {after[0]}",
        f"calendar {name}: {en} was {before[1]}, is now {after[1]}",
    )  # fmt: skip


def _transfers(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield Change("transfer", "added", name, "", f"新增转接 {name}", f"transfer {name} is new")
        elif name not in new:
            yield Change("transfer", "removed", name, "", f"删去转接 {name}", f"transfer {name} is gone")
        elif old[name] != new[name]:
            yield Change("transfer", "changed", name, "", f"转接 {name} 换了号码", f"transfer {name} has a new number")
