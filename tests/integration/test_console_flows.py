"""The page of the flows: who may publish, what is refused at the door, and that text stays text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

import pytest
from sqlalchemy import func, select

from callcenter.flows.desk import FlowDesk
from foundation.database import Database
from ivr_flows import publishing
from ivr_flows.tables import FlowPublication, FlowVersion
from tests.console_desk import Browser, Desk

ATTACK = "<script>alert(1)</script>"
HOTLINE = resources.files("ivr_flows").joinpath("flows/hotline.yaml").read_text("utf-8")


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    database = Database(sqlite_url)
    made = Desk(database)
    made.flows.own.mkdir(parents=True)
    yield made
    made.town.writer.close()
    database.dispose()


@pytest.fixture
def browser(desk: Desk) -> Iterator[Callable[[str], Browser]]:
    clients = []

    def signed_in(login: str) -> Browser:
        clients.append(desk.client())
        return Browser(clients[-1].__enter__(), login)

    yield signed_in
    for client in clients:
        client.__exit__(None, None, None)


def write(flows: FlowDesk, name: str, text: str | bytes) -> None:
    (flows.own / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def change_hotline(desk: Desk, limit: int = 240) -> None:
    write(desk.flows, "hotline.yaml", HOTLINE.replace("limit: 300", f"limit: {limit}", 1))


def count(desk: Desk, table: Any) -> int:
    with desk.town.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def carried_out(desk: Desk, publication: int, version: int) -> None:
    """The exchange has it and begins calls in it."""
    desk.town.call(publishing.report, "node1", [version], 0, {})
    desk.town.call(publishing.settle, publication)
    desk.town.call(publishing.report, "node1", [version], version, {version: 4})
    desk.town.call(publishing.settle, publication)


def test_an_operator_sees_no_flows_and_publishes_none(desk: Desk, browser: Any) -> None:
    li = browser("li")
    change_hotline(desk)
    for url in ("/flows", "/flows/publications", "/flows/drawings/hotline", "/flows/drawings/hotline/picture.svg"):
        assert li.get(url).status_code == 403, url
    for url in ("/flows/publish", "/flows/back", "/flows/publications/1/withdraw"):
        assert li.post(url, reason="我来试试").status_code == 403, url
    assert count(desk, FlowVersion) == 0
    assert 'href="/flows"' not in li.client.get("/").text
    assert 'href="/flows"' in browser("chen").client.get("/").text


def test_a_supervisor_publishes_goes_back_and_reads_who_did_it(desk: Desk, browser: Any) -> None:
    chen = browser("chen")
    change_hotline(desk)
    page = chen.get("/flows").text
    assert "limit 由 300 改为 240" in page
    assert chen.post("/flows/publish", reason="国庆节").status_code == 200
    assert "等待装载" in chen.get("/flows/publications").text
    carried_out(desk, 1, 1)
    page = chen.get("/flows").text
    assert "正在使用" in page
    assert "国庆节" in page
    assert "陈班长" in page
    assert "没有不同" in page
    assert chen.post("/flows/back", reason="改错了").status_code == 200
    assert "正在发布" in chen.get("/flows/publications").text
    assert chen.post("/flows/publications/2/withdraw", reason="不退了").status_code == 200
    assert "已撤回" in chen.get("/flows/publications").text
    with desk.town.database.read() as session:
        asked = session.scalars(select(FlowPublication).order_by(FlowPublication.id)).all()
    assert [(p.kind, p.state, p.asked_by) for p in asked] == [
        ("publish", "current", "user:chen"), ("back", "withdrawn", "user:chen"),
    ]  # fmt: skip


def test_nothing_to_publish_and_no_reason_are_refused(desk: Desk, browser: Any) -> None:
    chen = browser("chen")
    change_hotline(desk)
    assert chen.post("/flows/publish").status_code == 422
    assert chen.post("/flows/publish", reason="   ").status_code == 422
    chen.post("/flows/publish", reason="一")
    assert chen.post("/flows/publish", reason="二").status_code == 409
    carried_out(desk, 1, 1)
    refused = chen.post("/flows/publish", reason="再来一次")
    assert refused.status_code == 409
    assert "无需发布" in refused.text
    assert count(desk, FlowVersion) == 1


def _flow(steps: str, name: str = "hotline") -> str:
    return (
        f"flow: {name}\ntitle: {{zh: 热线, en: Hotline}}\nkind: call\noperator: to_operator\nstart: greet\nsteps:\n"
        f"{steps}\n  to_operator: {{queue: service, otherwise: bye}}\n  bye: {{hang_up: good-bye}}\n"
    )


BAD = {
    "no YAML": "flow: [hotline",
    "bytes of no language": b"flow: hotline\n\xff\xfe\x00",
    "a tag that makes objects": "flow: !!python/object/apply:os.system ['touch /tmp/x']\n",
    "an alias that grows": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n",
    "a hundred levels": "[" * 200 + "]" * 200,
    "an empty file": "",
    "a step that is dialplan": _flow("  'greet,1,System(x)': {say: greeting, next: bye}"),
    "a prompt that is dialplan": _flow("  greet: {say: 'greeting)&${SHELL(id)}', next: to_operator}"),
    "a name that is another section": _flow("  greet: {say: greeting, next: to_operator}", name="x]\\n[from-trunk"),
    "a value that is dialplan": _flow("  greet: {set: {NAME: '${DB(app/lease)}'}, next: to_operator}"),
    "a variable of the exchange": _flow("  greet: {set: {'CHANNEL(language)': zh}, next: to_operator}"),
    "a flow in itself": _flow("  greet: {flow: hotline, next: to_operator}"),
    "an emergency behind a menu": _flow(
        "  greet: {menu: greeting, keys: {'1': sos}, otherwise: to_operator}\n  sos: {queue: emergency}"
    ),
    "0 that leads astray": _flow("  greet: {menu: greeting, keys: {'0': bye}, otherwise: to_operator}"),
    "too many files": None,
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_refused_before_anything_is_written(desk: Desk, browser: Any, what: str) -> None:
    text = BAD[what]
    if text is None:
        for number in range(400):
            write(desk.flows, f"flow{number}.yaml", "flow: x\n")
    else:
        write(desk.flows, "hotline.yaml", text)
    chen = browser("chen")
    page = chen.get("/flows")
    assert page.status_code == 200
    assert "处错误" in page.text
    assert 'hx-post="/flows/publish"' not in page.text
    refused = chen.post("/flows/publish", reason="试试")
    assert refused.status_code == 422, refused.text[:500]
    assert "未发布" in refused.text
    assert (count(desk, FlowVersion), count(desk, FlowPublication)) == (0, 0)


def test_a_flow_that_calls_itself_through_another_is_refused(desk: Desk, browser: Any) -> None:
    write(desk.flows, "one.yaml", _flow("  greet: {flow: two, next: to_operator}", "one"))
    write(desk.flows, "two.yaml", _flow("  greet: {flow: one, next: to_operator}", "two"))
    assert browser("chen").post("/flows/publish", reason="试试").status_code == 422
    assert count(desk, FlowVersion) == 0


def test_a_file_that_cannot_be_read_is_an_error_of_the_draft(desk: Desk, browser: Any) -> None:
    (desk.flows.own / "hotline.yaml").mkdir()
    chen = browser("chen")
    assert "文件读不出来" in chen.get("/flows").text
    assert chen.post("/flows/publish", reason="试试").status_code == 422
    assert chen.get("/flows/drawings/hotline").status_code == 404


def test_text_of_a_file_stays_text_on_the_page_and_in_the_picture(desk: Desk, browser: Any) -> None:
    chen = browser("chen")
    write(
        desk.flows,
        "hotline.yaml",
        HOTLINE.replace("title: {zh: 热线, en: Hotline}", f'title: {{zh: "{ATTACK}", en: "{ATTACK}"}}'),
    )
    for url in ("/flows", "/flows/drawings/hotline", "/flows/drawings/hotline/picture.svg"):
        answer = chen.get(url)
        assert answer.status_code == 200
        assert ATTACK not in answer.text, url
        assert "&lt;script&gt;" in answer.text, url
    write(desk.flows, "hotline.yaml", HOTLINE.replace("next: wait}", f'next: "{ATTACK}"}}'))
    assert ATTACK not in chen.get("/flows").text
    change_hotline(desk)
    chen.post("/flows/publish", reason=f"理由{ATTACK}")
    assert ATTACK not in chen.get("/flows").text
    assert ATTACK not in chen.get("/flows/publications").text


def test_the_picture_is_a_document_of_its_own_that_runs_nothing(desk: Desk, browser: Any) -> None:
    answer = browser("chen").get("/flows/drawings/hotline/picture.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["nothing_here", "../hotline", "hotline%00", "HOTLINE", "a" * 80])
def test_only_a_flow_that_is_there_is_drawn(desk: Desk, browser: Any, name: str) -> None:
    assert browser("chen").get(f"/flows/drawings/{name}").status_code in (404, 422)
