"""Which providers can and may serve a matter, in what order, and why. Pure.

Able first (item, area, state, on duty, free capacity, not asked already), then the score; the caller's own choice goes
before all. The weights are ours: stars count most, then how near the coverage is, then fair rotation; a warned provider
loses a tenth, a provider on probation is asked last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from dispatch.limits import LOCAL

NEW_COUNTS_AS = 3
"""Stars a provider is ranked with while it has too few finished orders."""
_MATCHED = {"probation", "active", "warned"}


@dataclass(frozen=True)
class Candidate:
    """A provider as ranking sees it; hours as in `providers.tables.Provider`."""

    id: int
    name: str
    state: str
    items: frozenset[str]
    prefixes: tuple[str, ...]
    opens_minute: int
    closes_minute: int
    weekdays: str
    capacity: int
    open_orders: int
    stars: int | None
    last_offered_at: datetime | None
    has_phone: bool
    absent_until: datetime | None = None


@dataclass(frozen=True)
class Matter:
    """What is to be done and where. `refused` and `asked` are provider ids; `preferred` the caller's choice."""

    item: str
    community: str
    at: datetime
    asked: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    preferred: int | None = None


@dataclass(frozen=True)
class Ranked:
    """A provider with its place: `able` or not, the score (0 to 100), and the reasons in both languages."""

    provider_id: int
    name: str
    able: bool
    score: float
    reasons: tuple[tuple[str, str], ...]


def rank(matter: Matter, candidates: Iterable[Candidate]) -> list[Ranked]:
    """Every candidate, the able ones first by score, then the others with what stands against them."""
    ranked = [_judge(matter, candidate) for candidate in candidates]
    return sorted(ranked, key=lambda r: (not r.able, -r.score, r.provider_id))


def on_duty(opens: int, closes: int, weekdays: str, at: datetime) -> bool:
    """Whether `at` lies in the opening hours; hours over midnight belong to the day on which they began."""
    local = at.astimezone(LOCAL)
    minute, today, yesterday = local.hour * 60 + local.minute, local.isoweekday(), (local.isoweekday() + 5) % 7 + 1
    if opens < closes:
        return str(today) in weekdays and opens <= minute < closes
    return (str(today) in weekdays and minute >= opens) or (str(yesterday) in weekdays and minute < closes)


def coverage(prefixes: Collection[str], community: str) -> int:
    """Digits of the longest prefix that covers `community`; 0 when none does."""
    return max((len(prefix) for prefix in prefixes if prefix and community.startswith(prefix)), default=0)


def _against(matter: Matter, candidate: Candidate) -> list[tuple[str, str]]:
    checks = (
        (candidate.state in _MATCHED, ("当前状态不派单", f"gets no orders while {candidate.state}")),
        (matter.item in candidate.items, ("不提供该项目", "does not offer this item")),
        (coverage(candidate.prefixes, matter.community) > 0, ("不覆盖该地址", "does not cover the address")),
        (
            on_duty(candidate.opens_minute, candidate.closes_minute, candidate.weekdays, matter.at),
            ("不在营业时间", "is not open now"),
        ),
        (
            candidate.absent_until is None or candidate.absent_until <= matter.at,
            ("今天请假", "is absent today by its own word"),
        ),
        (candidate.open_orders < candidate.capacity, ("在手工单已满", "has as many orders as it takes")),
        (candidate.has_phone, ("没有已验证的电话", "has no verified telephone")),
        (candidate.id not in matter.refused, ("居民不要这家", "the resident refuses it")),
        (candidate.id not in matter.asked, ("本轮已询问过", "has been asked already")),
    )
    return [reason for holds, reason in checks if not holds]


def _judge(matter: Matter, candidate: Candidate) -> Ranked:
    against = _against(matter, candidate)
    if against:
        return Ranked(candidate.id, candidate.name, False, 0.0, tuple(against))
    near = coverage(candidate.prefixes, matter.community)
    stars = candidate.stars or NEW_COUNTS_AS
    rested = _rested(candidate.last_offered_at, matter.at)
    score = 10.0 * stars + 2.0 * near + 16.0 * rested
    reasons = [
        (
            f"{stars} 星" if candidate.stars else "新加盟，按 3 星",
            f"{stars} stars" if candidate.stars else "new, as 3 stars",
        ),
        _nearness(near),
        (f"在手 {candidate.open_orders} 单", f"{candidate.open_orders} orders in hand"),
    ]
    if candidate.state == "warned":
        score *= 0.9
        reasons.append(("警告期，减一成", "warned: a tenth less"))
    if candidate.state == "probation":
        score *= 0.1
        reasons.append(("试用期，排在最后", "on probation: asked last"))
    if matter.preferred == candidate.id:
        score = 100.0
        reasons.insert(0, ("居民指定", "chosen by the resident"))
    return Ranked(candidate.id, candidate.name, True, round(score, 3), tuple(reasons))


def _rested(last_offered_at: datetime | None, at: datetime) -> float:
    """Fair rotation: 0 for one asked just now, 1 for one not asked for a day or never."""
    if last_offered_at is None:
        return 1.0
    return min(max((at - last_offered_at).total_seconds() / 86_400, 0.0), 1.0)


def _nearness(digits: int) -> tuple[str, str]:
    if digits >= 12:
        return ("本社区", "in the community")
    if digits >= 9:
        return ("本街道", "in the street")
    return ("本区", "in the district") if digits >= 6 else ("全市", "in the city")
