"""The words by which articles are found, made alike of an article and of what an operator types. Pure.

Chinese has no blanks, and the databases cut it up each in its own way or not at all. So we cut: a text becomes *runs*
(of letters and digits, or of other characters), a run its overlapping pieces, and both databases store and compare
those pieces as they stand. A piece of a whole article is a plain word; a piece of its *head* (title, other questions,
items) also stands with a `^` before it. Heads are found by sound too: the first letters of the syllables
(老年证 -> `lnz`) and, from four letters on, the whole pinyin (`laonianzheng`).

The marks `^ @ & #` cannot come from a text, since only letters, digits and characters make words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pypinyin import lazy_pinyin

from foundation.text import fold

HEAD = "^"
"""Before a word that stands in the head of an article."""
LONGEST = 4
"""Letters and digits are stored in pieces of up to so many; what is longer is found by all its pieces of that size."""
MOST_TYPED = 60
"""Characters of what was typed that are looked at."""
MOST_NEEDLES = 12

_ASKING = (
    "怎么办理", "如何办理", "怎么办", "怎么样", "怎样", "怎么", "如何", "请问", "什么", "哪里", "哪儿", "哪些", "多少",
    "需要", "可不可以", "能不能", "是不是", "有没有", "能否",
)  # fmt: skip
"""Words of asking: they stand in every question and tell nothing of what it is about."""
_ENDINGS = "吗呢吧啊呀"
_NO_WORD = re.compile(r"[\W_]+")
_LEVELS = (2, 4, 6, 9, 12, 14, 15)
"""Digits of a division code, from the province to the grid."""


@dataclass(frozen=True)
class Needle:
    """A part of what was typed: as it is compared, and the pieces that an article that has it must have."""

    text: str
    pieces: tuple[str, ...]
    latin: bool


def runs(text: str) -> list[str]:
    """`text` folded (full width, capitals) and cut where the writing changes or something stands that is no word."""
    return [run for word in _words(text) for run in _split(word)]


def sounds(text: str) -> list[tuple[str, str]]:
    """Initials and whole pinyin of each stretch without a blank or a stop; letters and digits stand for themselves."""
    found = []
    for word in _words(text):
        parts = [(run, (run,)) if run.isascii() else (_initials(run), _pinyin(run)) for run in _split(word)]
        found.append(("".join(short for short, _ in parts), "".join(s for _, long in parts for s in long)))
    return found


def sound_of(head: Sequence[str]) -> str:
    """How these texts sound, a line for each: the initials of its stretches, a tab, their pinyin."""
    lines = []
    for text in head:
        heard = sounds(text)
        lines.append(" ".join(short for short, _ in heard) + "\t" + " ".join(whole for _, whole in heard))
    return "\n".join(lines)


def plain(text: str) -> str:
    """`text` folded, its words with one blank between them: what ranking looks into."""
    return _NO_WORD.sub(" ", fold(text).lower()).strip()


def words_of(head: Sequence[str], body: str) -> set[str]:
    """All words of an article; `head` are the texts by which it is asked for."""
    of_head = {piece for text in head for piece in _pieces_of_head(text)}
    return of_head | {HEAD + piece for piece in of_head} | {p for run in runs(body) for p in _pieces(run, 2)}


def needles(text: str) -> list[Needle]:
    """What is looked for when `text` is typed, at most `MOST_NEEDLES`; none when it holds no word."""
    found = {needle.text: needle for run in typed_runs(text) for needle in _needles_of(run)}
    telling = [n for n in found.values() if len(n.text) > 1] or list(found.values())
    return telling[:MOST_NEEDLES]


def typed_runs(text: str) -> list[str]:
    """The runs of what was typed, without the words of asking: what ranking compares whole."""
    typed = fold(text[: 4 * MOST_TYPED]).lower()[:MOST_TYPED]
    kept = typed
    for asking in _ASKING:
        kept = kept.replace(asking, " ")
    return [told for run in runs(kept) if (told := run.rstrip(_ENDINGS))] or runs(typed)


def question_key(text: str) -> str:
    """A question as it is compared with others: only its telling words, so that 请问老年证怎么办？ is 老年证."""
    return "".join(typed_runs(text))


def area_words(area: str) -> set[str]:
    """The words of an article's own area: which it is, and all that it lies in."""
    return {f"@{area}", *(f"&{above}" for above in _up_to(area))}


def area_needles(places: Iterable[str]) -> list[str]:
    """Words of which an article has one when it holds for, or inside, one of `places` (division codes).

    An article that holds everywhere always has; an empty place is everywhere and asks for none: every article will do.
    """
    found = {"@"}
    for place in places:
        if not place:
            return []
        found |= {f"@{above}" for above in ("", *_up_to(place))} | {f"&{place}"}
    return sorted(found)


def use_word(uses: int) -> str:
    """The word for how often an article was used: `#0` never, then one step for each fourfold, at most `MOST_USED`."""
    return f"#{min(MOST_USED, (uses.bit_length() + 1) // 2)}"


MOST_USED = 6


def _words(text: str) -> list[str]:
    return plain(text).split()


def _split(word: str) -> Iterator[str]:
    start = 0
    for place in range(1, len(word) + 1):
        if place == len(word) or word[place].isascii() != word[start].isascii():
            yield word[start:place]
            start = place


def _pieces(run: str, shortest: int) -> set[str]:
    longest = LONGEST if run.isascii() else 2
    return {
        run[at : at + length]
        for length in range(shortest, longest + 1)
        for at in range(len(run) - length + 1)
    }  # fmt: skip


def _pieces_of_head(text: str) -> set[str]:
    found = {piece for run in runs(text) for piece in _pieces(run, 1)}
    for initials, pinyin in sounds(text):
        found |= _pieces(initials, 2)
        found |= {pinyin[at : at + LONGEST] for at in range(len(pinyin) - LONGEST + 1)}
    return found


def _needles_of(run: str) -> list[Needle]:
    if run.isascii():
        pieces = sorted({run[at : at + LONGEST] for at in range(max(1, len(run) - LONGEST + 1))})
        return [Needle(run, tuple(pieces), latin=True)]
    if len(run) == 1:
        return [Needle(run, (run,), latin=False)]
    return [Needle(run[at : at + 2], (run[at : at + 2],), latin=False) for at in range(len(run) - 1)]


def _initials(run: str) -> str:
    return "".join(syllable[0] for syllable in _pinyin(run))


def _up_to(code: str) -> list[str]:
    return [code[:digits] for digits in _LEVELS if digits < len(code)] + [code] if code else []


@lru_cache(maxsize=4096)
def _pinyin(run: str) -> tuple[str, ...]:
    """The syllables of a run in letters; what has none stands for itself and is no sound."""
    return tuple(s for s in lazy_pinyin(run) if s.isascii() and s.isalpha())
