"""The contact test (号码核验): each month every number shows that it works by sending a code back, or is rung.

The proof is the sender's number together with the code, which shows that the text was read. A number that was not
proven in time is listed for the desk; it keeps what it may do, since silence may be the gateway's fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from foundation.calendar import NINGBO
from foundation.writer import Work
from providers import ledger, states
from providers.errors import BadProvider
from providers.tables import Provider, ProviderPhone

EVERY = timedelta(days=30)
ANSWER_WITHIN = timedelta(days=3)
"""After that a number that was asked counts as not proven."""
_known_to_work = func.coalesce(ProviderPhone.proven_at, ProviderPhone.verified_at)
_ASKED_STATES = tuple(sorted(states.MATCHED | {"vetting", "visiting", "suspended"}))


@dataclass(frozen=True)
class Unproven:
    """A number that has not shown that it works, since when it should have."""

    phone_id: int
    provider_id: int
    provider: str
    number: str
    asked_at: datetime | None
    proven_at: datetime | None
    verified: bool


def due(session: Session, now: datetime, limit: int) -> list[tuple[int, str]]:
    """Numbers to be asked now (id, E.164): neither asked nor proven within a month, of providers that may be asked."""
    since = now - EVERY
    found = (
        select(ProviderPhone.id, ProviderPhone.number)
        .join(Provider, Provider.id == ProviderPhone.provider_id)
        .where(
            Provider.state.in_(_ASKED_STATES),
            or_(ProviderPhone.asked_at.is_(None), ProviderPhone.asked_at <= since),
            or_(_known_to_work.is_(None), _known_to_work <= since),
        )
        .order_by(ProviderPhone.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in session.execute(found)]


@dataclass(frozen=True)
class Asked:
    """A number and the code it is to send back."""

    number: str
    code: str


def ask(w: Work, phone_id: int) -> Asked | None:
    """Give the number a code to send back; None when it is gone. The caller sends it."""
    row = w.session.get(ProviderPhone, phone_id, populate_existing=True)
    if row is None:
        return None
    code = _code(phone_id, w.now)
    row.asked_at, row.asked_code = w.now, code
    w.session.flush()
    ledger.write(w, row.provider_id, "phone_asked", phone=phone_id, number=row.number)
    return Asked(row.number, code)


def answer(w: Work, number: str, code: str) -> bool:
    """A code came from `number`: proven when it is the one that was asked for, and from then on verified."""
    row = w.session.scalar(select(ProviderPhone).where(ProviderPhone.number == number))
    if row is None or row.asked_code is None or row.asked_code != code:
        return False
    row.asked_code = None
    _proven(w, row, "sms")
    return True


def proven_by_voice(w: Work, phone_id: int) -> None:
    """A person rang the number and was answered: the way for lines that take no texts."""
    row = w.session.get(ProviderPhone, phone_id)
    if row is None:
        raise BadProvider("没有这个号码", f"there is no telephone {phone_id}")
    _proven(w, row, "voice")


def unproven(session: Session, now: datetime, provider_id: int | None = None, limit: int = 200) -> list[Unproven]:
    """Numbers that were asked and did not answer in time, or were never verified; the longest waiting first."""
    late = and_(
        ProviderPhone.asked_at <= now - ANSWER_WITHIN,
        or_(ProviderPhone.proven_at.is_(None), ProviderPhone.proven_at < ProviderPhone.asked_at),
    )
    found = (
        select(ProviderPhone, Provider.name)
        .join(Provider, Provider.id == ProviderPhone.provider_id)
        .where(Provider.state.in_(_ASKED_STATES), or_(late, ProviderPhone.verified_at.is_(None)))
    )
    if provider_id is not None:
        found = found.where(ProviderPhone.provider_id == provider_id)
    rows = session.execute(found.order_by(ProviderPhone.asked_at, ProviderPhone.id).limit(limit))
    return [
        Unproven(
            phone.id, phone.provider_id, name, phone.number, phone.asked_at, phone.proven_at,
            phone.verified_at is not None,
        )
        for phone, name in rows
    ]  # fmt: skip


def _proven(w: Work, row: ProviderPhone, how: str) -> None:
    row.proven_at = w.now
    row.verified_at = row.verified_at or w.now
    w.session.flush()
    ledger.write(w, row.provider_id, "phone_proven", phone=row.id, number=row.number, how=how)


def _code(phone_id: int, now: datetime) -> str:
    """Four digits, another one each day; spread, so that neighbouring numbers do not get alike ones."""
    day = now.astimezone(NINGBO).toordinal()
    return str(1000 + (phone_id * 7919 + day * 104_729) % 9000)
