"""Recordings of calls."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from foundation.tables import Instant

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_KEPT = sa.text("state = 'kept'")


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(length=120), nullable=False),
        sa.Column("arrival_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("keep_until", Instant(), nullable=True),
        sa.Column("deleted_at", Instant(), nullable=True),
        sa.CheckConstraint("state IN ('kept', 'missing', 'deleted')", name=op.f("ck_recordings_state")),
        sa.CheckConstraint("state <> 'kept' OR keep_until IS NOT NULL", name=op.f("ck_recordings_keep_until")),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name=op.f("fk_recordings_arrival_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
        sa.UniqueConstraint("call_id", name=op.f("uq_recordings_call_id")),
    )
    op.create_index("ix_recordings_arrival_id", "recordings", ["arrival_id"], unique=False)
    op.create_index(
        "ix_recordings_keep_until", "recordings", ["keep_until"], sqlite_where=_KEPT, postgresql_where=_KEPT
    )


def downgrade() -> None:
    op.drop_index("ix_recordings_keep_until", table_name="recordings", sqlite_where=_KEPT, postgresql_where=_KEPT)
    op.drop_index("ix_recordings_arrival_id", table_name="recordings")
    op.drop_table("recordings")
