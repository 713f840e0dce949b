"""The arithmetic of a surge plan: requests, teams, and what each pair costs, as arrays. Pure.

A request `j` begun `s` steps from now by a team of provider `i` costs

    fixed[j, i] + weight[j] * STEP_MINUTES * s        fixed = weight * travel + TRAVEL_COSTS * 2 * travel

and keeps the team for `steps[j, i]` steps: there, the work, and back. For a set of requests given to one team the
best order is by `steps / weight`, the smallest first (Smith 1956): so a plan is known by who has which request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dispatch.places import travel_minutes

STEP_MINUTES = 10
"""Orders begin on a grid of so many minutes; lengths are rounded up to it."""
TRAVEL_COSTS = 0.5
"""What a minute on the road costs, beside one minute's waiting of an ordinary request."""
UNKNOWN_KM = 5.0
"""How far a drive counts when one of the two places is not known."""
_EARTH_KM = 6371.0  # mean radius

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Request:
    """One waiting matter. `weight`: what a minute's waiting costs; `minutes`: how long the work is expected to take.

    `able` are the ids of those who can and may come; of these `pinned` is the one that shall, and those in `vetoed` may
    not. `place` is latitude and longitude in degrees (WGS-84), None when unknown.
    """

    id: int
    weight: float
    minutes: float
    able: tuple[int, ...]
    place: tuple[float, float] | None = None
    pinned: int | None = None
    vetoed: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Server:
    """A provider as the planner sees it. `ready` holds, for each of its teams, in how many minutes it is free (0: now).

    One that is `outright` need not be asked: the centre's own teams and community desks.
    """

    id: int
    ready: tuple[float, ...]
    place: tuple[float, float] | None = None
    outright: bool = False


@dataclass(frozen=True)
class Model:
    """The arrays. Rows of the matrices are requests, columns providers; `fixed` is infinite where a pair cannot be.

    Teams are sorted by provider: those of provider `i` are `first[i]` to `first[i + 1]`.
    """

    requests: Sequence[Request]
    servers: Sequence[Server]
    weight: Floats
    travel: Floats  # minutes, one way
    fixed: Floats
    steps: Ints
    team_provider: Ints
    team_ready: Ints
    first: Ints

    @property
    def served(self) -> NDArray[np.bool_]:
        """Which requests anybody can serve."""
        return np.asarray(np.isfinite(self.fixed).any(axis=1))


def build(requests: Sequence[Request], servers: Sequence[Server]) -> Model:
    """The arrays for these values; servers without a team are left with no column of use."""
    weight = np.array([request.weight for request in requests], dtype=float)
    minutes = np.array([request.minutes for request in requests], dtype=float)
    travel = travel_minutes(_kilometres(requests, servers))
    fixed = np.where(_able(requests, servers), (weight[:, None] + 2 * TRAVEL_COSTS) * travel, np.inf)
    steps = np.maximum(1, np.ceil((2 * travel + minutes[:, None]) / STEP_MINUTES - 1e-9)).astype(np.int64)
    teams = [(column, ready) for column, server in enumerate(servers) for ready in sorted(server.ready)]
    first = np.concatenate(([0], np.cumsum([len(server.ready) for server in servers]))).astype(np.int64)
    return Model(
        requests, servers, weight, travel, fixed, steps,
        np.array([column for column, _ in teams], dtype=np.int64),
        np.array([int(np.ceil(max(ready, 0.0) / STEP_MINUTES - 1e-9)) for _, ready in teams], dtype=np.int64),
        first,
    )  # fmt: skip


def begun(model: Model, team_of: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """Each request with its team and the step it is begun at; teams in order, and within one the order of work."""
    members: dict[int, list[int]] = {}
    for request, team in team_of.items():
        members.setdefault(team, []).append(request)
    told = []
    for team in sorted(members):
        provider, at = int(model.team_provider[team]), int(model.team_ready[team])
        for request in sorted(members[team], key=lambda j: (model.steps[j, provider] / model.weight[j], j)):
            told.append((request, team, at))
            at += int(model.steps[request, provider])
    return told


def _able(requests: Sequence[Request], servers: Sequence[Server]) -> NDArray[np.bool_]:
    """Who can serve what: only those with a team, and as pins and vetoes say."""
    able = np.zeros((len(requests), len(servers)), dtype=bool)
    column_of = {server.id: column for column, server in enumerate(servers) if server.ready}
    columns: dict[int, list[int]] = {}  # many requests share one list
    for row, request in enumerate(requests):
        if id(request.able) not in columns:
            columns[id(request.able)] = [column_of[one] for one in request.able if one in column_of]
        able[row, columns[id(request.able)]] = True
        able[row, [column_of[one] for one in request.vetoed if one in column_of]] = False
        if request.pinned is not None:
            only = column_of.get(request.pinned)
            may = only is not None and bool(able[row, only])
            able[row] = False
            if may:
                able[row, only] = True
    return able


def _kilometres(requests: Sequence[Request], servers: Sequence[Server]) -> Floats:
    """Great-circle distances (haversine), `UNKNOWN_KM` where a place is not known."""
    nowhere = (np.nan, np.nan)
    here = np.radians(np.array([request.place or nowhere for request in requests], dtype=float).reshape(-1, 2))
    there = np.radians(np.array([server.place or nowhere for server in servers], dtype=float).reshape(-1, 2))
    rise = np.sin((here[:, None, 0] - there[None, :, 0]) / 2) ** 2
    side = np.sin((here[:, None, 1] - there[None, :, 1]) / 2) ** 2
    chord = rise + np.cos(here[:, 0])[:, None] * np.cos(there[:, 0])[None, :] * side
    far: Floats = 2 * _EARTH_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return np.where(np.isnan(far), UNKNOWN_KM, far)
