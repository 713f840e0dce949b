"""Published flows: versions, publications, what each exchange node has; and providers that are absent by a key."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from foundation.tables import Instant

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_ONE_OF_EACH = sa.text("state IN ('prepared', 'loaded', 'current')")


def upgrade() -> None:
    op.add_column("providers", sa.Column("absent_until", Instant(), nullable=True))
    op.create_table(
        "flow_versions",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("transfers", sa.JSON(), nullable=False),
        sa.Column("dialplan", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("made_by", sa.String(length=60), nullable=False),
        sa.CheckConstraint("id > 0", name=op.f("ck_flow_versions_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_versions")),
    )
    op.create_table(
        "flow_publications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("asked_by", sa.String(length=60), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("loaded_at", Instant(), nullable=True),
        sa.Column("current_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('prepared', 'loaded', 'current', 'past', 'failed', 'withdrawn')",
            name=op.f("ck_flow_publications_state"),
        ),
        sa.CheckConstraint("kind IN ('publish', 'back')", name=op.f("ck_flow_publications_kind")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_flow_publications_reason")),
        sa.CheckConstraint(
            "state NOT IN ('failed', 'withdrawn') OR problem <> ''", name=op.f("ck_flow_publications_problem")
        ),
        sa.CheckConstraint(
            "state NOT IN ('current', 'past') OR current_at IS NOT NULL", name=op.f("ck_flow_publications_current")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_publications")),
    )
    op.create_index(
        "uq_flow_publications_state",
        "flow_publications",
        ["state"],
        unique=True,
        sqlite_where=_ONE_OF_EACH,
        postgresql_where=_ONE_OF_EACH,
    )
    op.create_table(
        "flow_nodes",
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("loaded", sa.JSON(), nullable=False),
        sa.Column("current", sa.Integer(), nullable=False),
        sa.Column("calls", sa.JSON(), nullable=False),
        sa.Column("waits_for", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_flow_nodes")),
    )


def downgrade() -> None:
    op.drop_table("flow_nodes")
    op.drop_index(
        "uq_flow_publications_state",
        table_name="flow_publications",
        sqlite_where=_ONE_OF_EACH,
        postgresql_where=_ONE_OF_EACH,
    )
    op.drop_table("flow_publications")
    op.drop_table("flow_versions")
    with op.batch_alter_table("providers") as providers:
        providers.drop_column("absent_until")
