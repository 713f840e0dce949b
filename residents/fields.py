"""The bounds of every field of residents' data: one rule per field, one table per thing.

A rule takes the field's name and what came in, and returns what may be stored or raises `FieldInvalid`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from foundation.numbers import NumberPlan
from foundation.text import fold, one_line
from residents.errors import FieldInvalid
from residents.tables import DEVICE_KINDS, DEVICE_STATES, LEVELS

Rule = Callable[[str, Any, NumberPlan], Any]

DIALECTS = ("mandarin", "ningbo", "hangzhou", "shanghai", "wenzhou", "other")
MOST_TAGS = 20
_HOURS = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d-(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)")
_DEVICE_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,19}", flags=re.ASCII)
_DIVISION_CODE = re.compile(r"[1-9]\d{3}(?:\d{2}(?:\d{3}(?:\d{3}(?:\d{2,3})?)?)?)?", flags=re.ASCII)


def check(values: Mapping[str, Any], rules: Mapping[str, Rule], plan: NumberPlan) -> dict[str, Any]:
    """`values` as they may be stored; a field without a rule is refused, so no caller can set what it should not."""
    for name in values:
        if name not in rules:
            raise FieldInvalid(name[:40], "没有这个字段", "is not a field that can be set")
    return {name: rules[name](name, value, plan) for name, value in values.items()}


def _text(limit: int, *, needed: bool = False) -> Rule:
    def rule(name: str, value: Any, _plan: NumberPlan) -> str:
        if not isinstance(value, str):
            raise FieldInvalid(name, "必须是文字", "must be text")
        kept = one_line(value, len(value))
        if needed and not kept:
            raise FieldInvalid(name, "不能为空", "must not be empty")
        if len(kept) > limit:
            raise FieldInvalid(name, f"最多 {limit} 个字", f"must have at most {limit} characters")
        return kept

    return rule


def _whole(low: int, high: int, *, optional: bool = False) -> Rule:
    def rule(name: str, value: Any, _plan: NumberPlan) -> int | None:
        if value is None and optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise FieldInvalid(name, f"必须是 {low} 到 {high} 的整数", f"must be a whole number from {low} to {high}")
        return value

    return rule


def _degrees(most: float) -> Rule:
    """A coordinate (WGS-84) of at most `most` degrees either way, to a tenth of a metre; None where it is not known."""

    def rule(name: str, value: Any, _plan: NumberPlan) -> float | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not -most <= value <= most:
            raise FieldInvalid(
                name, f"必须是 -{most:g} 到 {most:g} 的度数", f"must be degrees from -{most:g} to {most:g}"
            )
        return round(float(value), 6)

    return rule


def _one_of(*known: object) -> Rule:
    def rule(name: str, value: Any, _plan: NumberPlan) -> Any:
        if not any(type(value) is type(choice) and value == choice for choice in known):
            choices = ", ".join(map(str, known))
            raise FieldInvalid(name, f"只能是 {choices} 之一", f"must be one of {choices}")
        return value

    return rule


def _flag(name: str, value: Any, _plan: NumberPlan) -> bool:
    if not isinstance(value, bool):
        raise FieldInvalid(name, "只能是是或否", "must be true or false")
    return value


def _day(*, optional: bool = False) -> Rule:
    def rule(name: str, value: Any, _plan: NumberPlan) -> date | None:
        if value is None and optional:
            return None
        if type(value) is not date:
            raise FieldInvalid(name, "必须是日期", "must be a date")
        return value

    return rule


def _phone(*, optional: bool = False) -> Rule:
    """A number that a machine may ring: never 120, never a bare extension; stored as E.164."""

    def rule(name: str, value: Any, plan: NumberPlan) -> str | None:
        if optional and (value is None or value == ""):
            return None
        number = plan.parse(value) if isinstance(value, str) else None
        if number is None or not number.callable_back or number.extension:
            raise FieldInvalid(name, "不是可以拨打的电话号码", "must be a telephone number that can be dialled")
        return number.e164

    return rule


def _matching(pattern: re.Pattern[str], zh: str, en: str, *, optional: bool = False) -> Rule:
    def rule(name: str, value: Any, _plan: NumberPlan) -> str | None:
        if value is None and optional:
            return None
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise FieldInvalid(name, zh, en)
        return value

    return rule


def _hours(name: str, value: Any, _plan: NumberPlan) -> str:
    text = fold(value).replace(" ", "") if isinstance(value, str) else None
    if text == "":
        return ""
    spans = text.split(",") if text else []
    if not 1 <= len(spans) <= 5 or not all(_HOURS.fullmatch(span) and span[:5] != span[6:] for span in spans):
        raise FieldInvalid(name, "格式为 08:00-20:00，多段用逗号隔开", "must look like 08:00-20:00, spans by commas")
    return ",".join(spans)


def _tags(name: str, value: Any, plan: NumberPlan) -> list[str]:
    if not isinstance(value, list | tuple) or len(value) > MOST_TAGS:
        raise FieldInvalid(name, f"最多 {MOST_TAGS} 个标签", f"must be a list of at most {MOST_TAGS} words")
    one = _text(20, needed=True)
    return list(dict.fromkeys(one(name, tag, plan) for tag in value))


_division_code = _matching(_DIVISION_CODE, "行政区划代码应为 4、6、9、12、14 或 15 位数字",
                           "must be a division code of 4, 6, 9, 12, 14 or 15 digits")  # fmt: skip
_optional_division_code = _matching(_DIVISION_CODE, "不是行政区划代码", "must be a division code", optional=True)

DIVISION: dict[str, Rule] = {
    "code": _division_code,
    "name": _text(60, needed=True),
    "name_en": _text(80),
    "level": _one_of(*LEVELS),
    "parent_code": _optional_division_code,
    "valid_from": _day(),
    "valid_to": _day(optional=True),
    "replaced_by": _optional_division_code,
    "note": _text(120),
    "latitude": _degrees(90),
    "longitude": _degrees(180),
}
HOME: dict[str, Rule] = {
    "division_code": _division_code,
    "address": _text(200, needed=True),
    "compound": _text(60),
    "road": _text(60),
    "house_no": _text(20),
    "building": _text(20),
    "unit": _text(20),
    "floor": _text(20),
    "room": _text(20),
    "landmark": _text(200),
    "latitude": _degrees(90),
    "longitude": _degrees(180),
}
ACCESS: dict[str, Rule] = {
    "door_code": _text(40),
    "key_holder": _text(120),
    "entrance": _text(200),
    "parking": _text(200),
}
PERSON: dict[str, Rule] = {
    "name": _text(60, needed=True),
    "surname_reading": _matching(re.compile(r"[a-z]{0,8}[1-5]?(?: [a-z]{1,8}[1-5])?", flags=re.ASCII),
                                 "应为带声调数字的拼音，如 zeng1", "must be pinyin with a tone number such as zeng1"),
    "sex": _one_of(0, 1, 2, 9),
    "birth_year": _whole(1880, 2200, optional=True),
    "phone": _phone(optional=True),
    "dialect": _one_of(*DIALECTS),
    "tags": _tags,
    "consent_sms": _flag,
    "consent_position": _flag,
    "consent_share": _flag,
}  # fmt: skip
MEMBER: dict[str, Rule] = {"relation": _text(20)}
CONTACT: dict[str, Rule] = {
    "position": _whole(1, 99),
    "name": _text(60, needed=True),
    "relation": _text(20, needed=True),
    "phone": _phone(),
    "minutes_away": _whole(0, 600, optional=True),
    "has_key": _flag,
    "hours": _hours,
}
DEVICE: dict[str, Rule] = {
    "code": _matching(_DEVICE_CODE, "只能用小写字母、数字和连字符，最多 20 个",
                      "must be 1 to 20 of a-z, 0-9 and -"),
    "kind": _one_of(*DEVICE_KINDS),
    "number": _phone(),
    "home_id": _whole(1, 2**31 - 1),
    "status": _one_of(*DEVICE_STATES),
}  # fmt: skip
MEDICAL: dict[str, Rule] = {
    "blood_type": _text(10),
    "conditions": _text(400),
    "allergies": _text(400),
    "medication": _text(400),
    "doctor": _text(120),
}
