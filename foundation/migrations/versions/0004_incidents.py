"""Mass incidents: what callers from an area hear, and the ticket that joins them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from foundation.tables import Instant

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "mass_incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("sentence_zh", sa.String(length=200), nullable=False),
        sa.Column("sentence_en", sa.String(length=300), nullable=False),
        sa.Column("over_zh", sa.String(length=200), nullable=False),
        sa.Column("over_en", sa.String(length=300), nullable=False),
        sa.Column("told_up_to", sa.Integer(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("opened_by", sa.String(length=60), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ended_by", sa.String(length=60), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (over_zh = '')", name=op.f("ck_mass_incidents_over")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_mass_incidents_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mass_incidents")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_mass_incidents_ticket_id")),
    )
    op.create_index(
        "ix_mass_incidents_open", "mass_incidents", ["opened_at"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )


def downgrade() -> None:
    op.drop_index("ix_mass_incidents_open", table_name="mass_incidents", sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.drop_table("mass_incidents")
