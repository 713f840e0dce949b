"""The demo district in a real database: whole, once, also after a start that was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from callcenter.demo import network
from callcenter.demo.district import District, make_district
from callcenter.demo.load import NotTheDemo, load
from callcenter.demo.sign_ins import sign_ins
from dispatch import organisations, sight, staff
from dispatch.organisation_tables import Organisation
from dispatch.tables import DutyPhone, Seat, StaffUser
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.tables import Base, TicketEvent
from foundation.writer import Writer
from providers.tables import Provider, ProviderItem, ProviderPhone
from residents import queries, registry
from residents.household import DutyPhone as DutyLine
from residents.household import desired_keys
from residents.tables import Contact, Device, Division, Home, MedicalCard, Person

PLAN = NumberPlan()
COUNTED: tuple[type[Base], ...] = (
    Division, Home, Person, Contact, Device, MedicalCard, Provider, ProviderItem, ProviderPhone, DutyPhone, TicketEvent,
)  # fmt: skip


@pytest.fixture(scope="module")
def district() -> District:
    return make_district()


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    made = Writer(database, SystemClock())
    yield made
    made.close()


def counts(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {t.__name__: session.scalar(select(func.count()).select_from(t)) or 0 for t in COUNTED}


def test_a_second_start_adds_nothing_and_all_of_it_is_there(
    database: Database, writer: Writer, district: District
) -> None:
    assert load(database, writer, district, PLAN) > 380
    first = counts(database)
    assert load(database, writer, district, PLAN) == 0
    assert counts(database) == first
    assert (first["Home"], first["Person"], first["Device"], first["Provider"]) == (300, 500, 40, 60)
    assert (first["Division"], first["DutyPhone"]) == (29, 3)
    with database.read() as session:
        found = queries.find_by_number(session, "+8657487000007")
        data = queries.load_household(session)
        duty = [DutyLine(row.id, row.number) for row in session.scalars(select(DutyPhone))]
        assert queries.household_version(session) == data.version > 300
    assert found.device is not None
    assert found.device.code == "home-7"
    assert found.people
    keys = desired_keys(data.homes, data.devices, data.contacts, duty, PLAN)
    assert len([key for key in keys if key.startswith("line/")]) == 160
    assert len([key for key in keys if key.startswith("contacts/")]) == 40
    assert keys["duty/count"] == "3"


class CutOffError(Exception):
    """The start is killed here."""


def test_a_start_that_was_cut_off_goes_on_where_it_stopped(
    database: Database, writer: Writer, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(district, homes=district.homes[:60], providers=district.providers[:4])
    add_home, calls = registry.add_home, iter(range(1000))

    def dies_at_the_35th(*args: object) -> int:
        if next(calls) == 34:
            raise CutOffError
        return add_home(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(registry, "add_home", dies_at_the_35th)
    with pytest.raises(CutOffError):
        load(database, writer, small, PLAN)
    half = counts(database)["Home"]
    assert 0 < half < 60
    load(database, writer, small, PLAN)
    assert counts(database)["Home"] == 60
    assert counts(database)["Person"] == sum(len(home.people) for home in small.homes)
    assert counts(database)["Provider"] == 4


def test_a_database_with_other_homes_or_another_seed_is_left_alone(
    database: Database, writer: Writer, district: District
) -> None:
    small = replace(district, homes=district.homes[:1], providers=(), duty=())
    load(database, writer, small, PLAN)
    with pytest.raises(NotTheDemo):
        load(database, writer, replace(small, seed=7), PLAN)


def test_real_homes_are_never_mixed_with_the_demo(database: Database, writer: Writer, district: District) -> None:
    writer.call(registry.add_division, district.divisions[0])
    writer.call(registry.add_home, {"division_code": "3302", "address": "桐荫路1弄"})
    with pytest.raises(NotTheDemo):
        load(database, writer, district, PLAN)
    assert counts(database)["Home"] == 1


def test_operators_get_passwords_once_kept_for_the_owner_only(
    database: Database, writer: Writer, district: District, tmp_path: Path
) -> None:
    first = sign_ins(database, writer, district, tmp_path / "secrets")
    assert sign_ins(database, writer, district, tmp_path / "secrets") == first
    assert [(s.login, s.seat, s.role) for s in first] == [
        ("op1", "op1", "operator"), ("op2", "op2", "operator"), ("op3", "op3", "operator"),
        ("op4", "op4", "supervisor"),
    ]  # fmt: skip
    assert len({s.password for s in first}) == 4
    for file in (tmp_path / "secrets").iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
    with database.read() as session:
        users = {user.login: user for user in session.scalars(select(StaffUser))}
        assert {seat.name for seat in session.scalars(select(Seat))} == {"op1", "op2", "op3", "op4"}
    for sign_in in first:
        assert sign_in.password is not None
        assert len(sign_in.password) == 12
        assert staff.verify_password(users[sign_in.login].password_hash, sign_in.password)


def test_the_organisations_come_once_and_three_accounts_belong_to_them(
    database: Database, writer: Writer, district: District, tmp_path: Path
) -> None:
    load(database, writer, replace(district, homes=district.homes[:3], providers=()), PLAN)
    first = network.settle(database, writer, district, PLAN, tmp_path)
    assert network.settle(database, writer, district, PLAN, tmp_path) == first
    with database.read() as session:
        rows = {row.name: row for row in session.scalars(select(Organisation))}
        assert len(rows) == len(network.network())
        assert {row.kind for row in rows.values()} >= {"owner", "operating_body", "station", "desk", "outside"}
        desks = organisations.desks_for(session, "330203001901", date(2026, 11, 23))
        assert [desk.level for desk in desks] == ["community", "street", "district"]
        logins = {user.login: user.id for user in session.scalars(select(StaffUser))}
        assert sight.of_user(session, logins["admin"], date(2026, 11, 23)) == sight.ALL
        desk = sight.of_user(session, logins["desk1"], date(2026, 11, 23))
        assert desk.scope.prefixes == ("330203001901",)
        assert not sight.of_user(session, logins["host1"], date(2026, 11, 23)).rights.names


def test_a_password_changed_in_the_console_is_not_printed_as_valid(
    database: Database, writer: Writer, district: District, tmp_path: Path
) -> None:
    sign_ins(database, writer, district, tmp_path)
    with database.read() as session:
        user = session.scalars(select(StaffUser).where(StaffUser.login == "op2")).one()
    writer.call(staff.set_password, user.id, staff.hash_password("something else"))
    again = {s.login: s.password for s in sign_ins(database, writer, district, tmp_path)}
    assert again["op2"] is None
    assert again["op1"] is not None
