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
from callcenter.town.controller import TownController
from callcenter.town.diary import Call
from callcenter.town.errors import TownError
from callcenter.town.handsets import Handsets, MovableClock
from callcenter.town.showing import STANDING, Book, as_seen, calls, diary_lines, standing
from dispatch.limits import next_day_at_ten
from foundation.numbers import NumberPlan

HERE = Path(__file__).parent
LOCAL_NAMES = frozenset({"localhost", "testserver"})

Number = Annotated[str, UrlPath(min_length=1, max_length=40, pattern=r"^[0-9+*#A-Za-z._-]+$")]


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
        raise HTTPException(403, "小镇只在本机开放 / The town is open to this machine only")


def only_own_pages(request: Request) -> None:
    """Refuse what another site's page sends. A program that is no browser sends neither header."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site != "same-origin":
        raise HTTPException(403, "只接受本页面的操作 / Only this page may do that")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise HTTPException(403, "只接受本页面的操作 / Only this page may do that")


CHANGING = [Depends(only_own_pages)]


def create_page_router(
    handsets: Handsets | None = None, clock: MovableClock | None = None, plan: NumberPlan | None = None
) -> APIRouter:
    """The routes below `/town` that need the application alone: the page itself, SMS and the clock.

    They answer whether or not the telephones can be reached. Without handsets or clock their routes answer 404.
    `plan` turns the numbers that telephones show into those that messages are addressed to.
    """
    router = APIRouter(dependencies=[Depends(only_local)], include_in_schema=False)
    templates = Jinja2Templates(HERE / "templates")

    @router.get("/")
    async def page(request: Request) -> HTMLResponse:
        return templates.TemplateResponse(request, "town.html", {"has_clock": clock is not None})

    @router.get("/static/{name}")
    async def static(name: Literal["town.css", "town.js", "town.svg"]) -> FileResponse:
        return FileResponse(HERE / "static" / name, headers={"Cache-Control": "no-cache"})

    _add_handsets(router, handsets, plan or NumberPlan())
    _add_clock(router, clock)
    return router


def create_telephone_router(
    town: TownController,
    handsets: Handsets | None = None,
    clock: MovableClock | None = None,
    plan: NumberPlan | None = None,
) -> APIRouter:
    """The routes below `/town` that need the town's telephones: who there is, how things stand, and ringing."""
    router = APIRouter(dependencies=[Depends(only_local)], include_in_schema=False)
    book = Book(town, plan or NumberPlan())
    _add_telephones(router, town, book)

    @router.get("/book")
    async def read_book() -> list[dict[str, str]]:
        return book.rows()

    @router.get("/state")
    async def state() -> dict[str, Any]:
        return {
            "calls": calls(town, book),
            "does": standing(town, book),
            "handsets": await run_in_threadpool(handsets.list_handsets) if handsets is not None else [],
            "now": clock.now().isoformat() if clock is not None else None,
            "diary": diary_lines(town),
        }

    return router


def _add_telephones(router: APIRouter, town: TownController, book: Book) -> None:
    async def act(number: str, may: Callable[[Call], bool], do: Callable[[Call], Awaitable[None]]) -> dict[str, Any]:
        call = next((c for c in reversed(town.diary.calls(_known(town, number))) if may(c)), None)
        if call is None:
            raise HTTPException(409, "这部电话现在做不到 / This telephone cannot do that now")
        try:
            await asyncio.wait_for(do(call), 15)
        except (AriError, TownError, TimeoutError) as error:
            raise HTTPException(409, f"没有做成 / It did not work: {type(error).__name__}") from error
        return as_seen(call, book)

    @router.post("/phones/{number}/dial", dependencies=CHANGING)
    async def dial(number: Number, body: Dial) -> dict[str, Any]:
        if any(not call.is_over for call in town.diary.calls(_known(town, number))):
            raise HTTPException(409, "这部电话正在通话 / This telephone is in a call")
        return as_seen(await town.dial(number, body.number), book)

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
        return list(await run_in_threadpool(present().messages, plan.parse(number).e164 or number))

    @router.post("/handsets/{number}/replies", dependencies=CHANGING, status_code=202)
    async def reply(number: Number, body: Reply) -> dict[str, str]:
        await present().deliver_reply(plan.parse(number).e164 or number, body.text)
        return {"from": number, "text": body.text}


def _add_clock(router: APIRouter, clock: MovableClock | None) -> None:
    def present() -> MovableClock:
        if clock is None:
            raise HTTPException(404, "时钟不能拨动 / The clock cannot be moved here")
        return clock

    @router.post("/clock", dependencies=CHANGING)
    async def move(body: Forward) -> dict[str, str]:
        return {"now": present().forward(seconds=body.seconds).isoformat()}

    @router.post("/clock/tomorrow", dependencies=CHANGING)
    async def move_to_tomorrow() -> dict[str, str]:
        """To the hour at which the follow-up of what was finished today is due."""
        now = present().now()
        return {"now": present().forward(seconds=(next_day_at_ten(now) - now).total_seconds()).isoformat()}


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
