"""What may stand in a cell: each function makes a reader for a `Column`, which raises `CellWrong`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from callcenter.files.frame import CellWrong
from foundation.text import clean, fold, one_line

Reader = Callable[[str], Any]

YES = {"是", "有", "y", "yes", "true", "1", "√"}
NO = {"否", "无", "没有", "n", "no", "false", "0", "×"}

_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,12}(\.\d{1,12})?", re.ASCII)
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T ]00:00:00)?", re.ASCII)
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d{1,2}", re.ASCII)
_BETWEEN = re.compile(r"[;；、\n|]+")


def text(limit: int = 200) -> Reader:
    """Words on one line."""

    def read(cell: str) -> str:
        kept = one_line(cell, len(cell))
        if len(kept) > limit:
            raise CellWrong(f"最多 {limit} 个字，请缩短", f"has more than {limit} characters; shorten it")
        return kept

    return read


def lines(limit: int) -> Reader:
    """Words on several lines."""

    def read(cell: str) -> str:
        kept = clean(cell, len(cell))
        if len(kept) > limit:
            raise CellWrong(f"最多 {limit} 个字，请缩短", f"has more than {limit} characters; shorten it")
        return kept

    return read


def whole(low: int, high: int) -> Reader:
    """A whole number; `3.0`, as spreadsheets write it, is one."""

    def read(cell: str) -> int:
        told = fold(cell).removesuffix(".0")
        if not _WHOLE.fullmatch(told) or not low <= int(told) <= high:
            raise CellWrong(f"应为 {low} 到 {high} 的整数", f"must be a whole number from {low} to {high}")
        return int(told)

    return read


def decimal(low: float, high: float) -> Reader:
    """A number with a point."""

    def read(cell: str) -> float:
        told = fold(cell)
        if not _DECIMAL.fullmatch(told) or not low <= float(told) <= high:
            raise CellWrong(f"应为 {low} 到 {high} 的数", f"must be a number from {low} to {high}")
        return float(told)

    return read


def day(cell: str) -> date:
    """A date that exists: 2026-11-23, 2026/11/23, 2026年11月23日 or 20261123."""
    told = fold(cell)
    found = _DATE.fullmatch(told) or _COMPACT_DATE.fullmatch(told)
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise CellWrong("没有这一天，请核对年月日", "is a day that does not exist; check year, month and day") from None
    raise CellWrong("不是日期，请写成 2026-11-23", "is no date; write it as 2026-11-23")


def year(low: int, high: int) -> Reader:
    """A year, or a date of which the year counts."""

    def read(cell: str) -> int:
        told = fold(cell).removesuffix("年").removesuffix(".0")
        found = int(told) if re.fullmatch(r"\d{4}", told, re.ASCII) else day(cell).year
        if not low <= found <= high:
            raise CellWrong(f"年份应在 {low} 到 {high} 之间", f"must be a year from {low} to {high}")
        return found

    return read


def yes_or_no(cell: str) -> bool:
    """是 or 否."""
    told = fold(cell).lower()
    if told in YES or told in NO:
        return told in YES
    raise CellWrong("只能填 是 或 否", "must be yes or no")


def one_of(known: Mapping[str, Any]) -> Reader:
    """One of the words of `known` (in small letters), for what it stands for."""

    def read(cell: str) -> Any:
        told = fold(cell).lower()
        if told not in known:
            choices = "、".join(known)
            raise CellWrong(f"只能是：{choices}", f"must be one of: {choices}")
        return known[told]

    return read


def code(pattern: str, zh: str, en: str) -> Reader:
    """Digits and letters of a certain form; `zh` and `en` say of which."""
    form = re.compile(pattern, re.ASCII)

    def read(cell: str) -> str:
        told = fold(cell).replace(" ", "")
        _refuse_rounded(told)
        if not form.fullmatch(told):
            raise CellWrong(zh, en)
        return told

    return read


def several(one: Reader, most: int) -> Reader:
    """Some of them in one cell, parted by `;` or 、; each is read by `one`, doubles go."""

    def read(cell: str) -> tuple[Any, ...]:
        parts = [part.strip() for part in _BETWEEN.split(cell) if part.strip()]
        if not 1 <= len(parts) <= most:
            raise CellWrong(f"应有 1 到 {most} 个，用分号隔开", f"must be 1 to {most}, parted by semicolons")
        return tuple(dict.fromkeys(one(part) for part in parts))

    return read


def phone(cell: str) -> str:
    """A telephone number as people write it; the kind's check says what number it is."""
    told = one_line(fold(cell), 40)
    _refuse_rounded(told)
    return told.removesuffix(".0")


def _refuse_rounded(told: str) -> None:
    """A long number that a spreadsheet has kept as `1.38E+10` has lost digits."""
    if _SCIENTIFIC.fullmatch(told):
        raise CellWrong(
            "被表格软件改成了科学计数，数字已丢失；请把该列设为文本格式再填",
            "was turned into scientific notation by the spreadsheet and has lost digits; format the column as text",
        )
