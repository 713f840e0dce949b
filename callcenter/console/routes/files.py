"""Files: what is taken in, with every fault by its row before anything is written, and what goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile

from callcenter.console.house import House, InHouse, Supervisor
from callcenter.console.sessions import Viewer
from callcenter.console.words import Words
from callcenter.files import exports, template
from callcenter.files.bounds import MOST_BYTES, MOST_ROWS
from callcenter.files.checking import Checked
from callcenter.files.exports import EXPORTS, Span
from callcenter.files.kinds import KINDS
from callcenter.files.room import ImportRoom, kind_of
from callcenter.files.writing import csv_chunks, xlsx_file
from dispatch import imports
from dispatch.errors import missing
from dispatch.import_tables import FileImport
from dispatch.names import Names
from foundation.errors import Invalid
from foundation.scope import scope_of
from foundation.text import one_line

router = APIRouter()

ImportId = Annotated[int, Path(ge=1, le=2**53)]
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CHUNK = 256 * 1024
STATES = {
    "receiving": Words("正在接收", "Coming in"),
    "checked": Words("等待确认", "Waits for a yes"),
    "waiting": Words("排队", "Waiting"),
    "working": Words("正在导入", "Being taken in"),
    "done": Words("完成", "Done"),
    "failed": Words("中断", "Broken off"),
    "cancelled": Words("已取消", "Cancelled"),
}


@router.get("/imports")
def files(request: Request, in_house: InHouse, viewer: Supervisor) -> HTMLResponse:
    """What was brought, and the forms for bringing and taking."""
    return _page(request, in_house, viewer)


@router.get("/imports/list")
def listed(in_house: InHouse, viewer: Supervisor) -> HTMLResponse:
    """How far each import is; asked again each second while one is under way."""
    with in_house.database.read() as session:
        return in_house.pages.fragment("imports_list.html", viewer, **_state(session, viewer))


@router.get("/imports/columns")
def columns(request: Request, in_house: InHouse, viewer: Supervisor) -> HTMLResponse:
    """The templates, and what each column of every file is."""
    return in_house.pages.matter(
        request, "imports_columns.html", viewer, "imports", kinds=list(KINDS.values()), exports=list(EXPORTS.values())
    )


@router.post("/imports")
async def bring(request: Request, in_house: InHouse, viewer: Supervisor) -> HTMLResponse:
    """Look at a file. Without a fault it is kept until the person says yes; nothing is written yet."""
    form = await request.form(max_files=1, max_fields=4)
    kind, file = kind_of(str(form.get("kind", ""))), form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise Invalid("请选择一个文件", "Choose a file", field="file")
    content = await file.read(MOST_BYTES + 1)
    room, scope = _room(in_house), viewer.scope
    found = await asyncio.to_thread(room.check, kind, content, scope)
    name = one_line(file.filename, 120)
    import_id = None
    if found.sound and found.records:
        import_id = await asyncio.to_thread(room.bring, found, name, content, viewer.actor, scope)
    return await asyncio.to_thread(_page, request, in_house, viewer, found=found, file_name=name, import_id=import_id)


@router.post("/imports/{import_id}/order")
def order(request: Request, in_house: InHouse, viewer: Supervisor, import_id: ImportId) -> HTMLResponse:
    """Say yes: the service carries it out."""
    _seen(in_house, viewer, import_id)
    _room(in_house).order(import_id, viewer.actor)
    return _page(request, in_house, viewer)


@router.post("/imports/{import_id}/cancel")
def cancel(request: Request, in_house: InHouse, viewer: Supervisor, import_id: ImportId) -> HTMLResponse:
    """Say no."""
    _seen(in_house, viewer, import_id)
    _room(in_house).cancel(import_id, viewer.actor)
    return _page(request, in_house, viewer)


@router.get("/imports/templates/{kind}.{form}")
def template_file(
    viewer: Supervisor,
    kind: Annotated[str, Path(pattern="^[a-z_]{1,20}$")],
    form: Annotated[str, Path(pattern="^(csv|xlsx)$")],
) -> Response:
    """The file to fill in."""
    found = kind_of(kind)
    content = template.as_xlsx(found) if form == "xlsx" else template.as_csv(found)
    return Response(content, media_type=XLSX if form == "xlsx" else CSV, headers=_attached(f"{kind}.{form}"))


@router.post("/exports")
def take(
    in_house: InHouse,
    viewer: Supervisor,
    what: Annotated[str, Form(pattern="^[a-z_]{1,20}$")],
    form: Annotated[str, Form(pattern="^(csv|xlsx)$")],
    since: Annotated[str, Form(max_length=10)] = "",
    until: Annotated[str, Form(max_length=10)] = "",
) -> StreamingResponse:
    """A table of what is in sight, as it comes; who took it is written down before the first byte."""
    export = EXPORTS.get(what)
    if export is None:
        raise missing("导出种类", "kind of export", what)
    span = Span(_day(since), _day(until))
    in_house.writer.call(exports.note, what, span, form, actor=viewer.actor)
    rows = exports.table(in_house.database, export, span, viewer.sight, viewer.locale)
    today = in_house.clock.now().astimezone(in_house.settings.zone_info)
    headers = _attached(f"{what}-{today:%Y%m%d}.{form}")
    if form == "csv":
        return StreamingResponse(csv_chunks(rows), media_type=CSV, headers=headers)
    try:
        made = xlsx_file(export.zh, rows)
    except ValueError:
        raise Invalid("行数超过一张表的上限，请缩短时间或改用 CSV", "More rows than a sheet has; choose CSV") from None

    def pieces() -> Iterator[bytes]:
        with made:
            while piece := made.read(_CHUNK):
                yield piece

    return StreamingResponse(pieces(), media_type=XLSX, headers=headers)


def _room(in_house: House) -> ImportRoom:
    return ImportRoom(in_house.database, in_house.writer, in_house.clock, in_house.plan)


def _page(
    request: Request, in_house: House, viewer: Viewer, *, found: Checked | None = None, file_name: str = "",
    import_id: int | None = None,
) -> HTMLResponse:  # fmt: skip
    with in_house.database.read() as session:
        return in_house.pages.matter(
            request, "imports.html", viewer, "imports", kinds=list(KINDS.values()), exports=list(EXPORTS.values()),
            found=found, file_name=file_name, import_id=import_id, most_mib=MOST_BYTES // 2**20, most_rows=MOST_ROWS,
            **_state(session, viewer),
        )  # fmt: skip


def _state(session: Session, viewer: Viewer) -> dict[str, object]:
    rows = [row for row in imports.recent(session) if _may_see(viewer, row)]
    under_way = any(row.state in ("waiting", "working") for row in rows)
    return {
        "rows": rows, "kind_names": KINDS, "under_way": under_way, "names": Names(session), "import_states": STATES,
    }  # fmt: skip


def _seen(in_house: House, viewer: Viewer, import_id: int) -> None:
    with in_house.database.read() as session:
        row = imports.find(session, import_id)
    if row is None or not _may_see(viewer, row):
        raise missing("导入", "import", import_id)


def _may_see(viewer: Viewer, row: FileImport) -> bool:
    """Imports for a wider area than the viewer's are not theirs to see or to order."""
    told = scope_of(row.scope)
    return viewer.scope.everywhere or told.within(viewer.scope).prefixes == told.prefixes


def _day(told: str) -> date | None:
    try:
        return date.fromisoformat(told) if told else None
    except ValueError:
        raise Invalid(f"没有这一天：{told}", f"There is no such day: {told}") from None


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
