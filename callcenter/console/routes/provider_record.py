"""What supervisors write into a provider's record: items and prices, area, hours, absence, people, telephones."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse

from callcenter.console.house import InHouse, Supervisor
from callcenter.console.routes.providers import ProviderId, page
from dispatch import provider_words
from foundation.calendar import NINGBO
from providers import absence, contact_test, offering, rota, workers
from providers.errors import BadProvider

router = APIRouter()

RowId = Annotated[int, Path(ge=1, le=2**53)]
Yuan = Annotated[int | None, Form(ge=0, le=999_999)]
Code = Annotated[str, Form(pattern=r"^\d{4}$")]
Spans = Annotated[str, Form(max_length=120)]


@router.post("/providers/{provider_id}/items")
def set_item(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, code: Code, low: Yuan = None,
    high: Yuan = None,
) -> HTMLResponse:  # fmt: skip
    """One item more, or another price; without numbers by agreement."""
    in_house.writer.call(offering.set_item, provider_id, code, low, high, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/items/drop")
def drop_item(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, code: Code
) -> HTMLResponse:
    """An item less."""
    in_house.writer.call(offering.drop_item, provider_id, code, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/coverage")
def coverage(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId,
    areas: Annotated[list[str] | None, Form(max_length=100)] = None,
    radius_km: Annotated[float | None, Form(gt=0, le=100)] = None,
) -> HTMLResponse:  # fmt: skip
    """Where it goes: divisions, a radius, or both."""
    in_house.writer.call(offering.set_coverage, provider_id, areas or (), radius_km, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/hours")
def hours(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId,
    day1: Spans = "", day2: Spans = "", day3: Spans = "", day4: Spans = "", day5: Spans = "", day6: Spans = "",
    day7: Spans = "",
    holidays: Annotated[str, Form(pattern="^(open|closed)$")] = "open",
) -> HTMLResponse:  # fmt: skip
    """The week, as people write hours, and whether holidays are kept."""
    week = [rota.read_spans(told) for told in (day1, day2, day3, day4, day5, day6, day7)]
    in_house.writer.call(offering.set_week, provider_id, week, holidays, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/days")
def special_day(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, day: Annotated[date, Form()],
    spans: Spans = "",
    usual: Annotated[bool, Form()] = False,
) -> HTMLResponse:  # fmt: skip
    """A day of its own; without hours it is closed; `usual` makes it a day like any other again."""
    told = None if usual else rota.read_spans(spans)
    in_house.writer.call(offering.set_day, provider_id, day, told, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/absence")
def be_absent(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId,
    until: Annotated[date | None, Form()] = None,
) -> HTMLResponse:  # fmt: skip
    """It said by telephone that it is absent until and with this day; no day: that it is back."""
    if until is None:
        in_house.writer.call(absence.back, provider_id, "desk", actor=viewer.actor)
    else:
        today = in_house.clock.now().astimezone(NINGBO).date()
        if not today <= until < today + timedelta(days=rota.MOST_ABSENT_DAYS):
            raise BadProvider("请假最多 60 天，从今天起", "an absence is at most 60 days, from today on")
        end = datetime.combine(until + timedelta(days=1), time(), NINGBO)
        in_house.writer.call(absence.absent, provider_id, end, "desk", actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/profile")
def profile(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId,
    capacity: Annotated[int, Form(ge=0, le=200)],
    contact_name: Annotated[str, Form(max_length=40)] = "",
    address: Annotated[str, Form(max_length=200)] = "",
    external_grade: Annotated[str, Form(max_length=80)] = "",
    note: Annotated[str, Form(max_length=2000)] = "",
) -> HTMLResponse:  # fmt: skip
    """Whom to ask for, where it is, how many orders at once."""
    in_house.writer.call(
        offering.set_profile, provider_id, contact_name=contact_name, address=address, capacity=capacity,
        external_grade=external_grade, note=note, actor=viewer.actor,
    )  # fmt: skip
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/workers")
def add_worker(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId,
    name: Annotated[str, Form(min_length=1, max_length=40)],
    phone: Annotated[str, Form(max_length=40)] = "",
    items: Annotated[list[str] | None, Form(max_length=120)] = None,
) -> HTMLResponse:  # fmt: skip
    """Somebody who works for it."""
    in_house.writer.call(workers.add, provider_id, name, phone, items or (), in_house.plan, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/workers/{worker_id}/leave")
def worker_leaves(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, worker_id: RowId
) -> HTMLResponse:
    """The worker is gone."""
    in_house.writer.call(workers.leave, worker_id, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/phones")
def add_phone(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId,
    phone: Annotated[str, Form(min_length=1, max_length=40)],
) -> HTMLResponse:  # fmt: skip
    """A telephone more; it is asked for its code at once."""
    phone_id = in_house.writer.call(workers.add_phone, provider_id, phone, plan=in_house.plan, actor=viewer.actor)
    in_house.writer.call(provider_words.ask_contact, phone_id, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)


@router.post("/providers/{provider_id}/phones/{phone_id}/{what}")
def phone_step(
    request: Request, in_house: InHouse, viewer: Supervisor, provider_id: ProviderId, phone_id: RowId,
    what: Annotated[str, Path(pattern="^(ask|proven|drop)$")],
) -> HTMLResponse:  # fmt: skip
    """Ask the number for its code, say that a person rang it, or take it out."""
    commands = {"ask": provider_words.ask_contact, "proven": contact_test.proven_by_voice, "drop": workers.drop_phone}
    in_house.writer.call(commands[what], phone_id, actor=viewer.actor)
    return page(request, in_house, viewer, provider_id)
