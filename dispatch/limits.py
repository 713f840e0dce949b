"""How long each thing may take, and the sentence that says why, in Chinese and English. Pure.

The lengths are our defaults, set beside the trade's observed figures: accept in 5, 15 or 60 minutes by the class of the
item, on site within the hour when urgent (Yuyao 1890), follow-up the day after, an alarm's steps at 10, 20 and 40 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone

from foundation.calendar import WorkingTime

LOCAL = timezone(timedelta(hours=8), "CST")
"""China keeps one time all year round."""


@dataclass(frozen=True)
class Limit:
    """A length of time and why it holds. `working`: it runs only while desks work; `days`: so many working days."""

    length: timedelta
    zh: str
    en: str
    working: bool = False
    days: int = 0

    def due(self, calendar: WorkingTime, start: datetime) -> datetime:
        """When it is over, begun at `start`."""
        if self.days:
            return calendar.add_days(start, self.days)
        return calendar.add(start, self.length) if self.working else start + self.length

    @property
    def reason(self) -> str:
        """Both sentences, as a deadline stores them."""
        return f"{self.zh} / {self.en}"


ACCEPT = {"urgent": 5, "visit": 15, "appt": 60, "info": 60}
"""Minutes a provider has to answer an offer, by class of work."""
ON_SITE = {"urgent": 60, "visit": 480, "appt": 1440, "info": 1440}
"""Minutes to the door where the provider names none."""
WORK = {"urgent": 120, "visit": 240, "appt": 480, "info": 240}
"""Minutes at work before somebody asks."""

ARRIVE_GRACE = timedelta(minutes=10)
SENDING_GRACE = timedelta(seconds=60)
"""An offer's clock starts when the gateway took the message, at the latest so long after it was made."""
DISPOSE = Limit(
    timedelta(minutes=10), "通话结束后 10 分钟内须登记处置结果", "a call's outcome is due 10 min after it ended"
)
DISPOSE_AGAIN = timedelta(hours=1)
REGISTERED = Limit(timedelta(minutes=2), "登记后 2 分钟内须派单或答复", "registered: offer or answer within 2 min")
NEXT_SEAT = Limit(timedelta(seconds=10), "10 秒无人接警：提醒所有坐席", "not taken in 10 s: every seat is called on")
DUTY = Limit(timedelta(seconds=20), "20 秒无人接警：呼叫值班电话和班长", "not taken in 20 s: duty phones, supervisor")
CONTACTS = Limit(timedelta(seconds=40), "40 秒无人接警：同时呼叫家庭联系人", "not taken in 40 s: all contacts at once")
LADDER_AGAIN = Limit(timedelta(seconds=40), "仍无人接警：从值班电话重来", "still not taken: from the duty phones again")
TAKEN = Limit(timedelta(minutes=3), "接警后 3 分钟内须定级", "taken: graded within 3 min")
HANDLING = Limit(timedelta(minutes=15), "处置中每 15 分钟复核", "being handled: looked at every 15 min")
NAG = timedelta(minutes=5)
"""How soon an alarm that nobody moves asks again."""
NAG_ORDINARY = timedelta(hours=1)
"""The same for every other ticket."""

FOLLOW_UP_AT = (time(10, 0), time(15, 0), time(19, 0))
"""The hour of each try: who is out at ten may be at home in the evening."""
FOLLOW_UP_TRIES = len(FOLLOW_UP_AT)
FOLLOW_UP = Limit(timedelta(days=1), "完工次日 10 点回访", "follow-up at ten the day after the work")
FOLLOW_UP_AGAIN = "没有回音，换个时间再回访 / no answer: asked again at another hour"

SIGN = Limit(
    timedelta(minutes=30), "受理单位 30 个工作分钟内须签收", "the desk signs within 30 working min", working=True
)
SIGN_URGENT = Limit(timedelta(minutes=5), "紧急单 5 分钟内须签收", "urgent: the desk signs within 5 min")
RETURN = Limit(timedelta(), "转办后 2 个工作日内可退单", "returned within 2 working days or not at all", True, 2)
READDRESS = Limit(
    timedelta(), "退单后 1 个工作日内须重新转办", "returned: a new addressee within 1 working day", True, 1
)
RULING = Limit(timedelta(), "两次退单，1 个工作日内须审定", "returned twice: a ruling within 1 working day", True, 1)
MOST_RETURNS = 2
"""The second leads to a ruling, which binds: there is no third."""
NUDGED = Limit(timedelta(hours=2), "催办后 2 个工作小时内须回应", "nudged: an answer within 2 working hours", True)
NUDGED_URGENT = Limit(timedelta(minutes=30), "紧急单催办后 30 分钟内须回应", "urgent, nudged: an answer within 30 min")
SUPERVISED = Limit(
    timedelta(), "督办件 1 个工作日内须复核", "supervised: looked at again within 1 working day", True, 1
)
MOST_EXTENSION_DAYS = 10
MOST_PAUSES = 3
MOST_PAUSE_DAYS = 5
"""Working days of one pause. With three of them a matter waits for its resident three weeks at most."""
ARCHIVE = timedelta(days=30)
"""A closed ticket may be reopened so long; then it is only read."""

MATTER_DAYS = {"inquiry": 3, "service_request": 3, "care": 3, "suggestion": 5, "complaint": 13}
"""Working days for the whole matter by kind, as seen in practice: consultation and help 3, complaint 13, others 5."""


def accept(work_class: str) -> Limit:
    """How long a provider has to answer an offer."""
    minutes = ACCEPT[work_class]
    return Limit(timedelta(minutes=minutes), f"{minutes} 分钟内须接单", f"an offer is answered within {minutes} min")


def escalated(work_class: str) -> Limit:
    """How long the desk has when no provider is left."""
    if work_class == "urgent":
        return Limit(
            timedelta(minutes=30), "紧急单无人接单：30 分钟内人工处理", "urgent, nobody left: by hand in 30 min"
        )
    return Limit(timedelta(hours=4), "无人接单：4 小时内人工处理", "nobody left: handled by hand within 4 h")


def arrive(work_class: str, minutes: int | None) -> Limit:
    """When the provider must be at the door: what it promised, else the limit of its class; ten minutes of grace."""
    promised = minutes if minutes is not None else ON_SITE[work_class]
    return Limit(
        timedelta(minutes=promised) + ARRIVE_GRACE,
        f"承诺 {promised} 分钟内到场" if minutes is not None else f"须在 {promised} 分钟内到场",
        f"at the door in {promised} min, ten min of grace",
    )


def work(work_class: str) -> Limit:
    """How long the work may take before somebody asks."""
    minutes = WORK[work_class]
    return Limit(timedelta(minutes=minutes), f"到场后 {minutes} 分钟内须完工", f"done within {minutes} min of arriving")


def matter(kind: str, urgency: str, now: datetime) -> Limit:
    """How long the whole matter may take from its first dispatch at `now`: the working days of its kind.

    Urgent ones: the same day, and in its last hours four hours.
    """
    if urgency != "normal":
        length = max(next_midnight(now) - now, timedelta(hours=4))
        return Limit(length, "紧急单当日办结", "urgent: closed the same day")
    days = MATTER_DAYS[kind]
    return Limit(
        timedelta(), f"转办后 {days} 个工作日内办结", f"closed within {days} working days of its dispatch", True, days
    )


def sign(urgency: str) -> Limit:
    """How soon a receiving desk signs."""
    return SIGN if urgency == "normal" else SIGN_URGENT


def nudged(urgency: str) -> Limit:
    """How soon whoever is nudged has to answer."""
    return NUDGED if urgency == "normal" else NUDGED_URGENT


def with_pause(reason: str, before: timedelta, after: timedelta) -> str:
    """The sentence of a deadline that was paused for `before` in all when it was made, and for `after` now."""
    zh, _, en = reason.partition(" / ")
    if before:
        zh, en = zh.removesuffix(_paused(before)[0]), en.removesuffix(_paused(before)[1])
    if after:
        zh, en = zh + _paused(after)[0], en + _paused(after)[1]
    return f"{zh} / {en}"


def with_extension(reason: str, days: int) -> str:
    """The sentence of a matter's limit that was extended by so many working days."""
    zh, _, en = reason.partition(" / ")
    return f"{zh}，延期 {days} 个工作日 / {en}, extended by {days} working days"


def spoken(length: timedelta) -> tuple[str, str]:
    """A length of time in words, Chinese and English, to the minute; its two largest parts."""
    minutes = max(1, round(length.total_seconds() / 60)) if length else 0
    days, rest = divmod(minutes, 24 * 60)
    parts = [(days, "天", "d"), (rest // 60, "小时", "h"), (rest % 60, "分钟", "min")]
    said = [part for part in parts if part[0]][:2] or parts[-1:]
    return " ".join(f"{n} {zh}" for n, zh, _ in said), " ".join(f"{n} {en}" for n, _, en in said)


def _paused(length: timedelta) -> tuple[str, str]:
    zh, en = spoken(length)
    return f"，挂起 {zh}", f", paused {en}"


def next_midnight(now: datetime) -> datetime:
    """The end of the local day."""
    return datetime.combine(now.astimezone(LOCAL).date() + timedelta(days=1), time(), LOCAL)


def next_day_at_ten(now: datetime) -> datetime:
    """Ten o'clock local time on the day after `now`: when the resident is asked first."""
    return follow_up_at(now, 1)


def follow_up_at(now: datetime, attempt: int) -> datetime:
    """When try number `attempt` (1 to 3) is made: on the day after `now`, each at another hour."""
    tomorrow = now.astimezone(LOCAL).date() + timedelta(days=1)
    return datetime.combine(tomorrow, FOLLOW_UP_AT[attempt - 1], LOCAL)


def local_day(now: datetime) -> str:
    """The local date as `20261123`."""
    return now.astimezone(LOCAL).strftime("%Y%m%d")
