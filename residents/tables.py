"""The tables of residents: divisions, homes, people, contacts, devices and, kept apart, what only a rescue may read.

A household is a home with its people, contacts and devices; its id is `homes.id`. Every change to what the telephone
needs (device, contact, home) raises the household version and stamps the home with it, so that the exchange's copy
follows quickly. Texts are cleaned and bounded by `registry.py`; telephone numbers are stored as E.164.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base
from residents.record_tables import Proposal as Proposal  # known wherever the tables are

LEVELS = ("city", "district", "street", "community", "grid")
"""Levels of a division, the widest first: 市, 区县, 街道/镇, 社区/村, 网格."""

DEVICE_KINDS = ("dedicated", "shared")
DEVICE_STATES = ("active", "suspended", "retired")


class Division(Base):
    """A part of the country: 6 digits (GB/T 2260), + 3 street or town, + 3 community, + 2 to 3 grid.

    A code begins with its parent's code, so `code LIKE '330203%'` is a whole district. Divisions move and end: a row
    holds from `valid_from` up to, not including, `valid_to`, and then `replaced_by` names its follower.
    """

    __tablename__ = "divisions"
    __table_args__ = (
        CheckConstraint("level IN ('city', 'district', 'street', 'community', 'grid')", name="level"),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="validity"),
    )

    code: Mapped[str] = mapped_column(String(15), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(80), default="")
    level: Mapped[str] = mapped_column(String(10))
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("divisions.code"), index=True)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    replaced_by: Mapped[str | None] = mapped_column(String(15))
    note: Mapped[str] = mapped_column(String(120), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]


class Home(Base):
    """A dwelling: where help goes. Its id is the household id of the telephone contract.

    `address` is the full line as people say it and is always there; the parts beside it may be empty. `version` is the
    household version of the last change that concerns the telephone.
    """

    __tablename__ = "homes"

    id: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    division_code: Mapped[str] = mapped_column(ForeignKey("divisions.code"), index=True)
    address: Mapped[str] = mapped_column(String(200))
    compound: Mapped[str] = mapped_column(String(60), default="")
    road: Mapped[str] = mapped_column(String(60), default="")
    house_no: Mapped[str] = mapped_column(String(20), default="")
    building: Mapped[str] = mapped_column(String(20), default="")
    unit: Mapped[str] = mapped_column(String(20), default="")
    floor: Mapped[str] = mapped_column(String(20), default="")
    room: Mapped[str] = mapped_column(String(20), default="")
    landmark: Mapped[str] = mapped_column(String(200), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    version: Mapped[int] = mapped_column(default=0, index=True)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class HomeAccess(Base):
    """How a rescuer gets in: door code, key holder, entrance, where an ambulance stands. Privacy `rescue_only`."""

    __tablename__ = "home_access"
    __table_args__ = (CheckConstraint("privacy = 'rescue_only'", name="privacy"),)

    home_id: Mapped[int] = mapped_column(ForeignKey("homes.id"), primary_key=True)
    privacy: Mapped[str] = mapped_column(String(12), default="rescue_only")
    door_code: Mapped[str] = mapped_column(String(40), default="")
    key_holder: Mapped[str] = mapped_column(String(120), default="")
    entrance: Mapped[str] = mapped_column(String(200), default="")
    parking: Mapped[str] = mapped_column(String(200), default="")
    changed_at: Mapped[datetime]


class Person(Base):
    """A resident. No identity number is kept; birth year and sex may be unknown.

    `surname_reading` is pinyin with tone number where the surname is not read as the word (曾 `zeng1`). `sex` follows
    GB/T 2261.1 (0 unknown, 1 male, 2 female, 9 not said). `tags` are words such as 独居; some are sensitive
    (`queries.SENSITIVE_TAGS`). `dialect` is the language to speak: `mandarin`, `ningbo`, …
    """

    __tablename__ = "people"
    __table_args__ = (
        CheckConstraint("sex IN (0, 1, 2, 9)", name="sex"),
        CheckConstraint("birth_year IS NULL OR birth_year BETWEEN 1880 AND 2200", name="birth_year"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    name: Mapped[str] = mapped_column(String(60))
    surname_reading: Mapped[str] = mapped_column(String(20), default="")
    sex: Mapped[int] = mapped_column(default=0)
    birth_year: Mapped[int | None]
    phone: Mapped[str | None] = mapped_column(String(16), index=True)
    dialect: Mapped[str] = mapped_column(String(20), default="mandarin")
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    consent_sms: Mapped[bool] = mapped_column(default=True)
    consent_position: Mapped[bool] = mapped_column(default=False)
    consent_share: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class HomeMember(Base):
    """Who lives in a home; `relation` is to the householder (户主, 配偶, 子女 …)."""

    __tablename__ = "home_members"

    home_id: Mapped[int] = mapped_column(ForeignKey("homes.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    relation: Mapped[str] = mapped_column(String(20), default="")


class Contact(Base):
    """Someone to ring when a home needs help; `contact-<id>` is the person key on the telephone.

    Rung in the order of `position`, then id. `hours` is empty (always) or `HH:MM-HH:MM[,…]`: advice for a human, an
    emergency rings everyone.
    """

    __tablename__ = "contacts"
    __table_args__ = (
        CheckConstraint("minutes_away IS NULL OR minutes_away BETWEEN 0 AND 600", name="minutes_away"),
        Index("ix_contacts_home_id", "home_id", "position", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    home_id: Mapped[int] = mapped_column(ForeignKey("homes.id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(60))
    relation: Mapped[str] = mapped_column(String(20))
    phone: Mapped[str] = mapped_column(String(16), index=True)
    minutes_away: Mapped[int | None]
    has_key: Mapped[bool] = mapped_column(default=False)
    hours: Mapped[str] = mapped_column(String(60), default="")


class Device(Base):
    """A telephone line with a button, known by its number.

    `dedicated`: any call from it is an emergency. `shared`: a home's telephone, the number it dials decides. A number
    belongs to one device that is not retired.
    """

    __tablename__ = "devices"
    __table_args__ = (
        CheckConstraint("kind IN ('dedicated', 'shared')", name="kind"),
        CheckConstraint("status IN ('active', 'suspended', 'retired')", name="status"),
        Index("uq_devices_number", "number", unique=True, sqlite_where=text("status <> 'retired'"),
              postgresql_where=text("status <> 'retired'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    code: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    number: Mapped[str] = mapped_column(String(16))
    home_id: Mapped[int] = mapped_column(ForeignKey("homes.id"), index=True)
    status: Mapped[str] = mapped_column(String(10), default="active")
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class MedicalCard(Base):
    """What a rescuer must know of a person. Privacy `rescue_only`: an open alarm, or break-glass with a reason."""

    __tablename__ = "medical_cards"
    __table_args__ = (CheckConstraint("privacy = 'rescue_only'", name="privacy"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    privacy: Mapped[str] = mapped_column(String(12), default="rescue_only")
    blood_type: Mapped[str] = mapped_column(String(10), default="")
    conditions: Mapped[str] = mapped_column(String(400), default="")
    allergies: Mapped[str] = mapped_column(String(400), default="")
    medication: Mapped[str] = mapped_column(String(400), default="")
    doctor: Mapped[str] = mapped_column(String(120), default="")
    changed_at: Mapped[datetime]


class HouseholdVersion(Base):
    """One row: how many changes the household data has seen. The row lock puts versions in the order of commits."""

    __tablename__ = "household_version"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
