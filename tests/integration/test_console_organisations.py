"""The pages of organisations, accounts, corrections and a community's own data, as people use them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from zipfile import ZipFile

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from dispatch import organisations, own_data, rollup, sight, staff
from dispatch.errors import BadInput
from dispatch.tables import StaffUser
from foundation.database import Database
from foundation.errors import NotFound
from foundation.scope import scope_of
from foundation.tables import TicketEvent
from foundation.writer import Work
from residents.tables import Person
from tests.console_desk import HASH, ORIGIN, Browser, Desk
from tests.integration.dispatch_support import COMMUNITY, START


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    made = Desk(database)
    made.town.call(_network)
    yield made
    made.town.writer.close()


def _network(w: Work) -> None:
    city = organisations.add(w, name="市中心", kind="operating_body", division_code="3302")
    district = organisations.add(w, name="区中心", kind="operating_body", division_code="330203", parent_id=city)
    street = organisations.add(w, name="街道受理点", kind="desk", division_code="330203001", parent_id=district)
    own = organisations.add(w, name="社区受理点", kind="desk", division_code=COMMUNITY, parent_id=street)
    organisations.add(w, name="社区事务站", kind="affairs_station", division_code=COMMUNITY, parent_id=own)
    organisations.add(w, name="120", kind="outside", division_code="3302", parent_id=city, phone="120")
    staff.add_user(w, "chief", "总管", "admin", HASH)
    organisations.set_membership(w, staff.add_user(w, "desk1", "社区小陈", "supervisor", HASH), own)
    organisations.set_membership(w, staff.add_user(w, "dadmin", "区管理员", "admin", HASH), district)


def _browser(desk: Desk, login: str) -> Browser:
    return Browser(TestClient(desk.app, base_url=ORIGIN, follow_redirects=False), login)


def test_desks_of_a_community_come_nearest_first_and_say_who_supervises_them(desk: Desk) -> None:
    with desk.town.database.read() as session:
        found = organisations.desks_for(session, COMMUNITY, START.date())
        assert [one.name for one in found] == ["社区受理点", "社区事务站", "街道受理点"]
        assert organisations.supervising(session, f"org:{found[0].id}") == f"org:{found[2].id}"
        assert organisations.supervising(session, f"org:{found[2].id}") == "supervisor"
        for wrong in ("org:999", "org:x", "desk", "org:"):
            with pytest.raises(NotFound):
                organisations.receiving_desk(session, wrong)
        assert [one.name for one in organisations.desks(session, scope_of(["330203001"]))] == [
            "街道受理点", "社区受理点", "社区事务站",
        ]  # fmt: skip


def test_an_organisation_lies_in_the_area_of_the_one_it_answers_to(desk: Desk) -> None:
    with pytest.raises(BadInput, match="does not lie"):
        desk.town.call(organisations.add, name="外来", kind="desk", division_code="3302", parent_id=2)
    with pytest.raises(BadInput, match="of this name"):
        desk.town.call(organisations.add, name="社区受理点", kind="desk", division_code=COMMUNITY)


def test_an_administrator_makes_an_account_and_its_password_is_shown_once(desk: Desk) -> None:
    chief = _browser(desk, "chief")
    answer = chief.post("/staff", login="new.one", name="新人", role="operator", organisation_id="4")
    assert answer.status_code == 200
    password = re.search(r"data-fresh>([\w-]+)<", answer.text)
    assert password is not None
    assert password[1] not in chief.get("/staff").text
    with desk.town.database.read() as session:
        user = session.scalars(select(StaffUser).where(StaffUser.login == "new.one")).one()
        assert staff.verify_password(user.password_hash, password[1])
        assert sight.of_user(session, user.id, START.date()).organisation_id == 4
        events = [str(row) for row in session.scalars(select(TicketEvent.detail))]
    assert not any(password[1] in event for event in events)
    again = chief.post(f"/staff/{user.id}/password")
    fresh = re.search(r"data-fresh>([\w-]+)<", again.text)
    assert fresh is not None
    assert fresh[1] != password[1]


def test_only_an_administrator_reads_or_changes_accounts(desk: Desk) -> None:
    for login in ("li", "chen", "desk1"):
        browser = _browser(desk, login)
        assert browser.get("/staff").status_code == 403
        assert browser.post("/staff", login="x", name="x", role="admin").status_code == 403
        assert browser.post("/staff/2/disable").status_code == 403
        assert browser.post("/organisations", name="甲", kind="desk", division_code="330203").status_code == 403


def test_an_administrator_of_a_district_gives_out_no_more_than_it_has(desk: Desk) -> None:
    browser = _browser(desk, "dadmin")
    page = browser.get("/staff").text
    assert "社区小陈" in page
    assert "总管" not in page
    assert browser.post("/staff", login="too.much", name="甲", role="admin").status_code == 404
    assert browser.post("/staff", login="city.one", name="甲", role="admin", organisation_id="1").status_code == 404
    assert browser.post("/staff", login="fine", name="甲", role="operator", organisation_id="4").status_code == 200
    with desk.town.database.read() as session:
        chief = session.scalars(select(StaffUser.id).where(StaffUser.login == "chief")).one()
    assert browser.post(f"/staff/{chief}/password").status_code == 404
    assert browser.post("/organisations", name="甲", kind="desk", division_code="3302").status_code == 404


def test_the_last_administrator_of_the_centre_cannot_leave(desk: Desk) -> None:
    chief, dadmin = _browser(desk, "chief"), _browser(desk, "dadmin")
    with desk.town.database.read() as session:
        ids = {row.login: row.id for row in session.scalars(select(StaffUser))}
    assert chief.post(f"/staff/{ids['chief']}/disable").status_code == 409
    assert chief.post(f"/staff/{ids['dadmin']}/disable").status_code == 200
    assert chief.post(f"/staff/{ids['chief']}/place", role="operator").status_code == 409
    assert chief.post(f"/staff/{ids['chief']}/place", role="admin", organisation_id="4").status_code == 409
    assert dadmin.get("/staff").status_code == 401


def test_a_changed_organisation_holds_from_the_next_click_on(desk: Desk) -> None:
    chief, wang = _browser(desk, "chief"), _browser(desk, "wang")
    assert wang.get("/seats").status_code == 200
    with desk.town.database.read() as session:
        user = session.scalars(select(StaffUser.id).where(StaffUser.login == "wang")).one()
    assert chief.post(f"/staff/{user}/place", role="operator", organisation_id="4").status_code == 200
    assert wang.get("/seats").status_code == 403
    assert wang.get("/people?q=张").status_code == 200


def test_a_correction_goes_from_the_call_to_the_desk_and_into_the_record(desk: Desk) -> None:
    call = desk.rings("n-3", caller="87000001")
    li, desk1 = _browser(desk, "li"), _browser(desk, "desk1")
    told = li.post("/homes/7/proposals", what="person:70:phone", value="15400010009", said_by="女儿", arrival_id=call)
    assert told.status_code == 200
    page = desk1.get("/proposals").text
    assert "女儿" in page
    assert "15400010009" in page.replace(" ", "")
    proposal = re.search(r'id="proposal-(\d+)"', page)
    assert proposal is not None
    assert desk1.post(f"/proposals/{proposal[1]}/confirm").status_code == 200
    assert desk1.post(f"/proposals/{proposal[1]}/confirm").status_code == 409
    with desk.town.database.read() as session:
        assert session.get_one(Person, 70).phone == "+8615400010009"
    assert li.post("/homes/8/proposals", what="person:70:name", value="别人", said_by="某").status_code == 404


def test_the_second_of_two_editors_is_told_and_nothing_is_half_written(desk: Desk) -> None:
    desk1, chief = _browser(desk, "desk1"), _browser(desk, "chief")
    form = {"subject": "person", "row_id": 70, "revision": 1, "sex": "1", "birth_year": "1938"}
    assert desk1.post("/homes/7/record", **form, name="张国良").status_code == 200
    refused = chief.post("/homes/7/record", **form, name="张爷")
    assert refused.status_code == 409
    assert "别人已修改" in refused.text
    bad = desk1.post("/homes/7/record", **(form | {"revision": 2, "birth_year": "1492"}), name="张改名")
    assert bad.status_code == 422
    with desk.town.database.read() as session:
        row = session.get_one(Person, 70)
        assert (row.name, row.birth_year, row.revision) == ("张国良", 1938, 2)


def test_a_community_takes_its_own_data_home_and_that_is_written_down(desk: Desk) -> None:
    desk.pressed("n-1")
    desk1 = _browser(desk, "desk1")
    for name, table in own_data.TABLES.items():
        answer = desk1.get(f"/own-data/{name}.csv")
        assert answer.status_code == 200
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows[0] == [zh for zh, _ in table.columns]
        assert all(len(row) == len(rows[0]) for row in rows), name
    people = desk1.get("/own-data/people.csv").content.decode("utf-8-sig")
    assert "张爷爷" in people
    alarms = desk1.get("/own-data/alarms.csv").content.decode("utf-8-sig")
    assert "示范路 7 号" in alarms
    book = desk1.get("/own-data/homes.xlsx")
    with ZipFile(io.BytesIO(book.content)) as parts:
        assert "xl/workbook.xml" in parts.namelist()
    assert desk1.get("/own-data/secrets.csv").status_code == 404
    assert _browser(desk, "dadmin").get("/own-data/people.csv").status_code == 403
    with desk.town.database.read() as session:
        taken = session.scalars(select(TicketEvent).where(TicketEvent.kind == "data.downloaded")).all()
    assert {event.actor for event in taken} == {"user:desk1"}
    assert len(taken) == len(own_data.TABLES) + 3


def test_more_rows_than_one_portion_all_come_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_data, "PORTION", 1)
    with desk.town.database.read() as session:
        for name in ("people", "homes", "contacts", "devices"):
            rows = list(own_data.rows(session, own_data.TABLES[name], sight.ALL, "zh_CN"))
            assert len(rows) == len(set(rows)), name
            assert len(rows) == {"people": 2, "homes": 3, "contacts": 3, "devices": 2}[name]


def test_figures_of_a_division_are_those_of_its_parts(desk: Desk) -> None:
    desk.town.request()
    desk.pressed("n-1")
    with desk.town.database.read() as session:
        now = desk.town.clock.now()
        rows = {
            row.division.code: row for row in rollup.by_division(session, scope_of(["3302"]), START, now, START.date())
        }
    assert rows["3302"].figures == rows["330203"].figures == rows[COMMUNITY].figures
    assert (rows[COMMUNITY].figures.opened, rows[COMMUNITY].figures.alarms) == (2, 1)
    assert (rows["3302"].depth, rows[COMMUNITY].depth) == (0, 3)
