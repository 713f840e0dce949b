"""Mass incidents: everybody sees what is open and what callers hear; supervisors open and end them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse

from callcenter.console.house import House, InHouse, Operator, Supervisor
from callcenter.console.sessions import Viewer
from dispatch import incidents
from foundation.errors import Invalid
from residents import queries as residents

router = APIRouter()

IncidentId = Annotated[int, Path(ge=1, le=2**53)]
Sentence = Annotated[str, Form(max_length=400)]
Area = Annotated[str, Form(pattern="^[0-9]{6,15}$")]


@router.get("/incidents")
def incident_list(request: Request, in_house: InHouse, viewer: Operator) -> HTMLResponse:
    """What is open now, what was, and how many called about it."""
    return _page(request, in_house, viewer)


@router.post("/incidents")
def open_one(
    request: Request,
    in_house: InHouse,
    viewer: Supervisor,
    title: Annotated[str, Form(max_length=60)],
    zh: Sentence,
    en: Sentence,
    areas: Annotated[list[Area] | None, Form(max_length=200)] = None,
) -> HTMLResponse:
    """From the next call on its area hears the sentence."""
    _only_own(viewer, areas or [])
    in_house.writer.call(incidents.open_incident, title, zh, en, areas or [], actor=viewer.actor)
    return _page(request, in_house, viewer)


@router.post("/incidents/{incident_id}/end")
def end_one(
    request: Request, in_house: InHouse, viewer: Supervisor, incident_id: IncidentId, zh: Sentence, en: Sentence
) -> HTMLResponse:
    """It is over: all who called about it are told."""
    in_house.writer.call(incidents.end_incident, incident_id, zh, en, actor=viewer.actor)
    return _page(request, in_house, viewer)


def _only_own(viewer: Viewer, areas: list[str]) -> None:
    """Callers of other districts hear nothing from here; no area at all is everywhere."""
    if not all(viewer.scope.covers(area) for area in areas) or not (areas or viewer.scope.everywhere):
        raise Invalid("请在您的区域内选择通报范围", "Choose areas of your own district", field="areas")


def _page(request: Request, in_house: House, viewer: Viewer) -> HTMLResponse:
    with in_house.database.read() as session:
        areas = residents.areas(session, in_house.clock.now().date(), viewer.scope)
        return in_house.pages.matter(
            request, "incidents.html", viewer, "incidents", shown=incidents.shown(session), areas=areas,
            most_zh=incidents.MOST_ZH, most_en=incidents.MOST_EN,
        )  # fmt: skip
