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


class DivisionEnded(Invalid):
    """The division was abolished before that day; `details["follower"]` is the code that follows it, or empty."""

    error_id = "residents.division_ended"

    def __init__(self, code: str, name: str, follower: str, follower_name: str) -> None:
        zh = f"，请改用 {follower_name} {follower}" if follower else ""
        en = f"; use {follower_name} {follower}" if follower else ""
        super().__init__(
            f"{name} {code} 在这一天不存在（已撤销或尚未设立）{zh}",
            f"{name} {code} does not exist on that day (abolished, or not there yet){en}",
            field="division_code",
            follower=follower,
        )


class ChangedMeanwhile(Conflict):
    """Somebody else changed the record after it was read: nothing is stored, the newer one must be looked at."""

    error_id = "residents.changed_meanwhile"

    def __init__(self, subject: str, row_id: int) -> None:
        super().__init__(
            "您编辑期间，别人已修改了这条记录；您的修改没有保存，请看过新内容后再改",
            "Somebody else changed this record while you edited it; yours was not saved: look at it and try again",
            subject=subject,
            row_id=row_id,
        )


class ProposalDecided(Conflict):
    """The proposal has been confirmed, rejected or found stale already."""

    error_id = "residents.proposal_decided"

    def __init__(self, proposal_id: int, state: str) -> None:
        super().__init__("这条更正已经处理过了", f"proposal {proposal_id} is {state} already", state=state)


class ProposalStale(Conflict):
    """The value has changed since the correction was proposed: it was not applied, and is kept as stale."""

    error_id = "residents.proposal_stale"

    def __init__(self, proposal_id: int) -> None:
        super().__init__(
            "提出更正之后，这一项已被改过；这条更正作废，请核对现在的内容",
            f"the value has changed since proposal {proposal_id} was made; it is stale: check what stands there now",
            proposal=proposal_id,
        )
