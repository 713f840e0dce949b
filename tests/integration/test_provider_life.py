"""How a provider comes in, goes on and leaves, on both databases; and that its ledger gives the row again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from dispatch import offers, provider_days, provider_words, sanctions
from dispatch.tables import StaffTask
from foundation.database import Database
from foundation.errors import AppError
from foundation.tables import OutboxMessage
from providers import absence, admission, contact_test, decisions, documents, ledger, offering, workers
from providers.admission import Application, VisitNote
from providers.documents import NewDocument
from providers.errors import BadProvider, NotYet, SecondPersonNeeded, UnknownStep
from providers.tables import Provider, ProviderEvent, ProviderItem, ProviderPhone
from tests.integration.dispatch_support import PLUMBERS, START, Town

CODE = "91350100M000100Y43"  # the sample code of GB 32100-2015
FIRM = Application(
    name="清泉水电", items={"0302": (40, 90), "0306": (50, 120)}, prefixes=["330203"], phones=["13900000050"],
    credit_code=CODE, responsible_name="钱师傅", address="示范路 5 号",
)  # fmt: skip
SEEN = VisitNote(date(2026, 11, 20), True, True, True, True, "店面整洁，两名持证电工，价目表上墙。")
CHEN, LIN = "user:chen", "user:lin"


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.writer.close()


def provider(town: Town, provider_id: int) -> Provider:
    with town.database.read() as session:
        return session.get_one(Provider, provider_id)


def kinds(town: Town, provider_id: int) -> list[str]:
    return town.rows(
        select(ProviderEvent.kind).where(ProviderEvent.provider_id == provider_id).order_by(ProviderEvent.id)
    )


def check_ledger(town: Town) -> None:
    """The ledger of every provider, read in order, gives its row; every state change is a step of the table."""
    with town.database.read() as session:
        for row in session.scalars(select(Provider)):
            told = session.scalars(
                select(ProviderEvent).where(ProviderEvent.provider_id == row.id).order_by(ProviderEvent.id)
            ).all()
            given_again = ledger.replay(event.detail for event in told)
            assert given_again.pop("stars", None) in (row.stars, None)  # the town's stars were put there by hand
            assert given_again == {k: ledger.plain(getattr(row, k)) for k in ledger.KEPT if k != "stars"}, row.name


def night(town: Town, *provider_ids: int) -> None:
    """The clock's look at these providers."""
    counted = town.call(lambda w: provider_days.count(w.session, provider_ids, w.now))
    town.call(provider_days.look, counted, actor="clock")


def with_papers(town: Town, provider_id: int, *, until: date | None = date(2027, 6, 30)) -> None:
    for new in (
        NewDocument("licence", "330203000012345", "市场监管局", valid_from=date(2020, 1, 1), valid_to=until),
        NewDocument("identity", "11010519491231002X"),
        NewDocument("permit", "电工-0007", items=["0306"], valid_to=date(2027, 3, 31)),
    ):
        town.call(documents.add, provider_id, new, actor=CHEN)


def on_trial(town: Town, application: Application = FIRM) -> int:
    provider_id = int(town.call(admission.apply, application, actor=CHEN))
    town.call(admission.begin_vetting, provider_id, actor=CHEN)
    with_papers(town, provider_id)
    town.call(admission.begin_visiting, provider_id, actor=CHEN)
    visit = town.call(admission.note_visit, provider_id, SEEN, actor=CHEN)
    town.call(admission.sign_visit, visit, actor=LIN)
    town.call(admission.begin_trial, provider_id, actor=CHEN)
    return provider_id


def full(town: Town) -> int:
    provider_id = on_trial(town)
    town.call(documents.add, provider_id, NewDocument("agreement", "协议-2026-5"), actor=CHEN)
    town.clock.at += timedelta(days=90)
    town.call(admission.admit, provider_id, actor=CHEN)
    return provider_id


def test_from_the_application_to_full_membership(town: Town) -> None:
    provider_id = int(town.call(admission.apply, FIRM, actor=CHEN))
    assert provider(town, provider_id).state == "applied"
    with pytest.raises(UnknownStep):
        town.call(admission.begin_trial, provider_id, actor=CHEN)
    town.call(admission.begin_vetting, provider_id, actor=CHEN)
    with pytest.raises(NotYet, match=r"business licence.*identity.*permit for Switches"):
        town.call(admission.begin_visiting, provider_id, actor=CHEN)
    with_papers(town, provider_id)
    town.call(admission.begin_visiting, provider_id, actor=CHEN)
    with pytest.raises(NotYet, match="signed by two"):
        town.call(admission.begin_trial, provider_id, actor=CHEN)
    visit = town.call(admission.note_visit, provider_id, SEEN, actor=CHEN)
    with pytest.raises(SecondPersonNeeded):
        town.call(admission.sign_visit, visit, actor=CHEN)
    town.call(admission.sign_visit, visit, actor=LIN)
    town.call(admission.begin_trial, provider_id, actor=CHEN)
    with pytest.raises(NotYet, match="90 days or 10 orders"):
        town.call(admission.admit, provider_id, actor=CHEN)
    town.clock.at += timedelta(days=90)
    with pytest.raises(NotYet, match="agreement"):
        town.call(admission.admit, provider_id, actor=CHEN)
    town.call(documents.add, provider_id, NewDocument("agreement", "协议-2026-5"), actor=CHEN)
    night(town, provider_id)
    assert "可以转正" in town.rows(select(StaffTask.text).where(StaffTask.kind == "provider"))[0]
    town.call(admission.admit, provider_id, actor=CHEN)
    assert provider(town, provider_id).state == "active"
    check_ledger(town)


def test_ten_finished_orders_end_a_trial_early_and_a_founded_complaint_ends_it_badly(town: Town) -> None:
    provider_id = on_trial(town)
    town.call(documents.add, provider_id, NewDocument("agreement", "协议-2026-5"), actor=CHEN)
    change = update(Provider).where(Provider.id == provider_id)
    town.call(lambda w: w.session.execute(change.values(orders_done=10)))
    assert town.call(sanctions.complaint_founded, 800, provider_id, "attitude", actor=CHEN) is None
    assert "请决定" in town.rows(select(StaffTask.text).where(StaffTask.subject == "complaint:800"))[0]
    with pytest.raises(NotYet, match=r"^not_yet: still missing: no founded complaint$"):
        town.call(admission.admit, provider_id, actor=CHEN)
    town.call(sanctions.complaint_withdrawn, 800, actor=CHEN)
    town.call(admission.admit, provider_id, actor=CHEN)
    assert provider(town, provider_id).state == "active"


def test_a_visit_that_was_not_passed_lets_nobody_in(town: Town) -> None:
    provider_id = int(town.call(admission.apply, FIRM, actor=CHEN))
    town.call(admission.begin_vetting, provider_id, actor=CHEN)
    with_papers(town, provider_id)
    town.call(admission.begin_visiting, provider_id, actor=CHEN)
    found = VisitNote(date(2026, 11, 20), True, True, False, True, "没有工具。")
    town.call(admission.sign_visit, town.call(admission.note_visit, provider_id, found, actor=CHEN), actor=LIN)
    with pytest.raises(NotYet, match="passed"):
        town.call(admission.begin_trial, provider_id, actor=CHEN)
    town.call(sanctions.reject, provider_id, "没有工具", actor=CHEN)
    town.call(admission.apply_again, provider_id, actor=CHEN)
    assert provider(town, provider_id).state == "applied"
    check_ledger(town)


@pytest.mark.parametrize(
    "bad",
    [
        {"items": {"9999": None}}, {"items": {}}, {"prefixes": ["33x"]}, {"prefixes": []}, {"phones": ["12"]},
        {"phones": []}, {"credit_code": "91350100M000100Y44"}, {"name": " "}, {"responsible_name": ""},
        {"items": {"0302": (90, 40)}}, {"phones": [PLUMBERS[0]]}, {"name": "水管师傅1"}, {"kind": "club"},
    ],
)  # fmt: skip
def test_an_application_that_is_not_whole_is_refused_and_leaves_nothing(town: Town, bad: dict[str, Any]) -> None:
    with pytest.raises(BadProvider):
        town.call(admission.apply, Application(**{**vars(FIRM), **bad}), actor=CHEN)
    assert len(town.rows(select(Provider.id))) == 3


def test_groups_and_desks_need_no_licence_but_a_responsible_person(town: Town) -> None:
    group = Application(name="红马甲", items={"1307": None}, prefixes=["330203"], phones=["13900000060"],
                        kind="volunteer_group", responsible_name="周队长")  # fmt: skip
    provider_id = int(town.call(admission.apply, group, actor=CHEN))
    town.call(admission.begin_vetting, provider_id, actor=CHEN)
    with pytest.raises(NotYet, match=r"^not_yet: still missing: the identity of the responsible person$"):
        town.call(admission.begin_visiting, provider_id, actor=CHEN)


def test_expelling_and_blacklisting_each_take_two_people(town: Town) -> None:
    provider_id = full(town)
    proposal = town.call(decisions.propose, provider_id, "expelled", "多次伤害居民", actor=CHEN)
    with pytest.raises(SecondPersonNeeded):
        town.call(sanctions.decide, proposal, carried=True, actor=CHEN)
    with pytest.raises(SecondPersonNeeded):
        town.call(sanctions.decide, proposal, carried=True, actor="clock")
    with pytest.raises(NotYet):
        town.call(decisions.propose, provider_id, "expelled", "再提", actor=LIN)
    town.call(sanctions.decide, proposal, carried=False, reason="证据不足", actor=LIN)
    assert provider(town, provider_id).state == "active"
    proposal = town.call(decisions.propose, provider_id, "expelled", "多次伤害居民", actor=LIN)
    town.call(sanctions.decide, proposal, carried=True, actor=CHEN)
    assert provider(town, provider_id).state == "expelled"
    until = START + timedelta(days=1000)
    barred = town.call(decisions.propose, provider_id, "blacklisted", "多次伤害居民", until, actor=LIN)
    town.call(sanctions.decide, barred, carried=True, actor=CHEN)
    again = Application(**{**vars(FIRM), "name": "清泉换名", "phones": ["13900000051"], "credit_code": CODE})
    with pytest.raises(NotYet, match="blacklisted"):
        town.call(admission.apply, again, actor=CHEN)
    town.clock.at = until + timedelta(minutes=1)
    town.call(admission.apply, again, actor=CHEN)
    events = town.rows(select(ProviderEvent.detail).where(ProviderEvent.provider_id == provider_id))
    carried = [event for event in events if event.get("state") == "expelled"]
    assert (carried[0]["proposed_by"], carried[0]["decided_by"]) == (LIN, CHEN)
    check_ledger(town)


def test_a_licence_is_announced_thirty_days_before_and_suspends_when_it_ends(town: Town) -> None:
    provider_id = on_trial(town)
    day = timedelta(days=1)
    ends = datetime.fromisoformat("2027-06-30T12:00+08:00")
    town.clock.at = ends - 31 * day
    night(town, provider_id)
    assert "document_ends" not in kinds(town, provider_id)
    town.clock.at = ends - 30 * day
    for _ in range(2):
        night(town, provider_id)
    assert kinds(town, provider_id).count("document_ends") == 1, "a paper is announced once"
    town.clock.at = ends
    night(town, provider_id)
    assert provider(town, provider_id).state == "probation", "the last day still counts"
    town.clock.at = ends + day
    for _ in range(2):
        night(town, provider_id)
    row = provider(town, provider_id)
    assert (row.state, "营业执照" in row.state_reason) == ("suspended", True)
    with pytest.raises(NotYet, match="licence"):
        town.call(sanctions.reinstate, provider_id, "忘了", actor=CHEN)
    new = NewDocument("licence", "330203000012345", valid_to=date(2030, 6, 30))
    town.call(documents.add, provider_id, new, actor=CHEN)
    town.call(sanctions.reinstate, provider_id, "新证已看", actor=CHEN)
    assert provider(town, provider_id).state == "probation", "its trial goes on"
    night(town, provider_id)
    assert provider(town, provider_id).state == "probation"
    check_ledger(town)


def test_a_permit_that_ends_stops_its_item_alone(town: Town) -> None:
    provider_id = on_trial(town)

    def until(code: str) -> date | None:
        found = select(ProviderItem.licensed_until).where(
            ProviderItem.provider_id == provider_id, ProviderItem.item == code
        )
        return town.rows(found)[0]

    assert (until("0302"), until("0306")) == (None, date(2027, 3, 31))
    town.clock.at = datetime.fromisoformat("2027-04-01T12:00+08:00")
    night(town, provider_id)
    assert provider(town, provider_id).state == "probation"
    with pytest.raises(NotYet, match="permit"):
        town.call(offering.set_item, provider_id, "0304", 50, 90, actor=CHEN)
    town.call(documents.add, provider_id, NewDocument("permit", "电工-0009", items=["0304", "0306"]), actor=CHEN)
    assert until("0306") is None
    town.call(offering.set_item, provider_id, "0304", 50, 90, actor=CHEN)
    assert until("0304") is None
    town.call(offering.drop_item, provider_id, "0302", actor=CHEN)
    assert set(town.rows(select(ProviderItem.item).where(ProviderItem.provider_id == provider_id))) == {"0304", "0306"}


def test_of_an_identity_only_its_end_is_kept(town: Town) -> None:
    provider_id = on_trial(town)
    with town.database.read() as session:
        numbers = [row.number for row in documents.of(session, provider_id) if row.kind == "identity"]
    assert numbers == ["…002X"]
    assert "11010519491231002X" not in str(town.rows(select(ProviderEvent.detail)))


def test_a_provider_is_absent_and_back_by_text(town: Town) -> None:
    assert town.sms(PLUMBERS[0], "请假 3天") == "absent"
    assert provider(town, 1).absent_until == datetime.fromisoformat("2026-11-26T00:00+08:00")
    assert town.sms(PLUMBERS[0], "请假 到 2-30") == "absent_unclear"
    assert town.sms(PLUMBERS[0], "请假 到 12-01") == "absent"
    assert provider(town, 1).absent_until == datetime.fromisoformat("2026-12-02T00:00+08:00")
    asked = town.offers(town.request())
    assert asked[0].provider_id == 2
    assert town.sms(PLUMBERS[0], "销假") == "back"
    assert provider(town, 1).absent_until is None
    assert town.sms("+8613911112222", "请假 3天") == "not_understood", "a stranger is absent from nothing"
    assert [message.params for message in town.pump() if message.template == "absent"][-1] == {"day": "12-01"}
    check_ledger(town)


def test_each_month_every_number_shows_that_it_works(town: Town) -> None:
    assert town.call(provider_words.ask_contacts, actor="clock") == 0, "the desk has just rung them all"
    town.clock.at += timedelta(days=30)
    assert town.call(provider_words.ask_contacts, actor="clock") == 3
    assert town.call(provider_words.ask_contacts, actor="clock") == 0
    sent = {m.recipient: m.params["code"] for m in town.pump() if m.template == "contact_test"}
    assert set(sent) == set(PLUMBERS)
    assert len(set(sent.values())) == 3
    assert town.sms(PLUMBERS[0], sent[PLUMBERS[0]]) == "contact_proven"
    assert town.sms(PLUMBERS[1], sent[PLUMBERS[0]]) == "not_understood", "another number's code proves nothing"
    town.clock.at += contact_test.ANSWER_WITHIN
    with town.database.read() as session:
        late = contact_test.unproven(session, town.clock.at)
    assert [row.number for row in late] == list(PLUMBERS[1:])
    town.call(contact_test.proven_by_voice, late[0].phone_id, actor=CHEN)
    with town.database.read() as session:
        assert [row.number for row in contact_test.unproven(session, town.clock.at)] == [PLUMBERS[2]]


def test_a_new_number_is_verified_by_its_code_and_a_workers_answers_for_the_firm(town: Town) -> None:
    worker = town.call(workers.add, 1, "小李", "13900000070", ["0302"], actor=CHEN)
    town.call(provider_words.ask_contacts, actor="clock")
    (message,) = [m for m in town.pump() if m.template == "contact_test"]
    assert town.sms("+8613900000070", "请假 3天") == "not_understood", "not verified yet"
    assert town.sms("+8613900000070", message.params["code"]) == "contact_proven"
    ticket = town.request()
    town.call(offers.offer_to, ticket, 1)
    assert town.sms("+8613900000070", "1 20") == "accepted", "asked at the firm's number, answered from its own"
    assert town.ticket(ticket).assigned_provider_id == 1
    assert town.sms("+8613900000070", "请假") == "absent"
    assert provider(town, 1).absent_until is not None
    town.call(workers.leave, worker, actor=CHEN)
    assert town.rows(select(ProviderPhone.number).where(ProviderPhone.provider_id == 1)) == [PLUMBERS[0]]


def test_the_last_number_of_a_firm_stays(town: Town) -> None:
    phone = town.rows(select(ProviderPhone.id).where(ProviderPhone.number == PLUMBERS[0]))[0]
    with pytest.raises(BadProvider):
        town.call(workers.drop_phone, phone, actor=CHEN)


def test_numbers_that_opted_out_are_not_asked_by_text(town: Town) -> None:
    town.sms(PLUMBERS[0], "退订")
    town.clock.at += timedelta(days=30)
    town.call(provider_words.ask_contacts, actor="clock")
    town.pump()
    states = {m.recipient: m.state for m in town.rows(select(OutboxMessage)) if m.template == "contact_test"}
    assert states[PLUMBERS[0]] == "cancelled"
    assert states[PLUMBERS[1]] == "sent"


Act = Callable[[Town, int], Any]
_ACTS: dict[str, Act] = {
    "vet": lambda t, p: t.call(admission.begin_vetting, p, actor=CHEN),
    "papers": with_papers,
    "visiting": lambda t, p: t.call(admission.begin_visiting, p, actor=CHEN),
    "visit": lambda t, p: t.call(admission.sign_visit, t.call(admission.note_visit, p, SEEN, actor=CHEN), actor=LIN),
    "trial": lambda t, p: t.call(admission.begin_trial, p, actor=CHEN),
    "agreement": lambda t, p: t.call(documents.add, p, NewDocument("agreement", "x"), actor=CHEN),
    "admit": lambda t, p: t.call(admission.admit, p, actor=CHEN),
    "warn": lambda t, p: t.call(sanctions.warn, p, "迟到", actor=CHEN),
    "suspend": lambda t, p: t.call(sanctions.suspend, p, "整改", move_orders=True, actor=CHEN),
    "reinstate": lambda t, p: t.call(sanctions.reinstate, p, "已改", actor=CHEN),
    "leave": lambda t, p: t.call(sanctions.leave, p, "搬走了", actor=CHEN),
    "reject": lambda t, p: t.call(sanctions.reject, p, "不合格", actor=CHEN),
    "again": lambda t, p: t.call(admission.apply_again, p, actor=CHEN),
    "complaint": lambda t, p: t.call(sanctions.complaint_founded, 900, p, "price", actor=CHEN),
    "grave": lambda t, p: t.call(sanctions.complaint_founded, 901, p, "safety", actor=CHEN),
    "reversed": lambda t, _: t.call(sanctions.complaint_withdrawn, 900, actor=CHEN),
    "expel": lambda t, p: t.call(
        sanctions.decide, t.call(decisions.propose, p, "expelled", "严重", actor=CHEN), carried=True, actor=LIN
    ),
    "hours": lambda t, p: t.call(offering.set_hours, p, 480, 1200, "123456", {"holidays": "closed"}, actor=CHEN),
    "absent": lambda t, p: t.call(absence.absent, p, t.clock.at + timedelta(days=1), "desk", actor=CHEN),
    "back": lambda t, p: t.call(absence.back, p, "desk", actor=CHEN),
    "month": lambda t, _: setattr(t.clock, "at", t.clock.at + timedelta(days=31)),
    "night": night,
}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(_ACTS)), min_size=5, max_size=30), st.integers(0, 10**9))
def test_whatever_is_done_the_ledger_gives_the_provider_again(town: Town, acts: list[str], number: int) -> None:
    """Random commands, most of them refused: what is refused leaves nothing, what is done is in the ledger."""
    name, phone = (
        f"企业{number}-{town.clock.at:%Y%m%d%H%M%S%f}",
        f"139{(number + town.clock.at.toordinal()) % 10**8:08}",
    )
    application = Application(**{**vars(FIRM), "name": name, "phones": [phone], "responsible_name": name})
    try:
        provider_id = int(town.call(admission.apply, application, actor=CHEN))
    except AppError:
        return  # the number was drawn before
    for act in ["vet", "papers", "visiting", "visit", "trial", "agreement", *acts]:
        before = provider(town, provider_id)
        try:
            _ACTS[act](town, provider_id)
        except AppError:
            after = provider(town, provider_id)
            assert {k: getattr(after, k) for k in ledger.KEPT} == {k: getattr(before, k) for k in ledger.KEPT}
    check_ledger(town)
