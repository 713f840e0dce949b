"""The shell page, what waits at its right, and the stream that keeps it true."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Header, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from callcenter.console import family
from callcenter.console.house import Caseworker, House, InHouse, SignedIn
from callcenter.console.sessions import Viewer
from dispatch import queries

router = APIRouter()


@router.get("/")
def calm(request: Request, in_house: InHouse, viewer: SignedIn) -> HTMLResponse:
    """The desk with nothing in hand: today's figures and what to do next."""
    since = queries.midnight(in_house.clock.now(), in_house.settings.zone_info)
    with in_house.database.read() as session:
        today = queries.today(session, since, viewer.sight)
    return in_house.pages.matter(request, "calm.html", viewer, "desk", today=today)


@router.get("/today")
def today(in_house: InHouse, viewer: SignedIn) -> HTMLResponse:
    """Today's figures alone."""
    since = queries.midnight(in_house.clock.now(), in_house.settings.zone_info)
    with in_house.database.read() as session:
        return in_house.pages.fragment("today.html", viewer, today=queries.today(session, since, viewer.sight))


@router.get("/waiting/alarms")
def waiting_alarms(in_house: InHouse, viewer: Caseworker) -> HTMLResponse:
    """Every open alarm."""
    return _waiting(in_house, viewer, "waiting_alarms.html")


@router.get("/waiting/calls")
def waiting_calls(in_house: InHouse, viewer: Caseworker) -> HTMLResponse:
    """Calls that wait, talk, or have no end yet."""
    return _waiting(in_house, viewer, "waiting_calls.html")


@router.get("/waiting/deadlines")
def waiting_deadlines(in_house: InHouse, viewer: Caseworker) -> HTMLResponse:
    """The next deadlines, each with why, and the desk's tasks."""
    return _waiting(in_house, viewer, "waiting_deadlines.html")


@router.post("/siren/silence")
def silence(
    in_house: InHouse,
    viewer: Caseworker,
    reason: Annotated[str, Form(min_length=1, max_length=60)],
    minutes: Annotated[int, Form(ge=1, le=5)],
) -> Response:
    """This page's siren is silent for some minutes; who, why and how long is written down."""
    in_house.writer.call(family.silence, reason, minutes, actor=viewer.actor)
    return Response(status_code=204, headers={"HX-Trigger": f'{{"siren:silence": {{"minutes": {minutes}}}}}'})


@router.get("/events")
async def events(
    request: Request,
    in_house: InHouse,
    viewer: SignedIn,
    last_event_id: Annotated[str, Header(max_length=40)] = "",
) -> StreamingResponse:
    """The event stream. It ends with the session, and when its viewer comes to see another area.

    Cards of alarms go to those who take calls, wherever the alarm is, and to the desks of its area.
    """
    sight = viewer.sight

    def allowed() -> bool:
        with in_house.database.read() as session:
            now = in_house.sessions.read(request, session)
        return now is not None and now.sight == sight

    def sees(place: str) -> bool:
        return sight.rights.calls or (sight.rights.names and sight.scope.covers(place))

    stream = in_house.stream.subscribe(viewer.locale, last_event_id, allowed, sees)
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


def _waiting(in_house: House, viewer: Viewer, template: str) -> HTMLResponse:
    with in_house.database.read() as session:
        return in_house.pages.fragment(template, viewer, waiting=queries.waiting(session, viewer.sight))
