"""Calls that we owe to residents who were not served."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from foundation.tables import Instant

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_OWED = sa.text("state IN ('wanted', 'calling')")


def upgrade() -> None:
    op.create_table(
        "call_backs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("why", sa.String(length=10), nullable=False),
        sa.Column("place", Instant(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", Instant(), nullable=False),
        sa.Column("call_id", sa.String(length=40), nullable=True),
        sa.Column("answered_by", sa.String(length=40), nullable=True),
        sa.Column("wanted_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "state IN ('wanted', 'calling', 'connected', 'unreached', 'cancelled')", name=op.f("ck_call_backs_state")
        ),
        sa.CheckConstraint("why IN ('chosen', 'abandoned', 'cut', 'full', 'closed')", name=op.f("ck_call_backs_why")),
        sa.CheckConstraint("state <> 'calling' OR call_id IS NOT NULL", name=op.f("ck_call_backs_call")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_backs")),
    )
    op.create_index(
        "uq_call_backs_owed", "call_backs", ["number"], unique=True, sqlite_where=_OWED, postgresql_where=_OWED
    )
    op.create_table(
        "call_back_arrivals",
        sa.Column("arrival_id", sa.Integer(), nullable=False),
        sa.Column("call_back_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name=op.f("fk_call_back_arrivals_arrival_id")),
        sa.ForeignKeyConstraint(["call_back_id"], ["call_backs.id"], name=op.f("fk_call_back_arrivals_call_back_id")),
        sa.PrimaryKeyConstraint("arrival_id", name=op.f("pk_call_back_arrivals")),
    )
    op.create_index(op.f("ix_call_back_arrivals_call_back_id"), "call_back_arrivals", ["call_back_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_call_back_arrivals_call_back_id"), table_name="call_back_arrivals")
    op.drop_table("call_back_arrivals")
    op.drop_index("uq_call_backs_owed", table_name="call_backs", sqlite_where=_OWED, postgresql_where=_OWED)
    op.drop_table("call_backs")
