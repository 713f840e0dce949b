"""Corrections, revisions, consents, and divisions that end: what a community keeps, and what it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.scope import scope_of
from foundation.tables import TicketEvent
from foundation.writer import Work, Writer
from residents import consents, divisions, proposals, provenance, queries, records, registry
from residents.errors import ChangedMeanwhile, DivisionEnded, FieldInvalid, NoSuch, ProposalDecided, ProposalStale
from residents.provenance import Source
from residents.record_tables import Consent, Proposal
from residents.tables import Division, Home, Person
from tests.integration.dispatch_support import HandClock

PLAN = NumberPlan()
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
HERE = "330203001001"


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    made = Writer(database, HandClock(AT))
    made.call(_divisions)
    yield made
    made.close()


def _divisions(w: Work) -> None:
    for code, level, parent in (
        ("3302", "city", None), ("330203", "district", "3302"), ("330204", "district", "3302"),
        ("330212", "district", "3302"), ("330203001", "street", "330203"), ("330204001", "street", "330204"),
        ("330212001", "street", "330212"), (HERE, "community", "330203001"), ("330204001001", "community", "330204001"),
        ("330212001001", "community", "330212001"),
    ):  # fmt: skip
        values = {"code": code, "name": f"区划{code}", "level": level, "valid_from": date(2000, 1, 1)}
        registry.add_division(w, values | ({"parent_code": parent} if parent else {}))


def _home(writer: Writer, code: str = HERE) -> tuple[int, int]:
    home = writer.call(registry.add_home, {"division_code": code, "address": "桐荫路 1 弄"})
    person = writer.call(registry.add_person, {"name": "周阿凤", "phone": "15400010001"}, PLAN, actor="user:li")
    writer.call(registry.add_member, home, person)
    return int(home), int(person)


def _read(database: Database, row: Any, row_id: int) -> Any:
    with database.read() as session:
        return session.get_one(row, row_id)


def test_a_correction_changes_nothing_until_the_community_confirms_it(database: Database, writer: Writer) -> None:
    _, person = _home(writer)
    asked = writer.call(proposals.propose, "person", person, "phone", "15400010002", PLAN, said_by="女儿")
    assert _read(database, Person, person).phone == "+8615400010001"
    again = writer.call(proposals.propose, "person", person, "phone", "154 0001 0002", PLAN, said_by="女儿")
    assert again == asked, "the same said twice is one proposal"
    assert writer.call(proposals.confirm, asked, PLAN, actor="user:desk")
    row = _read(database, Person, person)
    assert (row.phone, row.revision) == ("+8615400010002", 2)
    decided = _read(database, Proposal, asked)
    assert (decided.state, decided.decided_by, decided.said_by) == ("confirmed", "user:desk", "女儿")
    with database.read() as session:
        assert provenance.of_record(session, "person", person)["phone"]["way"] == "call"
        kinds = list(session.scalars(select(TicketEvent.kind).where(TicketEvent.kind.like("proposal.%"))))
        assert kinds == ["proposal.made", "proposal.confirmed"]
    with pytest.raises(ProposalDecided):
        writer.call(proposals.confirm, asked, PLAN)


def test_a_correction_of_a_value_that_was_changed_meanwhile_is_stale(database: Database, writer: Writer) -> None:
    _, person = _home(writer)
    asked = writer.call(proposals.propose, "person", person, "name", "周阿凤一", PLAN, said_by="本人")
    writer.call(registry.change_person, person, {"name": "周凤"}, PLAN)
    with database.read() as session:
        (shown,) = proposals.shown(session, scope_of([HERE]))
        assert shown.stale
        assert shown.now == "周凤"
    assert not writer.call(proposals.confirm, asked, PLAN)
    assert _read(database, Person, person).name == "周凤"
    with pytest.raises(ProposalStale):
        writer.call(proposals.confirm, asked, PLAN)


def test_a_correction_is_rejected_with_a_reason_and_only_once(database: Database, writer: Writer) -> None:
    home, _ = _home(writer)
    asked = writer.call(proposals.propose, "home", home, "landmark", "老樟树旁", PLAN, said_by="邻居")
    with pytest.raises(FieldInvalid, match="must say why"):
        writer.call(proposals.reject, asked, "  ")
    writer.call(proposals.reject, asked, "树早已砍了")
    assert _read(database, Home, home).landmark == ""
    with pytest.raises(ProposalDecided):
        writer.call(proposals.reject, asked, "又一次")


@pytest.mark.parametrize(
    ("subject", "field", "value"),
    [("person", "tags", ["低保"]), ("person", "consent_sms", True), ("home", "division_code", HERE),
     ("home", "version", 5), ("person", "birth_year", 1700), ("person", "phone", "120"), ("person", "name", "周阿凤")],
)  # fmt: skip
def test_what_may_not_be_corrected_on_a_call_or_is_out_of_bounds_is_refused(
    writer: Writer, subject: str, field: str, value: Any
) -> None:
    home, person = _home(writer)
    with pytest.raises(FieldInvalid):
        writer.call(
            proposals.propose, subject, {"home": home, "person": person}[subject], field, value, PLAN, said_by="本人"
        )


def test_of_two_people_editing_one_record_the_second_is_told(database: Database, writer: Writer) -> None:
    home, person = _home(writer)
    read = _read(database, Home, home).revision
    writer.call(records.change, "home", home, {"room": "301室"}, PLAN, expected=read, source=Source("form"))
    with pytest.raises(ChangedMeanwhile, match="not saved"):
        writer.call(records.change, "home", home, {"room": "302室"}, PLAN, expected=read, source=Source("form"))
    assert _read(database, Home, home).room == "301室"
    read = _read(database, Person, person).revision
    writer.call(records.change, "person", person, {"sex": 2}, PLAN, expected=read, source=Source("visit", "care"))
    with pytest.raises(ChangedMeanwhile):
        writer.call(records.change, "person", person, {"sex": 1}, PLAN, expected=read, source=Source("visit"))


def test_each_field_says_where_it_came_from_and_keeps_the_others(database: Database, writer: Writer) -> None:
    home, person = _home(writer)
    writer.call(records.change, "person", person, {"birth_year": 1941}, PLAN, expected=None,
                source=Source("visit", "care"), actor="user:desk")  # fmt: skip
    with database.read() as session:
        told = {view.subject: view for view in records.of_home(session, home)}["person"].sources
    assert told["name"] == {"way": "registry", "by": "user:li", "at": AT.isoformat(), "purpose": "service"}
    assert (told["birth_year"]["way"], told["birth_year"]["by"], told["birth_year"]["purpose"]) == (
        "visit", "user:desk", "care",
    )  # fmt: skip
    with pytest.raises(FieldInvalid):
        Source("hearsay")


def test_a_consent_says_who_gave_it_when_how_and_to_whom(database: Database, writer: Writer) -> None:
    _, person = _home(writer)
    writer.call(consents.record, person, "position", given=True, said_by="本人", how="form", named="女儿周晓梅",
                actor="user:desk")  # fmt: skip
    assert _read(database, Person, person).consent_position
    writer.call(consents.record, person, "position", given=False, said_by="本人", how="call")
    assert not _read(database, Person, person).consent_position
    with database.read() as session:
        said = consents.of_person(session, person)
        assert [(c.given, c.how, c.named, c.at) for c in said] == [
            (False, "call", "", AT), (True, "form", "女儿周晓梅", AT),
        ]  # fmt: skip
    with pytest.raises(FieldInvalid, match="must say who"):
        writer.call(consents.record, person, "sms", given=False, said_by=" ", how="call")
    assert len(list(_rows(database, select(Consent)))) == 2


def _rows(database: Database, statement: Any) -> Any:
    with database.read() as session:
        return list(session.scalars(statement))


def test_a_home_of_an_abolished_division_is_shown_with_its_follower_and_seen_by_both(
    database: Database, writer: Writer
) -> None:
    home, _ = _home(writer, "330204001001")
    for old, new in (("330204001001", "330212001001"), ("330204001", "330212001"), ("330204", "330212")):
        writer.call(divisions.end, old, date(2016, 9, 1), new)
    with database.read() as session:
        card = queries.card(session, home_id=home)
        assert card is not None
        assert card.home is not None
        assert card.home.names_on(date(2010, 1, 1))[-1] == "区划330204001001"
        assert card.home.names_on(TODAY) == ("区划3302", "区划330212", "区划330212001", "区划330212001001",
                                             "（原区划330204001001）")  # fmt: skip
        mine = divisions.area(session, "330212", TODAY)
        assert mine.covers("330204001001")
        assert not divisions.area(session, "330203", TODAY).covers("330204001001")
        assert not divisions.area(session, "330212", date(2010, 1, 1)).covers("330204001001")
        assert divisions.current(session, "330204001001", TODAY) is session.get(Division, "330212001001")


def test_a_division_whose_parts_went_to_two_districts_counts_for_each_only_as_far_as_it_came(
    database: Database, writer: Writer
) -> None:
    writer.call(divisions.end, "330204001001", date(2016, 9, 1), HERE)
    writer.call(divisions.end, "330204001", date(2016, 9, 1), "330212001")
    writer.call(divisions.end, "330204", date(2016, 9, 1), "330212")
    with database.read() as session:
        assert not divisions.area(session, "330212", TODAY).covers("330204001001")
        assert divisions.area(session, "330203", TODAY).covers("330204001001")


def test_a_new_home_lies_only_in_a_division_that_holds_today(writer: Writer) -> None:
    writer.call(divisions.end, "330204001001", date(2016, 9, 1), "330212001001")
    with pytest.raises(DivisionEnded, match="use 区划330212001001"):
        _home(writer, "330204001001")
    home, _ = _home(writer)
    with pytest.raises(DivisionEnded):
        writer.call(registry.change_home, home, {"division_code": "330204001001"})


@pytest.mark.parametrize("follower", ["330204001001", "330212001", "330299"])
def test_a_division_is_followed_only_by_another_of_its_level_that_holds(writer: Writer, follower: str) -> None:
    with pytest.raises((FieldInvalid, NoSuch)):
        writer.call(divisions.end, "330204001001", date(2016, 9, 1), follower)


def test_followers_in_a_circle_lead_nowhere(database: Database, writer: Writer) -> None:
    def circle(w: Work) -> None:
        for code, following in (("330204001001", "330212001001"), ("330212001001", "330204001001")):
            row = w.session.get_one(Division, code)
            row.valid_to, row.replaced_by = date(2016, 9, 1), following

    writer.call(circle)
    with database.read() as session:
        assert divisions.current(session, "330204001001", TODAY) is None
