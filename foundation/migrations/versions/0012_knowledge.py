"""Articles and what nobody could answer."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from foundation.tables import Instant

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_PUBLISHED = sa.text("state = 'published'")
_NOT_DONE = sa.text("state IN ('open', 'writing')")


def upgrade() -> None:
    op.create_table(
        "articles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("shown_version", sa.Integer(), nullable=True),
        sa.Column("owner", sa.String(length=60), nullable=False),
        sa.Column("review_on", sa.Date(), nullable=False),
        sa.Column("reviewed_at", Instant(), nullable=True),
        sa.Column("reviewed_by", sa.String(length=60), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("sound", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", sa.String(length=60), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'published', 'withdrawn')", name=op.f("ck_articles_state")),
        sa.CheckConstraint("state <> 'published' OR shown_version IS NOT NULL", name=op.f("ck_articles_shown")),
        sa.CheckConstraint(
            "shown_version IS NULL OR shown_version BETWEEN 1 AND version", name=op.f("ck_articles_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
        sa.UniqueConstraint("key", name=op.f("uq_articles_key")),
    )
    op.create_index(
        "ix_articles_review", "articles", ["review_on"], sqlite_where=_PUBLISHED, postgresql_where=_PUBLISHED
    )
    op.create_index("ix_articles_state", "articles", ["state", "uses"])
    op.create_table(
        "article_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("department", sa.String(length=80), nullable=False),
        sa.Column("area", sa.String(length=15), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("written_at", Instant(), nullable=False),
        sa.Column("written_by", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_article_versions_article_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_versions")),
    )
    op.create_index("uq_article_versions_version", "article_versions", ["article_id", "version"], unique=True)
    op.create_table(
        "article_uses",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("used_at", Instant(), nullable=False),
        sa.Column("used_by", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_article_uses_ticket_id")),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_article_uses_article_id")),
        sa.PrimaryKeyConstraint("ticket_id", "article_id", name=op.f("pk_article_uses")),
    )
    op.create_index("ix_article_uses_article_id", "article_uses", ["article_id", "used_at"])
    _questions()
    _words()


def _questions() -> None:
    op.create_table(
        "unanswered_questions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folded", sa.String(length=200), nullable=False),
        sa.Column("area", sa.String(length=15), nullable=False),
        sa.Column("question", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("assigned_to", sa.String(length=60), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("closed_by", sa.String(length=60), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'writing', 'answered', 'dropped')", name=op.f("ck_unanswered_questions_state")
        ),
        sa.CheckConstraint(
            "state NOT IN ('writing', 'answered') OR article_id IS NOT NULL",
            name=op.f("ck_unanswered_questions_article"),
        ),
        sa.CheckConstraint("(state = 'dropped') = (reason <> '')", name=op.f("ck_unanswered_questions_reason")),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_unanswered_questions_article_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unanswered_questions")),
    )
    op.create_index(
        "uq_unanswered_questions_open", "unanswered_questions", ["area", "folded"], unique=True, sqlite_where=_NOT_DONE,
        postgresql_where=_NOT_DONE,
    )  # fmt: skip
    op.create_index("ix_unanswered_questions_state", "unanswered_questions", ["state", "asked"])
    op.create_index("ix_unanswered_questions_article_id", "unanswered_questions", ["article_id"])
    op.create_table(
        "question_askings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.Integer(), nullable=False),
        sa.Column("arrival_id", sa.Integer(), nullable=True),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("asked_by", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["question_id"], ["unanswered_questions.id"], name=op.f("fk_question_askings_question_id")
        ),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name=op.f("fk_question_askings_arrival_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question_askings")),
    )
    op.create_index("uq_question_askings_arrival", "question_askings", ["question_id", "arrival_id"], unique=True)
    op.create_index("ix_question_askings_arrival_id", "question_askings", ["arrival_id"])


def _words() -> None:
    """What published articles are found by. The engine's own index over words that `dispatch.search_words` makes: they
    are matched as they stand, so that both engines find the same. See `dispatch.article_index`."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE article_words USING fts5"
            "(words, detail=none, columnsize=0, tokenize=\"ascii tokenchars '^#@&'\")"
        )
        return
    op.execute(
        "CREATE TABLE article_words (article_id integer PRIMARY KEY REFERENCES articles (id), words text[] NOT NULL)"
    )
    op.execute("CREATE INDEX ix_article_words ON article_words USING gin (words)")


def downgrade() -> None:
    for table in (
        "article_words",
        "question_askings",
        "unanswered_questions",
        "article_uses",
        "article_versions",
        "articles",
    ):
        op.drop_table(table)
