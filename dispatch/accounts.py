"""The list of accounts, each with its organisation, as an administrator sees it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.organisation_tables import Organisation, OrganisationMember
from dispatch.sight import Sight
from dispatch.tables import Seat, StaffUser


@dataclass(frozen=True)
class Account:
    """An account, its organisation (None: the installation's own) and the seat it sits at now."""

    user: StaffUser
    organisation: Organisation | None
    seat: str


def shown(session: Session, sight: Sight) -> list[Account]:
    """The accounts of organisations in sight, those in use first; the installation's own see every account."""
    rows = (
        select(StaffUser, Organisation, Seat.name)
        .outerjoin(OrganisationMember, OrganisationMember.user_id == StaffUser.id)
        .outerjoin(Organisation, Organisation.id == OrganisationMember.organisation_id)
        .outerjoin(Seat, Seat.user_id == StaffUser.id)
        .order_by(StaffUser.disabled_at.is_not(None), StaffUser.login)
    )
    if not (sight.everything and sight.organisation_id is None):
        # Somebody of an organisation manages organisations of its area, never the installation's own accounts.
        rows = rows.where(Organisation.id.is_not(None), sight.scope.where(Organisation.division_code))
    return [Account(user, organisation, seat or "") for user, organisation, seat in session.execute(rows)]
