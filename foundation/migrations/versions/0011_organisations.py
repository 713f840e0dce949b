"""Organisations and who belongs to them, journeys of requests, proposals of corrections, where each field came from."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from foundation.tables import Instant

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_REVISED = ("homes", "people", "contacts", "devices")
_OPEN = sa.text("state = 'open'")
_UNDER_WAY = sa.text("ended_at IS NULL")


def upgrade() -> None:
    _organisations()
    _residents()


def _organisations() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("division_code", sa.String(length=15), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('owner', 'operating_body', 'station', 'desk', 'affairs_station', 'volunteer_group', 'outside')",
            name=op.f("ck_organisations_kind"),
        ),
        sa.ForeignKeyConstraint(["division_code"], ["divisions.code"], name=op.f("fk_organisations_division_code")),
        sa.ForeignKeyConstraint(["parent_id"], ["organisations.id"], name=op.f("fk_organisations_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("division_code", "name", name=op.f("uq_organisations_division_code_name")),
    )
    op.create_index(op.f("ix_organisations_parent_id"), "organisations", ["parent_id"])
    op.create_table(
        "organisation_members",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["staff_users.id"], name=op.f("fk_organisation_members_user_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_organisation_members_organisation_id")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_organisation_members")),
    )
    op.create_index(op.f("ix_organisation_members_organisation_id"), "organisation_members", ["organisation_id"])
    op.create_table(
        "ticket_journeys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=4), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("division_code", sa.String(length=15), nullable=False),
        sa.Column("from_division", sa.String(length=15), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("began_by", sa.String(length=60), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ended_by", sa.String(length=60), nullable=True),
        sa.Column("ended_why", sa.String(length=200), nullable=True),
        sa.CheckConstraint("direction IN ('up', 'down')", name=op.f("ck_ticket_journeys_direction")),
        sa.CheckConstraint(
            "direction = 'up' OR organisation_id IS NOT NULL", name=op.f("ck_ticket_journeys_organisation")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_journeys_ticket_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_ticket_journeys_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_journeys")),
    )
    op.create_index("ix_ticket_journeys_ticket_id", "ticket_journeys", ["ticket_id", "id"])
    op.create_index("ix_ticket_journeys_organisation_id", "ticket_journeys", ["organisation_id", "ticket_id"])
    op.create_index(
        "uq_ticket_journeys_under_way", "ticket_journeys", ["ticket_id", "direction"], unique=True,
        sqlite_where=_UNDER_WAY, postgresql_where=_UNDER_WAY,
    )  # fmt: skip


def _residents() -> None:
    for table in _REVISED:
        op.add_column(table, sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=10), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=True),
        sa.Column("field", sa.String(length=30), nullable=False),
        sa.Column("old_value", sa.JSON(), nullable=False),
        sa.Column("new_value", sa.JSON(), nullable=False),
        sa.Column("said_by", sa.String(length=60), nullable=False),
        sa.Column("arrival_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("proposed_at", Instant(), nullable=False),
        sa.Column("proposed_by", sa.String(length=60), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_by", sa.String(length=60), nullable=True),
        sa.Column("decision_note", sa.String(length=200), nullable=False),
        sa.CheckConstraint("subject IN ('home', 'person', 'contact', 'device')", name=op.f("ck_proposals_subject")),
        sa.CheckConstraint("state IN ('open', 'confirmed', 'rejected', 'stale')", name=op.f("ck_proposals_state")),
        sa.CheckConstraint(
            "state = 'open' OR (decided_at IS NOT NULL AND decided_by IS NOT NULL)", name=op.f("ck_proposals_decided")
        ),
        sa.ForeignKeyConstraint(["home_id"], ["homes.id"], name=op.f("fk_proposals_home_id")),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name=op.f("fk_proposals_arrival_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_index("ix_proposals_subject", "proposals", ["subject", "row_id"])
    op.create_index("ix_proposals_home_id", "proposals", ["home_id"])
    op.create_index("ix_proposals_open", "proposals", ["id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_table(
        "field_sources",
        sa.Column("subject", sa.String(length=10), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.CheckConstraint("subject IN ('home', 'person', 'contact', 'device')", name=op.f("ck_field_sources_subject")),
        sa.PrimaryKeyConstraint("subject", "row_id", name=op.f("pk_field_sources")),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("said_by", sa.String(length=60), nullable=False),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.Column("named", sa.String(length=200), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.CheckConstraint("kind IN ('sms', 'position', 'share')", name=op.f("ck_consents_kind")),
        sa.CheckConstraint(
            "how IN ('call', 'form', 'visit', 'sms', 'web', 'registry', 'import', 'demo')", name=op.f("ck_consents_how")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_consents_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_person_id", "consents", ["person_id", "id"])


def downgrade() -> None:
    for table in ("consents", "field_sources", "proposals"):
        op.drop_table(table)
    for table in _REVISED:
        op.drop_column(table, "revision")
    for table in ("ticket_journeys", "organisation_members", "organisations"):
        op.drop_table(table)
