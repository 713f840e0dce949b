"""The page `/town`: the demo's telephones, and the routes by which tests read handsets and move the clock.

Exists only where the town is switched on. Whoever reaches it can ring and answer as anybody, so it answers only
requests that come from this machine under a local name (no DNS rebinding) and, where something is changed, only
from its own pages (no cross-site request).
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi import Path as UrlPath
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Field

from callcenter.town.ari import AriError
from callcenter.town.behaviour import BUSY, RINGS_OUT, VOICEMAIL, WhenRung
from callcenter.town.controller import TownController
from callcenter.town.diary import Call
from callcenter.town.directory import Kind, Telephone
from callcenter.town.errors import TownError
from callcenter.town.handsets import Handsets, MovableClock
from foundation.numbers import NumberPlan

HERE = Path(__file__).parent
# A page asks about once a second; a longer list would not be read by anybody.
SHOWN_PER_KIND = 24
SHOWN_LINES = 40
LOCAL_NAMES = frozenset({"localhost", "testserver"})

Number = Annotated[str, UrlPath(min_length=1, max_length=40, pattern=r"^[0-9+*#A-Za-z._-]+$")]
KINDS: dict[Kind, tuple[str, str]] = {
    "device": ("一键通", "One-touch devices"),
    "resident": ("居民", "Residents"),
    "seat": ("坐席话机", "Operators' desk phones"),
    "duty": ("值班手机", "Duty phones"),
    "contact": ("家属邻里", "Contacts"),
    "provider": ("服务单位", "Providers"),
}
STANDING: dict[str, WhenRung] = {
    "rings": RINGS_OUT,
    "busy": BUSY,
    "voicemail": VOICEMAIL,
    "takes": WhenRung("answer", after=2.0, presses="1", press_after=2.0),
}


class Dial(BaseModel):
    number: str = Field(min_length=1, max_length=20, pattern=r"^[0-9+*#]+$")


class Press(BaseModel):
    keys: str = Field(min_length=1, max_length=20, pattern=r"^[0-9*#]+$")


class Standing(BaseModel):
    does: Literal["rings", "busy", "voicemail", "takes"]


class Reply(BaseModel):
    """Whatever a handset may send, down to nothing at all; how much of it is kept is the inbox's business."""

    text: str = Field(max_length=20_000)


class Forward(BaseModel):
    """Seconds to move ahead, at most 31 days at once."""

    seconds: float = Field(gt=0, le=31 * 86400, allow_inf_nan=False)


def is_local(request: Request) -> bool:
    """Whether it comes from this machine and names it: a foreign name that points here is an attack."""
    name = request.url.hostname or ""
    return _loopback(name) and (request.client is None or _loopback(request.client.host))


def _loopback(host: str) -> bool:
    if host in LOCAL_NAMES or host == "testclient":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def only_local(request: Request) -> None:
    """Refuse other machines: the town lets anybody ring as anybody."""
    if not is_local(request):
        raise HTTPException(403, "城镇演示只在本机开放 / The town is open to this machine only")


def only_own_pages(request: Request) -> None:
    """Refuse what another site's page sends. A program that is no browser sends neither header."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site != "same-origin":
        raise HTTPException(403, "只接受本页面的操作 / Only this page may do that")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise HTTPException(403, "只接受本页面的操作 / Only this page may do that")


CHANGING = [Depends(only_own_pages)]


def create_router(
    town: TownController,
    handsets: Handsets | None = None,
    clock: MovableClock | None = None,
    plan: NumberPlan | None = None,
) -> APIRouter:
    """The routes below `/town` that need the town's telephones: its page, and ringing.

    `plan` turns the numbers that telephones show into those that messages are addressed to.
    """
    router = APIRouter(dependencies=[Depends(only_local)], include_in_schema=False)
    _add_page(router, town, clock)
    _add_telephones(router, town)

    @router.get("/state")
    async def state() -> dict[str, Any]:
        waiting: dict[str, int] = {}
        if handsets is not None:
            waiting = {row["number"]: row["count"] for row in await run_in_threadpool(handsets.list_handsets)}

        def messages_for(number: str) -> int:
            return waiting.get(_handset(plan or NumberPlan(), number), 0) if waiting else 0

        return {
            "telephones": telephones(town, messages_for),
            "diary": [str(entry) for entry in town.diary.entries()[-SHOWN_LINES:]],
        }

    return router


def create_handset_router(
    handsets: Handsets | None = None, clock: MovableClock | None = None, plan: NumberPlan | None = None
) -> APIRouter:
    """The routes below `/town` that need the application alone: SMS and the clock.

    They answer whether or not the telephones can be reached. Without handsets or clock they answer 404.
    """
    router = APIRouter(dependencies=[Depends(only_local)], include_in_schema=False)
    _add_handsets(router, handsets, plan or NumberPlan())

    @router.post("/clock", dependencies=CHANGING)
    async def move_clock(body: Forward) -> dict[str, str]:
        if clock is None:
            raise HTTPException(404, "时钟不能拨动 / The clock cannot be moved here")
        return {"now": clock.forward(seconds=body.seconds).isoformat()}

    return router


def _handset(plan: NumberPlan, number: str) -> str:
    """The number that messages to this telephone are addressed to."""
    return plan.parse(number).e164 or number


def _add_page(router: APIRouter, town: TownController, clock: MovableClock | None) -> None:
    templates = Jinja2Templates(HERE / "templates")

    @router.get("/")
    async def page(request: Request) -> HTMLResponse:
        return templates.TemplateResponse(request, "town.html", {"kinds": KINDS, "has_clock": clock is not None})

    @router.get("/static/{name}")
    async def static(name: Literal["town.css", "town.js"]) -> FileResponse:
        return FileResponse(HERE / "static" / name, headers={"Cache-Control": "no-cache"})


def _add_telephones(router: APIRouter, town: TownController) -> None:
    async def act(number: str, may: Callable[[Call], bool], do: Callable[[Call], Awaitable[None]]) -> dict[str, Any]:
        call = next((c for c in reversed(town.diary.calls(_known(town, number))) if may(c)), None)
        if call is None:
            raise HTTPException(409, "这部电话现在做不到 / This telephone cannot do that now")
        try:
            await asyncio.wait_for(do(call), 15)
        except (AriError, TownError, TimeoutError) as error:
            raise HTTPException(409, f"没有做成 / It did not work: {type(error).__name__}") from error
        return as_seen(call)

    @router.post("/phones/{number}/dial", dependencies=CHANGING)
    async def dial(number: Number, body: Dial) -> dict[str, Any]:
        if any(not call.is_over for call in town.diary.calls(_known(town, number))):
            raise HTTPException(409, "这部电话正在通话 / This telephone is in a call")
        return as_seen(await town.dial(number, body.number))

    @router.post("/phones/{number}/answer", dependencies=CHANGING)
    async def answer(number: Number) -> dict[str, Any]:
        return await act(number, lambda call: call.direction == "in" and call.is_ringing, town.answer)

    @router.post("/phones/{number}/press", dependencies=CHANGING)
    async def press(number: Number, body: Press) -> dict[str, Any]:
        return await act(number, lambda call: call.is_talking, lambda call: town.press(call, body.keys))

    @router.post("/phones/{number}/hang-up", dependencies=CHANGING)
    async def hang_up(number: Number) -> dict[str, Any]:
        return await act(number, lambda call: not call.is_over, lambda call: town.hang_up(call, _cause(call)))

    @router.post("/phones/{number}/when-rung", dependencies=CHANGING)
    async def when_rung(number: Number, body: Standing) -> dict[str, Any]:
        town.when_rung(_known(town, number), STANDING[body.does])
        return {"does": body.does}


def _add_handsets(router: APIRouter, handsets: Handsets | None, plan: NumberPlan) -> None:
    def present() -> Handsets:
        if handsets is None:
            raise HTTPException(404, "没有短信 / No SMS here")
        return handsets

    @router.get("/handsets/{number}/messages")
    async def messages(number: Number) -> list[dict[str, Any]]:
        return list(await run_in_threadpool(present().messages, _handset(plan, number)))

    @router.post("/handsets/{number}/replies", dependencies=CHANGING, status_code=202)
    async def reply(number: Number, body: Reply) -> dict[str, str]:
        await present().deliver_reply(_handset(plan, number), body.text)
        return {"from": number, "text": body.text}


def _known(town: TownController, number: str) -> str:
    """A number of the directory or of a seat, and no other: the page rings as nobody else."""
    if number in town.settings.seats:
        return number
    if not town.directory.knows(number):
        raise HTTPException(404, "没有这部电话 / No such telephone")
    return town.directory.find(number).number


def _cause(call: Call) -> int:
    """A receiver put down (16), or a ring refused (21)."""
    return 21 if call.direction == "in" and call.is_ringing else 16


def as_seen(call: Call) -> dict[str, Any]:
    """A call as the page shows it."""
    state = "over" if call.is_over else "talking" if call.is_talking else "ringing" if call.is_ringing else "dialling"
    return {
        "id": call.id,
        "direction": call.direction,
        "other": call.other[:40],
        "name": call.other_name[:40],
        "state": state,
        "since": call.answered_at or call.started_at,
        "keys": call.keys_pressed[-20:],
    }


def telephones(town: TownController, messages_for: Callable[[str], int]) -> list[dict[str, Any]]:
    """The telephones that the page shows, by kind: first those in a call, then those with messages."""
    latest = {call.phone: call for call in town.diary.calls()}
    seats = [Telephone(name, name, f"坐席 {name[2:]}", "seat") for name in town.settings.seats]
    rows: list[dict[str, Any]] = []
    for kind in KINDS:
        found = [telephone for telephone in (*seats, *town.directory) if telephone.kind == kind]
        of_kind = [_row(town, one, latest.get(one.number), messages_for(one.number)) for one in found]
        of_kind.sort(key=lambda row: (row["call"] is None or row["call"]["state"] == "over", row["messages"] == 0))
        rows += of_kind[:SHOWN_PER_KIND]
    return rows


def _row(town: TownController, telephone: Telephone, call: Call | None, messages: int) -> dict[str, Any]:
    standing = town.behaviour(telephone.number)
    return {
        "number": telephone.number,
        "name": telephone.name or telephone.key,
        "kind": telephone.kind,
        "dials": telephone.dials or ("81891" if telephone.kind == "device" else ""),
        "does": next((name for name, does in STANDING.items() if does == standing), "rings"),
        "call": as_seen(call) if call is not None else None,
        "messages": messages,
    }
