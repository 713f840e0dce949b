"""The grammar of replies by SMS: `[code] verb [number]`. Pure: any text to a command or `Unknown`; never raises.

A four-digit number before the verb is an offer's code, a number after it the value (minutes, yuan, arrival code); four
digits alone answer a contact test. A bare digit stays a `Digit`: what it means depends on the one question that is
open to its sender.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from foundation.text import fold


@dataclass(frozen=True)
class Accept:
    """接: the provider takes the order and comes in `minutes` (None: not said)."""

    code: str | None = None
    minutes: int | None = None


@dataclass(frozen=True)
class Decline:
    """不: the provider does not take it; `reason` is what stood behind the verb."""

    code: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Arrived:
    """到: at the door, perhaps with the resident's arrival code."""

    code: str | None = None
    arrival_code: str | None = None


@dataclass(frozen=True)
class Done:
    """完: finished, for so many yuan (None: not said)."""

    code: str | None = None
    yuan: int | None = None


@dataclass(frozen=True)
class Departed:
    """出发: on the way."""

    code: str | None = None


@dataclass(frozen=True)
class GiveBack:
    """退单: the provider cannot do the order it has taken; `reason` is what stood behind the verb."""

    code: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Digit:
    """A digit 1 to 5, alone or with code or value: `1 20` accepts an offer, `4` may be a grade."""

    value: int
    code: str | None = None
    number: int | None = None


@dataclass(frozen=True)
class NotSolved:
    """没: the resident says the matter is not solved."""


@dataclass(frozen=True)
class Absent:
    """请假: the provider takes no orders for so many `days` (today counts), or until and with a day.

    `until` is year (None: not said), month and day, as written; whether there is such a day is for the reader to say.
    Both None: today.
    """

    days: int | None = None
    until: tuple[int | None, int, int] | None = None


@dataclass(frozen=True)
class Back:
    """销假: the provider takes orders again."""


@dataclass(frozen=True)
class ContactCode:
    """Four digits alone: the answer to a contact test."""

    code: str


@dataclass(frozen=True)
class OptOut:
    """退订: no more messages but alarms and the sender's own running order."""


@dataclass(frozen=True)
class Help:
    """?: what can be said."""


@dataclass(frozen=True)
class Unknown:
    """Anything else; `text` is folded and cut."""

    text: str


Command = (
    Accept | Decline | Departed | Arrived | Done | GiveBack | Digit | NotSolved | Absent | Back | ContactCode | OptOut
    | Help | Unknown
)  # fmt: skip

MOST_MINUTES = 1440
MOST_YUAN = 999_999

_OPT_OUT = {"退订", "td", "stop", "unsubscribe", "不再接收"}
_HELP = {"?", "帮助", "help", "h"}
_NOT_SOLVED = {"没", "没有", "没解决", "没有解决", "未解决", "还没", "还没好", "没修好", "没好", "没弄好", "没来"}
_BACK = {"销假", "恢复接单", "恢复派单", "可以派单"}
_CHINESE = "一二三四五六七八九"
_ACCEPT = "接单|接受|接|可以接|我接|能接"
_DECLINE = "不接单|不接受|不接|不能接|不要|不行|不|拒单|拒绝|拒"
_DEPARTED = "已经出发|已出发|出发了|出发|在路上|路上|已上路|上路"
_GIVE_BACK = "退单|退回|退|去不了|来不了|做不了|干不了"
_ARRIVED = "已到达|到达|已到|到了|到"
_DONE = "已完成|完成|已完工|完工|完了|完毕|完|做好了|修好了"
_POLITE = re.compile(
    r"^(?:您好|你好|好的|好|嗯|收到|谢谢|麻烦了|师傅)+(?=\S)|(?:谢谢您|谢谢你|谢谢|了?哈|呢|啊|呀|哦|吧|了)+$"
)
_QUOTES = "\"'“”‘’「」『』《》【】[]()（）<>`"
_END = "。.!！,，;；:：、~～…"
_UNIT_MINUTES = "分钟内到|分钟到|分钟内|分钟|分|min|minutes"
_UNIT_YUAN = "元整|元|块钱|块|圆|yuan|rmb"
_CODE = r"(?:(?P<code>\d{4})\s*)?"
_FORMS = (
    ("accept", re.compile(rf"{_CODE}(?:{_ACCEPT})\s*(?P<n>\d{{1,4}})?\s*(?:{_UNIT_MINUTES})?")),
    ("decline", re.compile(rf"{_CODE}(?:{_DECLINE})(?:[\s,，:：]+(?P<why>.*))?")),
    ("departed", re.compile(rf"{_CODE}(?:{_DEPARTED})")),
    ("give_back", re.compile(rf"{_CODE}(?:{_GIVE_BACK})(?:[\s,，:：]+(?P<why>.*))?")),
    ("arrived", re.compile(rf"{_CODE}(?:{_ARRIVED})\s*(?P<n>\d{{4}})?")),
    (
        "absent",
        re.compile(
            r"(?:我|今天)?请假\s*(?:(?P<days>\d{1,4}|[一二两三四五六七八九十]{1,3})\s*个?\s*(?P<unit>天|日|周|星期|礼拜)"
            r"|[到至]\s*(?:(?P<year>20\d\d)\s*[-–—/.年]\s*)?(?P<month>\d{1,2})\s*[-–—/.月]\s*(?P<day>\d{1,2})\s*[日号]?"
            r"|今天|一天)?"
        ),
    ),
    ("contact", re.compile(r"(?:测试?|核验|验证码?)?\s*[:：]?\s*(?P<contact>\d{4})")),
    ("done", re.compile(rf"{_CODE}(?:{_DONE})\s*(?P<n>\d{{1,6}})?\s*(?:{_UNIT_YUAN})?")),
    (
        "digit",
        re.compile(rf"(?:(?P<code>\d{{4}})\s+)?(?P<d>[1-5])(?:[\s,，]+(?P<n>\d{{1,4}})\s*(?:{_UNIT_MINUTES})?|分)?"),
    ),
)


def parse(text: str) -> Command:
    """Read one reply."""
    plain = _plain(text)
    if plain in _OPT_OUT:
        return OptOut()
    if plain in _HELP:
        return Help()
    for candidate in dict.fromkeys((plain, _without_politeness(plain))):
        if candidate in _OPT_OUT:
            return OptOut()
        if candidate in _NOT_SOLVED:
            return NotSolved()
        if candidate in _BACK:
            return Back()
        for verb, form in _FORMS:
            if match := form.fullmatch(candidate):
                return _command(verb, match)
    return Unknown(plain)


def _plain(text: str) -> str:
    folded = fold(text[:400]).lower()
    folded = "".join(" " if c in _QUOTES or not c.isprintable() else c for c in folded)
    folded = " ".join(folded.split())
    bare = folded.strip(_END + " ")
    return bare or folded[:1]


def _without_politeness(text: str) -> str:
    return _POLITE.sub("", text).strip(_END + " ")


def _command(verb: str, match: re.Match[str]) -> Command:
    found = match.groupdict()
    if verb == "absent":
        return _absent(found)
    if verb == "contact":
        return ContactCode(found["contact"])
    code = found.get("code")
    number = int(found["n"]) if found.get("n") else None
    if verb in ("decline", "give_back"):
        reason = (found["why"] or "")[:200]
        return Decline(code, reason) if verb == "decline" else GiveBack(code, reason)
    if verb == "departed":
        return Departed(code)
    if verb == "arrived":
        return Arrived(code, found["n"])
    if verb == "done":
        return Done(code, number)
    minutes = min(number, MOST_MINUTES) if number is not None else None
    if verb == "accept":
        return Accept(code, minutes)
    return Digit(int(found["d"]), code, minutes)


def _absent(found: dict[str, str]) -> Absent:
    if found["month"]:
        year = int(found["year"]) if found["year"] else None
        return Absent(None, (year, int(found["month"]), int(found["day"])))
    if not found["days"]:
        return Absent()
    return Absent(_number(found["days"]) * (1 if found["unit"] in "天日" else 7))


def _number(written: str) -> int:
    """`3`, `三`, `两`, `十五` or `二十一`."""
    if written.isascii():
        return int(written)
    tens, ten, ones = written.replace("两", "二").rpartition("十")
    units = _CHINESE.find(ones) + 1
    return (_CHINESE.find(tens) + 1 if tens else 1) * 10 + units if ten else units
