"""Where things are, what a resident refuses, and the stamps by which matching sees that the register changed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from foundation.migrations import stamps
from foundation.tables import Instant

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_PLACED = ("divisions", "homes", "providers", "tickets")
_ABSENT = sa.text("absent_until IS NOT NULL")
_HELD = sa.text("assigned_provider_id IS NOT NULL AND state IN ('accepted', 'arrived', 'paused')")
_STANDS = sa.text("lifted_at IS NULL")
_WATCHED = {
    "providers": (
        "name",
        "kind",
        "state",
        "licence",
        "opens_minute",
        "closes_minute",
        "weekdays",
        "capacity",
        "stars",
        "latitude",
        "longitude",
    ),
    "provider_items": (),
    "provider_coverage": (),
    "provider_phones": (),
    "correspondents": ("opted_out_at",),
}
_KEYS = {"providers": "id", "correspondents": "number"}  # fmt: skip


def upgrade() -> None:
    for table in _PLACED:
        op.add_column(table, sa.Column("latitude", sa.Double(), nullable=True))
        op.add_column(table, sa.Column("longitude", sa.Double(), nullable=True))
    op.create_index("ix_providers_last_offered_at", "providers", ["last_offered_at"], unique=False)
    op.create_index(
        "ix_providers_absent_until", "providers", ["absent_until"], sqlite_where=_ABSENT, postgresql_where=_ABSENT
    )
    op.create_index(
        "ix_tickets_held", "tickets", ["assigned_provider_id", "state"], sqlite_where=_HELD, postgresql_where=_HELD
    )
    # With the provider in it, who offers an item stands together: a thousand look-ups touch a few pages.
    op.drop_index("ix_provider_items_item", table_name="provider_items")
    op.create_index("ix_provider_items_item", "provider_items", ["item", "provider_id"])
    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("line", sa.String(length=20), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("refused_at", Instant(), nullable=False),
        sa.Column("refused_by", sa.String(length=60), nullable=False),
        sa.Column("lifted_at", Instant(), nullable=True),
        sa.Column("lifted_by", sa.String(length=60), nullable=True),
        sa.CheckConstraint("person_id IS NOT NULL OR line <> ''", name=op.f("ck_refusals_resident")),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name=op.f("ck_refusals_lifted")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_refusals_person_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_refusals_provider_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_refusals_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusals")),
    )
    for name, column in (("ix_refusals_line", "line"), ("ix_refusals_person_id", "person_id")):
        op.create_index(name, "refusals", [column], sqlite_where=_STANDS, postgresql_where=_STANDS)
    op.create_table(
        "register_stamps",
        sa.Column("item", sa.String(length=4), nullable=False),
        sa.Column("stamp", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_register_stamps")),
    )
    for table, columns in _WATCHED.items():
        stamps.watch(op.get_bind(), table, key=_KEYS.get(table, "provider_id"), columns=columns)
    stamp = stamps.STAMP[op.get_bind().dialect.name]
    op.execute(
        f"INSERT INTO register_stamps (item, stamp) SELECT item, {stamp} FROM provider_items GROUP BY item"  # noqa: S608
    )


def downgrade() -> None:
    for table in _WATCHED:
        stamps.unwatch(op.get_bind(), table)
    op.drop_table("register_stamps")
    op.drop_table("refusals")
    op.drop_index("ix_provider_items_item", table_name="provider_items")
    op.create_index("ix_provider_items_item", "provider_items", ["item"])
    op.drop_index("ix_tickets_held", table_name="tickets")
    op.drop_index("ix_providers_absent_until", table_name="providers", sqlite_where=_ABSENT, postgresql_where=_ABSENT)
    op.drop_index("ix_providers_last_offered_at", table_name="providers")
    for table in _PLACED:
        op.drop_column(table, "longitude")
        op.drop_column(table, "latitude")
