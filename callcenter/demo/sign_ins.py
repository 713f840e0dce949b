"""The demo's operators: their passwords are made at the first start and kept in the home, readable by its owner."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from callcenter.demo.district import District
from dispatch import staff
from dispatch.tables import Seat, StaffUser
from foundation.database import Database
from foundation.secret_files import secret
from foundation.writer import Writer

ACTOR = "demo"
PASSWORD_BYTES = 9
"""72 random bits, 12 characters: short enough to type from the screen."""


@dataclass(frozen=True)
class SignIn:
    """How one operator signs in; `password` is None once somebody has changed it in the console."""

    login: str
    password: str | None
    seat: str
    name: str
    role: str


def sign_ins(database: Database, writer: Writer, district: District, secrets_folder: Path) -> list[SignIn]:
    """Make the seats and accounts that are not there yet, and say how to sign in.

    Blocks (passwords are hashed slowly on purpose): call it from a thread of its own.
    """
    made = []
    for place, operator in enumerate(district.operators, 1):
        password = secret(secrets_folder, f"demo-{operator.login}", PASSWORD_BYTES)
        with database.read() as session:
            user = session.scalar(select(StaffUser).where(StaffUser.login == operator.login))
            seat = session.get(Seat, operator.seat)
        if seat is None:
            writer.call(staff.add_seat, operator.seat, str(8000 + place), actor=ACTOR)
        if user is None:
            hashed = staff.hash_password(password)
            account = (operator.login, operator.name, operator.role, hashed, operator.mobile)
            writer.call(staff.add_user, *account, actor=ACTOR)
        valid = user is None or (user.disabled_at is None and staff.verify_password(user.password_hash, password))
        shown = password if valid else None
        made.append(SignIn(operator.login, shown, operator.seat, operator.name, operator.role))
    return made
