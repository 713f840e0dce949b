"""Finding articles: the database says which have the words, `article_ranking` says in which order.

How many are looked at is bounded, so that a vague word among a hundred thousand articles is no page of waiting:
first those whose head has all that was typed, then those that have it anywhere, and only when these are few, those that
have the rarest parts of it, in the head before anywhere. Of too many, the most used ones come first, then the newest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from dispatch import article_index
from dispatch.article_ranking import AS_RARE, Hit, Text, rank
from dispatch.article_text import blocks
from dispatch.knowledge_tables import Article, ArticleVersion
from dispatch.search_words import HEAD, MOST_USED, Needle, area_needles, needles, typed_runs
from foundation.scope import Scope
from providers.taxonomy import ITEMS

MOST = 20
"""Results shown."""
LOOKED_AT = AS_RARE
"""Articles taken from each way of looking."""
ENOUGH = 8
"""When all that was typed stands in so many articles, parts of it are not looked for."""
PLENTY = 3 * MOST
"""When the heads of so many have all of it, those that have it elsewhere would not come to be shown."""
EXCERPT = 90


@dataclass(frozen=True)
class Result:
    """An article that was found: the row, the version that is read, a piece of its text, and how well it fits."""

    article: Article
    version: ArticleVersion
    excerpt: str
    score: float


@dataclass(frozen=True)
class Found:
    """The best fitting articles, of how many that fit; `more`: there were more than could be looked at."""

    results: list[Result]
    total: int
    more: bool


def search(session: Session, text: str, areas: Sequence[str] = ("",), most: int = MOST) -> Found:
    """Published articles that fit `text`, the best first; those that hold for one of `areas` (division codes, or ``""``
    for all). Nothing typed: those that are used most."""
    wanted = needles(text)
    if not wanted:
        return _most_used(session, areas, most)
    candidates = _Candidates(session, wanted, area_needles(areas))
    hits = rank(_texts(session, candidates.ids), typed_runs(text), wanted, candidates.found_in)
    rows = _load(session, [hit.id for hit in hits[:most]])
    results = [_result(*rows[hit.id], hit, wanted) for hit in hits[:most]]
    return Found(results, len(hits), candidates.more)


class _Candidates:
    """The articles to look at."""

    def __init__(self, session: Session, wanted: Sequence[Needle], areas: Collection[str]) -> None:
        self._session = session
        self._areas = areas
        self._kept: dict[int, None] = {}
        self.found_in: dict[str, int] = {}
        self.more = False
        pieces = [piece for needle in wanted for piece in needle.pieces]
        self._take([HEAD + piece for piece in pieces])
        if len(self._kept) >= PLENTY:
            self.more = True
        else:
            self._take(pieces)
        if len(self._kept) < ENOUGH and len(wanted) > 1 and not self._take_parts(wanted, HEAD):
            self._take_parts(wanted, "")

    @property
    def ids(self) -> list[int]:
        return list(self._kept)

    def _take(self, words: Sequence[str]) -> None:
        """Those that have all of `words`; of too many, the most used and then the newest."""
        found = article_index.having(self._session, words, self._areas, LOOKED_AT + 1)
        if len(found) <= LOOKED_AT:
            self._keep(found)
            return
        self.more = True
        taken: dict[int, None] = {}
        for step in range(MOST_USED, -1, -1):
            rest = LOOKED_AT - len(taken)
            if rest > 0:
                taken.update(
                    dict.fromkeys(article_index.having(self._session, [*words, f"#{step}"], self._areas, rest))
                )
        self._keep(taken)

    def _take_parts(self, wanted: Sequence[Needle], mark: str) -> bool:
        """Those that have a part, the rarest first; with the mark of heads, in their head. Whether there are any."""
        pieces = {needle.text: [mark + piece for piece in needle.pieces] for needle in wanted}
        having = {
            name: article_index.having(self._session, words, self._areas, LOOKED_AT + 1)
            for name, words in pieces.items()
        }
        self.found_in = {name: len(found) for name, found in having.items()}
        rare = sorted((len(found), name) for name, found in having.items() if 0 < len(found) <= LOOKED_AT)
        taken: set[int] = set()
        for _, name in rare:
            if len(taken) < LOOKED_AT:
                taken.update(having[name])
        if not taken:
            common = [piece for name, words in pieces.items() if having[name] for piece in words]
            if common:
                self._take(common)
        self._keep(sorted(taken, reverse=True))
        return any(having.values())

    def _keep(self, ids: Iterable[int]) -> None:
        self._kept.update(dict.fromkeys(ids))


def _load(session: Session, ids: Collection[int]) -> dict[int, tuple[Article, ArticleVersion]]:
    shown = (ArticleVersion.article_id == Article.id) & (ArticleVersion.version == Article.shown_version)
    rows = select(Article, ArticleVersion).join(ArticleVersion, shown)
    rows = rows.where(Article.id.in_(ids), Article.state == "published")
    return {article.id: (article, version) for article, version in session.execute(rows)} if ids else {}


def _texts(session: Session, ids: Collection[int]) -> list[Text]:
    """What ranking reads of these articles, by columns: only those that are shown are worth making objects of."""
    shown = (ArticleVersion.article_id == Article.id) & (ArticleVersion.version == Article.shown_version)
    v = ArticleVersion
    rows = select(Article.id, v.title, v.title_en, v.questions, v.items, v.body, Article.sound, Article.uses)
    rows = rows.join(v, shown).where(Article.id.in_(ids), Article.state == "published")
    return [
        Text(key, title, title_en, tuple(questions), item_names(items), body, sound, uses)
        for key, title, title_en, questions, items, body, sound, uses in session.execute(rows)
    ]


def item_names(codes: Iterable[str]) -> tuple[str, ...]:
    """What items are called, in both languages: an article is found by them too."""
    return tuple(name for code in codes if (item := ITEMS.get(code)) is not None for name in (item.zh, item.en))


def _result(article: Article, version: ArticleVersion, hit: Hit, wanted: Sequence[Needle]) -> Result:
    return Result(article, version, excerpt(version.body, [needle.text for needle in wanted]), hit.score)


def excerpt(body: str, parts: Sequence[str]) -> str:
    """A piece of the body around the first part that stands in it, else its beginning, without marks of layout."""
    flat = " ".join(line for block in blocks(body) for line in block.lines)
    low = flat.lower()
    places = [at for part in parts if (at := low.find(part)) >= 0] if len(low) == len(flat) else []
    start = max(0, min(places, default=0) - EXCERPT // 3)
    piece = flat[start : start + EXCERPT]
    return ("…" if start else "") + piece + ("…" if start + EXCERPT < len(flat) else "")


def _most_used(session: Session, areas: Sequence[str], most: int) -> Found:
    shown = (ArticleVersion.article_id == Article.id) & (ArticleVersion.version == Article.shown_version)
    rows = select(Article, ArticleVersion).join(ArticleVersion, shown).where(Article.state == "published")
    rows = rows.where(area_fits(ArticleVersion.area, areas)).order_by(Article.uses.desc(), Article.id.desc())
    found = [(article, version) for article, version in session.execute(rows.limit(most + 1))]
    return Found(
        [Result(a, v, excerpt(v.body, ()), 0.0) for a, v in found[:most]], len(found[:most]), len(found) > most
    )


def area_fits(column: InstrumentedAttribute[str], places: Sequence[str]) -> ColumnElement[bool]:
    """The same as `search_words.area_needles`, as a condition on the column of an article's own area."""
    if "" in places:
        return true()
    above = {place[:digits] for place in places for digits in range(len(place) + 1)} | {""}
    return or_(column.in_(sorted(above)), Scope(tuple(places)).where(column))
