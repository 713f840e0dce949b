"""Providers (加盟企业) that the desk has dealt with before: taken into the register as members or on trial.

A firm that applies comes in by admission, not by a file. A firm that is registered already is left as it is: the file
says whether it tells the same, and what differs is changed on the firm's page, where its papers are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import select

from callcenter.files import cells
from callcenter.files.frame import CellWrong, Column, Doing, Fate, Faults, Ground, ImportKind, Record, Row
from callcenter.files.kinds.places import batches, check_places, place_columns
from foundation.text import fold
from foundation.writer import Work
from providers.errors import BadProvider
from providers.registry import NewProvider, add_provider
from providers.tables import Provider, ProviderCoverage, ProviderItem, ProviderPhone
from providers.taxonomy import ITEMS
from residents.tables import Division

KINDS = {"企业": "company", "志愿服务队": "volunteer_group", "志愿者队伍": "volunteer_group", "服务台": "desk",
         "社区服务台": "desk", "company": "company", "volunteer_group": "volunteer_group", "desk": "desk"}  # fmt: skip
STATES = {"试用": "probation", "正式加盟": "active", "正式": "active", "probation": "probation", "active": "active"}
MOST_ITEMS = 105
MOST_PHONES = 10
MOST_PREFIXES = 50
MOST_YUAN = 1_000_000
_ITEM = re.compile(r"(?P<item>[^:]{1,20})(?::(?P<low>\d{1,7})(?:-(?P<high>\d{1,7}))?)?")
_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-(?:([01]?\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)
_DIVISION = cells.code(
    r"\d{4}|\d{6}|\d{9}|\d{12}", "应为 4、6、9 或 12 位区划代码", "must be a division code of 4, 6, 9 or 12 digits"
)
_BY_NAME = {item.zh: item.code for item in ITEMS.values()}
_PLAIN = ("kind", "contact_name", "address", "opens_minute", "closes_minute", "weekdays", "capacity", "latitude",
          "longitude", "radius_km")  # fmt: skip

Offer = tuple[str, tuple[int, int] | None]


def offer(cell: str) -> Offer:
    """An item with its price range in yuan, if it has one: `0302:30-80`, `冰箱:50`, `0202`."""
    found = _ITEM.fullmatch(fold(cell).replace(" ", ""))
    code = _BY_NAME.get(found["item"], found["item"]) if found else ""
    if found is None or code not in ITEMS:
        raise CellWrong(
            "不是服务项目：请写目录中的四位代码或名称，价格写在冒号后，如 0302:30-80",
            "is no item: write its four digits or its name, the price after a colon, as in 0302:30-80",
        )
    if not found["low"]:
        return code, None
    low, high = int(found["low"]), int(found["high"] or found["low"])
    if not low <= high <= MOST_YUAN:
        raise CellWrong("价格应为从低到高的元数，如 30-80", "must have a price in yuan from low to high, such as 30-80")
    return code, (low, high)


def hours(cell: str) -> tuple[int, int]:
    """Minutes of the day: `08:00-20:00`, `00:00-24:00`."""
    found = _HOURS.fullmatch(fold(cell).replace(" ", ""))
    if found is None:
        raise CellWrong(
            "应为 08:00-20:00 的形式，全天为 00:00-24:00", "must look like 08:00-20:00; all day is 00:00-24:00"
        )
    opens = int(found[1]) * 60 + int(found[2])
    return opens, int(found[3]) * 60 + int(found[4]) if found[3] else 1440


def weekdays(cell: str) -> str:
    """ISO days of the week: `12345`."""
    told = "".join(sorted(set(fold(cell).removesuffix(".0"))))
    if not told or set(told) - set("1234567"):
        raise CellWrong("应为星期几的数字，如 12345（周一至周五）", "must be days of the week as digits, such as 12345")
    return told


COLUMNS = (
    Column("name", "名称", cells.text(80), needed=True, also=("企业名称",), example="示范水电维修部"),
    Column("kind", "类型", cells.one_of(KINDS), example="企业"),
    Column("state", "状态", cells.one_of(STATES), example="试用",
           about_zh="试用（不填即试用）或 正式加盟；新申请的企业请走加盟流程",
           about_en="probation (when empty) or active; a firm that applies goes through admission"),
    Column("contact_name", "联系人", cells.text(40), example="李示范"),
    Column("phones", "电话", cells.several(cells.phone, MOST_PHONES), needed=True, example="13900000001；0574-87000009",
           about_zh="已核实的电话，派单发给第一个", about_en="Verified numbers; orders go to the first"),
    Column("address", "地址", cells.text(200)),
    Column("items", "服务项目", cells.several(offer, MOST_ITEMS), needed=True, most=4000, example="0302:30-80；0303",
           about_zh="四位代码或名称，冒号后为价格（元）", about_en="Codes or names, the price in yuan after a colon"),
    Column("coverage", "服务区域", cells.several(_DIVISION, MOST_PREFIXES), needed=True, most=1000,
           example="330203", about_zh="区划代码，含其下所有社区", about_en="Division codes with all that lies in them"),
    Column("hours", "营业时间", hours, example="08:00-20:00"),
    Column("weekdays", "营业日", weekdays, example="1234567"),
    Column("capacity", "同时可接单数", cells.whole(0, 500), example="3"),
    *place_columns(),
    Column("radius_km", "服务半径（公里）", cells.decimal(0.1, 200), about_zh="除服务区域外，还去多远",
           about_en="How far it goes beside its areas"),
)  # fmt: skip


def _check(ground: Ground, rows: Sequence[Row], faults: Faults) -> list[Record]:
    _check_coverage(ground, rows, faults)
    check_places(rows, faults)
    told = [_provider(row, ground, faults) for row in rows]
    _refuse_doubles(rows, told, faults)
    stored = _Stored(ground, told)
    records = []
    for row, new in zip(rows, told, strict=True):
        owner = next((stored.owners[p] for p in new.phones if stored.owners.get(p, new.name) != new.name), None)
        if owner is not None:
            faults.add(
                row.number, "phones", "；".join(row.values["phones"]), f"有一个号码已属于“{owner}”，请核对",
                f"has a number that belongs to “{owner}”; check it",
            )  # fmt: skip
        differs = stored.differs(new)
        if differs:
            zh, en = "、".join(_column(name).zh for name in differs), ", ".join(differs)
            faults.add(
                row.number, "name", new.name, f"已登记，但{zh}不同：请删去这一行，并在企业页面上修改",
                f"is registered with other {en}: remove this row, and change it on the provider's page",
            )  # fmt: skip
        records.append(Record(row.number, new.name, new, "added" if differs is None else "same"))
    return records


def _check_coverage(ground: Ground, rows: Sequence[Row], faults: Faults) -> None:
    codes = {prefix for row in rows for prefix in row.values["coverage"]}
    known: set[str] = set()
    for batch in batches(sorted(codes)):
        known |= set(ground.session.scalars(select(Division.code).where(Division.code.in_(batch))))
    for row in rows:
        for prefix in row.values["coverage"]:
            if prefix not in known:
                faults.add(
                    row.number,
                    "coverage",
                    prefix,
                    "区划表中没有这个代码，请核对",
                    "is no known division code; check it",
                )
            elif not ground.scope.covers(prefix):
                faults.add(
                    row.number, "coverage", prefix, "不在您可以导入的区域内", "lies outside the area you may import for"
                )


def _provider(row: Row, ground: Ground, faults: Faults) -> NewProvider:
    told = row.values
    numbers = []
    for phone in told["phones"]:
        number = ground.plan.parse(phone)
        if not number.callable_back or number.extension:
            faults.add(
                row.number,
                "phones",
                phone,
                "不是可以拨打的电话号码，请核对",
                "is no number that can be dialled; check it",
            )
        numbers.append(number.e164 or phone)
    more = {name: told[name] for name in _AS_TOLD if name in told}
    if "hours" in told:
        more["opens_minute"], more["closes_minute"] = told["hours"]
    return NewProvider(
        name=told["name"], items=dict(told["items"]), prefixes=told["coverage"], phones=tuple(dict.fromkeys(numbers)),
        state=told.get("state", "probation"), **more,
    )  # fmt: skip


def _refuse_doubles(rows: Sequence[Row], told: Sequence[NewProvider], faults: Faults) -> None:
    names: dict[str, int] = {}
    phones: dict[str, int] = {}
    for row, new in zip(rows, told, strict=True):
        for seen, key, column in ((names, new.name, "name"), *((phones, phone, "phones") for phone in new.phones)):
            first = seen.setdefault(key, row.number)
            if first != row.number:
                faults.add(
                    row.number,
                    column,
                    key,
                    f"与第 {first} 行重复，请删去一行或改正",
                    f"is in row {first} already; correct one",
                )


class _Stored:
    """The providers that are there under the names that the file tells, and whose the telephones are."""

    def __init__(self, ground: Ground, told: Sequence[NewProvider]) -> None:
        self._rows: dict[str, Provider] = {}
        self._offers: dict[int, dict[str, tuple[int, int] | None]] = {}
        self._prefixes: dict[int, set[str]] = {}
        self._phones: dict[int, list[str]] = {}
        self.owners: dict[str, str] = {}
        session = ground.session
        for batch in batches(new.name for new in told):
            self._rows |= {p.name: p for p in session.scalars(select(Provider).where(Provider.name.in_(batch)))}
        for ids in batches(row.id for row in self._rows.values()):
            for item in session.scalars(select(ProviderItem).where(ProviderItem.provider_id.in_(ids))):
                price = (item.price_min, item.price_max) if item.price_min is not None else None
                self._offers.setdefault(item.provider_id, {})[item.item] = price  # type: ignore[assignment]
            for place in session.scalars(select(ProviderCoverage).where(ProviderCoverage.provider_id.in_(ids))):
                self._prefixes.setdefault(place.provider_id, set()).add(place.prefix)
            phones = select(ProviderPhone).where(ProviderPhone.provider_id.in_(ids))
            for phone in session.scalars(phones.order_by(ProviderPhone.position, ProviderPhone.id)):
                self._phones.setdefault(phone.provider_id, []).append(phone.number)
        for batch in batches(phone for new in told for phone in new.phones):
            owns = select(ProviderPhone.number, Provider.name).join(Provider, Provider.id == ProviderPhone.provider_id)
            for number, name in session.execute(owns.where(ProviderPhone.number.in_(batch))):
                self.owners[number] = name

    def differs(self, new: NewProvider) -> list[str] | None:
        """The columns in which a registered provider differs; None when it is not registered."""
        row = self._rows.get(new.name)
        if row is None:
            return None
        wrong = [_SHOWN.get(name, name) for name in _PLAIN if getattr(new, name) != getattr(NewProvider, name)
                 and getattr(row, name) != getattr(new, name)]  # fmt: skip
        if self._offers.get(row.id, {}) != new.items:
            wrong.append("items")
        if self._prefixes.get(row.id, set()) != set(new.prefixes):
            wrong.append("coverage")
        if not set(new.phones) <= set(self._phones.get(row.id, [])):
            wrong.append("phones")
        return list(dict.fromkeys(wrong))


_AS_TOLD = ("kind", "contact_name", "address", "weekdays", "capacity", "latitude", "longitude", "radius_km")
_SHOWN = {"opens_minute": "hours", "closes_minute": "hours"}


def _column(key: str) -> Column:
    return next(column for column in COLUMNS if column.key == key)


def _write(work: Work, record: Record, doing: Doing) -> Fate:
    new: NewProvider = record.values
    if work.session.scalar(select(Provider.id).where(Provider.name == new.name)) is not None:
        return "same"
    taken = select(ProviderPhone.number).where(ProviderPhone.number.in_(new.phones))
    if number := work.session.scalar(taken.limit(1)):
        raise BadProvider(f"号码 {number} 已属于另一家企业", f"number {number} belongs to another provider")
    add_provider(work, new, doing.plan)
    return "added"


PROVIDERS = ImportKind(
    name="providers",
    zh="加盟企业",
    en="Providers",
    columns=COLUMNS,
    key_zh="企业名称；已登记的企业不会被文件改动",
    key_en="The provider's name; one that is registered is never changed by a file",
    check=_check,
    write=_write,
)
