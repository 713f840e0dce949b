"""The whole life of a ticket: desks, pauses, the matter's limit, repeats, complaints, and how follow-ups ended."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from foundation.migrations.checks import set_checks
from foundation.tables import Instant

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_CLOSED = sa.text("state = 'closed'")
_FOUNDED = sa.text("founded")
_KINDS = ("inquiry", "service_request", "emergency", "complaint", "suggestion")
_CATEGORIES = ("quality", "price", "attitude", "lateness", "damage", "safety", "price_fraud", "other")
_TICKET_CHECKS = {
    "ck_tickets_paused": "(state = 'paused') = (paused_at IS NOT NULL)",
    "ck_tickets_desk": "state NOT IN ('assigned', 'returned', 'ruling') OR desk IS NOT NULL",
    "ck_tickets_returns": "returns BETWEEN 0 AND 2",
    "ck_tickets_joined": "(coalesce(outcome, '') = 'joined') = (joined_to IS NOT NULL)",
}
_FOLLOW_UP_CHECKS = {
    "ck_follow_ups_channel": "channel IN ('sms', 'call')",
    "ck_follow_ups_outcome": "outcome IN ('close', 'redo', 'refill', 'unreached')",
    "ck_follow_ups_ended": "state NOT IN ('answered', 'unreached') OR outcome IS NOT NULL",
}
_NEW_ON_TICKETS: tuple[sa.Column[Any], ...] = (
    sa.Column("dispatched_at", Instant(), nullable=True),
    sa.Column("due_at", Instant(), nullable=True),
    sa.Column("extended_at", Instant(), nullable=True),
    sa.Column("desk", sa.String(length=60), nullable=True),
    sa.Column("assigned_at", Instant(), nullable=True),
    sa.Column("signed_at", Instant(), nullable=True),
    sa.Column("returns", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("bound", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("pause", sa.JSON(), nullable=True),
    sa.Column("paused_at", Instant(), nullable=True),
    sa.Column("paused_s", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("pauses", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("nudges", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("repeats", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("supervised_by", sa.String(length=60), nullable=True),
    sa.Column("archived_at", Instant(), nullable=True),
)


def upgrade() -> None:
    for column in _NEW_ON_TICKETS:
        op.add_column("tickets", column)
    # One statement on both: Alembic cannot add a column that refers to a table on SQLite.
    refers = "CONSTRAINT fk_tickets_joined_to REFERENCES tickets (id)"
    op.execute(f"ALTER TABLE tickets ADD COLUMN joined_to INTEGER {refers}")
    op.add_column("follow_ups", sa.Column("channel", sa.String(length=4), nullable=False, server_default="sms"))
    op.add_column("follow_ups", sa.Column("outcome", sa.String(length=10), nullable=True))
    op.add_column("deadlines", sa.Column("working", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("deadlines", sa.Column("paused_s", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE follow_ups SET outcome = 'unreached' WHERE state = 'unreached'")
    op.execute(
        "UPDATE follow_ups SET outcome = CASE WHEN grade <= 2 OR solved = false THEN 'redo' ELSE 'close' END "
        "WHERE state = 'answered'"
    )
    set_checks("tickets", {**_TICKET_CHECKS, "ck_tickets_kind": f"kind IN {(*_KINDS, 'care')}"})
    set_checks("follow_ups", _FOLLOW_UP_CHECKS)
    op.create_index("ix_tickets_to_archive", "tickets", ["closed_at"], sqlite_where=_CLOSED, postgresql_where=_CLOSED)
    op.create_index("ix_tickets_due_at", "tickets", ["due_at"])
    op.create_index("ix_tickets_closed_at", "tickets", ["closed_at"])
    op.create_table(
        "complaints",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=True),
        sa.Column("about_id", sa.Integer(), nullable=True),
        sa.Column("category", sa.String(length=12), nullable=True),
        sa.Column("founded", sa.Boolean(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_by", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.CheckConstraint(f"category IN {_CATEGORIES}", name=op.f("ck_complaints_category")),
        sa.CheckConstraint(
            "(founded IS NULL) = (decided_at IS NULL) AND (founded IS NULL) = (decided_by IS NULL)",
            name=op.f("ck_complaints_decided"),
        ),
        sa.CheckConstraint(
            "founded IS NULL OR (category IS NOT NULL AND reason <> '')", name=op.f("ck_complaints_reason")
        ),
        sa.CheckConstraint("about_id <> ticket_id", name=op.f("ck_complaints_about")),
        sa.ForeignKeyConstraint(["about_id"], ["tickets.id"], name=op.f("fk_complaints_about_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_complaints_provider_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_complaints_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_complaints")),
    )
    op.create_index("ix_complaints_about_id", "complaints", ["about_id"])
    op.create_index(
        "ix_complaints_provider_id", "complaints", ["provider_id", "decided_at"], sqlite_where=_FOUNDED,
        postgresql_where=_FOUNDED,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("complaints")
    for name in ("ix_tickets_closed_at", "ix_tickets_due_at", "ix_tickets_to_archive"):
        op.drop_index(name, table_name="tickets")
    set_checks("follow_ups", dict.fromkeys(_FOLLOW_UP_CHECKS))
    set_checks("tickets", {**dict.fromkeys(_TICKET_CHECKS), "ck_tickets_kind": f"kind IN {_KINDS}"})
    for table, names in (
        ("deadlines", ["paused_s", "working"]),
        ("follow_ups", ["outcome", "channel"]),
    ):
        for name in names:
            op.drop_column(table, name)
    op.execute("ALTER TABLE tickets DROP COLUMN joined_to")
    for column in reversed(_NEW_ON_TICKETS):
        op.drop_column("tickets", column.name)
