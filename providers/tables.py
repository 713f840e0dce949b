"""The register of providers (加盟企业): what they offer, where, when, on which telephones."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base
from providers.admission_tables import ProviderDecision as ProviderDecision  # known wherever the tables are
from providers.admission_tables import ProviderDocument as ProviderDocument
from providers.admission_tables import ProviderEvent as ProviderEvent
from providers.admission_tables import ProviderVisit as ProviderVisit
from providers.admission_tables import ProviderWorker as ProviderWorker
from providers.rating_tables import FoundedComplaint as FoundedComplaint
from providers.rating_tables import PriceBand as PriceBand
from providers.rating_tables import ProviderRating as ProviderRating

STATES = (
    "applied", "vetting", "visiting", "probation", "active", "warned", "suspended", "expelled", "withdrawn",
    "rejected", "blacklisted",
)  # fmt: skip
MATCHED_STATES = ("probation", "active", "warned")
"""In these states a provider is offered orders."""


class Provider(Base):
    """A company, volunteer group or community desk that takes orders.

    Hours are minutes of the local day (`0`–`1440` is round the clock; a closing time before the opening time runs over
    midnight), `weekdays` the ISO days of the week as digits; `rota`, read by `providers.rota`, goes before both.
    `capacity` is how many orders it holds at once. Until `absent_until` it is offered none, by its own word.
    `latitude` and `longitude` (WGS-84 degrees) are where it sets out, `radius_km` how far it goes from there, beside
    the divisions it covers. Only `providers.ledger` assigns `state`; `state_until` is when a warning ends, by when a
    suspended provider must have mended, or until when a blacklisted one stays so. `orders_done` is a running total, by
    which a trial is judged. `stars` is null while too few orders are finished to say (shown as 新); only
    `dispatch.ratings` gives it.
    """

    __tablename__ = "providers"
    __table_args__ = (
        CheckConstraint("kind IN ('company', 'volunteer_group', 'desk')", name="kind"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("opens_minute BETWEEN 0 AND 1439 AND closes_minute BETWEEN 0 AND 1440", name="hours"),
        CheckConstraint("capacity >= 0", name="capacity"),
        CheckConstraint("stars IS NULL OR stars BETWEEN 1 AND 5", name="stars"),
        Index("ix_providers_last_offered_at", "last_offered_at"),
        Index("ix_providers_absent_until", "absent_until", sqlite_where=text("absent_until IS NOT NULL"),
              postgresql_where=text("absent_until IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[str] = mapped_column(String(20), default="company")
    state: Mapped[str] = mapped_column(String(12), default="active")
    contact_name: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(200), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    licence: Mapped[str] = mapped_column(String(40), default="")
    opens_minute: Mapped[int] = mapped_column(default=0)
    closes_minute: Mapped[int] = mapped_column(default=1440)
    weekdays: Mapped[str] = mapped_column(String(7), default="1234567")
    capacity: Mapped[int] = mapped_column(default=3)
    rota: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    radius_km: Mapped[float | None]
    credit_code: Mapped[str] = mapped_column(String(18), default="", server_default="")
    responsible_name: Mapped[str] = mapped_column(String(40), default="", server_default="")
    external_grade: Mapped[str] = mapped_column(String(80), default="", server_default="")
    state_since: Mapped[datetime | None]
    state_until: Mapped[datetime | None]
    state_reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    stars: Mapped[int | None]
    orders_done: Mapped[int] = mapped_column(default=0)
    last_offered_at: Mapped[datetime | None]
    absent_until: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]


class ProviderItem(Base):
    """One item of the taxonomy that a provider offers; prices in yuan, null when by agreement.

    `licensed_until` is the last day on which its permit allows the item; null where no end is known.
    """

    __tablename__ = "provider_items"
    __table_args__ = (Index("ix_provider_items_item", "item", "provider_id"),)

    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"), primary_key=True)
    item: Mapped[str] = mapped_column(String(4), primary_key=True)
    price_min: Mapped[int | None]
    price_max: Mapped[int | None]
    licensed_until: Mapped[date | None]


class ProviderCoverage(Base):
    """Where a provider goes: a division code or its beginning (`3302` city, `330203` district, `330203001` street)."""

    __tablename__ = "provider_coverage"

    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"), primary_key=True)
    prefix: Mapped[str] = mapped_column(String(12), primary_key=True)


class ProviderPhone(Base):
    """A telephone of a provider; only a verified one may answer offers. Orders go to the first verified one.

    A worker's own telephone has its `worker_id`, stands behind the firm's, and may answer for the provider. The monthly
    contact test asks each number (`asked_at`) to send `asked_code` back; `proven_at` is when it last did.
    """

    __tablename__ = "provider_phones"

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"), index=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    position: Mapped[int] = mapped_column(default=1)
    verified_at: Mapped[datetime | None]
    worker_id: Mapped[int | None]  # no foreign key: SQLite would have to make the watched table anew
    asked_at: Mapped[datetime | None]
    asked_code: Mapped[str | None] = mapped_column(String(4))
    proven_at: Mapped[datetime | None]


class RegisterStamp(Base):
    """Changes whenever anything of a provider that offers `item` changes: see `foundation.migrations.stamps`."""

    __tablename__ = "register_stamps"

    item: Mapped[str] = mapped_column(String(4), primary_key=True)
    stamp: Mapped[str] = mapped_column(String(32))
