"""Prompts: the sentences that the telephone says, by name; ``prompts.yaml`` has the delivered ones, a site its own.

How they become sound is in ``sounds``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import get_args

from ivr_flows.document import Node, parse
from ivr_flows.model import LANGUAGES, Finding, FlowError
from ivr_flows.numbers_spoken import Language
from ivr_flows.pronunciation import PINYIN, UnspeakableError, speakable
from ivr_flows.speech import Text

FILE = "prompts.yaml"
NAME = re.compile(r"[a-z][a-z0-9-]{0,49}")
"""A prompt's name, which is a file's name and stands in the dialplan as it is."""

MOST_PROMPTS = 2000
_FLAGS = {"true": True, "false": False}
_KEYS = (*LANGUAGES, "life_safety", "pinyin", "piece")


@dataclass(frozen=True)
class Prompt:
    """One sentence. ``life_safety``: somebody in danger, or his helper, hears it, so a person must record it.
    ``pinyin`` is said instead of what ``zh`` would sound like; a ``piece`` is a part of a sentence put together."""

    name: str
    zh: str
    en: str
    life_safety: bool = False
    pinyin: str = ""
    piece: bool = False

    def text(self, language: Language) -> Text:
        """What is to be said in ``language``."""
        if language == "zh":
            return Text(self.zh, "zh", self.pinyin, self.piece)
        return Text(self.en, "en", piece=self.piece)


def prompts(site: Path | None = None) -> list[Prompt]:
    """All prompts: the delivered ones, with the texts of the file ``site`` in their place and behind them.

    What is delivered as life-safety stays so. Raises FlowError when ``site`` is there and wrong.
    """
    found = {prompt.name: prompt for prompt in _delivered()}
    if site is not None and site.is_file():
        for own in read_prompts(site.read_bytes(), str(site)):
            before = found.get(own.name)
            kept = before is not None and before.life_safety
            found[own.name] = Prompt(own.name, own.zh, own.en, own.life_safety or kept, own.pinyin, own.piece)
    return list(found.values())


@cache
def _delivered() -> tuple[Prompt, ...]:
    return tuple(read_prompts(resources.files("ivr_flows").joinpath(FILE).read_bytes(), FILE))


def read_prompts(text: str | bytes, path: str) -> list[Prompt]:
    """The prompts in ``text``. Raises FlowError with every line that is wrong, and nothing else."""
    root = parse(text, path)
    if not isinstance(root.value, Mapping):
        zh, en = "这里应写提示音：名称: {zh: …, en: …}", "prompts are written here as name: {zh: …, en: …}"
        raise FlowError([Finding("error", "not_prompts", path, root.line, "", zh, en)])
    findings: list[Finding] = []
    found = []
    if len(root.value) > MOST_PROMPTS:
        zh, en = f"提示音太多，最多{MOST_PROMPTS}条", f"too many prompts, at most {MOST_PROMPTS}"
        raise FlowError([Finding("error", "too_many_prompts", path, 1, "", zh, en)])
    for name, node in root.value.items():
        line = root.keys.get(name, node.line)
        try:
            found.append(_prompt(name, node))
        except _WrongError as wrong:
            findings.append(Finding("error", wrong.code, path, line, _short(name), wrong.zh, wrong.en))
    if findings:
        raise FlowError(findings)
    return found


class _WrongError(Exception):
    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code, self.zh, self.en = code, zh, en


def _prompt(name: str, node: Node) -> Prompt:
    if not NAME.fullmatch(name):
        raise _WrongError(
            "prompt_name",
            f"提示音名称“{_short(name)}”应为小写字母、数字和连字符，以字母开头，最多50个",
            f"the name {_short(name)!r} must be small letters, digits and hyphens, beginning with a letter, at most 50",
        )
    row = node.plain()
    if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
        raise _WrongError("prompt_form", "应写为 {zh: 中文, en: 英文}", "write {zh: Chinese, en: English}")
    told: dict[str, str] = {str(key): str(value) for key, value in row.items()}
    if unknown := [key for key in told if key not in _KEYS]:
        raise _WrongError(
            "prompt_key",
            f"不认识“{_short(unknown[0])}”；可写的是 {', '.join(_KEYS)}",
            f"unknown key {_short(unknown[0])!r}; allowed are {', '.join(_KEYS)}",
        )
    for language in get_args(Language):
        _must_be_speakable(told.get(language, ""), language)
    if (said := told.get("pinyin", "")) and not PINYIN.fullmatch(said):
        raise _WrongError(
            "prompt_pinyin",
            "pinyin 应写成带声调数字的音节，如 nin2 hao3, zhe4 li3",
            "pinyin is written as syllables with their tones: nin2 hao3, zhe4 li3",
        )
    flags = {key: told.get(key, "false") for key in ("life_safety", "piece")}
    if wrong := [key for key, value in flags.items() if value not in _FLAGS]:
        raise _WrongError("prompt_flag", f"{wrong[0]} 应为 true 或 false", f"{wrong[0]} is true or false")
    return Prompt(name, told["zh"], told["en"], _FLAGS[flags["life_safety"]], said, _FLAGS[flags["piece"]])


def _must_be_speakable(text: str, language: Language) -> None:
    if not text.strip():
        raise _WrongError(f"no_{language}", f"缺少 {language} 的文字", f"its text in {language} is missing")
    try:
        speakable(text, language)
    except UnspeakableError as error:
        zh, en = f"{language} 的文字不能播报：{error}", f"its {language} text cannot be spoken: {error}"
        raise _WrongError("unspeakable", zh, en) from error


def _short(text: str) -> str:
    """As it may be shown in a message: without control characters, and not endless."""
    return "".join(character if character.isprintable() else "?" for character in text[:60])
