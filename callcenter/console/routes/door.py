"""Coming in and going out: sign-in, language, seat, break."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from callcenter.console.errors import NoSeat
from callcenter.console.house import House, InHouse, Operator, SignedIn, Supervisor, Visitor
from callcenter.console.pages import language, look
from callcenter.console.sessions import Viewer
from callcenter.console.sign_in import proven
from dispatch import queries, staff
from foundation.errors import AppError
from foundation.writer import Priority, Work

router = APIRouter()

SeatName = Annotated[str, Form(max_length=20, pattern=r"^[A-Za-z0-9_-]+$")]
SeatPath = Annotated[str, Path(max_length=20, pattern=r"^[A-Za-z0-9_-]+$")]


@router.get("/sign-in")
def sign_in_page(request: Request, in_house: InHouse, viewer: Visitor) -> Response:
    """The form; who is signed in goes on to the desk."""
    return RedirectResponse("/", 303) if viewer else _sign_in_form(request, in_house)


@router.post("/sign-in")
def sign_in(
    request: Request,
    in_house: InHouse,
    name: Annotated[str, Form(max_length=40)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Prove who one is; wrong tries from one address are slowed down."""
    address = request.client.host if request.client else ""
    now = time.monotonic()
    try:
        in_house.tries.check(name, address, now)
        with in_house.database.read() as session:
            user = proven(session, name, password)
    except AppError as error:
        if error.status == 401:
            in_house.tries.failed(name, address, now)
        return _sign_in_form(request, in_house, error, name)
    in_house.tries.passed(name, address)
    in_house.writer.call(_note_sign_in, address, actor=f"user:{user.login}")
    answer = RedirectResponse("/", 303)
    in_house.sessions.begin(answer, user)
    _keep_language(answer, in_house, user.locale)
    return answer


@router.post("/sign-out")
def sign_out(in_house: InHouse, viewer: SignedIn) -> Response:
    """Leave the seat and end every session of this person."""
    in_house.writer.call(_leave, viewer, actor=viewer.actor)
    answer = Response(status_code=204, headers={"HX-Redirect": "/sign-in"})
    in_house.sessions.end(answer)
    return answer


@router.post("/language")
def choose_language(
    in_house: InHouse, viewer: Visitor, locale: Annotated[str, Form(pattern="^(zh_CN|en)$")]
) -> Response:
    """All pages in Chinese, or in English; kept with the account."""
    if viewer is not None:
        in_house.writer.call(staff.set_locale, viewer.user_id, locale, actor=viewer.actor)
    answer = Response(status_code=204, headers={"HX-Refresh": "true"})
    _keep_language(answer, in_house, locale)
    return answer


@router.get("/seats")
def seats(in_house: InHouse, viewer: Operator) -> HTMLResponse:
    """The telephone's corner: my seat, my break, my call, and who else is there."""
    return _corner(in_house, viewer)


@router.post("/seats/take")
def take_seat(request: Request, in_house: InHouse, viewer: Operator, seat: SeatName) -> HTMLResponse:
    """Sit down at a seat; a seat I had before becomes free."""
    in_house.writer.call(_move, viewer, seat, actor=viewer.actor, priority=Priority.CALL)
    return _corner_anew(request, in_house)


@router.post("/seats/leave")
def leave_seat(request: Request, in_house: InHouse, viewer: Operator) -> HTMLResponse:
    """Get up; my telephone rings for emergencies all the same."""
    if not viewer.seat:
        raise NoSeat
    in_house.writer.call(staff.sign_out_seat, viewer.seat, actor=viewer.actor, priority=Priority.CALL)
    return _corner_anew(request, in_house)


@router.post("/seats/{seat}/free")
def free_seat(request: Request, in_house: InHouse, viewer: Supervisor, seat: SeatPath) -> HTMLResponse:
    """A supervisor frees a seat somebody forgot to leave."""
    in_house.writer.call(staff.sign_out_seat, seat, actor=viewer.actor, priority=Priority.CALL)
    return _corner_anew(request, in_house)


@router.post("/break")
def begin_break(
    request: Request, in_house: InHouse, viewer: Operator, reason: Annotated[str, Form(max_length=80)]
) -> HTMLResponse:
    """No service calls for a while; emergencies ring still."""
    if not viewer.seat:
        raise NoSeat
    in_house.writer.call(staff.take_break, viewer.seat, reason, actor=viewer.actor)
    return _corner_anew(request, in_house)


@router.post("/break/end")
def end_break(request: Request, in_house: InHouse, viewer: Operator) -> HTMLResponse:
    """Service calls again."""
    if not viewer.seat:
        raise NoSeat
    in_house.writer.call(staff.end_break, viewer.seat, actor=viewer.actor, priority=Priority.CALL)
    return _corner_anew(request, in_house)


def _corner(in_house: House, viewer: Viewer) -> HTMLResponse:
    with in_house.database.read() as session:
        return in_house.pages.fragment("seats.html", viewer, seats=queries.seats(session))


def _corner_anew(request: Request, in_house: House) -> HTMLResponse:
    """The corner as it is after the change, which the viewer of this request does not know yet."""
    with in_house.database.read() as session:
        viewer = in_house.sessions.read(request, session)
    assert viewer is not None
    return _corner(in_house, viewer)


def _sign_in_form(request: Request, in_house: House, error: AppError | None = None, name: str = "") -> Response:
    locale = language(request)
    answer = HTMLResponse(status_code=error.status if error else 200)
    token = in_house.sessions.form_token(request, answer)
    text = (error.en if locale == "en" else error.zh) if error else ""
    html = in_house.pages.render(
        "sign_in.html", locale, csrf=token, error=text, name=name, look=look(request), token=token
    )
    answer.body = html.encode()
    answer.headers["Content-Length"] = str(len(answer.body))
    return answer


def _keep_language(answer: Response, in_house: House, locale: str) -> None:
    """For the pages this browser sees before sign-in and when something goes wrong."""
    year, secure = 365 * 86_400, in_house.settings.secure
    answer.set_cookie("callcenter_locale", locale, max_age=year, path="/", samesite="lax", secure=secure, httponly=True)


def _note_sign_in(w: Work, address: str) -> None:
    w.log("user.signed_in", address=address[:60])


def _leave(w: Work, viewer: Viewer) -> None:
    if viewer.seat:
        staff.sign_out_seat(w, viewer.seat)
    staff.end_sessions(w, viewer.user_id)
    w.log("user.signed_out")


def _move(w: Work, viewer: Viewer, seat: str) -> None:
    if viewer.seat and viewer.seat != seat:
        staff.sign_out_seat(w, viewer.seat)
    staff.sign_in_seat(w, seat, viewer.user_id)
