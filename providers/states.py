"""The life of a provider (加盟企业): its states with their Chinese terms, and one table of the steps between. Pure.

Who takes a step: `firm` by its own wish, `desk` a supervisor, `two` two deciders, `clock` by itself when its time has
come, `rule` by a founded complaint or the acceptance rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from providers.errors import UnknownStep


@dataclass(frozen=True)
class State:
    """A state and what it is called; `matched`: in it a provider is offered orders."""

    code: str
    zh: str
    en: str
    matched: bool = False


@dataclass(frozen=True)
class Step:
    """One allowed step, who takes it, and what it needs."""

    was: str
    following: str
    by: str
    zh: str
    en: str


STATES = MappingProxyType(
    {
        state.code: state
        for state in (
            State("applied", "申请", "Applied"),
            State("vetting", "资质审核", "Vetting"),
            State("visiting", "实地考察", "Visit"),
            State("probation", "试用", "Trial", matched=True),
            State("active", "正式加盟", "Full", matched=True),
            State("warned", "警告", "Warned", matched=True),
            State("suspended", "停派整改", "Suspended"),
            State("expelled", "解除", "Expelled"),
            State("withdrawn", "主动退出", "Left"),
            State("rejected", "不予加盟", "Rejected"),
            State("blacklisted", "黑名单", "Blacklisted"),
        )
    }
)
MATCHED = frozenset(code for code, state in STATES.items() if state.matched)

TRIAL_DAYS = timedelta(days=90)
TRIAL_ORDERS = 10
"""A trial is over after so many days or finished orders, whichever comes first."""
WARNING = timedelta(days=30)
WARNED_LOSES = 0.10
"""The part of its score that a warned provider loses in matching."""
COMPLAINT_WINDOW = timedelta(days=90)
"""A second founded complaint within it suspends."""
MEND_WITHIN = timedelta(days=15)
"""Time to mend where whoever suspends names no date."""
GRAVE = frozenset({"safety", "price_fraud"})
"""Kinds of founded complaint that suspend at once."""
LEAST_ACCEPTANCE = 0.60
ACCEPTANCE_OFFERS = 20
"""Fewer accepted than this part of the last so many offers warns."""
EXPIRY_NOTICE = timedelta(days=30)
"""How long before its last day the end of a document is announced."""

_TABLE = """
applied vetting desk 材料齐全，开始审核 / the application is whole
applied withdrawn firm 企业撤回申请 / the firm takes its application back
vetting visiting desk 执照有效、责任人身份已核、许可齐全 / licence valid, person identified, permits seen
vetting rejected desk 写明原因 / a reason
vetting withdrawn firm 企业撤回申请 / the firm takes its application back
visiting probation desk 两人考察、签字通过 / a visit by two people, signed and passed
visiting rejected desk 写明原因 / a reason
visiting withdrawn firm 企业撤回申请 / the firm takes its application back
probation active desk 试用满 90 天或完成 10 单，无查实投诉，已签协议 / 90 days or 10 orders, no complaint, agreement
probation rejected desk 写明原因 / a reason
probation suspended rule 执照到期，或安全、价格欺诈查实 / licence expired; safety or price fraud found true
probation withdrawn firm 企业自愿退出 / by its own wish
active warned rule 查实投诉一次，或接单率过低 / a founded complaint, or too few offers accepted
active suspended rule 再次查实投诉，或安全、价格欺诈、证照到期 / second complaint; safety, fraud, licence
active expelled two 情节严重，两人决定 / grave; two people decide
active withdrawn firm 企业自愿退出 / by its own wish
warned active clock 警告期 30 天已满 / thirty days have passed
warned suspended rule 再次查实投诉，或安全、价格欺诈、证照到期 / second complaint; safety, fraud, licence
warned expelled two 情节严重，两人决定 / grave; two people decide
warned withdrawn firm 企业自愿退出 / by its own wish
suspended active desk 已整改，证明已收 / mended, with proof
suspended probation desk 已整改，证明已收，继续试用 / mended, with proof; the trial goes on
suspended expelled two 逾期未整改或情节严重，两人决定 / not mended in time, or grave; two people decide
expelled blacklisted two 企业及责任人，有期限，两人决定 / firm and person, with an end; two decide
withdrawn applied firm 重新申请 / applies again
rejected applied firm 重新申请 / applies again
"""


def _steps() -> tuple[Step, ...]:
    steps = []
    for line in _TABLE.strip().splitlines():
        was, following, by, words = line.split(" ", 3)
        zh, _, en = words.partition(" / ")
        steps.append(Step(was, following, by, zh, en))
    return tuple(steps)


STEPS = _steps()
_ALLOWED = MappingProxyType({(step.was, step.following): step for step in STEPS})


def check(was: str, following: str) -> Step:
    """The step between two states. Raises `UnknownStep` when the table has none."""
    step = _ALLOWED.get((was, following))
    if step is None:
        zh, en = (" → ".join(getattr(STATES[code], name) for code in (was, following)) for name in ("zh", "en"))
        raise UnknownStep(f"没有这一步：{zh}", f"there is no such step: {en}", was=was, following=following)
    return step


def steps_from(state: str) -> tuple[Step, ...]:
    """The steps out of `state`."""
    return tuple(step for step in STEPS if step.was == state)


def trial_over(days: timedelta, orders: int) -> bool:
    """Whether a trial has lasted long enough to be judged."""
    return days >= TRIAL_DAYS or orders >= TRIAL_ORDERS


def after_complaint(state: str, category: str, earlier: int) -> str | None:
    """The state that a founded complaint leads to, `earlier` being how many others were founded within ninety days.

    None: the state stays. During a trial one complaint is enough for the trial not to end well, which a person says.
    """
    if state not in MATCHED:
        return None
    if category in GRAVE:
        return "suspended"
    if state == "active":
        return "suspended" if earlier else "warned"
    return "suspended" if state == "warned" and earlier else None


def after_offers(state: str, accepted: int, offers: int) -> str | None:
    """The state to which too few accepted offers of the last `ACCEPTANCE_OFFERS` lead; None: it stays."""
    enough = offers >= ACCEPTANCE_OFFERS
    return "warned" if state == "active" and enough and accepted < LEAST_ACCEPTANCE * offers else None
