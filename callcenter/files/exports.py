"""Tables that go out: tickets, events, the ledger of offers, calls owed, recordings; as they come, and only in sight.

Rows come in the order they were made, a page at a time, each page by its own short read: an export of years neither
fills the memory nor holds a database's snapshot. Times are local with their zone. Who exported what is written down.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from callcenter.files.writing import Value
from dispatch.limits import LOCAL
from dispatch.recording_tables import Recording
from dispatch.sight import ALL, Sight
from dispatch.tables import Arrival, CallBack, CallBackArrival, Offer, Ticket
from foundation.database import Database
from foundation.errors import Invalid
from foundation.numbers import NumberPlan
from foundation.tables import TicketEvent
from foundation.writer import Work
from providers.tables import Provider
from providers.taxonomy import ITEMS

Selected = Select[*tuple[Any, ...]]
PAGE = 500
SLACK = timedelta(days=1)
"""Ids follow the times of their rows but for what the clock was set by; so far on either side is looked."""


@dataclass(frozen=True)
class ExportColumn:
    """A column: its name in the header, what stands in it, and where it comes from in a row."""

    key: str
    zh: str
    value: Callable[[Any], Value]
    about_zh: str = ""
    about_en: str = ""


@dataclass(frozen=True)
class Export:
    """A kind of table. `rows(sight)` selects what is in sight; `at` is the time by which a span is chosen."""

    name: str
    zh: str
    en: str
    columns: tuple[ExportColumn, ...]
    rows: Callable[[Sight], Selected]
    row_id: InstrumentedAttribute[int]
    at: InstrumentedAttribute[datetime]


@dataclass(frozen=True)
class Span:
    """Whole local days, both ends included; None: from the beginning, to the end. Raises `Invalid`."""

    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if self.since and self.until and self.until < self.since:
            raise Invalid("截止日期早于开始日期", "the last day lies before the first", since=str(self.since))

    @property
    def begin(self) -> datetime | None:
        return datetime.combine(self.since, time(), LOCAL) if self.since else None

    @property
    def end(self) -> datetime | None:
        return datetime.combine(self.until + timedelta(days=1), time(), LOCAL) if self.until else None


def header(export: Export, locale: str = "zh_CN") -> list[Value]:
    """The first row."""
    return [column.key if locale == "en" else column.zh for column in export.columns]


def table(
    database: Database, export: Export, span: Span, sight: Sight = ALL, locale: str = "zh_CN"
) -> Iterator[Sequence[Value]]:
    """The header and every row of the span that is in sight."""
    yield header(export, locale)
    for row in _rows(database, export, span, sight):
        yield [column.value(row) for column in export.columns]


class Tally:
    """Rows on their way, counted without the header."""

    def __init__(self, rows: Iterable[Sequence[Value]]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Sequence[Value]]:
        for number, row in enumerate(self._rows):
            self.count = number
            yield row


def note(w: Work, export: str, span: Span, form: str) -> None:
    """Write down that somebody takes data out, before the first byte leaves."""
    w.log("export.taken", what=export, since=str(span.since or ""), until=str(span.until or ""), form=form)


def _rows(database: Database, export: Export, span: Span, sight: Sight) -> Iterator[Any]:
    with database.read() as session:
        last = _first_id(session, export, span.begin - SLACK) - 1 if span.begin else 0
        highest = session.scalar(select(func.max(export.row_id))) or 0
        stop = _first_id(session, export, span.end + SLACK) - 1 if span.end else highest
    where = [export.at >= span.begin] if span.begin else []
    where += [export.at < span.end] if span.end else []
    while last < stop:
        # A page of ids first: what lies out of sight or span must not make one read long.
        upto = min(last + PAGE, stop)
        with database.read() as session:
            page = export.rows(sight).where(*where, export.row_id > last, export.row_id <= upto)
            yield from session.execute(page.order_by(export.row_id)).all()
        last = upto


def _first_id(session: Session, export: Export, at: datetime) -> int:
    """The lowest id of a row made at `at` or later, by halving: ids grow with time, and no index is needed for it."""
    low, high = 1, (session.scalar(select(func.max(export.row_id))) or 0) + 1
    while low < high:
        middle = (low + high) // 2
        found = session.execute(
            select(export.row_id, export.at).where(export.row_id >= middle).order_by(export.row_id).limit(1)
        ).first()
        if found is None or found[1] >= at:
            high = middle
        else:
            low = found[0] + 1
    return low


# --- what stands in the cells ---------------------------------------------------------------------


def local(at: datetime | None) -> str:
    """`2026-11-23 10:00:05+08:00`."""
    return at.astimezone(LOCAL).isoformat(" ", "seconds") if at else ""


def _of(row: int, name: str, write: Callable[[Any], Value] = lambda value: value) -> Callable[[Any], Value]:
    """The attribute `name` of the row's `row`-th part."""
    return lambda found: write(getattr(found[row], name)) if found[row] is not None else None


def _number(e164: str | None) -> str:
    return NumberPlan().dial(e164) if e164 else ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""


def _reasons(value: Sequence[Any]) -> str:
    return "；".join(str(reason[0]) if isinstance(reason, list | tuple) else str(reason) for reason in value)


def _item(code: str | None) -> str:
    return ITEMS[code].zh if code and code in ITEMS else ""


def _plain(row: int, *names: tuple[str, str]) -> tuple[ExportColumn, ...]:
    return tuple(ExportColumn(key, zh, _of(row, key)) for key, zh in names)


def _times(row: int, *names: tuple[str, str]) -> tuple[ExportColumn, ...]:
    return tuple(ExportColumn(key, zh, _of(row, key, local)) for key, zh in names)


_TICKET_NUMBER = ExportColumn("ticket", "工单号", lambda found: found[1] or "")


def _tickets(sight: Sight) -> Selected:
    rows = select(Ticket, Provider.name).outerjoin(Provider, Provider.id == Ticket.assigned_provider_id)
    return rows.where(sight.tickets())


def _events(sight: Sight) -> Selected:
    rows = select(TicketEvent, Ticket.number).outerjoin(Ticket, Ticket.id == TicketEvent.ticket_id)
    return rows if sight.everything else rows.where(sight.tickets(), Ticket.id.is_not(None))


def _offers(sight: Sight) -> Selected:
    rows = select(Offer, Ticket.number, Provider.name).join(Ticket, Ticket.id == Offer.ticket_id)
    return rows.join(Provider, Provider.id == Offer.provider_id).where(sight.tickets())


def _call_backs(sight: Sight) -> Selected:
    rows = select(CallBack, Arrival.arrived_at)
    first = select(func.min(CallBackArrival.arrival_id)).where(CallBackArrival.call_back_id == CallBack.id)
    return rows.outerjoin(Arrival, Arrival.id == first.scalar_subquery()).where(_seen(sight))


def _recordings(sight: Sight) -> Selected:
    return select(Recording, Arrival).outerjoin(Arrival, Arrival.id == Recording.arrival_id).where(_seen(sight))


def _seen(sight: Sight) -> ColumnElement[bool]:
    """Calls in sight; one of no known arrival is for those who see everything."""
    return or_(sight.arrivals(), Arrival.id.is_(None)) if sight.everything else sight.arrivals()


EXPORTS: dict[str, Export] = {
    export.name: export
    for export in (
        Export(
            "tickets", "工单", "Tickets",
            (
                *_plain(0, ("number", "工单号"), ("kind", "种类"), ("state", "状态"), ("urgency", "紧急程度"),
                        ("item", "项目代码")),
                ExportColumn("item_name", "项目", _of(0, "item", _item)),
                *_plain(0, ("summary", "内容"), ("caller_name", "来电人")),
                ExportColumn("caller", "来电号码", _of(0, "caller", _number)),
                *_plain(0, ("district", "区"), ("community", "社区代码"), ("address", "地址"), ("owner", "责任方")),
                ExportColumn("provider", "承接企业", lambda found: found[1] or ""),
                *_plain(0, ("round", "轮次"), ("charge_yuan", "收费（元）"), ("outcome", "结果"), ("grade", "评分"),
                        ("alarm_grade", "警情等级"), ("note", "说明")),
                *_times(0, ("opened_at", "立单时间"), ("taken_at", "接警时间"), ("arrive_by", "应到场时间"),
                        ("arrived_at", "到场时间"), ("done_at", "完工时间"), ("closed_at", "办结时间"),
                        ("next_deadline_at", "下一期限")),
                *_plain(0, ("opened_by", "立单人"), ("taken_by", "接警人")),
            ),
            _tickets, Ticket.id, Ticket.opened_at,
        ),
        Export(
            "events", "事件", "Events",
            (
                *_plain(0, ("id", "序号")), _TICKET_NUMBER, *_times(0, ("at", "时间")),
                *_plain(0, ("kind", "事件"), ("actor", "谁"), ("audience", "对象"), ("arrival_id", "来件")),
                ExportColumn("detail", "详情", _of(0, "detail", _json), "JSON", "JSON"),
            ),
            _events, TicketEvent.id, TicketEvent.at,
        ),
        Export(
            "offers", "派单台账", "Ledger of offers",
            (
                *_plain(0, ("id", "序号")), _TICKET_NUMBER, ExportColumn("provider", "企业", lambda found: found[2]),
                *_plain(0, ("round", "轮次"), ("mode", "方式"), ("state", "状态"), ("rank", "名次"), ("score", "得分")),
                ExportColumn("reasons", "理由", _of(0, "reasons", _reasons)),
                *_plain(0, ("channel", "渠道")), ExportColumn("phone", "电话", _of(0, "phone", _number)),
                *_times(0, ("offered_at", "派单时间"), ("sent_at", "送达网关时间"), ("expires_at", "截止时间"),
                        ("answered_at", "答复时间"), ("ended_at", "结束时间")),
                *_plain(0, ("eta_minutes", "预计到场（分钟）"), ("decline_reason", "拒单理由"),
                        ("withdrawn_why", "撤回原因"), ("answered_by", "谁答复"), ("ended_by", "谁结束")),
            ),
            _offers, Offer.id, Offer.offered_at,
        ),
        Export(
            "call_backs", "回电", "Calls back",
            (
                *_plain(0, ("id", "序号")), ExportColumn("number", "号码", _of(0, "number", _number)),
                *_plain(0, ("why", "原因"), ("state", "状态"), ("attempts", "拨打次数"), ("answered_by", "谁接通")),
                ExportColumn("called_at", "来电时间", lambda found: local(found[1])),
                *_times(0, ("wanted_at", "登记时间"), ("ended_at", "结束时间")),
            ),
            _call_backs, CallBack.id, CallBack.wanted_at,
        ),
        Export(
            "recordings", "录音清单", "List of recordings",
            (
                *_plain(0, ("id", "序号"), ("call_id", "通话编号"), ("state", "状态"), ("seconds", "时长（秒）"),
                        ("bytes", "字节")),
                ExportColumn("caller", "来电号码", _of(1, "caller", _number)),
                *_plain(1, ("dialled", "拨打号码"), ("answered_by", "接听")),
                *_times(1, ("arrived_at", "来电时间")),
                *_times(0, ("recorded_at", "录音时间"), ("keep_until", "保存至"), ("deleted_at", "删除时间")),
                *_plain(0, ("sha256", "校验值")),
            ),
            _recordings, Recording.id, Recording.recorded_at,
        ),
    )
}  # fmt: skip
"""By the name that the command line and the page know them by."""
