"""People who work for a provider: their names, items and telephones, which may answer for it once they are verified."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from foundation.numbers import NumberPlan
from foundation.text import one_line
from foundation.writer import Work
from providers import ledger
from providers.errors import BadProvider
from providers.tables import ProviderItem, ProviderPhone, ProviderWorker

WORKERS_FROM = 100
"""Workers' telephones stand behind the firm's own: orders go to the first verified one."""
MOST_WORKERS = 500
MOST_PHONES = 20


def add(
    w: Work, provider_id: int, name: str, phone: str = "", items: Sequence[str] = (), plan: NumberPlan | None = None
) -> int:
    """Enter a worker; the id. `phone` counts as unverified until its code came back. `items`: empty is all of them."""
    name, chosen = one_line(name, 40), sorted(set(items))
    provider = ledger.locked(w.session, provider_id)
    offered = set(w.session.scalars(select(ProviderItem.item).where(ProviderItem.provider_id == provider_id)))
    if not name or not set(chosen) <= offered or len(of(w.session, provider_id)) >= MOST_WORKERS:
        raise BadProvider("从业人员需要姓名和本企业的项目", "a worker needs a name, and items that the provider offers")
    row = ProviderWorker(provider_id=provider_id, name=name, items=chosen, added_at=w.now)
    w.session.add(row)
    w.session.flush()
    ledger.write(w, provider.id, "worker_added", worker=row.id, name=name, items=chosen)
    if phone.strip():
        add_phone(w, provider_id, phone, worker_id=row.id, plan=plan)
    return row.id


def leave(w: Work, worker_id: int) -> None:
    """The worker is gone; its telephone answers for nobody any more."""
    row = w.session.get(ProviderWorker, worker_id)
    if row is None or row.left_at is not None:
        raise BadProvider("没有这名在职人员", f"there is no worker {worker_id} at work")
    ledger.locked(w.session, row.provider_id)
    row.left_at = w.now
    w.session.flush()
    w.session.execute(delete(ProviderPhone).where(ProviderPhone.worker_id == worker_id))
    ledger.write(w, row.provider_id, "worker_left", worker=row.id, name=row.name)


def add_phone(
    w: Work, provider_id: int, phone: str, *, worker_id: int | None = None, plan: NumberPlan | None = None
) -> int:
    """Enter a telephone, unverified; its id."""
    number = (plan or NumberPlan()).parse(phone)
    known = w.session.scalar(select(ProviderPhone.provider_id).where(ProviderPhone.number == number.e164))
    ledger.locked(w.session, provider_id)
    places = select(func.count(), func.coalesce(func.max(ProviderPhone.position), 0)).where(
        ProviderPhone.provider_id == provider_id, ProviderPhone.worker_id.is_not(None) if worker_id else
        ProviderPhone.worker_id.is_(None),
    )  # fmt: skip
    count, last = w.session.execute(places).one()
    if not number.callable_back or known is not None or count >= (MOST_WORKERS if worker_id else MOST_PHONES):
        raise BadProvider(
            "号码有误或已登记", f"{one_line(phone, 40)} is no telephone that can be entered: wrong, or known"
        )
    row = ProviderPhone(
        provider_id=provider_id, number=number.e164, worker_id=worker_id,
        position=max(last, WORKERS_FROM if worker_id else 0) + 1,
    )  # fmt: skip
    w.session.add(row)
    w.session.flush()
    ledger.write(w, provider_id, "phone_added", phone=row.id, number=row.number, worker=worker_id)
    return row.id


def drop_phone(w: Work, phone_id: int) -> None:
    """Take a telephone out. The last verified one of a firm stays: it could not be asked any more."""
    row = w.session.get(ProviderPhone, phone_id)
    if row is None:
        raise BadProvider("没有这个号码", f"there is no telephone {phone_id}")
    ledger.locked(w.session, row.provider_id)
    others = select(ProviderPhone.id).where(
        ProviderPhone.provider_id == row.provider_id, ProviderPhone.id != phone_id, ProviderPhone.worker_id.is_(None),
        ProviderPhone.verified_at.is_not(None),
    )  # fmt: skip
    if row.worker_id is None and w.session.scalar(others.limit(1)) is None:
        raise BadProvider("至少保留一个已验证的号码", "one verified telephone of the firm must stay")
    provider_id, number = row.provider_id, row.number
    w.session.delete(row)
    ledger.write(w, provider_id, "phone_dropped", phone=phone_id, number=number)


def of(session: Session, provider_id: int) -> list[ProviderWorker]:
    """Those at work, in the order they came."""
    found = select(ProviderWorker).where(ProviderWorker.provider_id == provider_id, ProviderWorker.left_at.is_(None))
    return list(session.scalars(found.order_by(ProviderWorker.id)))
