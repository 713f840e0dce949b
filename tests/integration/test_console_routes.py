"""The console's routes on a real database: who may do what, our own forms only, outside text escaped, true refusals."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.routing import Mount, Route

from callcenter.console import sign_in
from callcenter.console.errors import ManyAtOnce
from dispatch.tables import Arrival, ArrivalTicket, Seat, Ticket
from foundation.database import Database
from foundation.tables import OutboxMessage, TicketEvent
from residents.tables import Person
from tests.console_desk import ORIGIN, PASSWORD, Browser, Desk

OPEN_TO_ALL = {("GET", "/sign-in"), ("POST", "/sign-in"), ("POST", "/language")}
ATTACK = "<script>alert(1)</script>"


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    database = Database(sqlite_url)
    made = Desk(database)
    yield made
    made.town.writer.close()
    database.dispose()


@pytest.fixture
def browser(desk: Desk) -> Iterator[Callable[[str | None], Browser]]:
    """Signs somebody in, or (None) opens a stranger's browser."""
    with desk.client() as client:
        clients = [client]

        def signed_in(login: str | None) -> Browser:
            clients.append(desk.client())
            return Browser(clients[-1], login)

        yield signed_in
        for other in clients[1:]:
            other.close()


def routes(desk: Desk) -> list[tuple[str, str]]:
    """Every method and address of the console, with numbers for the ids in it."""
    found = []
    for route in walk(desk.console.app.routes):
        path = route.path
        for name in (
            "{arrival_id}",
            "{ticket_id}",
            "{home_id}",
            "{task_id}",
            "{incident_id}",
            "{recording_id}",
            "{publication_id}",
        ):
            path = path.replace(name, "1")
        path = path.replace("{seat}", "op1").replace("{name}", "hotline")
        path = re.sub(r"\{\w+\}", "1", path)
        found += [(method, path) for method in sorted(route.methods or ()) if method != "HEAD"]
    return found


def walk(found: Any) -> Iterator[Route]:
    for route in found:
        if isinstance(route, Mount):
            continue
        if isinstance(route, Route) or (hasattr(route, "path") and hasattr(route, "methods")):
            yield route
        else:
            inner = getattr(route, "original_router", None) or getattr(route, "router", None)
            assert inner is not None, f"a route of a kind this test does not know: {route!r}"
            yield from walk(inner.routes)


def test_a_stranger_is_sent_to_the_sign_in_page_by_every_route(desk: Desk, browser: Any) -> None:
    stranger = browser(None)
    listed = routes(desk)
    assert len(listed) > 35, "the routes were not found"
    token = stranger.client.get("/sign-in").text.split('name="csrf" value="')[1].split('"')[0]
    for method, path in listed:
        if (method, path) in OPEN_TO_ALL:
            continue
        headers = {"HX-Request": "true", "Origin": ORIGIN, "X-CSRF-Token": token}
        answer = stranger.client.request(method, path, headers=headers)
        assert answer.status_code == 401, (method, path, answer.status_code)
        assert answer.headers["HX-Redirect"] == "/sign-in"


@pytest.mark.parametrize("wrong", ["no token", "other's token", "other origin", "no origin"])
def test_no_change_is_made_by_a_form_that_is_not_ours(desk: Desk, browser: Any, wrong: str) -> None:
    li, wang = browser("li"), browser("wang")
    headers = {"HX-Request": "true", "Origin": ORIGIN, "X-CSRF-Token": li.token}
    if wrong == "no token":
        del headers["X-CSRF-Token"]
    elif wrong == "other's token":
        headers["X-CSRF-Token"] = wang.token
    elif wrong == "other origin":
        headers["Origin"] = "http://elsewhere.example"
    else:
        del headers["Origin"]
    for method, path in routes(desk):
        if method == "POST":
            answer = li.client.post(path, headers=headers)
            assert answer.status_code == 403, (path, answer.status_code)
            assert "不是从本页面发出的" in answer.text or path in ("/sign-in", "/language")


def test_every_answer_carries_the_strict_headers_and_no_inline_script_or_style(desk: Desk, browser: Any) -> None:
    li = browser("li")
    alarm, call = desk.pressed(), desk.rings()
    for path in ("/", "/sign-in", f"/tickets/{alarm}", f"/calls/{call}", "/tickets", "/people", "/tickets/new", "/x"):
        answer = li.client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert " style=" not in answer.text
        assert "<style" not in answer.text
        assert " onclick" not in answer.text
        assert answer.text.count("<script") <= 1


def test_a_wrong_password_says_nothing_more_and_guessing_is_slowed(desk: Desk, browser: Any) -> None:
    client = browser(None).client
    token = client.get("/sign-in").text.split('name="csrf" value="')[1].split('"')[0]

    def attempt(name: str, password: str) -> Any:
        told = {"name": name, "password": password, "csrf": token}
        return client.post("/sign-in", data=told, headers={"Origin": ORIGIN})

    known, unknown = attempt("li", "wrong"), attempt("nobody", "wrong")
    assert known.status_code == unknown.status_code == 401
    assert "用户名或密码不对" in known.text
    for _ in range(4):
        attempt("li", "wrong")
    assert attempt("li", PASSWORD).status_code == 429
    assert attempt("wang", PASSWORD).status_code == 303, "another name from the same address is not locked out"


def test_no_more_passwords_are_proved_at_once_than_leave_the_desk_its_threads(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, proving = threading.Event(), threading.Semaphore(0)

    def slow(_hash: str, _password: str) -> bool:
        proving.release()
        return release.wait(30)

    monkeypatch.setattr(sign_in, "verify_password", slow)
    with ThreadPoolExecutor(5) as people, desk.town.database.read() as session:
        first = [
            people.submit(sign_in.proven, Session(desk.town.database.read_engine), "li", PASSWORD) for _ in range(4)
        ]
        assert all(proving.acquire(timeout=10) for _ in first)
        with pytest.raises(ManyAtOnce):
            sign_in.proven(session, "li", PASSWORD)
        release.set()
        assert {one.result().login for one in first} == {"li"}


def test_the_session_cookie_is_out_of_the_reach_of_scripts_and_ends_with_sign_out(desk: Desk, browser: Any) -> None:
    li = browser("li")
    kept = dict(li.client.cookies)
    token = li.client.get("/sign-in")
    assert token.status_code == 303, "who is signed in goes to the desk"
    assert li.post("/sign-out").status_code == 204
    for name, value in kept.items():
        li.client.cookies.set(name, value)
    assert li.get("/seats").status_code == 401, "a copied cookie is worth nothing after sign-out"


def test_a_disabled_account_is_out_at_once(desk: Desk, browser: Any) -> None:
    from dispatch import staff

    li = browser("li")
    assert li.get("/seats").status_code == 200
    desk.town.call(staff.disable_user, 2)
    assert li.get("/seats").status_code == 401


def test_only_a_supervisor_frees_another_persons_seat(desk: Desk, browser: Any) -> None:
    li, wang, chen = browser("li"), browser("wang"), browser("chen")
    assert li.post("/seats/take", seat="op1").status_code == 200
    taken = wang.post("/seats/take", seat="op1")
    assert taken.status_code == 409
    assert "op1" in taken.text
    assert wang.post("/seats/op1/free").status_code == 403
    assert chen.post("/seats/op1/free").status_code == 200
    with desk.town.database.read() as session:
        assert session.get_one(Seat, "op1").user_id is None


def test_a_break_needs_a_seat_and_a_reason_and_ends(desk: Desk, browser: Any) -> None:
    li = browser("li")
    assert li.post("/break", reason="用餐").status_code == 409
    li.post("/seats/take", seat="op2")
    assert "用餐" in li.post("/break", reason="用餐").text
    assert li.post("/break", reason=" ").status_code == 422
    assert "结束小休" not in li.post("/break/end").text


def test_two_who_take_one_alarm_get_one_winner_and_one_true_answer(desk: Desk, browser: Any) -> None:
    alarm = desk.pressed()
    li, wang = browser("li"), browser("wang")
    li.post("/seats/take", seat="op1")
    assert li.post(f"/alarms/{alarm}/take").status_code == 200
    late = wang.post(f"/alarms/{alarm}/take")
    assert late.status_code == 409
    assert "已由李坐席 · 坐席 op1接警" in late.text
    assert late.headers["HX-Retarget"] == "#notices"


def test_an_alarm_is_handled_and_closed_and_the_events_tell_it(desk: Desk, browser: Any) -> None:
    alarm = desk.pressed()
    li = browser("li")
    li.post(f"/alarms/{alarm}/take")
    refused = li.post(f"/alarms/{alarm}/close", outcome="accidental", text="她说按错了")
    assert refused.status_code == 409, "nothing is accidental before somebody was heard or seen"
    li.post(f"/alarms/{alarm}/grade", grade="ordinary")
    li.post(f"/alarms/{alarm}/confirm", how="voice")
    closed = li.post(f"/alarms/{alarm}/close", outcome="accidental", text="本人接电话，说按错了")
    assert closed.status_code == 200
    assert "已办结" in closed.text
    ticket = desk.town.ticket(alarm)
    assert (ticket.state, ticket.outcome, ticket.confirmed_by) == ("closed", "accidental", "voice")
    assert {"alarm.taken", "alarm.graded", "alarm.confirmed", "alarm.closed"} <= set(desk.town.events(alarm))


def test_a_call_for_help_opens_its_alarm_until_that_is_closed(desk: Desk, browser: Any) -> None:
    alarm = desk.pressed()
    with desk.town.database.read() as session:
        call = session.scalars(select(ArrivalTicket.arrival_id).where(ArrivalTicket.ticket_id == alarm)).one()
    li = browser("li")
    opened = li.get(f"/calls/{call}")
    assert (opened.status_code, opened.headers["location"]) == (303, f"/tickets/{alarm}")
    li.post(f"/alarms/{alarm}/take")
    li.post(f"/alarms/{alarm}/close", outcome="served_on_phone", text="教会了用法")
    assert f"/tickets/{alarm}" in li.get(f"/calls/{call}").text


def test_calling_the_family_makes_a_leg_while_the_call_waits(desk: Desk, browser: Any) -> None:
    alarm = desk.pressed()
    li = browser("li")
    assert li.post(f"/alarms/{alarm}/ring", who="contact-1").status_code == 200
    legs = desk.town.rows(select(OutboxMessage).where(OutboxMessage.kind == "leg"))
    assert [(leg.recipient, leg.params["call"]) for leg in legs] == [("contact-1", "node1-1.1")]
    assert li.post(f"/alarms/{alarm}/ring", who="contact-999").status_code == 404
    assert li.post(f"/alarms/{alarm}/ring", who="x; DROP").status_code == 422
    assert li.post(f"/alarms/{alarm}/write", who="contact-2").status_code == 200
    assert li.post(f"/alarms/{alarm}/ring-back").status_code == 409, "the line is still up"


def test_the_card_of_a_device_line_shows_its_home_and_what_only_a_rescue_may_read_needs_a_reason(
    desk: Desk, browser: Any
) -> None:
    call = desk.rings(caller="87000001")
    li = browser("li")
    card = li.get(f"/calls/{call}").text
    assert "张爷爷" in card
    assert "示范路 7 号" in card
    assert li.post("/homes/7/rescue", reason="curious").status_code == 422
    assert li.post("/homes/7/rescue", reason="other").status_code == 422
    assert li.post("/homes/7/rescue", reason="asked_by_120").status_code == 200
    opened = desk.town.rows(select(TicketEvent).where(TicketEvent.kind == "card.opened"))
    assert [(event.actor, event.detail["reason"]) for event in opened] == [("user:li", "asked_by_120")]


def test_an_inquiry_is_answered_on_the_spot_and_the_arrival_has_its_end(desk: Desk, browser: Any) -> None:
    call = desk.rings()
    li = browser("li")
    answered = li.post(f"/calls/{call}/answer", summary="几点关门", text="五点半")
    assert answered.status_code == 200
    assert li.post(f"/calls/{call}/answer", summary="又来", text="一次").status_code == 409
    with desk.town.database.read() as session:
        assert session.get_one(Arrival, call).disposition == "inquiry"
        ticket = session.scalar(select(Ticket).where(Ticket.kind == "inquiry"))
        assert ticket is not None
        assert (ticket.state, ticket.caller) == ("closed", "+8613800000101")


@pytest.mark.parametrize("disposition", ["nuisance", "wrong_number", "test"])
def test_an_arrival_can_end_without_a_ticket_once(desk: Desk, browser: Any, disposition: str) -> None:
    call = desk.rings()
    li = browser("li")
    assert li.post(f"/calls/{call}/dispose", disposition=disposition, reason="说明").status_code == 200
    again = li.post(f"/calls/{call}/dispose", disposition="test", reason="说明")
    assert again.status_code == 409


def test_a_service_request_goes_its_whole_way_by_the_console(desk: Desk, browser: Any) -> None:
    call = desk.rings()
    li = browser("li")
    form = {"item": "0302", "summary": "水龙头漏水", "address": "示范路 1 号", "community": "330203001001",
            "phone": "138 0000 0101", "caller_name": "王阿姨", "arrival_id": call, "who": "王阿姨"}  # fmt: skip
    opened = li.post("/tickets", **form)
    assert opened.status_code == 200
    assert opened.text.count("居民选这家") == 3
    number = int(opened.headers["HX-Push-Url"].rsplit("/", 1)[1])
    assert li.post(f"/tickets/{number}/offer", provider_id=1).status_code == 200
    offer = desk.town.offers(number)[-1]
    assert li.post(f"/tickets/{number}/accept", offer_id=offer.id, minutes=20).status_code == 200
    assert li.post(f"/tickets/{number}/arrived").status_code == 200
    assert li.post(f"/tickets/{number}/done", yuan=80).status_code == 200
    assert desk.town.ticket(number).state == "done"
    assert li.post(f"/tickets/{number}/grade", grade=5).status_code == 200
    assert desk.town.ticket(number).state == "closed"
    assert li.post(f"/tickets/{number}/close", outcome="served", text="x").status_code == 409
    desk.town.check_laws()


def test_outside_text_is_escaped_wherever_it_lands(desk: Desk, browser: Any) -> None:
    li = browser("li")

    def rename(w: Any) -> None:
        w.session.get_one(Person, 70).name = ATTACK

    desk.town.call(rename)
    alarm = desk.pressed()
    call = desk.rings(caller="87000001")
    li.post(f"/tickets/{alarm}/note", text=ATTACK)
    form = {"item": "0302", "summary": ATTACK, "address": ATTACK, "community": "330203001001",
            "caller_name": ATTACK, "course": ATTACK}  # fmt: skip
    opened = li.post("/tickets", **form)
    pages = [opened.text]
    pages += [li.get(path).text for path in (f"/tickets/{alarm}", f"/calls/{call}", "/tickets?show=all", "/homes/7",
              "/waiting/alarms", "/waiting/calls", "/waiting/deadlines", f"/people?q={ATTACK}",
              f"/tickets?q={ATTACK}")]  # fmt: skip
    for page in pages:
        assert "<script>alert" not in page
    assert sum("&lt;script&gt;" in page for page in pages) >= 6


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/tickets/1/note", {"text": "x" * 4001}),
        ("/tickets/1/note", {"text": ""}),
        ("/tickets/99999999999999999999/note", {"text": "x"}),
        ("/tickets/1/done", {"yuan": -1}),
        ("/tickets/1/accept", {"offer_id": 1, "minutes": 0}),
        ("/tickets/1/grade", {"grade": 6}),
        ("/calls/1/dispose", {"disposition": "ticket", "reason": "x"}),
        ("/tickets", {"item": "03", "summary": "x", "address": "x", "community": "1"}),
        ("/siren/silence", {"reason": "x", "minutes": 60}),
    ],
)
def test_an_input_outside_its_bounds_is_refused_in_words(desk: Desk, browser: Any, path: str, told: Any) -> None:
    answer = browser("li").post(path, **told)
    assert answer.status_code == 422
    assert "data-notice" in answer.text
    assert "Traceback" not in answer.text


def test_english_pages_have_no_chinese_but_what_people_wrote(desk: Desk, browser: Any) -> None:
    li = browser("li")
    assert li.post("/language", locale="en").status_code == 204
    page = li.client.get("/tickets/new").text
    assert "Open a service request" in page
    assert "开求助单" not in page
    gone = li.get("/tickets/424242")
    assert gone.status_code == 404
    assert "there is no ticket 424242" in gone.text
