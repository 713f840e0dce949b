"""Which article answers best what was typed. Pure, and the one place that decides the order: no database ranks.

Each needle counts by where it stands (title, another question, item, body), rare ones more than common ones; what was
typed as a whole counts once more, most of all where it is the title itself. How often it helped counts a little.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from dispatch.search_words import LONGEST, Needle, plain

AS_RARE = 200
"""Articles that have a needle are counted up to here: what is in more of them is common, and tells least."""

_TITLE, _TITLE_SOUND, _QUESTION, _QUESTION_SOUND, _ITEM, _BODY = 10, 8, 8, 6, 5, 3
_SAME, _BEGINS, _WHOLE_IN_TITLE, _SAME_QUESTION, _WHOLE_IN_QUESTION, _WHOLE_IN_BODY = 40, 18, 12, 30, 8, 4
_MOST_FOR_SHORT, _FOR_USE = 6, 1.0
LEAST = 12.0
"""A score below this is no hit. 100 and more: what was typed is the title."""
_SHARE_OF_BEST = 0.3


@dataclass(frozen=True)
class Text:
    """A published article as ranking reads it; `sound` as `search_words.sound_of` makes it of title and questions."""

    id: int
    title: str
    title_en: str
    questions: tuple[str, ...]
    items: tuple[str, ...]
    body: str
    sound: str
    uses: int


@dataclass(frozen=True)
class Hit:
    """An article that fits, and how well; `where` is the best place a needle stands in."""

    id: int
    score: float
    where: str


class _Places:
    """An article's text, ready to be looked into. Each part is made ready when it is first asked for: where the title
    has everything, nobody looks into the body, which is the longest.
    """

    def __init__(self, text: Text) -> None:
        self._text = text
        self.title = f"{plain(text.title)} {plain(text.title_en)}".strip()

    @cached_property
    def questions(self) -> tuple[str, ...]:
        return tuple(plain(question) for question in self._text.questions)

    @cached_property
    def sounds(self) -> tuple[tuple[str, str], ...]:
        lines = (line.partition("\t") for line in self._text.sound.split("\n"))
        return tuple((short, whole) for short, _, whole in lines)

    @cached_property
    def items(self) -> str:
        return " ".join(plain(item) for item in self._text.items)

    @cached_property
    def body(self) -> str:
        return plain(self._text.body)


def rank(
    texts: Iterable[Text], typed: Sequence[str], needles: Sequence[Needle], found_in: Mapping[str, int]
) -> list[Hit]:
    """The articles that fit, best first; what is far worse than the best is left out.

    `typed` are the runs of what was typed, `found_in` says of a needle how many articles have it (missing: few).
    """
    weights = {needle.text: _weight(found_in.get(needle.text, 0)) for needle in needles}
    scored = [(hit, text.uses) for text in texts if (hit := _score(text, typed, needles, weights)).score >= LEAST]
    best = max((hit.score for hit, _ in scored), default=0.0)
    kept = [pair for pair in scored if pair[0].score >= best * _SHARE_OF_BEST]
    return [hit for hit, _ in sorted(kept, key=lambda pair: (-pair[0].score, -pair[1], pair[0].id))]


def _weight(found_in: int) -> float:
    """4 for what hardly any article has, 1 for what many have."""
    return 4.0 - 3.0 * math.log1p(min(found_in, AS_RARE)) / math.log1p(AS_RARE)


def _score(text: Text, typed: Sequence[str], needles: Sequence[Needle], weights: Mapping[str, float]) -> Hit:
    places = _Places(text)
    got = total = 0.0
    best, where = 0, ""
    for needle in needles:
        worth, place = _worth(needle, places)
        got += weights[needle.text] * worth
        total += weights[needle.text] * _TITLE
        if worth > best:
            best, where = worth, place
    if best == 0:
        return Hit(text.id, 0.0, "")
    score = 50.0 * got / total + _whole(" ".join(typed), typed, places)
    return Hit(text.id, round(score + _FOR_USE * min(6, (text.uses.bit_length() + 1) // 2), 4), where)


def _worth(needle: Needle, places: _Places) -> tuple[int, str]:
    wanted = needle.text
    if wanted in places.title:
        return _TITLE, "title"
    if needle.latin and any(_sounds(wanted, line) for line in places.sounds[:1]):
        return _TITLE_SOUND, "title"
    if any(wanted in question for question in places.questions):
        return _QUESTION, "question"
    if needle.latin and any(_sounds(wanted, line) for line in places.sounds[1:]):
        return _QUESTION_SOUND, "question"
    if wanted in places.items:
        return _ITEM, "item"
    return (_BODY, "body") if wanted in places.body else (0, "")


def _sounds(wanted: str, line: tuple[str, str]) -> bool:
    return wanted in line[0] or (len(wanted) >= LONGEST and wanted in line[1])


def _whole(all_typed: str, typed: Sequence[str], places: _Places) -> float:
    """What was typed, not in pieces but as it stands."""
    title = places.title
    bonus = 0.0
    if all_typed == title.partition(" ")[0] or all_typed == title:
        bonus += _SAME
    elif title.startswith(all_typed) or places.sounds[0][0].startswith(all_typed):
        bonus += _BEGINS
    if all_typed in places.questions:
        bonus += _SAME_QUESTION
    for run in typed:
        if run in title or any(_sounds(run, line) for line in places.sounds[:1]):
            bonus += _WHOLE_IN_TITLE / len(typed)
        elif any(run in question for question in places.questions):
            bonus += _WHOLE_IN_QUESTION / len(typed)
        elif run in places.body:
            bonus += _WHOLE_IN_BODY / len(typed)
    return bonus + _MOST_FOR_SHORT * max(_covered(typed, way) for way in (title, *places.sounds[0]))


def _covered(typed: Sequence[str], way: str) -> float:
    """How much of one way to say the title was typed: of two that fit, the shorter one is meant."""
    return min(1.0, sum(len(run) for run in typed if run in way) / max(1, len(way)))
