"""The ledger of providers: each change and its event are written together, and the events read in order give the row.

Nothing else changes a provider's own columns; running totals, stars' parts and when it was last asked are counted
elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from foundation.tables import Base
from foundation.writer import Work
from providers import states
from providers.errors import UnknownProvider
from providers.tables import Provider, ProviderEvent

KEPT = (
    "name", "kind", "state", "contact_name", "address", "opens_minute", "closes_minute", "weekdays", "capacity",
    "rota", "radius_km", "credit_code", "responsible_name", "external_grade", "state_since", "state_until",
    "state_reason", "stars", "absent_until", "note",
)  # fmt: skip
"""The columns of a provider that its ledger gives again."""
_EVENTS = insert(Base.metadata.tables[ProviderEvent.__tablename__])


def locked(session: Session, provider_id: int) -> Provider:
    """The provider, locked until the commit, as it is now. Raises `UnknownProvider`."""
    found = session.scalar(
        select(Provider)
        .where(Provider.id == provider_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    if found is None:
        raise UnknownProvider(f"没有这家企业：{provider_id}", f"there is no provider {provider_id}")
    return found


def write(w: Work, provider_id: int, kind: str, /, **detail: Any) -> None:
    """An event that changes no column of the provider itself."""
    w.session.flush()
    row = {"provider_id": provider_id, "at": w.now, "actor": w.actor, "kind": kind, "detail": plain(detail)}
    w.connection.execute(_EVENTS, row)


def change(w: Work, provider: Provider, kind: str, values: Mapping[str, Any], /, **detail: Any) -> None:
    """Give the provider `values` (columns of `KEPT`), and write the event. Same values write it all the same."""
    for name, value in values.items():
        if name not in KEPT:
            raise ValueError(f"{name} is no column that the ledger keeps")
        setattr(provider, name, value)
    write(w, provider.id, kind, **detail, set=dict(values))


def step(
    w: Work, provider: Provider, following: str, reason: str, until: datetime | None = None, /, **detail: Any
) -> None:
    """Take the provider to its next state. Raises `UnknownStep`."""
    was = provider.state
    states.check(was, following)
    values = {"state": following, "state_since": w.now, "state_until": until, "state_reason": reason}
    change(w, provider, "state_changed", values, was=was, state=following, reason=reason, **detail)


def entered(w: Work, provider: Provider, kind: str, /, **detail: Any) -> None:
    """The first event of a new provider, with all that it begins with."""
    w.session.flush()
    write(w, provider.id, kind, **detail, set={name: getattr(provider, name) for name in KEPT})


def events(session: Session, provider_id: int, *, before: int | None = None, limit: int = 50) -> list[ProviderEvent]:
    """The latest events, newest first; `before` is the id to go on from."""
    found = select(ProviderEvent).where(ProviderEvent.provider_id == provider_id)
    if before is not None:
        found = found.where(ProviderEvent.id < before)
    return list(session.scalars(found.order_by(ProviderEvent.id.desc()).limit(limit)))


def replay(told: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What the `detail` of a provider's events, in order, say of its columns; compare with `plain` of the row."""
    made: dict[str, Any] = {}
    for detail in told:
        made.update(detail.get("set", {}))
    return made


def plain(value: Any) -> Any:
    """`value` as JSON keeps it: moments in UTC and days as texts."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    return value
