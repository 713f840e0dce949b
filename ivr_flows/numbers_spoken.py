"""Values as words: numbers, money, times and days, in Chinese and in English.

Chinese comes in characters, which ``pronunciation`` then reads; telephone digits have 幺 for 1, everything else 一.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Literal

Language = Literal["zh", "en"]

LIMIT = 10**12
"""Numbers of this size and beyond are refused: nobody understands them by ear."""

HOTLINE = "81890"
"""Our own number is a pun, 拨一拨就灵: its 1 is always yī."""

_DIGITS = "零一二三四五六七八九"
_TELEPHONE_DIGITS = "零幺二三四五六七八九"
# With these a number counts or orders places and keeps 二; with all others two of something is 两.
_KEEPS_ER = ("号", "月", "日", "楼", "层", "路", "栋", "幢", "单元", "室", "年级", "级")
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_GROUPS = ("", "thousand", "million", "billion")
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def cardinal(value: int, language: Language) -> str:
    """``120`` -> 一百二十, ``200`` -> 两百, ``one hundred and twenty``. ValueError from a million million on."""
    if abs(value) >= LIMIT:
        raise ValueError(f"{value} is too large to be spoken")
    if language == "zh":
        return "负" * (value < 0) + _chinese(abs(value))
    return "minus " * (value < 0) + _english(abs(value))


def counted(value: int, unit: str, language: Language) -> str:
    """So many of something: 两分钟, 二号, ``two minutes``. ``unit`` is the measure word, or the English singular."""
    if language == "en":
        return f"{cardinal(value, 'en')} {unit}{'' if abs(value) == 1 else 's'}"
    said = cardinal(value, "zh")
    if abs(value) == 2 and not unit.startswith(_KEEPS_ER):
        said = said.replace("二", "两")
    return said + unit


def ordinal(value: int, language: Language) -> str:
    """``3`` -> 第三, ``third``. ValueError below 1."""
    if value < 1:
        raise ValueError(f"there is no place number {value}")
    if language == "zh":
        return "第" + cardinal(value, "zh")
    head, _, last = cardinal(value, "en").rpartition(" ")
    ten, hyphen, one = last.rpartition("-")
    one = _IRREGULAR.get(one) or (one[:-1] + "ieth" if one.endswith("y") else one + "th")
    return f"{head} {ten}{hyphen}{one}".strip()


def digits(text: str, language: Language) -> str:
    """The digits of ``text`` one by one, as in telephone numbers: 幺二零, ``one two zero``; 81890 keeps its 一."""
    found = [character for character in text if character.isascii() and character.isdigit()]
    if language == "en":
        return " ".join(_ONES[int(digit)] for digit in found)
    pieces = "".join(found).split(HOTLINE)
    hotline = "".join(_DIGITS[int(digit)] for digit in HOTLINE)
    return hotline.join("".join(_TELEPHONE_DIGITS[int(digit)] for digit in piece) for piece in pieces)


def decimal(value: Decimal, language: Language) -> str:
    """``3.5`` -> 三点五, ``three point five``; a whole number without a point."""
    sign, whole, fraction = _parts(value)
    head = cardinal(whole, language)
    if not fraction:
        return _minus(sign, language) + head
    if language == "zh":
        return _minus(sign, language) + head + "点" + "".join(_DIGITS[int(digit)] for digit in fraction)
    return _minus(sign, language) + head + " point " + " ".join(_ONES[int(digit)] for digit in fraction)


def percent(value: Decimal, language: Language) -> str:
    """``95`` -> 百分之九十五, ``ninety-five percent``."""
    return "百分之" + decimal(value, "zh") if language == "zh" else decimal(value, "en") + " percent"


def money(yuan: Decimal, language: Language) -> str:
    """An amount in yuan: ``3.50`` -> 三元五角, ``3.05`` -> 三元零五分, ``three yuan fifty``. Rounded to the fen."""
    fen = int((abs(yuan) * 100).to_integral_value())
    whole, rest = divmod(fen, 100)
    minus = _minus(yuan < 0 and fen > 0, language)
    if language == "en":
        said = [f"{cardinal(whole, 'en')} yuan"] if whole or not rest else []
        said += [cardinal(rest, "en") if whole else counted(rest, "cent", "en")] if rest else []
        # "three yuan five" could be five jiao as well.
        if whole and 0 < rest < 10:
            said[-1] = "and " + counted(rest, "cent", "en")
        return minus + " ".join(said)
    jiao, single = divmod(rest, 10)
    text = counted(whole, "元", "zh") if whole or not rest else ""
    text += _DIGITS[jiao] + "角" if jiao else ("零" if whole and single else "")
    return minus + text + (_DIGITS[single] + "分" if single else "")


def clock(at: time, language: Language) -> str:
    """``10:05`` -> 十点零五分 by the 24 hours of the clock, ``ten oh five a m``; seconds are not spoken."""
    if language == "zh":
        minutes = ""
        if at.minute:
            minutes = ("零" if at.minute < 10 else "") + cardinal(at.minute, "zh") + "分"
        return counted(at.hour, "点", "zh") + minutes
    if at.minute == 0 and at.hour in (0, 12):
        return "noon" if at.hour else "midnight"
    minutes = "" if not at.minute else " oh " + _ONES[at.minute] if at.minute < 10 else " " + _english(at.minute)
    return f"{_english(at.hour % 12 or 12)}{minutes} {'a' if at.hour < 12 else 'p'} m"


def day(on: date, today: date, language: Language) -> str:
    """今天, 明天 and so on near ``today``, else the date, with its year when that is another one."""
    near = {-1: ("昨天", "yesterday"), 0: ("今天", "today"), 1: ("明天", "tomorrow"), 2: ("后天", "")}
    said = near.get((on - today).days, ("", ""))[language == "en"]
    if said:
        return said
    if language == "zh":
        year = "".join(_DIGITS[int(digit)] for digit in f"{on.year}") + "年" if on.year != today.year else ""
        return f"{year}{cardinal(on.month, 'zh')}月{cardinal(on.day, 'zh')}日"
    year = " " + digits(f"{on.year}", "en") if on.year != today.year else ""
    return f"{_MONTHS[on.month - 1]} {ordinal(on.day, 'en')}{year}"


def moment(at: datetime, now: datetime, language: Language) -> str:
    """Day and time as one says them: 今天下午六点, ``today at six p m``. Both in the zone of the listener."""
    said = day(at.date(), now.date(), language)
    if language == "en":
        return f"{said} at {clock(at.time(), 'en')}"
    part = next(name for until, name in _PARTS_OF_THE_DAY if at.hour < until)
    hour = at.hour - 12 if at.hour > 12 else at.hour
    return f"{said}{part}{clock(time(hour, at.minute), 'zh')}"


_PARTS_OF_THE_DAY = ((6, "凌晨"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))


def _chinese(value: int) -> str:
    """Groups of four digits, each with its 千百十; a gap between two groups or inside one is a single 零."""
    if value == 0:
        return "零"
    said, gap = "", False
    for unit, size in (("亿", 10**8), ("万", 10**4), ("", 1)):
        group = value // size % 10**4
        if group == 0:
            gap = bool(said)
            continue
        if said and (gap or group < 1000):
            said += "零"
        words = _group(group, first=not said)
        said += "两" + unit if words == "二" and unit and not said else words + unit
        gap = False
    return said


def _group(value: int, *, first: bool) -> str:
    """1 to 9999. At the beginning of a number 10 to 19 are 十…, elsewhere 一十…; 200 and 2000 are 两百 and 两千."""
    if first and 10 <= value < 20:
        return "十" + (_DIGITS[value - 10] if value > 10 else "")
    said, gap = "", False
    for unit, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = value // size % 10
        if digit == 0:
            gap = bool(said)
            continue
        said += "零" * gap + ("两" if digit == 2 and size >= 100 else _DIGITS[digit]) + unit
        gap = False
    return said


def _english(value: int) -> str:
    if value < 20:
        return _ONES[value]
    if value < 100:
        return _TENS[value // 10] + (f"-{_ONES[value % 10]}" if value % 10 else "")
    if value < 1000:
        rest = f" and {_english(value % 100)}" if value % 100 else ""
        return f"{_ONES[value // 100]} hundred{rest}"
    said: list[str] = []
    for power in range(len(_GROUPS) - 1, -1, -1):
        group = value // 1000**power % 1000
        if group:
            joined = "and " if power == 0 and group < 100 else ""
            said.append(f"{joined}{_english(group)} {_GROUPS[power]}".strip())
    return " ".join(said)


def _parts(value: Decimal) -> tuple[bool, int, str]:
    """Sign, whole part, and the digits after the point without zeros at their end."""
    if not value.is_finite():
        raise ValueError(f"{value} is no number that can be spoken")
    whole, _, fraction = f"{abs(value):f}".partition(".")
    return value < 0, int(whole), fraction.rstrip("0")


def _minus(negative: bool, language: Language) -> str:
    return "" if not negative else "负" if language == "zh" else "minus "
