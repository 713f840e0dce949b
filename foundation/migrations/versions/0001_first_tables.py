"""The first tables: foundation, residents, providers, dispatch."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from foundation.tables import Instant

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "correspondents",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("unknown_answers", sa.Integer(), nullable=False),
        sa.Column("opted_out_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_correspondents")),
    )
    op.create_table(
        "divisions",
        sa.Column("code", sa.String(length=15), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("parent_code", sa.String(length=15), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("replaced_by", sa.String(length=15), nullable=True),
        sa.Column("note", sa.String(length=120), nullable=False),
        sa.CheckConstraint(
            "level IN ('city', 'district', 'street', 'community', 'grid')", name=op.f("ck_divisions_level")
        ),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_divisions_validity")),
        sa.ForeignKeyConstraint(["parent_code"], ["divisions.code"], name=op.f("fk_divisions_parent_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_divisions")),
    )
    op.create_index(op.f("ix_divisions_parent_code"), "divisions", ["parent_code"], unique=False)
    op.create_table(
        "duty_phones",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("ring_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_phones")),
        sa.UniqueConstraint("position", name=op.f("uq_duty_phones_position")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "household_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_household_version_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household_version")),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=30), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("handled_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", Instant(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
    )
    op.create_index(
        "ix_inbox_open",
        "inbox",
        ["received_at"],
        unique=False,
        sqlite_where=sa.text("handled_at IS NULL"),
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.create_index("uq_inbox_source", "inbox", ["source", "external_id"], unique=True)
    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("surname_reading", sa.String(length=20), nullable=False),
        sa.Column("sex", sa.Integer(), nullable=False),
        sa.Column("birth_year", sa.Integer(), nullable=True),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("dialect", sa.String(length=20), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("consent_sms", sa.Boolean(), nullable=False),
        sa.Column("consent_position", sa.Boolean(), nullable=False),
        sa.Column("consent_share", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.CheckConstraint("birth_year IS NULL OR birth_year BETWEEN 1880 AND 2200", name=op.f("ck_people_birth_year")),
        sa.CheckConstraint("sex IN (0, 1, 2, 9)", name=op.f("ck_people_sex")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_index(op.f("ix_people_phone"), "people", ["phone"], unique=False)
    op.create_table(
        "providers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("contact_name", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("licence", sa.String(length=40), nullable=False),
        sa.Column("opens_minute", sa.Integer(), nullable=False),
        sa.Column("closes_minute", sa.Integer(), nullable=False),
        sa.Column("weekdays", sa.String(length=7), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=True),
        sa.Column("offers_accepted", sa.Integer(), nullable=False),
        sa.Column("offers_declined", sa.Integer(), nullable=False),
        sa.Column("offers_expired", sa.Integer(), nullable=False),
        sa.Column("orders_done", sa.Integer(), nullable=False),
        sa.Column("orders_redone", sa.Integer(), nullable=False),
        sa.Column("grades", sa.Integer(), nullable=False),
        sa.Column("grades_sum", sa.Integer(), nullable=False),
        sa.Column("last_offered_at", Instant(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint("kind IN ('company', 'volunteer_group', 'desk')", name=op.f("ck_providers_kind")),
        sa.CheckConstraint(
            "state IN ('applied', 'vetting', 'visiting', 'probation', 'active', 'warned', 'suspended', "
            "'expelled', 'withdrawn', 'rejected', 'blacklisted')",
            name=op.f("ck_providers_state"),
        ),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_providers_capacity")),
        sa.CheckConstraint(
            "opens_minute BETWEEN 0 AND 1439 AND closes_minute BETWEEN 0 AND 1440", name=op.f("ck_providers_hours")
        ),
        sa.CheckConstraint("stars IS NULL OR stars BETWEEN 1 AND 5", name=op.f("ck_providers_stars")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_providers")),
        sa.UniqueConstraint("name", name=op.f("uq_providers_name")),
    )
    op.create_table(
        "staff_users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("mobile", sa.String(length=20), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("session_generation", sa.Integer(), nullable=False),
        sa.Column("disabled_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint("role IN ('operator', 'supervisor', 'admin')", name=op.f("ck_staff_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_users")),
        sa.UniqueConstraint("login", name=op.f("uq_staff_users_login")),
    )
    op.create_table(
        "ticket_numbers",
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_ticket_numbers")),
    )
    op.create_table(
        "homes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("division_code", sa.String(length=15), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("compound", sa.String(length=60), nullable=False),
        sa.Column("road", sa.String(length=60), nullable=False),
        sa.Column("house_no", sa.String(length=20), nullable=False),
        sa.Column("building", sa.String(length=20), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("floor", sa.String(length=20), nullable=False),
        sa.Column("room", sa.String(length=20), nullable=False),
        sa.Column("landmark", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["division_code"], ["divisions.code"], name=op.f("fk_homes_division_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_homes")),
    )
    op.create_index(op.f("ix_homes_division_code"), "homes", ["division_code"], unique=False)
    op.create_index(op.f("ix_homes_version"), "homes", ["version"], unique=False)
    op.create_table(
        "medical_cards",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("privacy", sa.String(length=12), nullable=False),
        sa.Column("blood_type", sa.String(length=10), nullable=False),
        sa.Column("conditions", sa.String(length=400), nullable=False),
        sa.Column("allergies", sa.String(length=400), nullable=False),
        sa.Column("medication", sa.String(length=400), nullable=False),
        sa.Column("doctor", sa.String(length=120), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.CheckConstraint("privacy = 'rescue_only'", name=op.f("ck_medical_cards_privacy")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_medical_cards_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_medical_cards")),
    )
    op.create_table(
        "provider_coverage",
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_provider_coverage_provider_id")),
        sa.PrimaryKeyConstraint("provider_id", "prefix", name=op.f("pk_provider_coverage")),
    )
    op.create_table(
        "provider_items",
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(length=4), nullable=False),
        sa.Column("price_min", sa.Integer(), nullable=True),
        sa.Column("price_max", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_provider_items_provider_id")),
        sa.PrimaryKeyConstraint("provider_id", "item", name=op.f("pk_provider_items")),
    )
    op.create_index("ix_provider_items_item", "provider_items", ["item"], unique=False)
    op.create_table(
        "provider_phones",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("verified_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_provider_phones_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_phones")),
        sa.UniqueConstraint("number", name=op.f("uq_provider_phones_number")),
    )
    op.create_index(op.f("ix_provider_phones_provider_id"), "provider_phones", ["provider_id"], unique=False)
    op.create_table(
        "seats",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("number", sa.String(length=10), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("signed_in_at", Instant(), nullable=True),
        sa.Column("break_reason", sa.String(length=80), nullable=True),
        sa.Column("break_since", Instant(), nullable=True),
        sa.CheckConstraint("(user_id IS NULL) = (signed_in_at IS NULL)", name=op.f("ck_seats_signed_in")),
        sa.CheckConstraint("break_reason IS NULL OR user_id IS NOT NULL", name=op.f("ck_seats_break")),
        sa.ForeignKeyConstraint(["user_id"], ["staff_users.id"], name=op.f("fk_seats_user_id")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_seats")),
        sa.UniqueConstraint("number", name=op.f("uq_seats_number")),
        sa.UniqueConstraint("user_id", name=op.f("uq_seats_user_id")),
    )
    op.create_table(
        "arrivals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=5), nullable=False),
        sa.Column("caller", sa.String(length=20), nullable=False),
        sa.Column("caller_raw", sa.String(length=100), nullable=False),
        sa.Column("caller_name", sa.String(length=80), nullable=False),
        sa.Column("dialled", sa.String(length=40), nullable=False),
        sa.Column("device_code", sa.String(length=40), nullable=True),
        sa.Column("home_id", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(length=120), nullable=False),
        sa.Column("queue", sa.String(length=20), nullable=False),
        sa.Column("answered_by", sa.String(length=40), nullable=True),
        sa.Column("taken_by", sa.String(length=40), nullable=True),
        sa.Column("arrived_at", Instant(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("disposition", sa.String(length=20), nullable=True),
        sa.Column("disposition_reason", sa.String(length=200), nullable=True),
        sa.Column("disposed_at", Instant(), nullable=True),
        sa.Column("disposed_by", sa.String(length=60), nullable=True),
        sa.Column("next_deadline_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "disposition IN ('ticket', 'inquiry', 'abandoned', 'test', 'nuisance', 'wrong_number', 'ended_unknown')",
            name=op.f("ck_arrivals_disposition"),
        ),
        sa.CheckConstraint("disposition IS NULL OR disposition_reason <> ''", name=op.f("ck_arrivals_reason")),
        sa.CheckConstraint("kind IN ('service', 'emergency', 'other', 'unknown')", name=op.f("ck_arrivals_kind")),
        sa.CheckConstraint(
            "state = 'live' OR disposition IS NOT NULL OR next_deadline_at IS NOT NULL", name=op.f("ck_arrivals_end")
        ),
        sa.CheckConstraint("state IN ('live', 'ended')", name=op.f("ck_arrivals_state")),
        sa.ForeignKeyConstraint(["home_id"], ["homes.id"], name=op.f("fk_arrivals_home_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrivals")),
    )
    op.create_index("ix_arrivals_caller", "arrivals", ["caller", "arrived_at"], unique=False)
    op.create_index(
        "ix_arrivals_live",
        "arrivals",
        ["arrived_at"],
        unique=False,
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    )
    op.create_index(
        "ix_arrivals_undisposed",
        "arrivals",
        ["arrived_at"],
        unique=False,
        sqlite_where=sa.text("disposition IS NULL"),
        postgresql_where=sa.text("disposition IS NULL"),
    )
    op.create_index("uq_arrivals_external_id", "arrivals", ["source", "external_id"], unique=True)
    op.create_table(
        "contacts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False),
        sa.Column("phone", sa.String(length=16), nullable=False),
        sa.Column("minutes_away", sa.Integer(), nullable=True),
        sa.Column("has_key", sa.Boolean(), nullable=False),
        sa.Column("hours", sa.String(length=60), nullable=False),
        sa.CheckConstraint(
            "minutes_away IS NULL OR minutes_away BETWEEN 0 AND 600", name=op.f("ck_contacts_minutes_away")
        ),
        sa.ForeignKeyConstraint(["home_id"], ["homes.id"], name=op.f("fk_contacts_home_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_index("ix_contacts_home_id", "contacts", ["home_id", "position", "id"], unique=False)
    op.create_index(op.f("ix_contacts_phone"), "contacts", ["phone"], unique=False)
    op.create_table(
        "devices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.CheckConstraint("kind IN ('dedicated', 'shared')", name=op.f("ck_devices_kind")),
        sa.CheckConstraint("status IN ('active', 'suspended', 'retired')", name=op.f("ck_devices_status")),
        sa.ForeignKeyConstraint(["home_id"], ["homes.id"], name=op.f("fk_devices_home_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("code", name=op.f("uq_devices_code")),
    )
    op.create_index(op.f("ix_devices_home_id"), "devices", ["home_id"], unique=False)
    op.create_index(
        "uq_devices_number",
        "devices",
        ["number"],
        unique=True,
        sqlite_where=sa.text("status <> 'retired'"),
        postgresql_where=sa.text("status <> 'retired'"),
    )
    op.create_table(
        "home_access",
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("privacy", sa.String(length=12), nullable=False),
        sa.Column("door_code", sa.String(length=40), nullable=False),
        sa.Column("key_holder", sa.String(length=120), nullable=False),
        sa.Column("entrance", sa.String(length=200), nullable=False),
        sa.Column("parking", sa.String(length=200), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.CheckConstraint("privacy = 'rescue_only'", name=op.f("ck_home_access_privacy")),
        sa.ForeignKeyConstraint(["home_id"], ["homes.id"], name=op.f("fk_home_access_home_id")),
        sa.PrimaryKeyConstraint("home_id", name=op.f("pk_home_access")),
    )
    op.create_table(
        "home_members",
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["home_id"], ["homes.id"], name=op.f("fk_home_members_home_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_home_members_person_id")),
        sa.PrimaryKeyConstraint("home_id", "person_id", name=op.f("pk_home_members")),
    )
    op.create_index(op.f("ix_home_members_person_id"), "home_members", ["person_id"], unique=False)
    op.create_table(
        "tickets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("urgency", sa.String(length=12), nullable=False),
        sa.Column("item", sa.String(length=4), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("caller", sa.String(length=20), nullable=False),
        sa.Column("caller_name", sa.String(length=80), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("device_code", sa.String(length=40), nullable=True),
        sa.Column("arrival_id", sa.Integer(), nullable=True),
        sa.Column("district", sa.String(length=6), nullable=False),
        sa.Column("community", sa.String(length=12), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("elements", sa.JSON(), nullable=False),
        sa.Column("owner", sa.String(length=60), nullable=False),
        sa.Column("next_deadline_at", Instant(), nullable=True),
        sa.Column("assigned_provider_id", sa.Integer(), nullable=True),
        sa.Column("accepted_offer_id", sa.Integer(), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("arrive_by", Instant(), nullable=True),
        sa.Column("done_by", Instant(), nullable=True),
        sa.Column("arrived_at", Instant(), nullable=True),
        sa.Column("done_at", Instant(), nullable=True),
        sa.Column("charge_yuan", sa.Integer(), nullable=True),
        sa.Column("household", sa.String(length=120), nullable=True),
        sa.Column("alarm_grade", sa.String(length=12), nullable=True),
        sa.Column("confirmed_by", sa.String(length=10), nullable=True),
        sa.Column("taken_by", sa.String(length=60), nullable=True),
        sa.Column("taken_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("opened_by", sa.String(length=60), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.CheckConstraint("kind <> 'emergency' OR household IS NOT NULL", name=op.f("ck_tickets_household")),
        sa.CheckConstraint(
            "kind IN ('inquiry', 'service_request', 'emergency', 'complaint', 'suggestion')",
            name=op.f("ck_tickets_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('closed', 'archived') OR next_deadline_at IS NOT NULL", name=op.f("ck_tickets_deadline")
        ),
        sa.CheckConstraint("state IN ('closed', 'archived') OR owner <> ''", name=op.f("ck_tickets_owner")),
        sa.CheckConstraint(
            "state NOT IN ('closed', 'archived') OR (closed_at IS NOT NULL AND outcome IS NOT NULL)",
            name=op.f("ck_tickets_outcome"),
        ),
        sa.CheckConstraint("urgency IN ('normal', 'urgent', 'extra_urgent')", name=op.f("ck_tickets_urgency")),
        sa.CheckConstraint("grade IS NULL OR grade BETWEEN 1 AND 5", name=op.f("ck_tickets_grade")),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name=op.f("fk_tickets_arrival_id")),
        sa.ForeignKeyConstraint(
            ["assigned_provider_id"], ["providers.id"], name=op.f("fk_tickets_assigned_provider_id")
        ),
        sa.ForeignKeyConstraint(["home_id"], ["homes.id"], name=op.f("fk_tickets_home_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_tickets_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("number", name=op.f("uq_tickets_number")),
    )
    op.create_index("ix_tickets_caller", "tickets", ["caller", "opened_at"], unique=False)
    op.create_index("ix_tickets_home_id", "tickets", ["home_id", "opened_at"], unique=False)
    op.create_index(
        "ix_tickets_open",
        "tickets",
        ["next_deadline_at"],
        unique=False,
        sqlite_where=sa.text("state NOT IN ('closed', 'archived')"),
        postgresql_where=sa.text("state NOT IN ('closed', 'archived')"),
    )
    op.create_index(
        "ix_tickets_provider",
        "tickets",
        ["assigned_provider_id"],
        unique=False,
        sqlite_where=sa.text("state NOT IN ('closed', 'archived')"),
        postgresql_where=sa.text("state NOT IN ('closed', 'archived')"),
    )
    op.create_index(
        "uq_tickets_open_alarm",
        "tickets",
        ["household"],
        unique=True,
        sqlite_where=sa.text("kind = 'emergency' AND state NOT IN ('closed', 'archived')"),
        postgresql_where=sa.text("kind = 'emergency' AND state NOT IN ('closed', 'archived')"),
    )
    op.create_table(
        "arrival_tickets",
        sa.Column("arrival_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("how", sa.String(length=6), nullable=False),
        sa.CheckConstraint("how IN ('opened', 'joined')", name=op.f("ck_arrival_tickets_how")),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name=op.f("fk_arrival_tickets_arrival_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_arrival_tickets_ticket_id")),
        sa.PrimaryKeyConstraint("arrival_id", name=op.f("pk_arrival_tickets")),
    )
    op.create_index(op.f("ix_arrival_tickets_ticket_id"), "arrival_tickets", ["ticket_id"], unique=False)
    op.create_table(
        "deadlines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'fired', 'met', 'withdrawn')", name=op.f("ck_deadlines_state")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_deadlines_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadlines")),
    )
    op.create_index(
        "ix_deadlines_due",
        "deadlines",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_deadlines_ticket_id"), "deadlines", ["ticket_id"], unique=False)
    op.create_index(
        "uq_deadlines_open",
        "deadlines",
        ["subject", "kind"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "follow_ups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'open', 'answered', 'unreached', 'withdrawn')", name=op.f("ck_follow_ups_state")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_follow_ups_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_ups")),
    )
    op.create_index(
        "ix_follow_ups_phone",
        "follow_ups",
        ["phone"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("uq_follow_ups_ticket_id", "follow_ups", ["ticket_id", "round"], unique=True)
    op.create_table(
        "offers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=4), nullable=False),
        sa.Column("outbox_id", sa.Integer(), nullable=True),
        sa.Column("offered_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("eta_minutes", sa.Integer(), nullable=True),
        sa.Column("decline_reason", sa.String(length=200), nullable=True),
        sa.Column("answered_by", sa.String(length=60), nullable=True),
        sa.CheckConstraint("mode IN ('sequential', 'manual')", name=op.f("ck_offers_mode")),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'fulfilled', 'declined', 'expired', 'withdrawn', 'failed')",
            name=op.f("ck_offers_state"),
        ),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_offers_provider_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_offers_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
    )
    op.create_index("ix_offers_phone", "offers", ["phone", "id"], unique=False)
    op.create_index("ix_offers_provider_id", "offers", ["provider_id", "id"], unique=False)
    op.create_index("ix_offers_ticket_id", "offers", ["ticket_id", "id"], unique=False)
    op.create_index(
        "uq_offers_accepted",
        "offers",
        ["ticket_id"],
        unique=True,
        sqlite_where=sa.text("state = 'accepted'"),
        postgresql_where=sa.text("state = 'accepted'"),
    )
    op.create_index(
        "uq_offers_code",
        "offers",
        ["phone", "code"],
        unique=True,
        sqlite_where=sa.text("state = 'offered'"),
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_index(
        "uq_offers_open",
        "offers",
        ["ticket_id", "provider_id"],
        unique=True,
        sqlite_where=sa.text("state = 'offered'"),
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_table(
        "ring_backs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(length=120), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("arrival_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("wanted_at", Instant(), nullable=False),
        sa.Column("taken_by", sa.String(length=40), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.CheckConstraint("state IN ('wanted', 'live', 'ended', 'cancelled')", name=op.f("ck_ring_backs_state")),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name=op.f("fk_ring_backs_arrival_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ring_backs_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ring_backs")),
        sa.UniqueConstraint("call_id", name=op.f("uq_ring_backs_call_id")),
    )
    op.create_index("uq_ring_backs_attempt", "ring_backs", ["ticket_id", "attempt"], unique=True)
    op.create_index(
        "uq_ring_backs_cut",
        "ring_backs",
        ["arrival_id"],
        unique=True,
        sqlite_where=sa.text("NOT by_hand"),
        postgresql_where=sa.text("NOT by_hand"),
    )
    op.create_table(
        "staff_tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("arrival_id", sa.Integer(), nullable=True),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
        sa.Column("done_by", sa.String(length=60), nullable=True),
        sa.CheckConstraint(
            "kind IN ('call_back', 'undisposed', 'malformed_step', 'strange_sms', 'inbox_failed', 'message_failed', "
            "'recording_missing')",
            name=op.f("ck_staff_tasks_kind"),
        ),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name=op.f("fk_staff_tasks_arrival_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_staff_tasks_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_tasks")),
    )
    op.create_index(
        "uq_staff_tasks_open",
        "staff_tasks",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "ticket_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("audience", sa.String(length=10), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("arrival_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.CheckConstraint("audience IN ('staff', 'provider', 'resident')", name=op.f("ck_ticket_events_audience")),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name=op.f("fk_ticket_events_arrival_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_events_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_events")),
    )
    op.create_index("ix_ticket_events_arrival_id", "ticket_events", ["arrival_id", "id"], unique=False)
    op.create_index("ix_ticket_events_ticket_id", "ticket_events", ["ticket_id", "id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("recipient", sa.String(length=120), nullable=False),
        sa.Column("template", sa.String(length=60), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("offer_id", sa.Integer(), nullable=True),
        sa.Column("dedupe_key", sa.String(length=120), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("not_before", Instant(), nullable=False),
        sa.Column("valid_until", Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim_deadline", Instant(), nullable=True),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("delivered_at", Instant(), nullable=True),
        sa.Column("gateway", sa.String(length=20), nullable=True),
        sa.Column("gateway_id", sa.String(length=80), nullable=True),
        sa.Column("status_rank", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state <> 'pending' OR (claim_deadline IS NULL AND sent_at IS NULL)", name=op.f("ck_outbox_pending")
        ),
        sa.CheckConstraint("state <> 'sending' OR claim_deadline IS NOT NULL", name=op.f("ck_outbox_sending")),
        sa.CheckConstraint(
            "state IN ('pending','sending','sent','delivered','failed','unknown','cancelled','expired')",
            name=op.f("ck_outbox_state"),
        ),
        sa.CheckConstraint("state NOT IN ('sent', 'delivered') OR sent_at IS NOT NULL", name=op.f("ck_outbox_sent")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_outbox_offer_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_outbox_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("gateway_id", name=op.f("uq_outbox_gateway_id")),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["priority", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(op.f("ix_outbox_offer_id"), "outbox", ["offer_id"], unique=False)
    op.create_index("ix_outbox_state", "outbox", ["state"], unique=False)
    op.create_index(op.f("ix_outbox_ticket_id"), "outbox", ["ticket_id"], unique=False)
    op.create_index(
        "uq_outbox_live_key",
        "outbox",
        ["dedupe_key"],
        unique=True,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )


def downgrade() -> None:
    op.drop_index(
        "uq_outbox_live_key",
        table_name="outbox",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_index(op.f("ix_outbox_ticket_id"), table_name="outbox")
    op.drop_index("ix_outbox_state", table_name="outbox")
    op.drop_index(op.f("ix_outbox_offer_id"), table_name="outbox")
    op.drop_index(
        "ix_outbox_due",
        table_name="outbox",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_table("outbox")
    op.drop_index("ix_ticket_events_ticket_id", table_name="ticket_events")
    op.drop_index("ix_ticket_events_arrival_id", table_name="ticket_events")
    op.drop_table("ticket_events")
    op.drop_index(
        "uq_staff_tasks_open",
        table_name="staff_tasks",
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.drop_table("staff_tasks")
    op.drop_index(
        "uq_ring_backs_cut",
        table_name="ring_backs",
        sqlite_where=sa.text("NOT by_hand"),
        postgresql_where=sa.text("NOT by_hand"),
    )
    op.drop_index("uq_ring_backs_attempt", table_name="ring_backs")
    op.drop_table("ring_backs")
    op.drop_index(
        "uq_offers_open",
        table_name="offers",
        sqlite_where=sa.text("state = 'offered'"),
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.drop_index(
        "uq_offers_code",
        table_name="offers",
        sqlite_where=sa.text("state = 'offered'"),
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.drop_index(
        "uq_offers_accepted",
        table_name="offers",
        sqlite_where=sa.text("state = 'accepted'"),
        postgresql_where=sa.text("state = 'accepted'"),
    )
    op.drop_index("ix_offers_ticket_id", table_name="offers")
    op.drop_index("ix_offers_provider_id", table_name="offers")
    op.drop_index("ix_offers_phone", table_name="offers")
    op.drop_table("offers")
    op.drop_index("uq_follow_ups_ticket_id", table_name="follow_ups")
    op.drop_index(
        "ix_follow_ups_phone",
        table_name="follow_ups",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("follow_ups")
    op.drop_index(
        "uq_deadlines_open",
        table_name="deadlines",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index(op.f("ix_deadlines_ticket_id"), table_name="deadlines")
    op.drop_index(
        "ix_deadlines_due",
        table_name="deadlines",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("deadlines")
    op.drop_index(op.f("ix_arrival_tickets_ticket_id"), table_name="arrival_tickets")
    op.drop_table("arrival_tickets")
    op.drop_index(
        "uq_tickets_open_alarm",
        table_name="tickets",
        sqlite_where=sa.text("kind = 'emergency' AND state NOT IN ('closed', 'archived')"),
        postgresql_where=sa.text("kind = 'emergency' AND state NOT IN ('closed', 'archived')"),
    )
    op.drop_index(
        "ix_tickets_provider",
        table_name="tickets",
        sqlite_where=sa.text("state NOT IN ('closed', 'archived')"),
        postgresql_where=sa.text("state NOT IN ('closed', 'archived')"),
    )
    op.drop_index(
        "ix_tickets_open",
        table_name="tickets",
        sqlite_where=sa.text("state NOT IN ('closed', 'archived')"),
        postgresql_where=sa.text("state NOT IN ('closed', 'archived')"),
    )
    op.drop_index("ix_tickets_home_id", table_name="tickets")
    op.drop_index("ix_tickets_caller", table_name="tickets")
    op.drop_table("tickets")
    op.drop_index(op.f("ix_home_members_person_id"), table_name="home_members")
    op.drop_table("home_members")
    op.drop_table("home_access")
    op.drop_index(
        "uq_devices_number",
        table_name="devices",
        sqlite_where=sa.text("status <> 'retired'"),
        postgresql_where=sa.text("status <> 'retired'"),
    )
    op.drop_index(op.f("ix_devices_home_id"), table_name="devices")
    op.drop_table("devices")
    op.drop_index(op.f("ix_contacts_phone"), table_name="contacts")
    op.drop_index("ix_contacts_home_id", table_name="contacts")
    op.drop_table("contacts")
    op.drop_index("uq_arrivals_external_id", table_name="arrivals")
    op.drop_index(
        "ix_arrivals_undisposed",
        table_name="arrivals",
        sqlite_where=sa.text("disposition IS NULL"),
        postgresql_where=sa.text("disposition IS NULL"),
    )
    op.drop_index(
        "ix_arrivals_live",
        table_name="arrivals",
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    )
    op.drop_index("ix_arrivals_caller", table_name="arrivals")
    op.drop_table("arrivals")
    op.drop_table("seats")
    op.drop_index(op.f("ix_provider_phones_provider_id"), table_name="provider_phones")
    op.drop_table("provider_phones")
    op.drop_index("ix_provider_items_item", table_name="provider_items")
    op.drop_table("provider_items")
    op.drop_table("provider_coverage")
    op.drop_table("medical_cards")
    op.drop_index(op.f("ix_homes_version"), table_name="homes")
    op.drop_index(op.f("ix_homes_division_code"), table_name="homes")
    op.drop_table("homes")
    op.drop_table("ticket_numbers")
    op.drop_table("staff_users")
    op.drop_table("providers")
    op.drop_index(op.f("ix_people_phone"), table_name="people")
    op.drop_table("people")
    op.drop_index("uq_inbox_source", table_name="inbox")
    op.drop_index(
        "ix_inbox_open",
        table_name="inbox",
        sqlite_where=sa.text("handled_at IS NULL"),
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.drop_table("inbox")
    op.drop_table("household_version")
    op.drop_table("heartbeats")
    op.drop_table("duty_phones")
    op.drop_index(op.f("ix_divisions_parent_code"), table_name="divisions")
    op.drop_table("divisions")
    op.drop_table("correspondents")
