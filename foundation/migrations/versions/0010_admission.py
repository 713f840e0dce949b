"""Admission, documents, workers and stars of providers."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from foundation.migrations import stamps
from foundation.migrations.checks import set_checks
from foundation.tables import Instant

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_IN_FORCE = sa.text("withdrawn_at IS NULL")
_OPEN = sa.text("state = 'open'")
_PROVIDER_COLUMNS = (
    "rota", "radius_km", "credit_code", "responsible_name", "external_grade", "state_since", "state_until",
    "state_reason",
)  # fmt: skip

_WATCHED_BEFORE = (
    "name", "kind", "state", "licence", "opens_minute", "closes_minute", "weekdays", "capacity", "stars", "latitude",
    "longitude",
)  # fmt: skip
_WATCHED = (*_WATCHED_BEFORE, "rota", "radius_km")


_COUNTED_FROM_THE_LEDGER = (
    "offers_accepted", "offers_declined", "offers_expired", "orders_redone", "grades", "grades_sum",
)  # fmt: skip
_TASKS_BEFORE = (
    "kind IN ('call_back', 'undisposed', 'malformed_step', 'strange_sms', 'inbox_failed', 'message_failed', "
    "'recording_missing')"
)


def upgrade() -> None:
    set_checks("staff_tasks", {"ck_staff_tasks_kind": _TASKS_BEFORE[:-1] + ", 'provider')"})
    op.add_column("providers", sa.Column("rota", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("providers", sa.Column("radius_km", sa.Double(), nullable=True))
    for name, length in (("credit_code", 18), ("responsible_name", 40), ("external_grade", 80), ("state_reason", 200)):
        op.add_column("providers", sa.Column(name, sa.String(length), server_default="", nullable=False))
    op.add_column("providers", sa.Column("state_since", Instant(), nullable=True))
    op.add_column("providers", sa.Column("state_until", Instant(), nullable=True))
    for name in _COUNTED_FROM_THE_LEDGER:
        op.drop_column("providers", name)
    op.add_column("provider_items", sa.Column("licensed_until", sa.Date(), nullable=True))
    _admission()
    _ratings()
    op.add_column("provider_phones", sa.Column("worker_id", sa.Integer(), nullable=True))
    op.add_column("provider_phones", sa.Column("asked_at", Instant(), nullable=True))
    op.add_column("provider_phones", sa.Column("asked_code", sa.String(length=4), nullable=True))
    op.add_column("provider_phones", sa.Column("proven_at", Instant(), nullable=True))
    stamps.watch(op.get_bind(), "providers", key="id", columns=_WATCHED)
    stamps.watch(op.get_bind(), "provider_ratings")


def _admission() -> None:
    op.create_table(
        "provider_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_provider_events_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_events")),
    )
    op.create_index("ix_provider_events_provider_id", "provider_events", ["provider_id", "id"], unique=False)
    op.create_table(
        "provider_documents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("issuer", sa.String(length=80), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("seen_by", sa.String(length=60), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("warned_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('licence', 'permit', 'identity', 'agreement')", name=op.f("ck_provider_documents_kind")
        ),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_provider_documents_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_documents")),
    )
    op.create_index("ix_provider_documents_provider_id", "provider_documents", ["provider_id"], unique=False)
    op.create_index(
        "ix_provider_documents_valid_to", "provider_documents", ["valid_to"], sqlite_where=_IN_FORCE,
        postgresql_where=_IN_FORCE,
    )  # fmt: skip
    op.create_table(
        "provider_visits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("visited_on", sa.Date(), nullable=False),
        sa.Column("premises", sa.Boolean(), nullable=False),
        sa.Column("staff", sa.Boolean(), nullable=False),
        sa.Column("equipment", sa.Boolean(), nullable=False),
        sa.Column("price_list", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("first_by", sa.String(length=60), nullable=False),
        sa.Column("noted_at", Instant(), nullable=False),
        sa.Column("second_by", sa.String(length=60), nullable=True),
        sa.Column("signed_at", Instant(), nullable=True),
        sa.CheckConstraint("second_by IS NULL OR second_by <> first_by", name=op.f("ck_provider_visits_two_people")),
        sa.CheckConstraint("(second_by IS NULL) = (signed_at IS NULL)", name=op.f("ck_provider_visits_signed")),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_provider_visits_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_visits")),
    )
    op.create_index("ix_provider_visits_provider_id", "provider_visits", ["provider_id"], unique=False)
    op.create_table(
        "provider_decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("proposed_by", sa.String(length=60), nullable=False),
        sa.Column("proposed_at", Instant(), nullable=False),
        sa.Column("decided_by", sa.String(length=60), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.CheckConstraint("decision IN ('expelled', 'blacklisted')", name=op.f("ck_provider_decisions_decision")),
        sa.CheckConstraint("state IN ('open', 'carried', 'refused')", name=op.f("ck_provider_decisions_state")),
        sa.CheckConstraint(
            "state <> 'carried' OR decided_by <> proposed_by", name=op.f("ck_provider_decisions_two_people")
        ),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_provider_decisions_decided")),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_provider_decisions_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_decisions")),
    )
    op.create_index(
        "uq_provider_decisions_open", "provider_decisions", ["provider_id"], unique=True, sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )  # fmt: skip
    op.create_table(
        "provider_workers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("left_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_provider_workers_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_workers")),
    )
    op.create_index("ix_provider_workers_provider_id", "provider_workers", ["provider_id"], unique=False)


def _ratings() -> None:
    op.create_table(
        "founded_complaints",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("complaint_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("category", sa.String(length=12), nullable=False),
        sa.Column("founded_at", Instant(), nullable=False),
        sa.Column("founded_by", sa.String(length=60), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "category IN ('quality', 'price', 'attitude', 'lateness', 'damage', 'safety', 'price_fraud', 'other')",
            name=op.f("ck_founded_complaints_category"),
        ),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_founded_complaints_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_founded_complaints")),
    )
    op.create_index("uq_founded_complaints_complaint_id", "founded_complaints", ["complaint_id"], unique=True)
    op.create_index(
        "ix_founded_complaints_provider_id", "founded_complaints", ["provider_id", "founded_at"], unique=False
    )
    op.create_table(
        "provider_ratings",
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("window_from", Instant(), nullable=False),
        sa.Column("computed_at", Instant(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("stars", sa.Integer(), nullable=True),
        sa.CheckConstraint("stars IS NULL OR stars BETWEEN 1 AND 5", name=op.f("ck_provider_ratings_stars")),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_provider_ratings_provider_id")),
        sa.PrimaryKeyConstraint("provider_id", name=op.f("pk_provider_ratings")),
    )
    op.create_table(
        "price_bands",
        sa.Column("item", sa.String(length=4), nullable=False),
        sa.Column("low", sa.Integer(), nullable=True),
        sa.Column("high", sa.Integer(), nullable=True),
        sa.Column("quotes", sa.Integer(), nullable=False),
        sa.Column("quoted_low", sa.Integer(), nullable=True),
        sa.Column("quoted_high", sa.Integer(), nullable=True),
        sa.Column("charges", sa.Integer(), nullable=False),
        sa.Column("charged_low", sa.Integer(), nullable=True),
        sa.Column("charged_high", sa.Integer(), nullable=True),
        sa.Column("computed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_price_bands")),
    )


def downgrade() -> None:
    op.execute("DELETE FROM staff_tasks WHERE kind = 'provider'")
    set_checks("staff_tasks", {"ck_staff_tasks_kind": _TASKS_BEFORE})
    stamps.unwatch(op.get_bind(), "provider_ratings")
    stamps.unwatch(op.get_bind(), "providers")
    for name in ("proven_at", "asked_code", "asked_at", "worker_id"):
        op.drop_column("provider_phones", name)
    for table in (
        "price_bands", "provider_ratings", "founded_complaints", "provider_workers", "provider_decisions",
        "provider_visits", "provider_documents", "provider_events",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_column("provider_items", "licensed_until")
    for name in _PROVIDER_COLUMNS:
        op.drop_column("providers", name)
    for name in _COUNTED_FROM_THE_LEDGER:
        op.add_column("providers", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    stamps.watch(op.get_bind(), "providers", key="id", columns=_WATCHED_BEFORE)
