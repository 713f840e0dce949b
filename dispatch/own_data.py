"""A community's own data given back (数据返还): its residents' records, and its calls, tickets and alarms.

What only a rescue may read (medical cards, door codes, who holds a key) and sensitive tags never leave by this way.
Rows come in portions by their key, so that a large area is read without holding anything up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dispatch.sight import Sight
from dispatch.tables import Arrival, Ticket
from foundation.writer import Work
from residents.queries import SENSITIVE_TAGS
from residents.tables import Contact, Device, Home, HomeMember, Person

PORTION = 500
Value = str | int | float | None


@dataclass(frozen=True)
class Table:
    """One of the tables: its names, its columns (zh, en), and how its rows are read in portions after a key."""

    zh: str
    en: str
    columns: tuple[tuple[str, str], ...]
    portion: Callable[[Sight, tuple[int, int]], Select[*tuple[Any, ...]]]
    row: Callable[[Any], tuple[Value, ...]]
    key: Callable[[Any], tuple[int, int]]


def write_down(w: Work, table: str, organisation_id: int | None) -> None:
    """Somebody takes this table away: who, which, and for which organisation."""
    w.log("data.downloaded", table=table, organisation_id=organisation_id)


def rows(session: Session, table: Table, sight: Sight, locale: str) -> Iterator[tuple[Value, ...]]:
    """The header, then every row in sight."""
    english = locale == "en"
    yield tuple(column[english] for column in table.columns)
    after = (0, 0)
    while True:
        found = session.execute(table.portion(sight, after).limit(PORTION)).all()
        for one in found:
            yield table.row(one)
        if len(found) < PORTION:
            return
        after = table.key(found[-1])
        session.expunge_all()


def _homes(sight: Sight, after: tuple[int, int]) -> Select[Any]:
    return select(Home).where(sight.scope.where(Home.division_code), Home.id > after[0]).order_by(Home.id)


def _people(sight: Sight, after: tuple[int, int]) -> Select[Any, Any]:
    """By home, then person: who lives in two homes of the area is there twice, once with each."""
    later = (HomeMember.home_id > after[0]) | ((HomeMember.home_id == after[0]) & (HomeMember.person_id > after[1]))
    return (
        select(Person, HomeMember)
        .join(HomeMember, HomeMember.person_id == Person.id)
        .join(Home, Home.id == HomeMember.home_id)
        .where(sight.scope.where(Home.division_code), later)
        .order_by(HomeMember.home_id, HomeMember.person_id)
    )


def _contacts(sight: Sight, after: tuple[int, int]) -> Select[Any]:
    mine = select(Contact).join(Home, Home.id == Contact.home_id).where(sight.scope.where(Home.division_code))
    return mine.where(Contact.id > after[0]).order_by(Contact.id)


def _devices(sight: Sight, after: tuple[int, int]) -> Select[Any]:
    mine = select(Device).join(Home, Home.id == Device.home_id).where(sight.scope.where(Home.division_code))
    return mine.where(Device.id > after[0]).order_by(Device.id)


def _calls(sight: Sight, after: tuple[int, int]) -> Select[Any]:
    return select(Arrival).where(sight.arrivals(), Arrival.id > after[0]).order_by(Arrival.id)


def _tickets(sight: Sight, after: tuple[int, int]) -> Select[Any]:
    mine = select(Ticket).where(sight.tickets(), Ticket.kind != "emergency", Ticket.id > after[0])
    return mine.order_by(Ticket.id)


def _alarms(sight: Sight, after: tuple[int, int]) -> Select[Any]:
    mine = select(Ticket).where(sight.tickets(), Ticket.kind == "emergency", Ticket.id > after[0])
    return mine.order_by(Ticket.id)


def _by_id(one: Any) -> tuple[int, int]:
    return (one[0].id, 0)


def _home_row(one: Any) -> tuple[Value, ...]:
    h = one[0]
    return (h.id, h.division_code, h.address, h.compound, h.road, h.house_no, h.building, h.unit, h.floor, h.room,
            h.landmark, h.changed_at.isoformat())  # fmt: skip


def _person_row(one: Any) -> tuple[Value, ...]:
    p, member = one
    tags = "、".join(tag for tag in p.tags if tag not in SENSITIVE_TAGS)
    return (p.id, member.home_id, member.relation, p.name, p.sex, p.birth_year, p.phone, p.dialect, tags,
            int(p.consent_sms), int(p.consent_position), int(p.consent_share), p.changed_at.isoformat())  # fmt: skip


def _contact_row(one: Any) -> tuple[Value, ...]:
    c = one[0]
    return (c.id, c.home_id, c.position, c.name, c.relation, c.phone, c.hours, c.minutes_away)


def _device_row(one: Any) -> tuple[Value, ...]:
    d = one[0]
    return (d.id, d.code, d.kind, d.number, d.home_id, d.status)


def _call_row(one: Any) -> tuple[Value, ...]:
    a = one[0]
    return (a.id, a.arrived_at.isoformat(), a.kind, a.caller, a.dialled, a.home_id,
            a.answered_at.isoformat() if a.answered_at else None, a.ended_at.isoformat() if a.ended_at else None,
            a.disposition)  # fmt: skip


def _ticket_row(one: Any) -> tuple[Value, ...]:
    t = one[0]
    return (t.number, t.kind, t.item, t.state, t.urgency, t.opened_at.isoformat(), t.caller_name, t.caller, t.address,
            t.community or t.district, t.summary, t.outcome, t.grade,
            t.closed_at.isoformat() if t.closed_at else None)  # fmt: skip


_TICKET_COLUMNS = (
    ("工单号", "Number"),
    ("种类", "Kind"),
    ("项目", "Item"),
    ("状态", "State"),
    ("缓急", "Urgency"),
    ("登记时间", "Opened"),
    ("姓名", "Name"),
    ("电话", "Telephone"),
    ("地址", "Address"),
    ("区划代码", "Division"),
    ("内容", "Matter"),
    ("结果", "Outcome"),
    ("评分", "Grade"),
    ("办结时间", "Closed"),
)
TABLES: dict[str, Table] = {
    "people": Table(
        "居民",
        "People",
        (
            ("人员编号", "Person"),
            ("住户编号", "Home"),
            ("与户主关系", "Relation"),
            ("姓名", "Name"),
            ("性别", "Sex"),
            ("出生年", "Born"),
            ("电话", "Telephone"),
            ("语言", "Dialect"),
            ("标签", "Tags"),
            ("同意短信", "Consents to texts"),
            ("同意告知位置", "Consents to position"),
            ("同意共享", "Consents to sharing"),
            ("更新时间", "Changed"),
        ),
        _people,
        _person_row,
        lambda one: (one[1].home_id, one[1].person_id),
    ),
    "homes": Table(
        "住户",
        "Homes",
        (
            ("住户编号", "Home"),
            ("区划代码", "Division"),
            ("地址", "Address"),
            ("小区", "Compound"),
            ("路", "Road"),
            ("门牌号", "Number"),
            ("幢", "Building"),
            ("单元", "Unit"),
            ("层", "Floor"),
            ("室", "Room"),
            ("路标", "Landmark"),
            ("更新时间", "Changed"),
        ),
        _homes,
        _home_row,
        _by_id,
    ),
    "contacts": Table(
        "联系人",
        "Contacts",
        (
            ("编号", "Contact"),
            ("住户编号", "Home"),
            ("顺序", "Order"),
            ("姓名", "Name"),
            ("关系", "Relation"),
            ("电话", "Telephone"),
            ("时段", "Hours"),
            ("几分钟可到", "Minutes away"),
        ),
        _contacts,
        _contact_row,
        _by_id,
    ),
    "devices": Table(
        "设备",
        "Devices",
        (
            ("编号", "Device"),
            ("设备码", "Code"),
            ("种类", "Kind"),
            ("号码", "Number"),
            ("住户编号", "Home"),
            ("状态", "Status"),
        ),
        _devices,
        _device_row,
        _by_id,
    ),
    "calls": Table(
        "来电",
        "Calls",
        (
            ("编号", "Call"),
            ("时间", "At"),
            ("种类", "Kind"),
            ("来电号码", "From"),
            ("拨打", "Dialled"),
            ("住户编号", "Home"),
            ("接听", "Answered"),
            ("结束", "Ended"),
            ("处置", "Disposition"),
        ),
        _calls,
        _call_row,
        _by_id,
    ),
    "tickets": Table("工单", "Tickets", _TICKET_COLUMNS, _tickets, _ticket_row, _by_id),
    "alarms": Table("警情", "Alarms", _TICKET_COLUMNS, _alarms, _ticket_row, _by_id),
}
"""What a community may take home, under the name of its file."""
