"""Providers (加盟企业): the register, one provider with all that is known of it, and applications.

Operators read; what changes a provider is in `provider_steps` and `provider_record`, and needs a supervisor.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from callcenter.console.house import House, InHouse, Operator, Supervisor
from callcenter.console.sessions import Viewer
from dispatch import sanctions
from dispatch.names import Names
from foundation.text import one_line
from providers import admission, contact_test, directory, documents, rota
from providers.admission import Application
from providers.states import STATES
from providers.taxonomy import CATEGORIES, ITEMS
from residents import queries as residents

router = APIRouter()

ProviderId = Annotated[int, Path(ge=1, le=2**53)]
Line = Annotated[str, Form(max_length=200)]
Minute = Annotated[str, Form(pattern=r"^([01]\d|2[0-4]):[0-5]\d$")]
_STATE = f"^(|{'|'.join(STATES)})$"


@router.get("/providers")
def register(
    request: Request,
    in_house: InHouse,
    viewer: Operator,
    state: Annotated[str, Query(pattern=_STATE)] = "",
    kind: Annotated[str, Query(pattern="^(|company|volunteer_group|desk)$")] = "",
    item: Annotated[str, Query(pattern=r"^(|\d{2}|\d{4})$")] = "",
    need: Annotated[str, Query(pattern="^(|decision|paper|mend)$")] = "",
    q: Annotated[str, Query(max_length=60)] = "",
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> HTMLResponse:
    """The register, by state, kind, item, what needs a person, or words; in pages by key."""
    filters = directory.Filters(state, kind, item, one_line(q, 60), need, after)
    now = in_house.clock.now()
    with in_house.database.read() as session:
        found = directory.listing(session, filters, now)
        unproven = contact_test.unproven(session, now)
    return in_house.pages.matter(
        request, "providers.html", viewer, "providers", found=found, f=filters, unproven=unproven,
        categories=CATEGORIES.values(),
    )  # fmt: skip


@router.get("/providers/apply")
def application(request: Request, in_house: InHouse, viewer: Supervisor) -> HTMLResponse:
    """The form of an application."""
    with in_house.database.read() as session:
        areas = residents.areas(session, in_house.clock.now().date())
    return in_house.pages.matter(
        request, "provider_form.html", viewer, "providers", categories=CATEGORIES.values(), areas=areas
    )


@router.post("/providers")
def apply(
    request: Request,
    in_house: InHouse,
    viewer: Supervisor,
    name: Annotated[str, Form(min_length=1, max_length=80)],
    responsible_name: Annotated[str, Form(min_length=1, max_length=40)],
    phones: Annotated[str, Form(min_length=1, max_length=400)],
    items: Annotated[list[str], Form(max_length=120)],
    kind: Annotated[str, Form(pattern="^(company|volunteer_group|desk)$")] = "company",
    credit_code: Annotated[str, Form(max_length=18)] = "",
    contact_name: Annotated[str, Form(max_length=40)] = "",
    address: Line = "",
    areas: Annotated[list[str] | None, Form(max_length=100)] = None,
    opens: Minute = "08:00",
    closes: Minute = "18:00",
    capacity: Annotated[int, Form(ge=0, le=200)] = 3,
) -> HTMLResponse:
    """申请: take down what a firm, group or desk says of itself."""
    new = Application(
        name=name, items=dict.fromkeys(items), prefixes=areas or (), phones=_numbers(phones), kind=kind,
        credit_code=credit_code.strip().upper(), responsible_name=responsible_name, contact_name=contact_name,
        address=address, opens_minute=minute(opens), closes_minute=minute(closes), capacity=capacity,
    )  # fmt: skip
    provider_id = in_house.writer.call(admission.apply, new, in_house.plan, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id, pushed=True)


@router.get("/providers/{provider_id}")
def provider(request: Request, in_house: InHouse, viewer: Operator, provider_id: ProviderId) -> HTMLResponse:
    """One provider: where it stands and why, its papers, hours, area, items, people, numbers, stars, and its ledger."""
    return page(request, in_house, viewer, provider_id)


def page(request: Request, in_house: House, viewer: Viewer, provider_id: int, *, pushed: bool = False) -> HTMLResponse:
    """The page of one provider; `pushed`: the browser's address becomes its own."""
    now = in_house.clock.now()
    with in_house.database.read() as session:
        found = directory.page(session, provider_id, now)
        answer = in_house.pages.matter(
            request, "provider.html", viewer, "providers", found=found, names=Names(session),
            areas=_named(session, found.prefixes, now.date()), all_areas=residents.areas(session, now.date()),
            orders=sanctions.orders_of(session, provider_id, viewer.sight.tickets()), today=documents.local_day(now),
            categories=CATEGORIES.values(), items=ITEMS, week=_week(found), complaint_words=sanctions.CATEGORY_WORDS,
        )  # fmt: skip
    if pushed:
        answer.headers["HX-Push-Url"] = f"/providers/{provider_id}"
    return answer


def minute(told: str) -> int:
    """`08:30` as minutes of the day; at most 24:00."""
    hours, minutes = told.split(":")
    return min(int(hours) * 60 + int(minutes), 1440)


def _numbers(told: str) -> list[str]:
    return [part for part in told.replace("，", " ").replace(",", " ").replace("、", " ").split() if part][:20]


def _named(session: Session, prefixes: list[str], on: date) -> list[tuple[str, str]]:
    names = {row.code: row.name for row in residents.areas(session, on)}
    return [(prefix, names.get(prefix, prefix)) for prefix in prefixes]


def _week(found: directory.Page) -> list[str]:
    """The hours of Monday to Sunday as the form shows them."""
    row, own = found.provider, found.provider.rota or {}
    if "week" in own:
        return [rota.write_spans(own["week"].get(str(n), ())) for n in range(1, 8)]
    plain = rota.write_spans([[row.opens_minute, row.closes_minute]])
    return [plain if str(n) in row.weekdays else "" for n in range(1, 8)]
