"""The text of an article: its bounds, its layout as blocks to be drawn, and what changed between two versions. Pure.

The layout is a small part of Markdown: headings (`## `), lists (`- ` and `1. `), paragraphs. Nothing else is read, so
no text from outside can become anything else than text.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dispatch.errors import BadInput
from foundation.text import clean, one_line
from providers.taxonomy import ITEMS

MOST_TITLE, MOST_TITLE_EN, MOST_BODY, MOST_DEPARTMENT, MOST_NOTE = 60, 120, 12_000, 60, 200
MOST_QUESTIONS, MOST_QUESTION, MOST_ITEMS = 20, 80, 10

_AREA = re.compile(r"|\d{2}|\d{4}|\d{6}|\d{9}|\d{12}|\d{14,15}", re.ASCII)
_HEADING = re.compile(r"#{1,6}\s+(.+)")
_BULLET = re.compile(r"[-*•·]\s+(.+)")
_NUMBERED = re.compile(r"\d{1,3}[.、．)）]\s*(.+)")


@dataclass(frozen=True)
class ArticleText:
    """What an article says; `area` is a division code or empty (everywhere), `note` what this version changed."""

    title: str
    body: str
    title_en: str = ""
    department: str = ""
    area: str = ""
    items: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Block:
    """A part of the body: `kind` is `heading`, `paragraph`, `bullets` or `numbers`, with its lines."""

    kind: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """What became of one field: lines with `-` (gone), `+` (new) or ` ` (as it was)."""

    name: str
    lines: tuple[tuple[str, str], ...] = field(default=())


def checked(text: ArticleText) -> ArticleText:
    """The text within its bounds, without what hides or reorders. Raises `BadInput` that names every field at fault."""
    tidy = replace(
        text,
        title=one_line(text.title, 4 * MOST_TITLE),
        title_en=one_line(text.title_en, 4 * MOST_TITLE_EN),
        body=clean(text.body.replace("\r\n", "\n"), 4 * MOST_BODY),
        department=one_line(text.department, 4 * MOST_DEPARTMENT),
        area=text.area.strip(),
        items=tuple(dict.fromkeys(code.strip() for code in text.items if code.strip())),
        questions=tuple(dict.fromkeys(q for told in text.questions if (q := one_line(told, 4 * MOST_QUESTION)))),
        note=one_line(text.note, MOST_NOTE),
    )
    found = list(faults(tidy))
    if found:
        zh, en = "；".join(zh for zh, _ in found), "; ".join(en for _, en in found)
        raise BadInput(zh, en)
    return tidy


def faults(text: ArticleText) -> Iterator[tuple[str, str]]:
    """Everything that is outside its bounds, in Chinese and English."""
    if not text.title:
        yield "缺标题", "the title is missing"
    if not text.body:
        yield "缺正文", "the body is missing"
    for zh, en, value, most in (
        ("标题", "the title", text.title, MOST_TITLE),
        ("英文标题", "the English title", text.title_en, MOST_TITLE_EN),
        ("正文", "the body", text.body, MOST_BODY),
        ("责任部门", "the department", text.department, MOST_DEPARTMENT),
    ):
        if len(value) > most:
            yield f"{zh}超过 {most} 字", f"{en} is longer than {most} characters"
    if not _AREA.fullmatch(text.area):
        yield f"区划代码不对：{text.area[:20]}", f"the area {text.area[:20]!r} is no division code"
    if strange := [code[:10] for code in text.items if code not in ITEMS]:
        yield f"目录中没有服务项目 {'、'.join(strange)}", f"the catalogue has no item {', '.join(strange)}"
    if len(text.items) > MOST_ITEMS:
        yield f"服务项目超过 {MOST_ITEMS} 个", f"more than {MOST_ITEMS} items"
    if len(text.questions) > MOST_QUESTIONS:
        yield f"问法超过 {MOST_QUESTIONS} 条", f"more than {MOST_QUESTIONS} ways to ask"
    if any(len(question) > MOST_QUESTION for question in text.questions):
        yield f"有一条问法超过 {MOST_QUESTION} 字", f"a way to ask is longer than {MOST_QUESTION} characters"


def blocks(body: str) -> list[Block]:
    """The body as it is drawn. Every character of it is in a block, but for the marks of headings and lists."""
    made: list[Block] = []
    for line in body.splitlines():
        text = line.strip()
        if not text:
            made.append(Block("", ()))
            continue
        kind, told = _kind(text)
        if made and made[-1].kind == kind and kind != "heading":
            made[-1] = Block(kind, (*made[-1].lines, told))
        else:
            made.append(Block(kind, (told,)))
    return [block for block in made if block.kind]


def _kind(text: str) -> tuple[str, str]:
    for kind, shape in (("heading", _HEADING), ("bullets", _BULLET), ("numbers", _NUMBERED)):
        if found := shape.fullmatch(text):
            return kind, found[1]
    return "paragraph", text


FIELDS = ("title", "title_en", "department", "area", "items", "questions", "body")


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """The fields that differ, each with its lines; long stretches that stayed are left out."""
    changes = []
    for name in FIELDS:
        before, after = _lines(old.get(name)), _lines(new.get(name))
        if before != after:
            told = [line for line in difflib.unified_diff(before, after, n=2, lineterm="") if line[:1] in "+- "]
            changes.append(Change(name, tuple((line[0], line[1:]) for line in told[2:])))
    return changes


def _lines(value: object) -> Sequence[str]:
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return str(value or "").splitlines()
