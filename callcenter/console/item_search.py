"""Finding an item of the taxonomy the way operators type: 水管, shuiguan, sg, leak or 0301. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from pypinyin import Style, lazy_pinyin

from foundation.text import fold
from providers.taxonomy import CATEGORIES, Item

MOST = 12
FIRST = ("0301", "0304", "0403", "0501", "0202", "0204", "1301", "0102")
"""What is asked for most, shown before anything is typed; in the order of urgency, ours."""


@dataclass(frozen=True)
class Found:
    """An item with the words shown beside it."""

    code: str
    name: str
    category: str
    work_class: str
    licence: bool


@dataclass(frozen=True)
class _Entry:
    item: Item
    category_zh: str
    category_en: str
    keys: tuple[str, ...]


def search(text: str, locale: str) -> list[Found]:
    """Up to `MOST` items whose name, pinyin, initials, English name or code fits `text`, the best fit first."""
    wanted = fold(text).lower().replace(" ", "")
    entries = _entries()
    if wanted:
        scored = [(score, e) for e in entries if (score := _score(e, wanted)) is not None]
        chosen = [e for _, e in sorted(scored, key=lambda pair: (pair[0], pair[1].item.code))]
    else:
        by_code = {e.item.code: e for e in entries}
        chosen = [by_code[code] for code in FIRST if code in by_code]
    return [_shown(e, locale) for e in chosen[:MOST]]


def _score(entry: _Entry, wanted: str) -> int | None:
    """0 the whole of a key, 1 its beginning, 2 inside it, 3 only the category; None when nothing fits."""
    best: int | None = None
    for place, key in enumerate(entry.keys):
        if wanted not in key:
            continue
        score = 0 if key == wanted else 1 if key.startswith(wanted) else 2
        score = 3 if place >= 5 else score
        best = score if best is None else min(best, score)
    return best


def _shown(entry: _Entry, locale: str) -> Found:
    english = locale == "en"
    item = entry.item
    return Found(
        item.code, item.en if english else item.zh, entry.category_en if english else entry.category_zh,
        item.work_class, item.licence,
    )  # fmt: skip


@cache
def _entries() -> tuple[_Entry, ...]:
    return tuple(
        _Entry(item, category.zh, category.en, (*_keys(item.zh, item.en), item.code, *_keys(category.zh, category.en)))
        for category in CATEGORIES.values()
        for item in category.items
    )


def _keys(zh: str, en: str) -> tuple[str, str, str, str]:
    full = "".join(lazy_pinyin(zh)).lower()
    initials = "".join(lazy_pinyin(zh, style=Style.FIRST_LETTER)).lower()
    return zh.lower(), full, initials, en.lower().replace(" ", "")
