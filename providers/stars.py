"""Stars (星级): one published formula over the counts of a rolling window. Pure; nobody gives or takes a star by hand.

score = 0.40 satisfaction + 0.15 acceptance + 0.10 answers in time + 0.15 arrivals on time + 0.10 (1 - redone)
      + 0.10 (1 - founded complaints per order, price twice, at most 1)

A part that nothing was counted for (no graded order, no arrival) is left out, and the weights of the others grow in
proportion: what is not known neither helps nor harms. Withdrawn offers count for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any

WINDOW = timedelta(days=90)
LEAST_ORDERS = 10
"""With fewer finished orders a provider is new: it has no stars, and is ranked as with three."""
STEPS = ((0.90, 5), (0.80, 4), (0.65, 3), (0.50, 2))
"""From this score on so many stars; below all of them one."""
GRADE_WORTH = {5: 1.0, 4: 0.75, 3: 0.5, 2: 0.25, 1: 0.0}
PRICE_COUNTS = 2
"""A founded complaint about the price weighs as much as two others."""
_EDGE = 1e-9
"""Shares are sums of floats: a score of exactly .90 must not become .8999…"""


@dataclass(frozen=True)
class Counts:
    """What was counted in the window; each of the lower ones has its denominator here too.

    `finished`: orders reported done. `graded`: grades given, `grade_sum` by what they are worth (0 to 1 each).
    `accepted_in_time`: accepted within the limit. `arrivals`: visits due, `on_time` those that came by then; one that
    never came is due and not on time. `complaints`: founded ones, `price_complaints` those of them about the price.
    """

    finished: int = 0
    graded: int = 0
    grade_sum: float = 0.0
    accepted: int = 0
    declined: int = 0
    expired: int = 0
    accepted_in_time: int = 0
    arrivals: int = 0
    on_time: int = 0
    redone: int = 0
    complaints: int = 0
    price_complaints: int = 0

    def plain(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Counts:
        """From JSON; what it does not know is left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in told.items() if name in known})


@dataclass(frozen=True)
class Part:
    """One part of the score: its weight, what was counted of how many, and its share from 0 to 1 (None: nothing)."""

    code: str
    weight: float
    numerator: float
    denominator: int
    share: float | None


@dataclass(frozen=True)
class Rating:
    """The score with its parts; `stars` is None for a new provider."""

    score: float | None
    stars: int | None
    parts: tuple[Part, ...]


def rate(counts: Counts) -> Rating:
    """The stars of these counts."""
    parts = _parts(counts)
    known = [part for part in parts if part.share is not None]
    weight = sum(part.weight for part in known)
    score = sum(part.weight * (part.share or 0.0) for part in known) / weight if weight else None
    if counts.finished < LEAST_ORDERS or score is None:
        return Rating(score, None, parts)
    return Rating(score, stars_of(score), parts)


def stars_of(score: float) -> int:
    """Stars from 1 to 5 of a score from 0 to 1."""
    return next((stars for least, stars in STEPS if score >= least - _EDGE), 1)


def _parts(c: Counts) -> tuple[Part, ...]:
    offers = c.accepted + c.declined + c.expired
    weighed = c.complaints + (PRICE_COUNTS - 1) * c.price_complaints
    return (
        _part("satisfaction", 0.40, c.grade_sum, c.graded),
        _part("acceptance", 0.15, c.accepted, offers),
        _part("in_time", 0.10, c.accepted_in_time, c.accepted),
        _part("on_time", 0.15, c.on_time, c.arrivals),
        _part("not_redone", 0.10, max(c.finished - c.redone, 0), c.finished),
        _part("no_complaint", 0.10, max(c.finished - weighed, 0), c.finished),
    )


def _part(code: str, weight: float, numerator: float, denominator: int) -> Part:
    share = min(max(numerator / denominator, 0.0), 1.0) if denominator else None
    return Part(code, weight, numerator, denominator, share)
