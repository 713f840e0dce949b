"""``callcenter user …``: accounts and seats from the command line, for the first administrator and for scripts.

A password is made here and printed once, on the output alone. `command_frame` has the exit codes.
"""

from __future__ import annotations

import argparse
import getpass
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from callcenter.command_frame import DONE, CommandFrame, say, settings_of
from foundation.errors import AppError

if TYPE_CHECKING:
    from callcenter.command_frame import Subparsers
    from foundation.database import Database
    from foundation.writer import Writer

PASSWORD_BYTES = 12
_ROLES = ("operator", "supervisor", "admin")
_FRAME = CommandFrame((AppError,))


def register(subparsers: Subparsers) -> None:
    """Add ``user`` with its sub-commands."""
    parser = subparsers.add_parser("user", help="accounts of the console, and seats: list, add, change, disable")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    listed = _FRAME.add(commands, "list", _list, "show every account, its role, organisation and seat")
    listed.add_argument("--json", action="store_true", help="print them as JSON")
    added = _FRAME.add(commands, "add", _add, "make an account; its password is printed once")
    added.add_argument("login")
    added.add_argument("name")
    added.add_argument("--role", choices=_ROLES, default="operator")
    added.add_argument("--mobile", default="", help="rung when no seat takes an alarm")
    added.add_argument("--organisation", type=int, metavar="ID", help="to which it belongs; without: sees everything")
    for name, run, told in (
        ("password", _password, "give an account a new password, printed once; its sessions end"),
        ("disable", _disable, "let an account sign in no more"),
        ("enable", _enable, "let a disabled account sign in again"),
    ):
        _FRAME.add(commands, name, run, told).add_argument("login")
    role = _FRAME.add(commands, "role", _role, "give an account another role")
    role.add_argument("login")
    role.add_argument("role", choices=_ROLES)
    place = _FRAME.add(commands, "organisation", _organisation, "put an account into an organisation, or into none")
    place.add_argument("login")
    place.add_argument("organisation", help="its id, or `none`")
    seat = _FRAME.add(commands, "seat", _seat, "make a seat, or give it another telephone number")
    seat.add_argument("name", help="such as op1")
    seat.add_argument("number", help="its telephone at the exchange, such as 8001")


def _list(arguments: argparse.Namespace) -> int:
    from dispatch import accounts, sight

    with _opened(arguments) as (database, _writer), database.read() as session:
        rows = [
            {
                "login": a.user.login, "name": a.user.name, "role": a.user.role, "disabled": bool(a.user.disabled_at),
                "organisation": a.organisation.name if a.organisation else None, "seat": a.seat or None,
            }
            for a in accounts.shown(session, sight.ALL)
        ]  # fmt: skip
    if arguments.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for row in rows:
            state = "  disabled" if row["disabled"] else ""
            print(f"{row['login']:<16}  {row['role']:<10}  {row['organisation'] or '-'}  {row['name']}{state}")
    return DONE


def _add(arguments: argparse.Namespace) -> int:
    from dispatch import organisations, staff
    from foundation.writer import Work

    password = secrets.token_urlsafe(PASSWORD_BYTES)
    hashed = staff.hash_password(password)

    def add(w: Work) -> None:
        mobile = _mobile(arguments)
        user_id = staff.add_user(w, arguments.login, arguments.name, arguments.role, hashed, mobile)
        if arguments.organisation is not None:
            organisations.set_membership(w, user_id, arguments.organisation)

    with _opened(arguments) as (_database, writer):
        writer.call(add, actor=_actor())
    say(f"The password of {arguments.login}, told this once:")
    print(password)
    return DONE


def _password(arguments: argparse.Namespace) -> int:
    from dispatch import staff

    password = secrets.token_urlsafe(PASSWORD_BYTES)
    with _opened(arguments) as (database, writer):
        writer.call(staff.set_password, _id(database, arguments), staff.hash_password(password), actor=_actor())
    say(f"The new password of {arguments.login}, told this once:")
    print(password)
    return DONE


def _disable(arguments: argparse.Namespace) -> int:
    from dispatch import staff

    with _opened(arguments) as (database, writer):
        writer.call(staff.disable_user, _id(database, arguments), actor=_actor())
    return DONE


def _enable(arguments: argparse.Namespace) -> int:
    from dispatch import staff

    with _opened(arguments) as (database, writer):
        writer.call(staff.enable_user, _id(database, arguments), actor=_actor())
    return DONE


def _role(arguments: argparse.Namespace) -> int:
    from dispatch import staff

    with _opened(arguments) as (database, writer):
        writer.call(staff.set_role, _id(database, arguments), arguments.role, actor=_actor())
    return DONE


def _organisation(arguments: argparse.Namespace) -> int:
    from dispatch import organisations
    from dispatch.errors import missing

    told = arguments.organisation
    if told != "none" and not (told.isascii() and told.isdigit() and len(told) < 16):
        raise missing("机构", "organisation", told[:40])
    with _opened(arguments) as (database, writer):
        wanted = None if told == "none" else int(told)
        writer.call(organisations.set_membership, _id(database, arguments), wanted, actor=_actor())
    return DONE


def _seat(arguments: argparse.Namespace) -> int:
    from dispatch import staff

    with _opened(arguments) as (_database, writer):
        writer.call(staff.add_seat, arguments.name, arguments.number, actor=_actor())
    return DONE


def _id(database: Database, arguments: argparse.Namespace) -> int:
    from sqlalchemy import select

    from dispatch.errors import missing
    from dispatch.tables import StaffUser

    with database.read() as session:
        found = session.scalar(select(StaffUser.id).where(StaffUser.login == arguments.login))
    if found is None:
        raise missing("账号", "account", arguments.login[:40])
    return found


def _mobile(arguments: argparse.Namespace) -> str:
    from foundation.errors import Invalid
    from foundation.numbers import NumberPlan

    settings = settings_of(arguments)
    number = NumberPlan(settings.numbers.country, settings.numbers.area_code).parse(arguments.mobile)
    if arguments.mobile and number.kind != "mobile":
        raise Invalid("手机号不是一个手机号码", "the mobile is no mobile number", field="mobile")
    return number.e164


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[tuple[Database, Writer]]:
    """The database of this home, brought up to date; beside a running service its lock is waited for."""
    import ivr_flows.tables  # noqa: F401
    from foundation import migrations
    from foundation.clock import SystemClock
    from foundation.database import Database
    from foundation.writer import Writer

    settings = settings_of(arguments)
    settings.home.mkdir(parents=True, exist_ok=True)
    migrations.upgrade(settings.database_url)
    database = Database(settings.database_url)
    writer = Writer(database, SystemClock())
    try:
        yield database, writer
    finally:
        writer.close()
        database.dispose()


def _actor() -> str:
    try:
        return f"cli:{getpass.getuser()}"[:60]
    except (KeyError, OSError):
        return "cli"
