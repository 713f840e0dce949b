"""How long each thing may take, and the sentence that says why, in Chinese and English. Pure.

The lengths are our defaults, set beside the trade's observed figures: accept in 5, 15 or 60 minutes by the class of the
item, on site within the hour when urgent (Yuyao 1890), follow-up the day after, an alarm's steps at 10, 20 and 40 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone

LOCAL = timezone(timedelta(hours=8), "CST")
"""China keeps one time all year round."""


@dataclass(frozen=True)
class Limit:
    """A length of time and why it holds."""

    length: timedelta
    zh: str
    en: str

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
PAUSED = Limit(timedelta(days=1), "挂起的工单每天复核", "a paused ticket is looked at again each day")
DESK = Limit(timedelta(hours=24), "办理须在 24 小时内有结果", "the desk answers within 24 h")
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

FOLLOW_UP_AT = time(10, 0)
FOLLOW_UP_TRIES = 3
FOLLOW_UP = Limit(timedelta(days=1), "完工次日 10 点回访", "follow-up at ten the day after the work")


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


def next_day_at_ten(now: datetime) -> datetime:
    """Ten o'clock local time on the day after `now`."""
    tomorrow = now.astimezone(LOCAL).date() + timedelta(days=1)
    return datetime.combine(tomorrow, FOLLOW_UP_AT, LOCAL)


def local_day(now: datetime) -> str:
    """The local date as `20261123`."""
    return now.astimezone(LOCAL).strftime("%Y%m%d")
