"""Offers of every mode, and a ledger that says when and why each of them ended."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from foundation.tables import Instant

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_UNIQUE = {"uq_offers_open": ["ticket_id", "provider_id"], "uq_offers_code": ["phone", "code"]}
_STATES_BEFORE = "state IN ('offered', 'accepted', 'fulfilled', 'declined', 'expired', 'withdrawn', 'failed')"
_CHECKS_BEFORE = {"mode": "mode IN ('sequential', 'manual')", "state": _STATES_BEFORE}
_CHECKS = {
    "mode": "mode IN ('sequential', 'broadcast', 'collect', 'parallel', 'manual', 'planned')",
    "state": "state IN ('offered', 'proposed', 'accepted', 'fulfilled', 'declined', 'expired', 'withdrawn', 'failed')",
    "answered": "state NOT IN ('accepted', 'declined', 'proposed') OR answered_at IS NOT NULL",
    "ended": "state NOT IN ('expired', 'withdrawn', 'failed', 'fulfilled') OR ended_at IS NOT NULL",
    "why": "state NOT IN ('withdrawn', 'failed') OR withdrawn_why IS NOT NULL",
}


def upgrade() -> None:
    op.add_column("tickets", sa.Column("departed_at", Instant(), nullable=True))
    for column in (
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ended_by", sa.String(length=60), nullable=True),
        sa.Column("withdrawn_why", sa.String(length=200), nullable=True),
    ):
        op.add_column("offers", column)
    op.execute(
        "UPDATE offers SET sent_at = (SELECT outbox.sent_at FROM outbox WHERE outbox.id = offers.outbox_id)"
        " WHERE outbox_id IS NOT NULL"
    )
    # Until now the answer's columns held the end of every offer.
    op.execute(
        "UPDATE offers SET ended_at = COALESCE(answered_at, expires_at), ended_by = answered_by,"
        " withdrawn_why = CASE WHEN state = 'expired' THEN NULL ELSE '' END, answered_at = NULL, answered_by = NULL"
        " WHERE state IN ('expired', 'withdrawn', 'failed')"
    )
    op.execute(
        "UPDATE offers SET ended_at = COALESCE((SELECT tickets.done_at FROM tickets"
        " WHERE tickets.id = offers.ticket_id), answered_at, expires_at) WHERE state = 'fulfilled'"
    )
    op.execute(
        "UPDATE offers SET answered_at = expires_at WHERE state IN ('accepted', 'declined') AND answered_at IS NULL"
    )
    _make_anew(_CHECKS_BEFORE, _CHECKS, "state IN ('offered', 'proposed')", drop=("outbox_id",))


def downgrade() -> None:
    op.execute("UPDATE offers SET mode = 'sequential' WHERE mode NOT IN ('sequential', 'manual')")
    op.execute(
        "UPDATE offers SET state = 'withdrawn', ended_at = expires_at, withdrawn_why = '' WHERE state = 'proposed'"
    )
    op.execute("UPDATE offers SET answered_at = ended_at, answered_by = ended_by WHERE ended_at IS NOT NULL")
    op.add_column("offers", sa.Column("outbox_id", sa.Integer(), nullable=True))
    _make_anew(_CHECKS, _CHECKS_BEFORE, "state = 'offered'", drop=("sent_at", "ended_at", "ended_by", "withdrawn_why"))
    op.drop_column("tickets", "departed_at")


def _make_anew(before: dict[str, str], after: dict[str, str], undecided: str, drop: Sequence[str]) -> None:
    for name in _UNIQUE:
        op.drop_index(name, table_name="offers")
    with op.batch_alter_table("offers") as offers:
        for name in before:
            offers.drop_constraint(op.f(f"ck_offers_{name}"), type_="check")
        for column in drop:
            offers.drop_column(column)
        for name, rule in after.items():
            offers.create_check_constraint(op.f(f"ck_offers_{name}"), rule)
    for name, columns in _UNIQUE.items():
        where = sa.text(undecided)
        op.create_index(name, "offers", columns, unique=True, sqlite_where=where, postgresql_where=where)
