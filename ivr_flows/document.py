"""YAML text as values with their lines: the plain part of YAML only, within bounds; any text at all is either that or a
FlowError.

Anchors, aliases and tags are refused, so a short file cannot grow (the billion laughs) and nothing is ever built from
it but text, lists and mappings. Scalars stay text: ``yes`` and ``0570`` mean what their option makes of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ivr_flows.kinds.values import Raw, shown
from ivr_flows.model import Finding, FlowError

MOST_BYTES = 256 * 1024
DEEPEST = 8
"""Lists and mappings inside one another; a flow needs 4."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True)
class Node:
    """A value and where it stands. ``keys`` has the line of each key of a mapping."""

    value: str | tuple[Node, ...] | Mapping[str, Node] | None
    line: int
    keys: Mapping[str, int] = field(default_factory=dict)

    def plain(self) -> Raw:
        """The value without its lines."""
        if isinstance(self.value, Mapping):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value


def parse(text: str | bytes, path: str) -> Node:
    """The one document in ``text``; raises FlowError (and nothing else) when it is not plain YAML within the bounds."""
    try:
        source = text if isinstance(text, bytes) else text.encode()
        if len(source) > MOST_BYTES:
            size = f"{len(source)} > {MOST_BYTES}"
            raise _error(
                "too_big", path, 1, f"文件太大（{size} 字节）；请拆开", f"the file is too big ({size} bytes); split it"
            )
        return _Builder(path, source.decode()).document()
    except UnicodeError as error:
        raise _error(
            "not_text", path, 1, "文件不是 UTF-8 文本；请用 UTF-8 保存", "the file is not UTF-8 text; save it as UTF-8"
        ) from error


def _error(code: str, path: str, line: int, zh: str, en: str) -> FlowError:
    return FlowError([Finding("error", code, path, line, "", zh, en)])


class _Builder:
    """Values out of the parser's events, one by one, so that the bounds hold while it reads."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._twice: list[Finding] = []

    def document(self) -> Node:
        self._next()  # the stream begins
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            raise _error("empty", self._path, 1, "文件是空的", "the file is empty")
        root = self._value(self._next(), 0)
        self._next()  # the document ends
        if not isinstance(after := self._next(), yaml.StreamEndEvent):
            line = self._line(after)
            raise _error(
                "two_documents",
                self._path,
                line,
                "一个文件只写一个文档；请删去 ---",
                "one file, one document; remove ---",
            )
        if self._twice:
            raise FlowError(self._twice)
        return root

    def _next(self) -> Any:
        try:
            return next(self._events)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            what = " ".join(str(part) for part in (error.context, error.problem) if part)
            raise _error(
                "not_yaml", self._path, line, f"不是正确的 YAML：{what}", f"this is not YAML: {what}"
            ) from error
        except yaml.YAMLError as error:
            what = shown(getattr(error, "reason", "") or "")
            raise _error("not_yaml", self._path, 1, f"不是正确的 YAML：{what}", f"this is not YAML: {what}") from error

    @staticmethod
    def _line(event: Any) -> int:
        return int(event.start_mark.line) + 1

    def _value(self, event: Any, depth: int) -> Node:
        line = self._line(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _error(
                "alias",
                self._path,
                line,
                "不能用 & 和 *（锚和别名）；请写全",
                "no & and * (anchors, aliases); write it out",
            )
        if getattr(event, "tag", None) is not None:
            raise _error("tag", self._path, line, "不能用 !（标签）；请删去", "no ! (tags) here; remove it")
        if depth > DEEPEST:
            raise _error(
                "too_deep",
                self._path,
                line,
                f"嵌套超过{DEEPEST}层；请写平",
                f"more than {DEEPEST} levels inside one another; flatten it",
            )
        if isinstance(event, yaml.ScalarEvent):
            nothing = event.style is None or event.style == ""
            return Node(None if nothing and event.value in _NULLS else str(event.value), line)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(self._sequence(depth), line)
        return self._mapping(line, depth)

    def _sequence(self, depth: int) -> tuple[Node, ...]:
        rows = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            rows.append(self._value(event, depth + 1))
        return tuple(rows)

    def _mapping(self, line: int, depth: int) -> Node:
        rows: dict[str, Node] = {}
        keys: dict[str, int] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            at = self._line(event)
            key = self._value(event, depth + 1).value
            if not isinstance(key, str):
                raise _error("bad_key", self._path, at, "键必须是一个词", "a key must be a word")
            if key in rows:
                zh = f"{shown(key)}写了两次（第{keys[key]}行已有）；请删去一个"
                en = f"{shown(key)} is written twice (first in line {keys[key]}); remove one"
                self._twice.append(Finding("error", "twice", self._path, at, "", zh, en))
            keys[key] = at
            rows[key] = self._value(self._next(), depth + 1)
        return Node(rows, line, keys)
