"""The demo's organisations, from the city to the communities, and an account in three of them. All are invented.

They come after the district, each under its own name as everything of the demo does (`load.py`), so that a home made
before there were organisations gets them at its next start.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from callcenter.demo import names
from callcenter.demo.district import DISTRICT, SEED, District
from callcenter.demo.load import SOURCE
from callcenter.demo.sign_ins import ACTOR, PASSWORD_BYTES, SignIn
from dispatch import organisations, staff
from dispatch.organisation_tables import Organisation
from dispatch.tables import StaffUser
from foundation import inbox
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.secret_files import secret
from foundation.writer import Priority, Work, Writer

NOTE = "虚构（演示数据） / invented (demo data)"


@dataclass(frozen=True)
class DemoOrganisation:
    """An organisation, remembered under `key`; `parent` is the key of the one it answers to."""

    key: str
    name: str
    name_en: str
    kind: str
    division: str
    parent: str = ""
    phone: str = ""


@dataclass(frozen=True)
class DemoAccount:
    """Who signs in for an organisation (its key; empty: the installation's own)."""

    login: str
    name: str
    role: str
    organisation: str


def network() -> tuple[DemoOrganisation, ...]:
    """The tree, each organisation after the one it answers to."""
    tree = [
        DemoOrganisation("city", "市级话务中心", "City call centre", "operating_body", "3302", phone="0574-87003001"),
        DemoOrganisation("host-1", "区为老服务主办处", "District office for the old", "owner", DISTRICT, "city"),
        DemoOrganisation("host-2", "区便民信息主办处", "District office for information", "owner", DISTRICT, "city"),
        DemoOrganisation(
            "district", "区话务中心", "District call centre", "operating_body", DISTRICT, "city", "0574-87003002"
        ),
        DemoOrganisation("station", "区助老服务站", "District service station", "station", DISTRICT, "district"),
        DemoOrganisation("red-vests", "红马甲志愿队", "Red Vest volunteers", "volunteer_group", DISTRICT, "district"),
    ]
    for number in ("110", "119", "120"):
        tree.append(DemoOrganisation(f"outside-{number}", number, number, "outside", "3302", "city", number))
    for place, (code, zh, en) in enumerate(names.STREETS):
        street, (name, name_en) = DISTRICT + code, names.COMMUNITIES[place]
        tree.append(
            DemoOrganisation(f"street-{code}", f"{zh}受理点", f"{en} desk", "desk", street, "district",
                             f"0574-8700{3100 + place}")
        )  # fmt: skip
        tree.append(
            DemoOrganisation(f"community-{code}", f"{name}社区受理点", f"{name_en} desk", "desk",
                             f"{street}{901 + place}", f"street-{code}", f"0574-8700{3200 + place}")
        )  # fmt: skip
    return tuple(tree)


def accounts() -> tuple[DemoAccount, ...]:
    """An administrator of everything, somebody at a community's desk, somebody of a host."""
    rng = random.Random(SEED + 1)  # noqa: S311 - a reproducible demo, no secret
    who = [rng.choice(names.SURNAMES) + rng.choice(names.WOMEN) for _ in range(3)]
    return (
        DemoAccount("admin", who[0], "admin", ""),
        DemoAccount("desk1", who[1], "supervisor", f"community-{names.STREETS[0][0]}"),
        DemoAccount("host1", who[2], "operator", "host-1"),
    )


def settle(
    database: Database, writer: Writer, district: District, plan: NumberPlan, secrets_folder: Path
) -> list[SignIn]:
    """Make the organisations and accounts that are not there yet, and say how to sign in. Blocks; see `sign_ins`."""
    for one in network():
        writer.call(_add, one, district.seed, plan, actor=ACTOR, priority=Priority.BULK)
    made = []
    for account in accounts():
        password = secret(secrets_folder, f"demo-{account.login}", PASSWORD_BYTES)
        with database.read() as session:
            user = session.scalar(select(StaffUser).where(StaffUser.login == account.login))
        if user is None:
            writer.call(_add_account, account, staff.hash_password(password), actor=ACTOR)
        valid = user is None or (user.disabled_at is None and staff.verify_password(user.password_hash, password))
        made.append(SignIn(account.login, password if valid else None, "", account.name, account.role))
    return made


def _add(work: Work, one: DemoOrganisation, seed: int, plan: NumberPlan) -> None:
    marker = inbox.receive(work.session, SOURCE, f"organisation:{one.key}", {"seed": seed}, work.now)
    if marker is None:
        return
    organisations.add(
        work, name=one.name, name_en=one.name_en, kind=one.kind, division_code=one.division,
        parent_id=_id_of(work, one.parent), phone=one.phone, note=NOTE, plan=plan,
    )  # fmt: skip
    inbox.handled(work.session, marker, "loaded", work.now)


def _add_account(work: Work, account: DemoAccount, password_hash: str) -> None:
    user_id = staff.add_user(work, account.login, account.name, account.role, password_hash)
    organisation_id = _id_of(work, account.organisation)
    if organisation_id is not None:
        organisations.set_membership(work, user_id, organisation_id)


def _id_of(work: Work, key: str) -> int | None:
    """The organisation that the demo made under this key; None for no key, and when somebody has closed it since."""
    named = {one.key: one for one in network()}.get(key)
    if named is None:
        return None
    return work.session.scalar(
        select(Organisation.id).where(
            Organisation.division_code == named.division, Organisation.name == named.name,
            Organisation.closed_at.is_(None),
        )
    )  # fmt: skip
