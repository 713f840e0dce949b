"""The town's page is open to this machine and to its own pages only, and takes nothing without bounds."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from callcenter.town.controller import TownController
from callcenter.town.diary import Call, Diary
from callcenter.town.directory import Directory, Telephone
from callcenter.town.network import NetworkSettings, Trunk
from callcenter.town.pages import TownPages
from callcenter.town.routes import create_page_router, create_telephone_router
from callcenter.town.showing import Book, calls
from foundation.numbers import NumberPlan

LI = Telephone("057487000001", "resident", "<script>alert(1)</script>", "resident")
# Messages are addressed to the complete number.
LI_HANDSET = "+8657487000001"
SETTINGS = NetworkSettings(
    Trunk(port=5060), sip_port=1, ari_port=1, trace_port=1, rtp_start=1, rtp_end=2, seats={"op1": "secret-of-op1"}
)


class Drawer:
    """Handsets in memory: the protocol's smallest true implementation."""

    def __init__(self) -> None:
        self.replies: list[tuple[str, str]] = []

    def list_handsets(self) -> Sequence[dict[str, Any]]:
        return [{"number": LI_HANDSET, "count": 1}]

    def messages(self, number: str) -> Sequence[dict[str, Any]]:
        return [{"id": "m1", "at": "2026-01-01T00:00:00+00:00", "from": "centre", "text": f"水管 {number}"}]

    async def deliver_reply(self, number: str, text: str) -> None:
        self.replies.append((number, text))


class Watch:
    """A clock that remembers how far it was moved."""

    def __init__(self) -> None:
        self.moved = timedelta()

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + self.moved

    def forward(self, *, seconds: float) -> datetime:
        self.moved += timedelta(seconds=seconds)
        return self.now()


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def page_alone(tmp_path: Path, drawer: Drawer, watch: Watch) -> Iterator[TestClient]:
    """The page of an application whose town cannot be reached."""
    town = TownPages(tmp_path, drawer, watch)
    with TestClient(town.app, base_url="http://localhost:8000") as client:
        assert client.portal is not None
        client.portal.call(town.start)
        yield client
        client.portal.call(town.stop)


@pytest.fixture
def page(drawer: Drawer, watch: Watch, diary: Diary) -> Iterator[TestClient]:
    app = FastAPI()
    controller = TownController(SETTINGS, Directory([LI]), diary)
    app.include_router(create_page_router(drawer, watch), prefix="/town")
    app.include_router(create_telephone_router(controller, drawer, watch), prefix="/town")
    with TestClient(app, base_url="http://localhost:8000") as client:
        yield client


def test_the_page_holds_no_inline_script_and_no_inline_style(page: TestClient) -> None:
    text = page.get("/town/").text

    assert "<script>" not in text
    assert "style=" not in text
    assert "<style" not in text
    assert page.get("/town/static/town.js").status_code == 200
    assert page.get("/town/static/town.css").status_code == 200
    assert page.get("/town/static/..%2Froutes.py").status_code in (404, 422)


def test_the_book_has_every_telephone_and_no_secret(page: TestClient) -> None:
    reply = page.get("/town/book")

    rows = {row["number"]: row for row in reply.json()}
    assert rows[LI.number]["name"] == LI.name
    assert rows[LI.number]["handset"] == LI_HANDSET
    assert rows["op1"]["kind"] == "seat"
    assert "secret-of-op1" not in reply.text


def test_the_state_shows_calls_messages_and_the_time(page: TestClient, diary: Diary) -> None:
    diary.begin(Call("c1", LI.number, "in", "0574 8700 0001", time.time(), ringing_at=1.0))

    state = page.get("/town/state").json()

    assert state["calls"][LI.number]["state"] == "ringing"
    assert state["calls"][LI.number]["other"] == LI.number  # whichever way the network writes it
    assert state["handsets"] == [{"number": LI_HANDSET, "count": 1}]
    assert state["now"] == "2026-01-01T00:00:00+00:00"


def test_a_call_that_ended_goes_from_the_page_after_a_while(diary: Diary) -> None:
    town = TownController(SETTINGS, Directory([LI]), diary)
    book = Book(town, NumberPlan())
    diary.begin(Call("c1", LI.number, "in", "81890", 1.0, ended_at=1000.0))

    assert calls(town, book, now=1010.0)[LI.number]["state"] == "over"
    assert calls(town, book, now=1100.0) == {}


def test_nothing_from_outside_can_run_on_the_page(page_alone: TestClient) -> None:
    for path in ("/", "/static/town.js", "/no-such-page"):
        policy = page_alone.get(path).headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
        assert "unsafe" not in policy


def test_the_page_is_there_before_the_telephones_are(page_alone: TestClient) -> None:
    assert page_alone.get("/").status_code == 200
    reply = page_alone.get("/state")
    assert reply.status_code == 503
    assert "start it first" in reply.json()["detail"]


def test_the_clock_moves_to_the_hour_of_the_follow_up(page: TestClient, watch: Watch) -> None:
    assert page.post("/town/clock/tomorrow").status_code == 200
    assert watch.now() == datetime(2026, 1, 2, 2, 0, tzinfo=UTC)  # ten o'clock in Ningbo


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://evil.example"}]
)
def test_another_sites_page_changes_nothing(page: TestClient, drawer: Drawer, headers: dict[str, str]) -> None:
    path = f"/town/handsets/{LI.number}/replies"

    assert page.post(path, json={"text": "1"}, headers=headers).status_code == 403
    assert drawer.replies == []


def test_its_own_page_may_reply(page: TestClient, drawer: Drawer) -> None:
    headers = {"sec-fetch-site": "same-origin", "origin": "http://localhost:8000"}

    assert page.post(f"/town/handsets/{LI.number}/replies", json={"text": "1 20"}, headers=headers).status_code == 202
    assert drawer.replies == [(LI_HANDSET, "1 20")]


def test_a_foreign_name_that_points_to_this_machine_is_refused(page: TestClient) -> None:
    assert page.get("/town/state", headers={"host": "evil.example:8000"}).status_code == 403
    assert page.get("/town/state", headers={"host": "127.0.0.1.evil.example"}).status_code == 403
    assert page.get("/town/state", headers={"host": "127.0.0.1:8000"}).status_code == 200


def test_another_machine_is_refused(drawer: Drawer) -> None:
    app = FastAPI()
    town = TownController(SETTINGS, Directory([LI]), Diary())
    app.include_router(create_page_router(drawer), prefix="/town")
    app.include_router(create_telephone_router(town, drawer), prefix="/town")
    with TestClient(app, base_url="http://localhost:8000", client=("192.0.2.7", 4711)) as client:
        for path in ("/town/", "/town/book", "/town/state", f"/town/handsets/{LI.number}/messages"):
            assert client.get(path).status_code == 403


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("phones/057487000001/dial", {"number": "81890@evil"}, 422),
        ("phones/057487000001/dial", {"number": "8" * 21}, 422),
        ("phones/13999999999/dial", {"number": "81890"}, 404),
        ("phones/057487000001/press", {"keys": "w"}, 422),
        ("phones/057487000001/press", {"keys": "1"}, 409),
        ("phones/057487000001/answer", {}, 409),
        ("phones/057487000001/when-rung", {"does": "explode"}, 422),
        ("phones/%3Cb%3E/hang-up", {}, 422),
        ("handsets/057487000001/replies", {"text": "x" * 20_001}, 422),
        ("clock", {"seconds": -1}, 422),
        ("clock", {"seconds": 1e12}, 422),
    ],
)
def test_what_is_out_of_bounds_or_cannot_be_is_refused(
    page: TestClient, watch: Watch, path: str, body: dict[str, object], status: int
) -> None:
    assert page.post(f"/town/{path}", json=body).status_code == status
    assert watch.moved == timedelta()


def test_messages_are_read_and_the_clock_is_moved(page: TestClient, watch: Watch) -> None:
    assert page.get(f"/town/handsets/{LI.number}/messages").json() == [
        {"id": "m1", "at": "2026-01-01T00:00:00+00:00", "from": "centre", "text": f"水管 {LI_HANDSET}"}
    ]
    assert page.post("/town/clock", json={"seconds": 1500}).status_code == 200
    assert watch.moved == timedelta(minutes=25)


def test_sms_and_clock_work_while_the_telephones_cannot_be_reached(
    tmp_path: Path, drawer: Drawer, watch: Watch
) -> None:
    town = TownPages(tmp_path, drawer, watch)  # no network.json: there is no town to control
    with TestClient(town.app, base_url="http://localhost:8000") as client:
        assert client.post(f"/handsets/{LI.number}/replies", json={"text": ""}).status_code == 202
        assert drawer.replies == [(LI_HANDSET, "")]
        assert client.post("/clock", json={"seconds": 60}).status_code == 200
        assert watch.moved == timedelta(seconds=60)
        assert client.get("/state").status_code == 503
