"""What the telephone says and asks: the draft and its check, what is different from what is in force, publishing it,
the one step back, and who did what. For supervisors and administrators."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from callcenter.console.house import House, InHouse, Supervisor, city_supervisor
from callcenter.console.sessions import Viewer
from dispatch.names import Names
from foundation.errors import NotFound
from ivr_flows import queries
from ivr_flows.comparing import Mark, compare, marked
from ivr_flows.drawing import draw
from ivr_flows.model import Flow, FlowSet

router = APIRouter(dependencies=[Depends(city_supervisor)])

Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{1,30}$")]
Reason = Annotated[str, Form(min_length=1, max_length=200)]
Which = Annotated[str, Query(pattern="^(draft|current)$")]

DRAWING_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""A drawing carries its own styles, and is a document of its own when it is opened alone."""


@router.get("/flows")
def flows(request: Request, in_house: InHouse, viewer: Supervisor) -> HTMLResponse:
    """The flows, the draft's check, the differences, and what was published."""
    return _page(request, in_house, viewer)


@router.get("/flows/publications")
def publications(in_house: InHouse, viewer: Supervisor) -> HTMLResponse:
    """What is in force and on its way; the part of the page that changes by itself."""
    with in_house.database.read() as session:
        return in_house.pages.fragment("flows_state.html", viewer, **_state(session))


@router.get("/flows/drawings/{name}")
def drawing(
    request: Request, in_house: InHouse, viewer: Supervisor, name: Name, which: Which = "draft"
) -> HTMLResponse:
    """One flow's page with its picture."""
    flow, flow_set, current = _chosen(in_house, name, which)
    return in_house.pages.matter(
        request, "flow.html", viewer, "flows", flow=flow, which=which, current=current,
        uses=sorted(_used_by(flow_set, flow.name)),
    )  # fmt: skip


@router.get("/flows/drawings/{name}/picture.svg")
def picture(in_house: InHouse, _viewer: Supervisor, name: Name, which: Which = "draft") -> Response:
    """The picture itself; the draft's shows what is different from what is in force."""
    flow, flow_set, current = _chosen(in_house, name, which)
    texts = in_house.flows.draft(_today(in_house)).texts
    marks: Mapping[str, Mark] = {}
    if which == "draft":
        before = in_house.flows.version(current).flows.get(name)
        flow, marks = marked(before, flow)
    svg = draw(flow_set, flow, texts, marks)
    return Response(svg, media_type="image/svg+xml", headers={"Content-Security-Policy": DRAWING_POLICY})


@router.post("/flows/publish")
def publish(request: Request, in_house: InHouse, viewer: Supervisor, reason: Reason) -> HTMLResponse:
    """Check the draft and order its publication."""
    in_house.flows.publish(reason, viewer.actor, _today(in_house))
    return _page(request, in_house, viewer)


@router.post("/flows/back")
def back(request: Request, in_house: InHouse, viewer: Supervisor, reason: Reason) -> HTMLResponse:
    """Order the one step back."""
    in_house.flows.back(reason, viewer.actor)
    return _page(request, in_house, viewer)


@router.post("/flows/publications/{publication_id}/withdraw")
def withdraw(
    request: Request,
    in_house: InHouse,
    viewer: Supervisor,
    publication_id: Annotated[int, Path(ge=1, le=2**53)],
    reason: Reason,
) -> HTMLResponse:
    """Take an order back that no exchange could carry out yet."""
    in_house.flows.withdraw(publication_id, reason, viewer.actor)
    return _page(request, in_house, viewer)


def _page(request: Request, in_house: House, viewer: Viewer) -> HTMLResponse:
    draft = in_house.flows.draft(_today(in_house))
    current = in_house.flows.current()
    changes = compare(in_house.flows.version(current), draft.flows) if draft.flows is not None else []
    with in_house.database.read() as session:
        return in_house.pages.matter(
            request, "flows.html", viewer, "flows", draft=draft, changes=changes,
            changed={change.name: change.how for change in reversed(changes) if change.what in ("flow", "step")}
            | {change.name: "changed" for change in changes if change.step},
            **_state(session),
        )  # fmt: skip


def _state(session: Session) -> dict[str, object]:
    current = queries.current_version(session)
    return {
        "current": current,
        "in_force": queries.current(session),
        "back_to": queries.before(session, current),
        "coming": queries.under_way(session),
        "history": queries.history(session),
        "nodes": queries.nodes(session),
        "names": Names(session),
    }


def _chosen(in_house: House, name: str, which: str) -> tuple[Flow, FlowSet, int]:
    """The flow as it is in the draft or in force, its set, and the version in force."""
    current = in_house.flows.current()
    flow_set = in_house.flows.draft(_today(in_house)).flows if which == "draft" else in_house.flows.version(current)
    if flow_set is None:
        raise NotFound("草稿有错误，画不出来；请先改正", "The draft has errors and cannot be drawn; mend it first")
    if name not in flow_set.flows:
        raise NotFound(f"没有流程 {name}", f"there is no flow {name}")
    return flow_set.flows[name], flow_set, current


def _used_by(flow_set: FlowSet, name: str) -> set[str]:
    """The flows that call this one."""
    return {
        flow.name
        for flow in flow_set.flows.values()
        for step in flow.steps.values()
        if step.kind == "flow" and step.options["flow"] == name
    }


def _today(in_house: House) -> date:
    return in_house.clock.now().astimezone(in_house.settings.zone_info).date()
