"""What every route is given, and who may call it: the one place that decides on rights.

`SignedIn` is anybody with an account, hosts too, who see figures and no names; `Caseworker` sees residents and requests
of the own area; `Keeper` keeps its residents' records; `Operator` takes calls; `Supervisor` and `Admin` hold that role
in the centre. What is out of sight is missing: see `in_sight.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from callcenter.console.errors import NotYourRole, SignInNeeded
from callcenter.console.pages import Pages
from callcenter.console.sessions import Sessions, Viewer
from callcenter.console.settings import ConsoleSettings
from callcenter.console.sign_in import TryLimit
from callcenter.console.stream import Stream
from callcenter.flows.desk import FlowDesk
from dispatch.recording_tables import Recording
from foundation.clock import Clock
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.writer import Writer


@dataclass(frozen=True)
class House:
    """The parts of the running service that the pages use."""

    database: Database
    writer: Writer
    clock: Clock
    settings: ConsoleSettings
    plan: NumberPlan
    sessions: Sessions
    pages: Pages
    stream: Stream
    tries: TryLimit
    flows: FlowDesk
    recording_file: Callable[[Recording], Path | None]


def house(request: Request) -> House:
    """The house this request came to."""
    found: House = request.app.state.house
    return found


InHouse = Annotated[House, Depends(house)]


def visitor(request: Request, in_house: InHouse) -> Viewer | None:
    """Who is signed in, or None."""
    with in_house.database.read() as session:
        return in_house.sessions.read(request, session)


Visitor = Annotated[Viewer | None, Depends(visitor)]


async def own_form(request: Request, in_house: InHouse, viewer: Visitor) -> None:
    """Everything that changes something comes from a form of ours. Holds for every route of the console."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    token = request.headers.get("x-csrf-token", "")
    if not token:
        told = (await request.form()).get("csrf", "")
        token = told if isinstance(told, str) else ""
    in_house.sessions.check_form(request, token, viewer)


def signed_in(viewer: Visitor) -> Viewer:
    """Anybody who is signed in."""
    if viewer is None:
        raise SignInNeeded
    return viewer


def caseworker(viewer: Annotated[Viewer, Depends(signed_in)]) -> Viewer:
    """Whoever may see residents and requests by name: operators, and those of desks and stations in their area."""
    if not viewer.sight.rights.names:
        raise NotYourRole
    return viewer


def operator(viewer: Annotated[Viewer, Depends(caseworker)]) -> Viewer:
    """Whoever takes calls."""
    if not viewer.sight.rights.calls:
        raise NotYourRole
    return viewer


def supervisor(viewer: Annotated[Viewer, Depends(operator)]) -> Viewer:
    """A supervisor or an administrator."""
    if not viewer.may("supervisor"):
        raise NotYourRole
    return viewer


def city_supervisor(viewer: Annotated[Viewer, Depends(supervisor)]) -> None:
    """A supervisor whose area is the whole city: for what holds for every district, such as the telephone's flows."""
    if not viewer.sight.whole_city:
        raise NotYourRole


def admin(viewer: Annotated[Viewer, Depends(operator)]) -> Viewer:
    """An administrator."""
    if not viewer.may("admin"):
        raise NotYourRole
    return viewer


def keeper(viewer: Annotated[Viewer, Depends(caseworker)]) -> Viewer:
    """Whoever keeps the records of residents: desks and stations for their area, the installation's own people."""
    if not viewer.sight.rights.keeps:
        raise NotYourRole
    return viewer


SignedIn = Annotated[Viewer, Depends(signed_in)]
Caseworker = Annotated[Viewer, Depends(caseworker)]
Keeper = Annotated[Viewer, Depends(keeper)]
Operator = Annotated[Viewer, Depends(operator)]
Supervisor = Annotated[Viewer, Depends(supervisor)]
Admin = Annotated[Viewer, Depends(admin)]
