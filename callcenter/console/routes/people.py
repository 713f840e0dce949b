"""Finding a person, a home or a device; and opening what only a rescue may read, with the reason written down."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse

from callcenter.console.house import Caseworker, InHouse, Operator
from dispatch import cards
from dispatch.errors import missing
from dispatch.sight import sees_home
from foundation.text import one_line
from foundation.writer import Priority
from residents import queries as residents
from residents import rescue
from residents.narrowing import narrowed

router = APIRouter()

HomeId = Annotated[int, Path(ge=1, le=2**53)]
MOST_FOUND = 20


@router.get("/people")
def people(
    request: Request, in_house: InHouse, viewer: Caseworker, q: Annotated[str, Query(max_length=60)] = ""
) -> HTMLResponse:
    """Search by number, device code or name; a number or device that is one home's opens its card at once."""
    text = one_line(q, 60)
    with in_house.database.read() as session:
        found = residents.search_people(session, text, MOST_FOUND, scope=viewer.scope) if text else ()
        number = in_house.plan.parse(text).e164 if text else ""
        match = narrowed(session, residents.find_by_number(session, number), viewer.scope)
        device = residents.find_device(session, text) if text else None
        if device is not None and not sees_home(session, viewer.sight, device.home_id):
            device = None
        homes = {}
        for person in [*found, *match.people]:
            if person.home_id is not None and person.home_id not in homes:
                homes[person.home_id] = residents.card(session, home_id=person.home_id)
        return in_house.pages.matter(
            request, "people.html", viewer, "people", q=text, found=found, match=match, device=device, homes=homes,
            most=MOST_FOUND,
        )  # fmt: skip


@router.get("/homes/{home_id}")
def home(request: Request, in_house: InHouse, viewer: Caseworker, home_id: HomeId) -> HTMLResponse:
    """A home's card when nobody is calling."""
    with in_house.database.read() as session:
        caller = cards.home_card(session, home_id, viewer.sight)
        if caller is None:
            raise missing("住户", "home", home_id)
        return in_house.pages.matter(request, "home.html", viewer, "people", caller=caller)


@router.post("/homes/{home_id}/rescue")
def open_rescue(
    in_house: InHouse,
    viewer: Operator,
    home_id: HomeId,
    reason: Annotated[str, Form(max_length=40)],
    note: Annotated[str, Form(max_length=200)] = "",
) -> HTMLResponse:
    """Break-glass (应急查看): the medical card and the way in, for a stated reason that is written down first."""
    card = in_house.writer.call(
        rescue.open_card, home_id, reason=reason, note=note, actor=viewer.actor, priority=Priority.CALL
    )
    return in_house.pages.fragment("rescue.html", viewer, card=card)
