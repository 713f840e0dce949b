"""What the fields of residents' records are called, and how a form's text becomes a field's value."""

from __future__ import annotations

from callcenter.console.words import Words
from residents.errors import FieldInvalid
from residents.proposals import PROPOSED

SUBJECTS = {
    "home": Words("住户", "Home"),
    "person": Words("居民", "Resident"),
    "contact": Words("联系人", "Contact"),
    "device": Words("设备", "Device"),
}

FIELDS = {
    "address": Words("地址", "Address"),
    "compound": Words("小区", "Compound"),
    "road": Words("路", "Road"),
    "house_no": Words("门牌号", "House number"),
    "building": Words("幢", "Building"),
    "unit": Words("单元", "Unit"),
    "floor": Words("层", "Floor"),
    "room": Words("室", "Room"),
    "landmark": Words("路标", "Landmark"),
    "division_code": Words("社区", "Community"),
    "name": Words("姓名", "Name"),
    "surname_reading": Words("姓氏读音", "Reading of the surname"),
    "sex": Words("性别", "Sex"),
    "birth_year": Words("出生年", "Year of birth"),
    "phone": Words("电话", "Telephone"),
    "dialect": Words("语言", "Dialect"),
    "relation": Words("关系", "Relation"),
    "position": Words("顺序", "Order"),
    "minutes_away": Words("几分钟可到", "Minutes away"),
    "has_key": Words("有钥匙", "Has a key"),
    "hours": Words("可联系时段", "Hours"),
    "number": Words("号码", "Number"),
    "status": Words("状态", "Status"),
}

CHOICES = {
    "sex": {"0": Words("未知", "Unknown"), "1": Words("男", "Male"), "2": Words("女", "Female"),
            "9": Words("未说明", "Not said")},
    "has_key": {"yes": Words("有", "Yes"), "no": Words("没有", "No")},
    "status": {"active": Words("在用", "Active"), "suspended": Words("停用", "Suspended"),
               "retired": Words("报废", "Retired")},
    "dialect": {"mandarin": Words("普通话", "Mandarin"), "ningbo": Words("宁波话", "Ningbo"),
                "hangzhou": Words("杭州话", "Hangzhou"), "shanghai": Words("上海话", "Shanghai"),
                "wenzhou": Words("温州话", "Wenzhou"), "other": Words("其他", "Other")},
}  # fmt: skip
"""Fields of which one of a few is chosen."""

WAYS = {
    "call": Words("电话", "On a call"),
    "form": Words("纸质表", "Paper form"),
    "visit": Words("上门", "At a visit"),
    "sms": Words("短信", "By SMS"),
    "web": Words("网页", "On the web"),
    "registry": Words("登记", "Registered"),
    "import": Words("导入", "Imported"),
    "demo": Words("演示数据", "Demo data"),
}

PURPOSES = {
    "service": Words("服务", "To serve"),
    "rescue": Words("救助", "To rescue"),
    "care": Words("关怀", "To care"),
    "statistics": Words("统计", "To count"),
}

CONSENTS = {
    "sms": Words("收短信", "To be sent texts"),
    "position": Words("告知位置", "That the position is told"),
    "share": Words("与其他部门共享", "That data is shared"),
}

PROPOSAL_STATES = {
    "open": Words("待确认", "Waiting"),
    "confirmed": Words("已采纳", "Accepted"),
    "rejected": Words("未采纳", "Rejected"),
    "stale": Words("已过时", "Stale"),
}

_WHOLE = ("sex", "birth_year", "position", "minutes_away")


def value_of(field: str, text: str) -> object:
    """What a form's text means for this field; an empty number or telephone is none. Raises `FieldInvalid`."""
    text = text.strip()
    if field in _WHOLE:
        if not text and field in ("birth_year", "minutes_away"):
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 9):
            raise FieldInvalid(field, "必须是整数", "must be a whole number")
        return int(text)
    if field == "has_key":
        return {"yes": True, "no": False}.get(text, text)
    return text


def text_of(field: str, value: object, locale: str) -> str:
    """A field's value as a page shows it."""
    if value is None or value == "":
        return "—"
    key = {True: "yes", False: "no"}.get(value, str(value)) if field == "has_key" else str(value)  # type: ignore[call-overload]
    chosen = CHOICES.get(field, {}).get(key)
    return chosen.of(locale) if chosen else key


def correctable(subject: str) -> dict[str, Words]:
    """The fields of such a record that may be corrected on a call, with their names."""
    return {name: FIELDS[name] for name in PROPOSED.get(subject, ())}
