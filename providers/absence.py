"""Absence by the provider's own word (请假, 销假): no new orders until then; what it holds stays with it."""

from __future__ import annotations

from datetime import datetime, timedelta

from foundation.calendar import NINGBO
from foundation.writer import Work
from providers import ledger
from providers.tables import Provider


def absent(w: Work, provider_id: int, until: datetime, how: str) -> None:
    """It gets no orders until then; `how` it said so (`sms`, `key`, `desk`). A later word replaces an earlier one."""
    provider = ledger.locked(w.session, provider_id)
    ledger.change(w, provider, "absent", {"absent_until": until}, how=how)


def back(w: Work, provider_id: int, how: str) -> bool:
    """It takes orders again from now on; False when it was not absent."""
    provider = ledger.locked(w.session, provider_id)
    if not is_absent(provider, w.now):
        return False
    ledger.change(w, provider, "back", {"absent_until": None}, how=how)
    return True


def is_absent(provider: Provider, now: datetime) -> bool:
    """Whether it is absent at `now`."""
    return provider.absent_until is not None and provider.absent_until > now


def last_day(until: datetime) -> str:
    """The last day of an absence that ends at midnight, as `12-01`."""
    return f"{(until - timedelta(minutes=1)).astimezone(NINGBO):%m-%d}"
