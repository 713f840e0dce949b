"""Plans of a surge."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from foundation.tables import Instant

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_OPEN = sa.text("state <> 'ended'")
_PINNED = sa.text("kind = 'pin'")


def upgrade() -> None:
    op.create_table(
        "surge_plans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lane", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("choices", sa.Integer(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("opened_by", sa.String(length=60), nullable=False),
        sa.Column("planned_at", Instant(), nullable=True),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("started_by", sa.String(length=60), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ended_by", sa.String(length=60), nullable=True),
        sa.Column("end_reason", sa.String(length=200), nullable=False),
        sa.CheckConstraint("state IN ('ready', 'running', 'ended')", name=op.f("ck_surge_plans_state")),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_surge_plans_ended")),
        sa.CheckConstraint("state <> 'running' OR started_at IS NOT NULL", name=op.f("ck_surge_plans_started")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_surge_plans")),
    )
    op.create_index(
        "uq_surge_plans_open", "surge_plans", ["lane"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_table(
        "surge_choices",
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.CheckConstraint("kind IN ('pin', 'veto')", name=op.f("ck_surge_choices_kind")),
        sa.ForeignKeyConstraint(["plan_id"], ["surge_plans.id"], name=op.f("fk_surge_choices_plan_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_surge_choices_ticket_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_surge_choices_provider_id")),
        sa.PrimaryKeyConstraint("plan_id", "ticket_id", "provider_id", name=op.f("pk_surge_choices")),
    )
    op.create_index(
        "uq_surge_choices_pin", "surge_choices", ["plan_id", "ticket_id"], unique=True, sqlite_where=_PINNED,
        postgresql_where=_PINNED,
    )  # fmt: skip
    op.create_table(
        "surge_rows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("team", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("at_door", Instant(), nullable=False),
        sa.Column("drive_minutes", sa.Double(), nullable=False),
        sa.Column("outright", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("offer_id", sa.Integer(), nullable=True),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.CheckConstraint("state IN ('planned', 'offered', 'assigned', 'untrue')", name=op.f("ck_surge_rows_state")),
        sa.CheckConstraint(
            "state NOT IN ('offered', 'assigned') OR offer_id IS NOT NULL", name=op.f("ck_surge_rows_offer")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["surge_plans.id"], name=op.f("fk_surge_rows_plan_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_surge_rows_ticket_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_surge_rows_provider_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_surge_rows_offer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_surge_rows")),
    )
    op.create_index("uq_surge_rows_ticket", "surge_rows", ["plan_id", "version", "ticket_id"], unique=True)
    op.create_index("ix_surge_rows_provider", "surge_rows", ["plan_id", "version", "provider_id"])
    op.create_index("ix_surge_rows_ticket_id", "surge_rows", ["ticket_id"])


def downgrade() -> None:
    for table in ("surge_rows", "surge_choices", "surge_plans"):
        op.drop_table(table)
