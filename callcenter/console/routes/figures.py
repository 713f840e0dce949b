"""The figures of a period, each with what it is of and what is counted."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from callcenter.console.house import InHouse, SignedIn
from dispatch import figures
from dispatch.sight import placed
from foundation.errors import Invalid

router = APIRouter()

USUAL = timedelta(days=30)
LONGEST = timedelta(days=366)


@router.get("/figures")
def page(
    request: Request, in_house: InHouse, viewer: SignedIn,
    since: Annotated[date | None, Query()] = None,
    until: Annotated[date | None, Query()] = None,
) -> HTMLResponse:  # fmt: skip
    """From the beginning of one day to the end of another, in the site's time; the last thirty days unless said."""
    zone = in_house.settings.zone_info
    last = until or in_house.clock.now().astimezone(zone).date()
    first = since or last - USUAL + timedelta(days=1)
    if not first <= last <= first + LONGEST:
        raise Invalid("起止日期须先后有序，最长一年", "The days come in order and span a year at most", field="since")
    begin, end = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    with in_house.database.read() as session:
        shown = figures.figures(session, begin, end, placed(viewer.scope))
    return in_house.pages.matter(request, "figures.html", viewer, "figures", shown=shown, first=first, last=last)
