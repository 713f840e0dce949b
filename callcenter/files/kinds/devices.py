"""Devices: lines with a button, each in a home that is entered already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select

from callcenter.files import cells
from callcenter.files.frame import Column, Doing, Fate, Faults, Ground, ImportKind, Record, Row
from callcenter.files.kinds.places import ADDRESS, DIVISION, IMPORTED, Homes, batches, check_divisions, storable
from foundation.writer import Work
from residents import fields, registry
from residents.tables import Device

KINDS = {"专用": "dedicated", "专线": "dedicated", "一键通": "dedicated", "共用": "shared", "普通电话": "shared",
         "dedicated": "dedicated", "shared": "shared"}  # fmt: skip
STATES = {"在用": "active", "停用": "suspended", "报废": "retired", "active": "active", "suspended": "suspended",
          "retired": "retired"}  # fmt: skip
_FIELDS = ("kind", "number", "status", "home_id")

COLUMNS = (
    Column("code", "设备编号", cells.code(r"[A-Za-z0-9-]{1,20}", "只能用字母、数字和连字符，最多 20 个",
                                      "must be 1 to 20 letters, digits or -"),
           needed=True, example="home-7", about_zh="同一编号永远是同一台设备", about_en="For ever the same device"),
    Column("kind", "类型", cells.one_of(KINDS), needed=True, example="专用",
           about_zh="专用：一打就是报警；共用：普通电话",
           about_en="dedicated: any call is an alarm; shared: a home's telephone"),
    Column("number", "线路号码", cells.phone, needed=True, also=("电话号码", "号码"), example="0574-87000001"),
    DIVISION,
    ADDRESS,
    Column("status", "状态", cells.one_of(STATES), example="在用"),
)  # fmt: skip


def _check(ground: Ground, rows: Sequence[Row], faults: Faults) -> list[Record]:
    check_divisions(ground, rows, faults)
    homes = Homes(ground, rows)
    told = [_device(row, ground, homes, faults) for row in rows]
    _refuse_doubles(rows, told, faults)
    by_code, by_number = _stored(ground, told)
    records = []
    for row, device in zip(rows, told, strict=True):
        number, code = device["number"], device["code"]
        other = by_number.get(number)
        if other is not None and other.code != code and device.get("status") != "retired":
            faults.add(
                row.number, "number", row.values["number"],
                f"号码已属于设备 {other.code}：请核对，或先把那台设备设为报废",
                f"belongs to device {other.code}: check it, or retire that device first",
            )  # fmt: skip
        there = by_code.get(code)
        if there is not None and not ground.scope.everywhere and not homes.has(there.home_id):
            faults.add(
                row.number, "code", code, "该设备现在装在别的社区，请由管理员迁移",
                "stands in another community now; an administrator must move it",
            )  # fmt: skip
        records.append(Record(row.number, code, device, _fate(there, device)))
    return records


def _device(row: Row, ground: Ground, homes: Homes, faults: Faults) -> dict[str, Any]:
    told = [name for name in ("kind", "number", "status") if name in row.values]
    device = {name: storable(row, name, name, fields.DEVICE, ground.plan, faults) for name in told}
    device["code"] = str(row.values["code"]).lower()
    device["home_id"] = homes.find(row.values["division_code"], row.values["address"])
    if device["home_id"] is None:
        faults.add(
            row.number, "address", row.values["address"], "这个社区里没有登记这个地址：请先导入居民，或改正地址",
            "is no home of this community: import the residents first, or correct the address",
        )  # fmt: skip
    return device


def _refuse_doubles(rows: Sequence[Row], told: Sequence[dict[str, Any]], faults: Faults) -> None:
    for name in ("code", "number"):
        seen: dict[str, int] = {}
        for row, device in zip(rows, told, strict=True):
            if name == "number" and device.get("status") == "retired":
                continue
            first = seen.setdefault(device[name], row.number)
            if first != row.number:
                faults.add(
                    row.number, name, row.values[name], f"与第 {first} 行重复，请删去一行",
                    f"is in row {first} already; remove one",
                )  # fmt: skip


def _stored(ground: Ground, told: Sequence[dict[str, Any]]) -> tuple[dict[str, Device], dict[str, Device]]:
    """The devices that are there: by code, and those not retired by number."""
    by_code: dict[str, Device] = {}
    by_number: dict[str, Device] = {}
    for batch in batches((d["code"], d["number"]) for d in told):
        codes, numbers = [code for code, _ in batch], [number for _, number in batch]
        found = select(Device).where(or_(Device.code.in_(codes), Device.number.in_(numbers)))
        for device in ground.session.scalars(found):
            by_code[device.code] = device
            if device.status != "retired":
                by_number[device.number] = device
    return by_code, by_number


def _fate(there: Device | None, told: dict[str, Any]) -> Fate:
    if there is None:
        return "added"
    return "changed" if _changes(there, told) else "same"


def _changes(there: Device, told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in _FIELDS if name in told and getattr(there, name) != told[name]}


def _write(work: Work, record: Record, doing: Doing) -> Fate:
    told: dict[str, Any] = record.values
    there = work.session.scalar(select(Device).where(Device.code == told["code"]))
    if there is None:
        registry.add_device(work, told, doing.plan, source=IMPORTED)
        return "added"
    changes = _changes(there, told)
    if changes:
        registry.change_device(work, there.id, changes, doing.plan, source=IMPORTED)
    return "changed" if changes else "same"


DEVICES = ImportKind(
    name="devices",
    zh="设备",
    en="Devices",
    columns=COLUMNS,
    key_zh="设备编号；所在的一户按社区代码 + 地址查找，须已登记",
    key_en="The device's code; its home is found by community and address and must be entered already",
    check=_check,
    write=_write,
)
