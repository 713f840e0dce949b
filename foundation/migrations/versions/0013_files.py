"""Imports, and the indexes that keep lists and cards as quick when millions of tickets are stored."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from foundation.tables import Instant

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_CARRIED_OUT = sa.text("state IN ('waiting', 'working')")
_OPEN = sa.text("state NOT IN ('closed', 'archived')")
_STATES = "('receiving', 'checked', 'waiting', 'working', 'done', 'failed', 'cancelled')"


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("same", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(length=60), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("worker", sa.String(length=40), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.CheckConstraint(f"state IN {_STATES}", name=op.f("ck_imports_state")),
        sa.CheckConstraint(
            "state <> 'working' OR (worker IS NOT NULL AND lease_until IS NOT NULL)", name=op.f("ck_imports_worker")
        ),
        sa.CheckConstraint(
            "state IN ('receiving', 'checked', 'waiting', 'working') OR ended_at IS NOT NULL",
            name=op.f("ck_imports_ended"),
        ),
        sa.CheckConstraint("added + changed + same + left_out = position", name=op.f("ck_imports_counts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index(
        "uq_imports_under_way", "imports", ["kind", "sha256"], unique=True, sqlite_where=_CARRIED_OUT,
        postgresql_where=_CARRIED_OUT,
    )  # fmt: skip
    op.create_table(
        "import_parts",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_import_parts_import_id")),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_import_parts")),
    )
    op.create_index("ix_tickets_open_kind", "tickets", ["kind", "id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_tickets_kind", "tickets", ["kind", "id"])
    op.create_index("ix_tickets_opened_at", "tickets", ["opened_at"])
    op.create_index("ix_arrivals_arrived_at", "arrivals", ["arrived_at"])


def downgrade() -> None:
    op.drop_index("ix_arrivals_arrived_at", table_name="arrivals")
    op.drop_index("ix_tickets_opened_at", table_name="tickets")
    op.drop_index("ix_tickets_kind", table_name="tickets")
    op.drop_index("ix_tickets_open_kind", table_name="tickets", sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.drop_table("import_parts")
    op.drop_index(
        "uq_imports_under_way", table_name="imports", sqlite_where=_CARRIED_OUT, postgresql_where=_CARRIED_OUT
    )
    op.drop_table("imports")
