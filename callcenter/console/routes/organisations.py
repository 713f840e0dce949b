"""The tree of organisations with its figures, what a community may take home, and the samples a host may hear."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from itsdangerous import BadData, URLSafeTimedSerializer

from callcenter.console.errors import NotYourRole
from callcenter.console.house import Admin, House, InHouse, Keeper, SignedIn
from callcenter.console.sessions import Viewer
from callcenter.files import writing
from dispatch import organisations, own_data, recordings, rollup, samples
from dispatch.errors import missing
from dispatch.recording_tables import Recording
from foundation.text import one_line
from residents import queries as residents

router = APIRouter()

OrganisationId = Annotated[int, Path(ge=1, le=2**53)]
SampleId = Annotated[int, Path(ge=1, le=2**53)]
TableName = Annotated[str, Path(pattern="^[a-z]{3,20}$")]
PERIODS = (1, 7, 30, 365)
HEARD_WITHIN_S = 1800


@router.get("/organisations")
def tree(
    request: Request, in_house: InHouse, viewer: SignedIn, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> HTMLResponse:
    """The network with the figures of each division, which name nobody."""
    return _page(request, in_house, viewer, days)


@router.post("/organisations")
def add(
    request: Request,
    in_house: InHouse,
    viewer: Admin,
    name: Annotated[str, Form(min_length=1, max_length=80)],
    kind: Annotated[str, Form(pattern="^[a-z_]{4,20}$")],
    division_code: Annotated[str, Form(pattern="^[0-9]{4,15}$")],
    name_en: Annotated[str, Form(max_length=120)] = "",
    parent_id: Annotated[int | None, Form(ge=1, le=2**53)] = None,
    phone: Annotated[str, Form(max_length=40)] = "",
    note: Annotated[str, Form(max_length=200)] = "",
) -> HTMLResponse:
    """A new organisation in the administrator's own area."""
    if not viewer.scope.covers(division_code):
        raise missing("区划", "division", division_code)
    if parent_id is not None:
        _in_sight(in_house, viewer, parent_id)
    in_house.writer.call(
        organisations.add, name=name, kind=kind, division_code=division_code, name_en=name_en, parent_id=parent_id,
        phone=phone, note=note, plan=in_house.plan, actor=viewer.actor,
    )  # fmt: skip
    return _page(request, in_house, viewer, 30)


@router.post("/organisations/{organisation_id}/close")
def close(request: Request, in_house: InHouse, viewer: Admin, organisation_id: OrganisationId) -> HTMLResponse:
    """It exists no more; its members see nothing from now on."""
    _in_sight(in_house, viewer, organisation_id)
    in_house.writer.call(organisations.close, organisation_id, actor=viewer.actor)
    return _page(request, in_house, viewer, 30)


@router.get("/own-data/{table}.csv")
def own_csv(in_house: InHouse, viewer: Keeper, table: TableName) -> Response:
    """One table of the area's own data, as CSV; written down before it begins."""
    return StreamingResponse(
        writing.csv_chunks(_rows(in_house, viewer, table)), media_type="text/csv; charset=utf-8",
        headers=_attached(table, "csv"),
    )  # fmt: skip


@router.get("/own-data/{table}.xlsx")
def own_xlsx(in_house: InHouse, viewer: Keeper, table: TableName) -> Response:
    """The same as a workbook."""
    rows = _rows(in_house, viewer, table)
    file = writing.xlsx_file(own_data.TABLES[table].zh, rows)

    def chunks() -> Iterator[bytes]:
        with file:
            while chunk := file.read(65_536):
                yield chunk

    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return StreamingResponse(chunks(), media_type=kind, headers=_attached(table, "xlsx"))


@router.get("/samples")
def sample_list(request: Request, in_house: InHouse, viewer: SignedIn) -> HTMLResponse:
    """Recordings drawn by lot for quality checks: when, how long, of what kind; no number and no name."""
    _may_hear(viewer)
    with in_house.database.read() as session:
        return in_house.pages.matter(
            request, "samples.html", viewer, "samples", samples=samples.shown(session, viewer.sight),
            one_in=samples.ONE_IN,
        )  # fmt: skip


@router.post("/samples/{sample_id}/open")
def open_sample(in_house: InHouse, viewer: SignedIn, sample_id: SampleId) -> HTMLResponse:
    """Written down who listens, then the player."""
    _sample(in_house, viewer, sample_id)
    in_house.writer.call(recordings.open_for, sample_id, actor=viewer.actor)
    ticket = _signer(in_house).dumps([viewer.user_id, sample_id])
    return in_house.pages.fragment("player.html", viewer, source=f"/samples/{sample_id}/audio?pass={ticket}")


@router.get("/samples/{sample_id}/audio")
def sample_audio(
    in_house: InHouse, viewer: SignedIn, sample_id: SampleId,
    ticket: Annotated[str, Query(alias="pass", max_length=300)] = "",
) -> FileResponse:  # fmt: skip
    """The sound itself, for whoever has just opened it."""
    row = _sample(in_house, viewer, sample_id)
    try:
        told = _signer(in_house).loads(ticket, max_age=HEARD_WITHIN_S)
    except BadData:
        told = None
    path = in_house.recording_file(row)
    if told != [viewer.user_id, sample_id] or path is None:
        raise missing("录音", "recording", sample_id)
    return FileResponse(path, media_type="audio/wav", headers={"Cache-Control": "no-store"})


def _rows(in_house: House, viewer: Viewer, name: str) -> Iterator[tuple[own_data.Value, ...]]:
    table = own_data.TABLES.get(name)
    if table is None:
        raise missing("数据表", "table", name)
    in_house.writer.call(own_data.write_down, name, viewer.sight.organisation_id, actor=viewer.actor)

    def read() -> Iterator[tuple[own_data.Value, ...]]:
        with in_house.database.read() as session:
            yield from own_data.rows(session, table, viewer.sight, viewer.locale)

    return read()


def _attached(table: str, ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{table}.{ending}"', "Cache-Control": "no-store"}


def _in_sight(in_house: House, viewer: Viewer, organisation_id: int) -> None:
    with in_house.database.read() as session:
        if all(node.organisation.id != organisation_id for node in organisations.tree(session, viewer.sight)):
            raise missing("机构", "organisation", organisation_id)


def _may_hear(viewer: Viewer) -> None:
    """Hosts, and supervisors of the centre."""
    if not (viewer.sight.rights.samples or viewer.may("supervisor")):
        raise NotYourRole


def _sample(in_house: House, viewer: Viewer, sample_id: int) -> Recording:
    _may_hear(viewer)
    with in_house.database.read() as session:
        row = samples.one(session, viewer.sight, sample_id)
    if row is None:
        raise missing("录音", "recording", sample_id)
    return row


def _signer(in_house: House) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(in_house.settings.secret, salt="console-sample")


def _page(request: Request, in_house: House, viewer: Viewer, days: int) -> HTMLResponse:
    now = in_house.clock.now()
    today = now.astimezone(in_house.settings.zone_info).date()
    since = now - timedelta(days=days)
    with in_house.database.read() as session:
        return in_house.pages.matter(
            request, "organisations.html", viewer, "organisations", days=days, periods=PERIODS,
            nodes=organisations.tree(session, viewer.sight),
            rows=rollup.by_division(session, viewer.scope, since, now, today),
            unplaced=rollup.unplaced(session, since) if viewer.scope.covers(None) else 0,
            areas=residents.areas(session, today, viewer.scope) if viewer.may("admin") else [],
            tables=own_data.TABLES if viewer.sight.rights.keeps else {},
            own_name=one_line(organisations.name_of(session, viewer.sight.organisation_id or 0, viewer.locale), 120),
        )  # fmt: skip
