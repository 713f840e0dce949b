"""What can go wrong with residents' data, in words for the person at the screen."""

from __future__ import annotations

from foundation.errors import Conflict, Invalid, NotFound


class FieldInvalid(Invalid):
    """One field is outside its bounds; `details["field"]` names it. The value itself is never repeated."""

    error_id = "residents.field_invalid"

    def __init__(self, field: str, zh: str, en: str) -> None:
        super().__init__(f"“{field}”有误：{zh}", f"{field} {en}", field=field)


class NoSuch(NotFound):
    """The home, person, contact, device or division is not there."""

    error_id = "residents.not_found"

    def __init__(self, kind: str, key: object) -> None:
        super().__init__(f"没有找到：{kind} {key}", f"there is no {kind} {key}", kind=kind, key=str(key))


class NumberTaken(Conflict):
    """A device that is not retired already has this number."""

    error_id = "residents.number_taken"

    def __init__(self, number: str, code: str) -> None:
        super().__init__(
            f"号码 {number} 已属于设备 {code}，请先停用该设备",
            f"number {number} belongs to device {code}; retire that device first",
            number=number,
            device=code,
        )


class CodeTaken(Conflict):
    """The code is in use: device and division codes are never used twice."""

    error_id = "residents.code_taken"

    def __init__(self, code: str) -> None:
        super().__init__(f"编号 {code} 已被使用", f"code {code} is already in use; choose another", code=code)


class ReasonMissing(Invalid):
    """Medical and access data open only with a reason."""

    error_id = "residents.reason_missing"

    def __init__(self) -> None:
        super().__init__("应急查看必须选择理由", "opening a rescue card needs one of the known reasons")
