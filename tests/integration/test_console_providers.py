"""The console's pages of providers: operators read, supervisors act, two different people decide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select

from callcenter.console.routes import provider_record, provider_steps, providers
from dispatch import sanctions, staff
from foundation.database import Database
from providers import decisions
from providers.tables import Provider, ProviderDocument, ProviderEvent, ProviderItem, ProviderPhone, ProviderVisit
from tests.console_desk import HASH, Browser, Desk
from tests.integration.test_provider_life import CODE, FIRM, on_trial


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    database = Database(sqlite_url)
    made = Desk(database)
    made.town.call(staff.add_user, "lin", "林班长", "supervisor", HASH)
    yield made
    made.town.writer.close()
    database.dispose()


@pytest.fixture
def browser(desk: Desk) -> Iterator[Callable[[str], Browser]]:
    with desk.client() as client, desk.client() as other:
        chen, lin = Browser(client, "chen"), Browser(other, "lin")
        yield lambda login: {"chen": chen, "lin": lin}.get(login) or Browser(desk.client(), login)


def state(desk: Desk, provider_id: int = 1) -> str:
    return str(desk.town.rows(select(Provider.state).where(Provider.id == provider_id))[0])


def test_the_whole_way_in_through_the_pages(desk: Desk, browser: Callable[[str], Browser]) -> None:
    chen, lin = browser("chen"), browser("lin")
    assert "登记申请" in chen.get("/providers/apply").text
    told = {"name": "清泉水电", "responsible_name": "钱师傅", "phones": "13900000050、0574-87001234",
            "credit_code": CODE.lower(), "items": ["0302", "0306"], "areas": ["330203"]}  # fmt: skip
    made = chen.post("/providers", **told)
    provider_id = int(made.headers["HX-Push-Url"].rsplit("/", 1)[1])
    at = f"/providers/{provider_id}"
    assert "清泉水电" in made.text
    chen.post(f"{at}/begin", to="vetting")
    refused = chen.post(f"{at}/begin", to="visiting")
    assert refused.status_code == 409
    assert "还缺：有效营业执照、责任人身份证明、开关插座的许可" in refused.text
    papers: list[tuple[str, str, dict[str, Any]]] = [
        ("licence", "330203-1", {"valid_to": "2027-06-30"}),
        ("identity", "11010519491231002X", {}),
        ("permit", "电工-7", {"items": ["0306"], "valid_to": ""}),
    ]
    for kind, number, more in papers:
        assert chen.post(f"{at}/documents", kind=kind, number=number, **more).status_code == 200
    assert "11010519491231002X" not in chen.get(at).text
    chen.post(f"{at}/begin", to="visiting")
    chen.post(f"{at}/visits", visited_on="2026-11-20", note="齐全", premises="true", staff="true", equipment="true",
              price_list="true")  # fmt: skip
    (visit,) = desk.town.rows(select(ProviderVisit.id))
    assert f"visits/{visit}/sign" not in chen.get(at).text
    assert f"visits/{visit}/sign" in lin.get(at).text
    assert chen.post(f"{at}/visits/{visit}/sign").status_code == 403
    lin.post(f"{at}/visits/{visit}/sign")
    page = chen.post(f"{at}/begin", to="probation").text
    assert "试用" in page
    assert "90 天" in page
    assert state(desk, provider_id) == "probation"


def test_expelling_takes_two_who_sign_in(desk: Desk, browser: Callable[[str], Browser]) -> None:
    chen, lin = browser("chen"), browser("lin")
    chen.post("/providers/1/propose", decision="expelled", reason="多次伤害居民")
    with desk.town.database.read() as session:
        waiting = decisions.open_decision(session, 1)
    assert waiting is not None
    at = f"/providers/1/decisions/{waiting.id}"
    assert "须由另一位班长同意" in chen.get("/providers/1").text
    assert chen.post(at, carried="true").status_code == 403
    assert lin.get("/providers?need=decision").text.count("水管师傅1") == 1
    assert lin.post(f"/providers/2/decisions/{waiting.id}", carried="true").status_code == 409, "of another provider"
    lin.post(at, carried="true")
    assert state(desk) == "expelled"
    assert "多次伤害居民" in chen.get("/providers/1").text


def test_a_supervisor_changes_the_record(desk: Desk, browser: Callable[[str], Browser]) -> None:
    chen = browser("chen")
    posts: list[tuple[str, dict[str, Any]]] = [
        ("items", {"code": "0303", "low": "40", "high": "90"}),
        ("items/drop", {"code": "0302"}),
        ("coverage", {"areas": ["330203001", "330203"]}),
        ("hours", {f"day{n}": "8:00-12:00 13:00-17:00" for n in range(1, 6)} | {"holidays": "closed"}),
        ("days", {"day": "2026-12-25", "spans": ""}),
        ("absence", {"until": "2026-11-30"}),
        ("profile", {"capacity": "4", "contact_name": "老钱", "address": "示范路 5 号", "external_grade": "三级"}),
        ("workers", {"name": "小李", "phone": "13900000070", "items": ["0303"]}),
        ("phones", {"phone": "13900000071"}),
        ("warn", {"reason": "迟到三次"}),
    ]
    for path, told in posts:
        assert chen.post(f"/providers/1/{path}", **told).status_code == 200, path
    page = chen.get("/providers/1").text
    for words in (
        "马桶",
        "40–90",
        "区划330203001",
        "节假日休息",
        "请假到",
        "老钱",
        "三级",
        "小李",
        "139 0000 0071",
        "迟到三次",
    ):
        assert words in page, words
    (row,) = desk.town.rows(select(Provider).where(Provider.id == 1))
    assert row.rota["week"]["1"] == [[480, 720], [780, 1020]]
    assert row.rota["days"] == {"2026-12-25": []}
    chen.post("/providers/1/hours", **{f"day{n}": "9-18" for n in (1, 2, 3, 6)}, holidays="open")
    (row,) = desk.town.rows(select(Provider).where(Provider.id == 1))
    assert (row.opens_minute, row.closes_minute, row.weekdays) == (540, 1080, "1236")
    assert row.rota == {"days": {"2026-12-25": []}}
    phone = desk.town.rows(select(ProviderPhone.id).where(ProviderPhone.number == "+8613900000071"))[0]
    assert chen.post(f"/providers/1/phones/{phone}/proven").status_code == 200
    assert chen.post(f"/providers/1/phones/{phone}/drop").status_code == 200
    chen.post("/providers/1/absence", until="")
    chen.post("/providers/1/suspend", reason="整改", mend_by="2026-12-31")
    assert state(desk) == "suspended"
    chen.post("/providers/1/more-time", mend_by="2027-01-31", reason="材料在途")
    chen.post("/providers/1/reinstate", proof="已看整改照片")
    chen.post("/providers/1/end", to="withdrawn", reason="老板退休")
    assert state(desk) == "withdrawn"


_ACTIONS = (
    ("", {"name": "x", "responsible_name": "y", "phones": "13900000050", "items": "0302"}),
    ("/1/begin", {"to": "vetting"}), ("/1/end", {"to": "withdrawn", "reason": "x"}), ("/1/warn", {"reason": "x"}),
    ("/1/suspend", {"reason": "x"}), ("/1/more-time", {"reason": "x", "mend_by": "2027-01-01"}),
    ("/1/reinstate", {"proof": "x"}), ("/1/propose", {"decision": "expelled", "reason": "x"}),
    ("/1/decisions/1", {"carried": "true"}), ("/1/documents", {"kind": "licence", "number": "1"}),
    ("/1/documents/1/withdraw", {"reason": "x"}), ("/1/visits", {"visited_on": "2026-11-20", "note": "x"}),
    ("/1/visits/1/sign", {}), ("/1/items", {"code": "0302"}), ("/1/items/drop", {"code": "0302"}),
    ("/1/coverage", {"areas": "330203"}), ("/1/hours", {"day1": "8-12"}), ("/1/days", {"day": "2026-12-25"}),
    ("/1/absence", {"until": "2026-11-30"}), ("/1/profile", {"capacity": "3"}), ("/1/workers", {"name": "x"}),
    ("/1/workers/1/leave", {}), ("/1/phones", {"phone": "13900000071"}), ("/1/phones/1/proven", {}),
)  # fmt: skip


def test_operators_read_and_do_nothing_else(desk: Desk, browser: Callable[[str], Browser]) -> None:
    li = browser("li")
    assert "水管师傅1" in li.get("/providers").text
    page = li.get("/providers/1").text
    assert "水管师傅1" in page
    assert "hx-post" not in page
    assert li.get("/providers/apply").status_code == 403
    before = len(desk.town.rows(select(ProviderEvent.id)))
    for path, told in _ACTIONS:
        assert li.post(f"/providers{path}", **told).status_code == 403, path
    assert len(desk.town.rows(select(ProviderEvent.id))) == before
    assert desk.client().get("/providers").status_code == 303, "a stranger signs in first"


def test_every_action_of_the_pages_was_tried_above() -> None:
    there = {
        re.sub(r"\{\w+\}", "1", route.path.removeprefix("/providers"))
        for part in (providers, provider_record, provider_steps)
        for route in part.router.routes
        if isinstance(route, APIRoute) and "POST" in (route.methods or ())
    }
    assert there == {re.sub("proven$", "1", path) for path, _told in _ACTIONS}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("1/items", {"code": "9999"}), ("1/items", {"code": "0302", "low": "90", "high": "40"}),
        ("1/items", {"code": "0302", "low": "-1", "high": "4"}), ("1/items/drop", {"code": "0302"}),
        ("1/coverage", {"areas": "330203; DROP"}), ("1/coverage", {"radius_km": "5000"}), ("1/coverage", {}),
        ("1/hours", {"day1": "25-26"}), ("1/hours", {}), ("1/days", {"day": "2026-02-30"}),
        ("1/days", {"day": "2020-01-01"}),
        ("1/absence", {"until": "2028-01-01"}), ("1/profile", {"capacity": "99999"}), ("1/workers", {"name": " "}),
        ("1/workers", {"name": "x", "items": "0101"}), ("1/phones", {"phone": "nonsense"}),
        ("1/phones", {"phone": "13900000002"}), ("1/suspend", {"reason": " "}),
        ("1/suspend", {"reason": "x", "mend_by": "2020-01-01"}), ("1/documents", {"kind": "permit", "number": "1"}),
        ("1/documents", {"kind": "licence", "number": "1", "valid_from": "2027-01-01", "valid_to": "2026-01-01"}),
        ("1/propose", {"decision": "blacklisted", "reason": "x"}),
        ("1/propose", {"decision": "promoted", "reason": "x"}),
        ("1/begin", {"to": "stars"}), ("1/phones/1/explode", {}),
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused_in_words_and_leaves_nothing(
    desk: Desk, browser: Callable[[str], Browser], path: str, told: dict[str, str]
) -> None:
    before = len(desk.town.rows(select(ProviderEvent.id)))
    reply = browser("chen").post(f"/providers/{path}", **told)
    assert reply.status_code in (409, 422)
    assert "notice" in reply.text
    assert len(desk.town.rows(select(ProviderEvent.id))) == before


def test_what_people_write_is_text_and_not_markup(desk: Desk, browser: Callable[[str], Browser]) -> None:
    evil = "<script>alert(1)</script>"
    browser("chen").post("/providers/1/warn", reason=evil)
    page = browser("chen").get("/providers/1").text
    assert evil not in page
    assert "&lt;script&gt;" in page


def test_the_list_goes_on_by_key_and_filters(desk: Desk, browser: Callable[[str], Browser]) -> None:
    def more(w: Any) -> None:
        for n in range(60):
            row = Provider(name=f"企业{n:03}", created_at=w.now)
            w.session.add(row)
            w.session.flush()
            w.session.add(ProviderItem(provider_id=row.id, item="0501" if n % 2 else "0101"))

    desk.town.call(more)
    chen = browser("chen")
    first = chen.get("/providers").text
    following = re.search(r"after=(\d+)", first)
    assert following
    second = chen.get(f"/providers?after={following[1]}").text
    names = re.findall(r">(水管师傅\d|企业\d+)</a>", first) + re.findall(r">(水管师傅\d|企业\d+)</a>", second)
    assert len(names) == len(set(names)) == 63
    assert "企业001" in chen.get("/providers?item=05").text
    assert "企业000" not in chen.get("/providers?item=05").text
    assert "企业007" in chen.get("/providers?q=企业007").text
    assert "水管师傅2" in chen.get("/providers?q=13900000002").text
    assert "没有这样的加盟企业" in chen.get("/providers?q=%25").text, "a percent sign is a sign"
    assert chen.get("/providers?state=stars").status_code == 422
    assert chen.get("/providers/99999").status_code == 404


def test_stars_are_shown_with_formula_and_counts_and_no_form_gives_them(
    desk: Desk, browser: Callable[[str], Browser]
) -> None:
    provider_id = on_trial(desk.town)
    desk.town.call(sanctions.complaint_founded, 900, provider_id, "price", actor="user:chen")
    page = browser("chen").get(f"/providers/{provider_id}").text
    for words in ("0.40", "0.15", "0.10", "暂无星级", "查实投诉", "收费"):
        assert words in page
    assert not re.search(r'name="(stars|score)"', page)
    assert desk.town.rows(select(ProviderDocument.id).where(ProviderDocument.provider_id == provider_id))
    assert FIRM.name in page
