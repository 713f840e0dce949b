"""A surge: who takes calls sees the plan, pins and vetoes; a supervisor has it made, lets it run, and ends it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse

from callcenter.console.house import House, InHouse, Operator, Supervisor
from callcenter.console.sessions import Viewer
from dispatch import surge_plans, surge_reading, surge_shown
from dispatch.places import ASSUMED_KMH

router = APIRouter()

Show = Annotated[Literal["planned", "out", "untrue"], Query()]
Key = Annotated[int, Form(ge=1, le=2**53)]


@router.get("/surge")
def surge_page(request: Request, in_house: InHouse, viewer: Operator, show: Show = "planned") -> HTMLResponse:
    """Whether this is a surge, the plan with its figures, and its rows."""
    return _page(request, in_house, viewer, show)


@router.get("/surge/state")
def surge_state(request: Request, in_house: InHouse, viewer: Operator, show: Show = "planned") -> HTMLResponse:
    """The part of the page that moves."""
    return _page(request, in_house, viewer, show, "surge_state.html")


@router.post("/surge")
def make_plan(request: Request, in_house: InHouse, viewer: Supervisor) -> HTMLResponse:
    """Have a plan made; the planner begins within a second."""
    in_house.writer.call(surge_plans.open_plan, actor=viewer.actor)
    return _page(request, in_house, viewer)


@router.post("/surge/start")
def let_it_run(request: Request, in_house: InHouse, viewer: Supervisor) -> HTMLResponse:
    """The plan is carried out from now on."""
    in_house.writer.call(surge_plans.start, actor=viewer.actor)
    return _page(request, in_house, viewer)


@router.post("/surge/end")
def end_it(
    request: Request, in_house: InHouse, viewer: Supervisor, reason: Annotated[str, Form(min_length=1, max_length=200)]
) -> HTMLResponse:
    """The surge is over: the rest is offered one by one."""
    in_house.writer.call(surge_plans.end, reason, actor=viewer.actor)
    return _page(request, in_house, viewer)


@router.post("/surge/choices")
def choose(
    request: Request, in_house: InHouse, viewer: Operator, ticket_id: Key, provider_id: Key,
    kind: Annotated[Literal["pin", "veto", "none"], Form()],
) -> HTMLResponse:  # fmt: skip
    """Pin or veto a pair, or take that back."""
    if kind == "none":
        in_house.writer.call(surge_plans.unchoose, ticket_id, provider_id, actor=viewer.actor)
    else:
        in_house.writer.call(surge_plans.choose, ticket_id, provider_id, kind, actor=viewer.actor)
    return _page(request, in_house, viewer, "planned", "surge_state.html")


def _page(
    request: Request, in_house: House, viewer: Viewer, show: str = "planned", template: str = "surge.html"
) -> HTMLResponse:
    with in_house.database.read() as session:
        told = {
            "shown": surge_shown.shown(session, in_house.clock.now(), show, viewer.sight),
            "show": show, "most": surge_shown.MOST_ROWS, "speed": ASSUMED_KMH,
            "expected": surge_reading.EXPECTED_MINUTES, "weights": surge_reading.WEIGHTS,
        }  # fmt: skip
        if template == "surge_state.html":
            return in_house.pages.fragment(template, viewer, **told)
        return in_house.pages.matter(request, template, viewer, "surge", **told)
