"""Papers of providers (证照): what the desk has seen, until when it holds, and what follows when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from foundation.calendar import NINGBO
from foundation.text import one_line
from foundation.writer import Work
from providers import ledger, states
from providers.admission_tables import DOCUMENT_KINDS
from providers.errors import BadProvider
from providers.tables import Provider, ProviderDocument, ProviderItem
from providers.taxonomy import ITEMS

_KEPT_OF_IDENTITY = 4
_EARLIEST, _LATEST = date(1950, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True)
class NewDocument:
    """A paper as somebody of the desk reads it. `items` are those that a permit allows; `valid_to` is its last day."""

    kind: str
    number: str
    issuer: str = ""
    items: Sequence[str] = ()
    valid_from: date | None = None
    valid_to: date | None = None


def add(w: Work, provider_id: int, new: NewDocument) -> int:
    """Write down a paper that was seen; its id. Of an identity only the last four characters are kept."""
    number, items = one_line(new.number, 60), sorted(set(new.items))
    days = [day for day in (new.valid_from, new.valid_to) if day is not None]
    wrong = (
        new.kind not in DOCUMENT_KINDS
        or not number
        or any(code not in ITEMS for code in items)
        or (new.kind == "permit") != bool(items)
        or any(not _EARLIEST <= day < _LATEST for day in days)
        or days != sorted(days)
    )
    if wrong:
        raise BadProvider(
            "证照需要种类、编号和先后正确的日期；许可须写明项目",
            "a document needs a kind, a number and dates in order; a permit, and only a permit, names its items",
        )
    provider = ledger.locked(w.session, provider_id)
    if new.kind == "identity":
        number = f"…{number[-_KEPT_OF_IDENTITY:]}"
    row = ProviderDocument(
        provider_id=provider_id, kind=new.kind, number=number, issuer=one_line(new.issuer, 80), items=items,
        valid_from=new.valid_from, valid_to=new.valid_to, seen_by=w.actor, added_at=w.now,
    )  # fmt: skip
    w.session.add(row)
    w.session.flush()
    detail = {"document": row.id, "type": row.kind, "number": number, "valid_to": row.valid_to, "items": items}
    ledger.write(w, provider.id, "document_added", **detail)
    licence_items(w, provider_id, items)
    return row.id


def withdraw(w: Work, document_id: int, reason: str) -> None:
    """Take a paper out: entered by mistake, replaced, or found to be false. It stays to be read."""
    row = w.session.get(ProviderDocument, document_id)
    reason = one_line(reason, 200)
    if row is None or row.withdrawn_at is not None or not reason:
        raise BadProvider(
            "没有这份有效证照，或缺少原因", f"document {document_id} is not there, or the reason is missing"
        )
    ledger.locked(w.session, row.provider_id)
    row.withdrawn_at = w.now
    w.session.flush()
    ledger.write(w, row.provider_id, "document_withdrawn", document=row.id, type=row.kind, reason=reason)
    licence_items(w, row.provider_id, row.items)


def of(session: Session, provider_id: int) -> list[ProviderDocument]:
    """All papers of a provider that were not withdrawn, by kind, the longest valid first."""
    found = session.scalars(
        select(ProviderDocument)
        .where(ProviderDocument.provider_id == provider_id, ProviderDocument.withdrawn_at.is_(None))
        .order_by(ProviderDocument.id)
    )
    return sorted(found, key=lambda row: (DOCUMENT_KINDS.index(row.kind), -_end(row).toordinal(), row.id))


def holds(row: ProviderDocument, day: date) -> bool:
    """Whether the paper is in force on `day`; its last day counts."""
    return row.withdrawn_at is None and (row.valid_from is None or row.valid_from <= day) and day <= _end(row)


def lacking(provider: Provider, items: Iterable[str], rows: Sequence[ProviderDocument], day: date) -> list[str]:
    """What is missing on `day` for the visit to follow, in words `中文 / English`.

    A company needs a licence; everybody the identity of a responsible person, and a permit for each item marked L.
    """
    there = [row for row in rows if holds(row, day)]
    kinds = {row.kind for row in there}
    permitted = {code for row in there if row.kind == "permit" for code in row.items}
    missing = []
    if provider.kind == "company" and "licence" not in kinds:
        missing.append("有效营业执照 / a valid business licence")
    if "identity" not in kinds:
        missing.append("责任人身份证明 / the identity of the responsible person")
    for code in sorted(items):
        if ITEMS[code].licence and code not in permitted:
            missing.append(f"{ITEMS[code].zh}的许可 / a permit for {ITEMS[code].en}")
    return missing


def licence_items(w: Work, provider_id: int, items: Iterable[str]) -> None:
    """Bring `licensed_until` of these items up to date with the permits there are."""
    permits = [row for row in of(w.session, provider_id) if row.kind == "permit"]
    yesterday = local_day(w.now) - timedelta(days=1)
    for code in items:
        ends = [row.valid_to for row in permits if code in row.items]
        until = None if None in ends else max((end for end in ends if end is not None), default=yesterday)
        change = update(ProviderItem).where(ProviderItem.provider_id == provider_id, ProviderItem.item == code)
        w.session.execute(change.values(licensed_until=until).execution_options(synchronize_session=False))


def soon_over(session: Session, provider_id: int, day: date) -> list[ProviderDocument]:
    """Papers in force that end within the time of notice and were not announced yet; renewed ones are left out."""
    last = day + states.EXPIRY_NOTICE
    rows = of(session, provider_id)
    return [
        row
        for row in rows
        if row.warned_at is None
        and row.valid_to is not None
        and day <= row.valid_to <= last
        and not _renewed(row, rows)
    ]


def over(session: Session, provider_id: int, day: date) -> list[ProviderDocument]:
    """Papers whose last day has passed, nothing of their kind holding on in their stead, and not yet acted on."""
    rows = of(session, provider_id)
    return [row for row in rows if row.ended_at is None and _end(row) < day and not _renewed(row, rows)]


def local_day(now: datetime) -> date:
    """The day in Ningbo."""
    return now.astimezone(NINGBO).date()


def _renewed(row: ProviderDocument, rows: Sequence[ProviderDocument]) -> bool:
    """Whether another paper of the kind (for a permit: of all its items) ends later."""
    later = [other for other in rows if other.kind == row.kind and _end(other) > _end(row)]
    if row.kind == "permit":
        return set(row.items) <= {code for other in later for code in other.items}
    return bool(later)


def _end(row: ProviderDocument) -> date:
    return row.valid_to or _LATEST
