"""What comes from outside is bounded before it is read, and what we write is for our own eyes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from callcenter import cli, up
from callcenter.bounds import LARGER, MOST_BODY, BoundedBodies
from callcenter.settings import Settings, load_settings


async def _length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def client() -> TestClient:
    return TestClient(
        BoundedBodies(
            Starlette(routes=[Route("/", _length, methods=["POST"]), Route("/imports", _length, methods=["POST"])])
        )
    )


def test_a_body_that_is_too_long_is_refused_and_the_longest_allowed_is_read(client: TestClient) -> None:
    assert client.post("/", content=b"x" * MOST_BODY).text == str(MOST_BODY)
    assert client.post("/", content=b"x" * (MOST_BODY + 1)).status_code == 413


def test_only_where_files_are_brought_a_body_may_be_larger_and_there_too_it_is_bounded(client: TestClient) -> None:
    most = LARGER["POST", "/imports"]
    assert client.post("/imports", content=b"x" * most).text == str(most)
    assert client.post("/imports", content=b"x" * (most + 1)).status_code == 413
    assert client.post("/imports/1/order", content=b"x" * (MOST_BODY + 1)).status_code == 413


def test_a_body_that_does_not_say_its_length_is_refused_once_it_is_too_long(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(MOST_BODY // 1024 + 8):
            yield b"x" * 1024

    assert client.post("/", content=endless()).status_code == 413


def test_what_the_service_writes_can_be_read_by_its_own_user_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def writes(settings: Settings, **_more: object) -> int:
        settings.home.mkdir(parents=True)
        (settings.home / "callcenter.sqlite3").write_text("everybody's medical card")
        return 0

    monkeypatch.setattr(up, "up", writes)
    before = os.umask(0o022)
    try:
        assert cli.main(["--home", str(tmp_path / "home"), "up"]) == 0
    finally:
        os.umask(before)
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "home" / "callcenter.sqlite3").stat().st_mode & 0o777 == 0o600


def test_a_postgresql_address_without_its_driver_means_the_driver_we_bring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLCENTER_DATABASE__URL", "postgresql://centre@db.example/centre")
    assert load_settings(home=tmp_path).database_url == "postgresql+psycopg://centre@db.example/centre"
