"""What may be written for an option: how it is read, and how an editor's schema says it.

Everything that ends in the dialplan passes one of these expressions first; none of them lets a character through that
means something to Asterisk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ivr_flows.model import Spoken

NAME = r"[a-z][a-z0-9_]{1,30}"
"""A flow, step, calendar or transfer: at least two characters (h, i, t, s and o are Asterisk's), no hyphen (Asterisk
ignores it in extensions)."""

PROMPT = r"[a-z][a-z0-9-]{0,39}"
"""A prompt, which is also its file's name."""

VARIABLE = r"[A-Z][A-Z0-9_]{0,30}"
"""A variable of a flow; the dialplan puts F_ before it, so it can never be one of the core's."""

LITERAL = r"[A-Za-z0-9_]{1,40}"
"""What a variable may be set to or compared with."""

Raw = str | None | Sequence["Raw"] | Mapping[str, "Raw"]
"""YAML as read: every scalar is its text, nothing written is None."""


class Wrong(Exception):
    """What is written is not what belongs here; says in Chinese and English what does."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.zh = zh
        self.en = en


class Value(Protocol):
    """One thing that may be written."""

    def read(self, raw: Raw) -> Any:
        """``raw`` as the plain value that a Step holds; raises Wrong."""

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema."""


def shown(raw: Raw) -> str:
    """``raw`` for a message: short, on one line, without anything a terminal would obey."""
    text = raw if isinstance(raw, str) else "" if raw is None else str(raw)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:60])
    return f"'{text}'"


@dataclass(frozen=True)
class Nothing:
    """The kind says it all."""

    def read(self, raw: Raw) -> None:
        if raw is not None:
            raise Wrong(f"这里不写任何内容，却写了{shown(raw)}", f"nothing is written here, but there is {shown(raw)}")

    def schema(self) -> dict[str, Any]:
        return {"type": "null"}


@dataclass(frozen=True)
class Text:
    """A word of a fixed form. ``zh`` and ``en`` say what it names."""

    pattern: str
    zh: str
    en: str

    def read(self, raw: Raw) -> str:
        # Not `match`: `$` would let a line break at the end through.
        if not isinstance(raw, str) or not re.fullmatch(self.pattern, raw, re.ASCII):
            raise Wrong(
                f"{shown(raw)}不是{self.zh}；格式：{self.pattern}",
                f"{shown(raw)} is not {self.en}; the form is {self.pattern}",
            )
        return raw

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{self.pattern}$"}


STEP_NAME = Text(NAME, "步骤名", "a step's name")
FLOW_NAME = Text(NAME, "流程名", "a flow's name")
CALENDAR_NAME = Text(NAME, "日历名", "a calendar's name")
TRANSFER_NAME = Text(NAME, "转接名", "a transfer's name")
PROMPT_NAME = Text(PROMPT, "提示音名", "a prompt's name")
VARIABLE_NAME = Text(VARIABLE, "变量名", "a variable's name")
LITERAL_TEXT = Text(LITERAL, "可用的值", "a value that can be used")


@dataclass(frozen=True)
class OneOf:
    """A word of a list; the values say what each means."""

    words: Mapping[str, str]

    def read(self, raw: Raw) -> str:
        if not isinstance(raw, str) or raw not in self.words:
            known = ", ".join(self.words)
            raise Wrong(f"没有{shown(raw)}；可用：{known}", f"there is no {shown(raw)}; known are {known}")
        return raw

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class Whole:
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int

    def read(self, raw: Raw) -> int:
        if not isinstance(raw, str) or not re.fullmatch(r"[0-9]{1,6}", raw, re.ASCII) or not self.holds(int(raw)):
            raise Wrong(
                f"{shown(raw)}不是{self.least}到{self.most}之间的整数",
                f"{shown(raw)} is not a whole number from {self.least} to {self.most}",
            )
        return int(raw)

    def holds(self, number: int) -> bool:
        return self.least <= number <= self.most

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Prompts:
    """What is said, one piece after the other: a prompt's name, ``{number: VAR}`` or ``{digits: VAR}``, or a list of
    those. ``least`` 0: may say nothing. ``fixed``: no variables, as what a key interrupts is played from files."""

    least: int = 1
    most: int = 12
    fixed: bool = False

    def read(self, raw: Raw) -> tuple[Spoken, ...]:
        rows: Sequence[Raw] = (
            [] if raw is None or raw == "" else raw if isinstance(raw, Sequence) and not isinstance(raw, str) else [raw]
        )
        if not self.least <= len(rows) <= self.most:
            raise Wrong(
                f"这里要写{self.least}到{self.most}个提示音，现在是{len(rows)}个",
                f"between {self.least} and {self.most} prompts belong here, there are {len(rows)}",
            )
        return tuple(self._piece(row) for row in rows)

    def _piece(self, raw: Raw) -> Spoken:
        if isinstance(raw, Mapping):
            if self.fixed:
                raise Wrong(
                    "提问里不能说变量；请在前面加一步 say", "a question cannot say variables; put a say before it"
                )
            if len(raw) == 1:
                [(how, variable)] = raw.items()
                if how == "number":
                    return Spoken("number", VARIABLE_NAME.read(variable))
                if how == "digits":
                    return Spoken("digits", VARIABLE_NAME.read(variable))
            raise Wrong(
                "变量要写成 {number: 变量} 或 {digits: 变量}", "a variable is said by {number: VAR} or {digits: VAR}"
            )
        return Spoken("prompt", PROMPT_NAME.read(raw))

    def schema(self) -> dict[str, Any]:
        variable = VARIABLE_NAME.schema()
        piece = {
            "anyOf": [
                PROMPT_NAME.schema(),
                *(
                    {"type": "object", "properties": {how: variable}, "required": [how], "additionalProperties": False}
                    for how in (() if self.fixed else ("number", "digits"))
                ),
            ]
        }
        several = {"type": "array", "items": piece, "minItems": self.least, "maxItems": self.most}
        return {"anyOf": [piece, several, *([{"type": "null"}] if self.least == 0 else [])]}


@dataclass(frozen=True)
class Variables:
    """Variables that are handed over, at most 5."""

    def read(self, raw: Raw) -> tuple[str, ...]:
        rows: Sequence[Raw] = [] if raw is None else [raw] if isinstance(raw, str) else list(raw)
        if isinstance(raw, Mapping) or len(rows) > 5 or len(set(map(str, rows))) != len(rows):
            raise Wrong("这里写最多5个不同的变量名", "at most 5 different variables are listed here")
        return tuple(VARIABLE_NAME.read(row) for row in rows)

    def schema(self) -> dict[str, Any]:
        name = VARIABLE_NAME.schema()
        return {"anyOf": [name, {"type": "array", "items": name, "maxItems": 5, "uniqueItems": True}]}


@dataclass(frozen=True)
class Assignments:
    """Variables and what they are set to."""

    def read(self, raw: Raw) -> dict[str, str]:
        if not isinstance(raw, Mapping) or not 1 <= len(raw) <= 10:
            raise Wrong("这里写1到10个“变量: 值”", "between 1 and 10 lines `VARIABLE: value` belong here")
        return {VARIABLE_NAME.read(name): LITERAL_TEXT.read(value) for name, value in raw.items()}

    def schema(self) -> dict[str, Any]:
        value = {"anyOf": [LITERAL_TEXT.schema(), {"type": "integer", "minimum": 0}]}
        return {
            "type": "object",
            "patternProperties": {f"^{VARIABLE}$": value},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 10,
        }
