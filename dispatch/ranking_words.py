"""What ranking says of a provider, in Chinese and English: what stands against it, and the fact behind each part. Pure.

A fact is found by one number (8 of 10 orders taken is 8,000,010), and its words are made once: a match says the same
few things of hundreds of providers.
"""

from __future__ import annotations

from collections.abc import Callable

from dispatch.places import ASSUMED_KMH, travel_minutes

Words = tuple[str, str]

UNIT, STARS_UNIT = 1_000_000, 100_000
"""Two numbers stand in one: `first * UNIT + second`; stars and grades by `STARS_UNIT`."""
MOST_KEPT = 50_000
ACTIVE, WARNED, PROBATION, OTHER = range(4)
"""Standings as `Candidates.state` numbers them; `OTHER` gets no orders."""

OBSTACLES: dict[str, Words] = {
    "state": ("当前状态不派单", "gets no orders in its present standing"),
    "licence": ("该项目的许可已过期", "its licence for this item has run out"),
    "area": ("不覆盖该地址", "does not cover the address"),
    "hours": ("不在营业时间", "is not open now"),
    "absence": ("今天请假", "is absent today by its own word"),
    "capacity": ("在手工单已满", "has as many orders as it takes"),
    "phone": ("没有已验证的电话", "has no verified telephone"),
    "refused": ("居民不要这家", "the resident refuses it"),
    "asked": ("本轮已询问过", "has been asked already"),
    "trial": ("本轮已问过一家试用企业", "one on probation was asked in this round already"),
}


class Memo(dict[int, Words]):
    """Words by a number that stands for the fact, each made once: a match says the same few things many times."""

    def __init__(self, make: Callable[[int], Words]) -> None:
        self._make = make

    def __missing__(self, code: int) -> Words:
        if len(self) > MOST_KEPT:
            self.clear()
        words = self[code] = self._make(code)
        return words


def _near_words(code: int) -> Words:
    if code >= 0:
        km, minutes = code / 10, round(travel_minutes(code / 10))
        return (
            f"{km:g} 公里，约 {minutes} 分钟（按 {ASSUMED_KMH:g} 公里/时估算）",
            f"{km:g} km, some {minutes} min (assuming {ASSUMED_KMH:g} km/h)",
        )
    return {
        12: ("覆盖本社区，位置不详", "covers the community; its place is not known"),
        9: ("覆盖本街道，位置不详", "covers the street; its place is not known"),
        6: ("覆盖本区，位置不详", "covers the district; its place is not known"),
        2: ("覆盖全市，位置不详", "covers the city; its place is not known"),
    }.get(-1 - code, ("邻区企业，位置不详", "of a district next door; its place is not known"))


def _stars_words(code: int) -> Words:
    stars, grades = divmod(code, STARS_UNIT)
    if not stars:
        return ("新加盟，按 3 星", "new, as 3 stars")
    return (f"{stars} 星（{grades} 次评价）", f"{stars} stars ({grades} grades)")


def _ratio_words(zh: str, en: str, none_zh: str, none_en: str) -> Callable[[int], Words]:
    def words(code: int) -> Words:
        good, of = divmod(code, UNIT)
        return (f"{zh} {good}/{of}", f"{en} {good} of {of}") if of else (none_zh, none_en)

    return words


def _turn_words(hours: int) -> Words:
    if hours >= 24:
        return ("一天内未派过单", "not asked for a day")
    return (f"{hours} 小时前派过单", f"asked {hours} h ago") if hours else ("刚派过单", "asked within the hour")


def _price_words(code: int) -> Words:
    if code < 0:
        return ("价格面议", "price by agreement")
    low, high = divmod(code, UNIT)
    if not high:
        return ("免费", "free of charge")
    span = f"{low}" if low == high else f"{low}–{high}"
    return (f"{span} 元", f"{span} yuan")


NEAR = Memo(_near_words)
STARS = Memo(_stars_words)
ACCEPTANCE = Memo(_ratio_words("接单", "took", "还没有派单记录", "no offers yet"))
PUNCTUALITY = Memo(_ratio_words("准时", "in time", "还没有到场记录", "no arrivals yet"))
LOAD = Memo(_ratio_words("在手", "holds", "不接单", "takes none"))
TURN = Memo(_turn_words)
PRICE = Memo(_price_words)
STANDING: dict[int, Words] = {
    ACTIVE: ("正式加盟", "in good standing"),
    WARNED: ("警告期，减一成", "warned: a tenth less"),
    PROBATION: ("试用期，排在最后", "on probation: asked last"),
}
CHOSEN: Words = ("居民指定", "chosen by the resident")
