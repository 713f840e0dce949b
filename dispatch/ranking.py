"""Which providers can and may serve a matter, in what order, and why. Pure.

First the hard conditions: no score ever outweighs one. Then the score, 0 to 100, whose parts are shown beside it and
add up to it. The weights are ours: nearness and stars count most, then what the provider has shown of itself, then its
load, fair turn and price. The resident's own choice goes before all; a provider on probation comes last.

The facts are columns, one row for each provider that offers the item: 2,600 rows are judged in well under a
millisecond, which row by row would take thirty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import repeat
from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

from dispatch.places import Place, distance_km, travel_minutes
from dispatch.ranking_words import (
    ACCEPTANCE,
    CHOSEN,
    LOAD,
    NEAR,
    OBSTACLES,
    OTHER,
    PRICE,
    PROBATION,
    PUNCTUALITY,
    STANDING,
    STARS,
    STARS_UNIT,
    TURN,
    UNIT,
    WARNED,
    Words,
)

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

POOLS = ("district", "city", "neighbours")
"""How wide is asked, the narrowest first; a wider pool holds the narrower ones."""
STATES = ("active", "warned", "probation", "other")
"""Standings as `Candidates.state` numbers them (`ranking_words.ACTIVE`, …); `other` gets no orders."""

WEIGHTS = {"near": 28, "stars": 28, "acceptance": 10, "punctuality": 10, "load": 8, "turn": 10, "price": 6}
"""Most points of each part; they add up to 100."""
PARTS = (*WEIGHTS, "standing")
"""`standing` takes a tenth away from a warned provider."""
WARNED_LOSES = 0.1

TOO_FAR_MINUTES = 60.0
"""Nearness is worth nothing from here on: on site within the hour is the promise for urgent work."""
MIDDLE_STARS, STARS_WEIGH = 3.0, 10
"""A provider counts as if it had, beside its own grades, ten more of three stars."""
MIDDLE_SHARE, SHARES_WEIGH = 0.7, 5
"""And, beside its own answers and arrivals, five more of which seven in ten were good."""
REACH = {0: 0.1, 2: 0.2, 6: 0.4, 9: 0.7, 12: 0.9}
"""Nearness where a place is unknown: by the digits, at least, of the division code the provider names as its area."""
MOST_UNABLE = 20
"""Of those that cannot serve so many are told, the most hopeful first."""

_BLOCK = 64
_POOL_NAMES = (*POOLS, "elsewhere")
_MOST = np.array(list(WEIGHTS.values()), dtype=np.float64)[:, None]
_LEAST_DIGITS = [max(least for least in REACH if least <= digits) for digits in range(13)]
_REACH_SHARE = np.array([REACH[least] for least in _LEAST_DIGITS])
_REACH_CODE = np.array([-1 - least for least in _LEAST_DIGITS], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Candidates:
    """The providers of one item, as columns of equal length.

    `reach` is the number of digits of the longest division code of the provider that covers the matter (0: none does);
    `in_radius` whether the matter lies in the radius it goes; `neighbour` whether it covers a district next door.
    `closed` numbers into `closed_words`, whose first entry is None: open. `absent` maps rows to the words of their
    absence. Unknown numbers are NaN. `rested` is 0 for one asked just now, 1 for one not asked for a day.
    """

    ids: Codes
    names: Sequence[str]
    state: Codes
    reach: Codes
    in_radius: Flags
    neighbour: Flags
    latitude: Numbers
    longitude: Numbers
    licensed: Flags
    closed: Codes
    closed_words: Sequence[Words | None]
    absent: dict[int, Words]
    capacity: Codes
    open_orders: Codes
    has_phone: Flags
    refused: Flags
    asked: Flags
    stars: Numbers
    grades: Codes
    accepted: Codes
    answered: Codes
    on_time: Codes
    arrivals: Codes
    rested: Numbers
    price_low: Numbers
    price_high: Numbers


@dataclass(frozen=True)
class Matter:
    """Where something is to be done, and what its course so far allows.

    `pool` is how wide may be asked; `trial_used`: one provider on probation was asked in this round already; `band` the
    usual prices of the item in yuan; `anywhere`: the resident named the provider, so its area does not count.
    """

    place: Place | None = None
    pool: str = "district"
    trial_used: bool = False
    preferred: int | None = None
    band: tuple[float, float] | None = None
    anywhere: bool = False


class Part(NamedTuple):
    """A part of a score: its name, points, the most it can be worth, and the fact behind it."""

    name: str
    points: float
    most: float
    zh: str
    en: str


class Ranked(NamedTuple):
    """A provider with its place: `able` or not, the score, and the reasons in both languages.

    The last reasons of an able one are the words of its parts, in the order of `PARTS`; `points` are theirs.
    """

    provider_id: int
    name: str
    able: bool
    score: float
    reasons: tuple[Words, ...]
    points: tuple[float, ...] = ()
    pool: str = "district"

    @property
    def parts(self) -> list[Part]:
        """The parts of the score."""
        words = self.reasons[-len(PARTS) :]
        return [
            Part(name, points, WEIGHTS.get(name, 0), zh, en)
            for name, points, (zh, en) in zip(PARTS, self.points, words, strict=False)
        ]


def rank(matter: Matter, candidates: Candidates) -> Ranking:
    """The able ones, best first; then those that are not, the most hopeful first, with what stands against them."""
    pools = _pools(candidates)
    against = _against(matter, candidates, pools)
    able = np.flatnonzero(~against.any(axis=0))
    return Ranking(_scored(matter, candidates, pools, able), _unable(candidates, against, pools))


@dataclass(frozen=True, eq=False)
class _Scored:
    """The able rows in their order: what is said of each is kept as numbers that find the words."""

    ids: Codes
    names: list[str]
    score: Numbers
    points: Numbers
    told: list[tuple[dict[int, Words], Codes]]
    pools: Codes
    chosen_first: bool

    def some(self, first: int, last: int) -> list[Ranked]:
        """Those at these places, with their reasons in words."""
        words = [list(map(memo.__getitem__, codes[first:last].tolist())) for memo, codes in self.told]
        reasons: list[tuple[Words, ...]] = list(zip(*words, strict=True))
        if first == 0 and self.chosen_first:
            reasons[0] = (CHOSEN, *reasons[0])
        return list(
            map(
                Ranked, self.ids[first:last].tolist(), self.names[first:last], repeat(True),
                self.score[first:last].tolist(), reasons, zip(*self.points[:, first:last].tolist(), strict=True),
                map(_POOL_NAMES.__getitem__, self.pools[first:last].tolist()),
            )
        )  # fmt: skip


class Ranking(Sequence[Ranked]):
    """Providers in their order. Each one's reasons are put into words when it is looked at: of seven hundred that can
    serve, mostly the first few are."""

    def __init__(self, scored: _Scored | None, unable: list[Ranked]) -> None:
        self._scored = scored
        self.able = len(scored.ids) if scored is not None else 0
        """How many can serve."""
        self._unable = unable

    def __len__(self) -> int:
        return self.able + len(self._unable)

    @overload
    def __getitem__(self, place: int) -> Ranked: ...
    @overload
    def __getitem__(self, place: slice) -> list[Ranked]: ...
    def __getitem__(self, place: int | slice) -> Ranked | list[Ranked]:
        if isinstance(place, slice):
            first, last, step = place.indices(len(self))
            return self._some(first, last) if step == 1 else [self[n] for n in range(first, last, step)]
        at = range(len(self))[place]
        return self._some(at, at + 1)[0]

    def __iter__(self) -> Iterator[Ranked]:
        for first in range(0, len(self), _BLOCK):
            yield from self._some(first, first + _BLOCK)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def _some(self, first: int, last: int) -> list[Ranked]:
        able = self._scored.some(first, min(last, self.able)) if self._scored is not None and first < self.able else []
        return able + self._unable[max(first - self.able, 0) : max(last - self.able, 0)]


def only(candidates: Candidates, rows: Sequence[int]) -> Candidates:
    """The candidates in these rows alone."""
    kept = {field.name: getattr(candidates, field.name) for field in fields(Candidates)}
    cut = {name: value[list(rows)] for name, value in kept.items() if isinstance(value, np.ndarray)}
    absent = {n: candidates.absent[row] for n, row in enumerate(rows) if row in candidates.absent}
    return Candidates(**{**kept, **cut, "names": [candidates.names[row] for row in rows], "absent": absent})


def _pools(c: Candidates) -> Codes:
    """For each row the narrowest pool it is in; 3: none."""
    found: Codes = np.where((c.reach >= 6) | c.in_radius, 0, np.where(c.reach > 0, 1, np.where(c.neighbour, 2, 3)))
    return found


def _against(matter: Matter, c: Candidates, pools: Codes) -> Flags:
    """A row for each hard condition, in the order of `OBSTACLES`: whom it keeps out."""
    absent = np.zeros(len(c.ids), dtype=bool)
    absent[list(c.absent)] = True
    nobody = np.zeros(len(c.ids), dtype=bool)
    return np.array(
        [
            c.state == OTHER,
            ~c.licensed,
            nobody if matter.anywhere else pools > POOLS.index(matter.pool),
            c.closed > 0,
            absent,
            c.open_orders >= c.capacity,
            ~c.has_phone,
            c.refused,
            c.asked,
            (c.state == PROBATION) if matter.trial_used else nobody,
        ]
    )


def _unable(c: Candidates, against: Flags, pools: Codes) -> list[Ranked]:
    counts = against.sum(axis=0)
    rows = np.flatnonzero(counts)
    rows = rows[np.lexsort((c.ids[rows], pools[rows], counts[rows]))][:MOST_UNABLE]
    return [
        Ranked(int(c.ids[row]), c.names[row], False, 0.0, _obstacles(c, against, row), (), _POOL_NAMES[pools[row]])
        for row in rows.tolist()
    ]


def _obstacles(c: Candidates, against: Flags, row: int) -> tuple[Words, ...]:
    stand = [name for name, stands in zip(OBSTACLES, against[:, row].tolist(), strict=True) if stands]
    own = {"hours": c.closed_words[c.closed[row]], "absence": c.absent.get(row)}
    return tuple(own.get(name) or OBSTACLES[name] for name in stand)


def _scored(matter: Matter, c: Candidates, pools: Codes, able: Codes) -> _Scored | None:
    """The able rows in their order, each with score, points and the numbers of its words; None where there are none."""
    if not len(able):
        return None
    shares, told = _parts(matter, c, able)
    points = np.round(shares * _MOST, 2)
    state = c.state[able]
    standing = np.where(state == WARNED, np.round(-WARNED_LOSES * points.sum(axis=0), 2), 0.0)
    points = np.vstack([points, standing])
    score = np.round(points.sum(axis=0), 2)
    ids = c.ids[able]
    chosen = ids == (matter.preferred if matter.preferred is not None else -1)
    order = np.lexsort((ids, -c.rested[able], -score, state == PROBATION, pools[able], ~chosen))
    return _Scored(
        ids=ids[order],
        names=list(map(c.names.__getitem__, able[order].tolist())),
        score=score[order],
        points=points[:, order],
        told=[(memo, codes[order]) for memo, codes in (*told, (STANDING, state))],
        pools=pools[able][order],
        chosen_first=bool(chosen.any()),
    )


def _parts(matter: Matter, c: Candidates, able: Codes) -> tuple[Numbers, list[tuple[dict[int, Words], Codes]]]:
    """For each weighted part its share of the most points (0 to 1), by row; and its words, as a number for each row."""
    stars, grades = c.stars[able], c.grades[able]
    known = ~np.isnan(stars)
    stars, weight = np.where(known, stars, 0.0), np.where(known, grades, 0)
    meant = (stars * weight + MIDDLE_STARS * STARS_WEIGH) / (weight + STARS_WEIGH)
    accepted, answered = c.accepted[able], c.answered[able]
    on_time, arrivals = c.on_time[able], c.arrivals[able]
    held, capacity = c.open_orders[able], c.capacity[able]
    rested = c.rested[able]
    near, near_codes = _near(matter, c, able)
    price, price_codes = _price(matter, c, able)
    shares = np.stack(
        [
            near, (meant - 1) / 4, _share(accepted, answered), _share(on_time, arrivals),
            1 - held / np.maximum(capacity, 1), rested, price,
        ]
    )  # fmt: skip
    return shares, [
        (NEAR, near_codes),
        (STARS, stars.astype(np.int64) * STARS_UNIT + np.minimum(weight, STARS_UNIT - 1)),
        (ACCEPTANCE, _ratio_code(accepted, answered)),
        (PUNCTUALITY, _ratio_code(on_time, arrivals)),
        (LOAD, _ratio_code(held, capacity)),
        (TURN, (rested * 24).astype(np.int64)),
        (PRICE, price_codes),
    ]


def _near(matter: Matter, c: Candidates, able: Codes) -> tuple[Numbers, Codes]:
    reach = c.reach[able]
    share, codes = _REACH_SHARE[reach], _REACH_CODE[reach]
    if matter.place is None:
        return share, codes
    km = distance_km(matter.place, c.latitude[able], c.longitude[able])
    known = ~np.isnan(km)
    km = np.where(known, km, 0.0)
    share = np.where(known, np.clip(1 - travel_minutes(km) / TOO_FAR_MINUTES, 0, 1), share)
    return share, np.where(known, np.round(km * 10).astype(np.int64), codes)


def _price(matter: Matter, c: Candidates, able: Codes) -> tuple[Numbers, Codes]:
    """Cheaper is better within the usual prices; unknown is in the middle, free is best."""
    low, high = c.price_low[able], c.price_high[able]
    known = ~(np.isnan(low) | np.isnan(high))
    share = np.full(len(able), 0.5)
    low, high = np.where(known, low, 0.0), np.where(known, high, 0.0)
    if matter.band is not None:
        least, most = matter.band
        share = np.where(known, np.clip(1 - ((low + high) / 2 - least) / max(most - least, 1.0), 0, 1), share)
    share = np.where(known & (high == 0), 1.0, share)
    return share, np.where(known, low.astype(np.int64) * UNIT + high.astype(np.int64), -1)


def _share(good: Codes, of: Codes) -> Numbers:
    share: Numbers = (good + MIDDLE_SHARE * SHARES_WEIGH) / (of + SHARES_WEIGH)
    return np.clip(share, 0, 1)


def _ratio_code(good: Codes, of: Codes) -> Codes:
    return np.minimum(good, UNIT - 1) * UNIT + np.minimum(of, UNIT - 1)
