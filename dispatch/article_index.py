"""The database's own index over the words of published articles: FTS5 on SQLite, an array with GIN on PostgreSQL.

Both hold the words of `dispatch.search_words` as they stand and are only asked which articles have them, newest first.
Neither ranks: their ways of ranking differ, ours (`dispatch.article_ranking`) is the same on both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

_SQLITE = text("SELECT rowid FROM article_words WHERE article_words MATCH :wanted ORDER BY rowid DESC LIMIT :most")
_POSTGRES = text(
    "WITH found AS MATERIALIZED (SELECT article_id FROM article_words WHERE words @> CAST(:all_of AS text[])"
    " AND (words && CAST(:any_of AS text[]) OR cardinality(CAST(:any_of AS text[])) = 0))"
    " SELECT article_id FROM found ORDER BY article_id DESC LIMIT :most"
)
"""Materialised, so that the rows always come from the GIN index: the planner takes reading long arrays for cheap and
would else walk through all of them."""


def put(session: Session, articles: Iterable[tuple[int, Collection[str]]]) -> None:
    """Set the words by which each of these articles (id, words) is found from now on."""
    rows = [(article_id, sorted(words)) for article_id, words in articles]
    remove(session, [article_id for article_id, _ in rows])
    add(session.connection(), rows)


def add(connection: Connection, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
    """Set the words of articles that are not found by any yet."""
    if connection.dialect.name == "sqlite":
        told = [{"id": article_id, "words": " ".join(words)} for article_id, words in rows]
        connection.execute(text("INSERT INTO article_words (rowid, words) VALUES (:id, :words)"), told)
    else:
        lists = [{"id": article_id, "words": list(words)} for article_id, words in rows]
        connection.execute(text("INSERT INTO article_words (article_id, words) VALUES (:id, :words)"), lists)


def remove(session: Session, article_ids: Sequence[int]) -> None:
    """These articles are found no more."""
    session.flush()
    column = "rowid" if session.connection().dialect.name == "sqlite" else "article_id"
    for article_id in article_ids:
        session.execute(text(f"DELETE FROM article_words WHERE {column} = :id"), {"id": article_id})  # noqa: S608 - ours


def having(session: Session, all_of: Collection[str], any_of: Collection[str], most: int) -> list[int]:
    """Ids of up to `most` articles that have all of the first words and, where there are second ones, one of those.

    Newest first. No first words match nothing.
    """
    if not all_of:
        return []
    if session.connection().dialect.name == "sqlite":
        parts = [_quoted(all_of, " AND "), _quoted(any_of, " OR ")]
        wanted = " AND ".join(f"({part})" for part in parts if part)
        return [int(found) for found in session.scalars(_SQLITE, {"wanted": wanted, "most": most})]
    session.execute(text("SET LOCAL enable_seqscan = off"))
    told = {"all_of": list(all_of), "any_of": list(any_of), "most": most}
    return [int(found) for found in session.scalars(_POSTGRES, told)]


def _quoted(words: Collection[str], between: str) -> str:
    """As FTS5 reads it: each word in quotes. No word of ours holds a quote: they are letters, digits and our marks."""
    return between.join(f'"{word}"' for word in words)
