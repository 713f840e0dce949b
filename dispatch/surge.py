"""Planning a surge (集中派单): who serves which waiting request, in which order, when all want somebody at once. Pure.

What is planned. Each provider has teams that work side by side. A team drives from the provider's place to the door,
works, and drives back before its next order; orders begin on a grid of ten minutes. The plan gives every request that
anybody can serve to one team, and each team its order of work, so that the sum of weighted waiting (minutes until
somebody is at the door, times the request's weight) and of travel is as small as we can make it. The bound beside it
is a proof: no plan of this model costs less (`dispatch.surge_bound`).

Drives from one door to the next without going home are not modelled; where a team can make them it comes earlier than
planned. Distances are great circles, speeds are assumed, lengths of work are expected ones, and shown as such.
docs/decisions/0012 says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import maximum_bipartite_matching  # type: ignore[import-untyped]

from dispatch import surge_bound, surge_model, surge_prices, surge_search
from dispatch.surge_model import STEP_MINUTES, TRAVEL_COSTS, Model, Request, Server

FIRST_ROUNDS, LAST_ROUNDS = 1, 1
"""Rounds of search before and after the bound; numbers and not times, so that the same values give the same plan."""


@dataclass(frozen=True)
class Visit:
    """One row of the plan: the request, the provider, which of its teams, the place in that team's order (from 1).

    `at_door` and `drive` are minutes: from now until somebody is there, and one way on the road. `outright`: the
    provider need not be asked.
    """

    request: int
    server: int
    team: int
    position: int
    at_door: float
    drive: float
    outright: bool


@dataclass(frozen=True)
class Figures:
    """What a plan costs: weighted waiting in minutes times weight, travel in minutes (both ways), and their sum."""

    cost: float
    waiting: float
    travel: float


@dataclass(frozen=True)
class Plan:
    """A plan with its proof: `bound` is what no plan of these values costs less than. `unserved`: nobody is able."""

    visits: tuple[Visit, ...]
    unserved: tuple[int, ...]
    planned: Figures
    nearest: Figures
    bound: float

    @property
    def gap(self) -> float:
        """By what share the plan costs more than the bound, at most so much more than the best plan."""
        return self.planned.cost / self.bound - 1 if self.bound > 0 else 0.0

    @property
    def saved(self) -> float:
        """What share of the nearest-first plan's cost is saved."""
        return 1 - self.planned.cost / self.nearest.cost if self.nearest.cost > 0 else 0.0


@dataclass(frozen=True)
class Pressure:
    """How many requests wait, how many teams are free, and how many requests could begin now at the most."""

    waiting: int
    free: int
    at_once: int

    @property
    def is_surge(self) -> bool:
        """More wait than providers can take: at least `LEAST_LEFT` and a tenth of them cannot begin now."""
        left = self.waiting - self.at_once
        return left >= LEAST_LEFT and left * 10 >= self.waiting


LEAST_LEFT = 5


def make_plan(requests: Sequence[Request], servers: Sequence[Server]) -> Plan:
    """The best plan we find. It never costs more than the nearest-first one. The same values give the same plan."""
    model = surge_model.build(requests, servers)
    served = model.served
    unserved = tuple(request.id for request, can in zip(requests, served, strict=True) if not can)
    if not served.any():
        return Plan((), unserved, Figures(0.0, 0.0, 0.0), Figures(0.0, 0.0, 0.0), 0.0)
    near = surge_search.nearest_first(model)
    pairs = surge_search.candidates(model)
    found = surge_search.search(model, pairs, FIRST_ROUNDS)
    told = surge_bound.choices(model, pairs)
    prices = surge_bound.first_prices(model, found, told)
    prices, shares = surge_prices.raise_prices(model, told, prices, figures(model, found).cost)
    begun = surge_prices.round_off(model, told, shares)
    plans = (near, found, surge_search.search(model, pairs, LAST_ROUNDS, begun))
    found = min(plans, key=lambda plan: figures(model, plan).cost)
    bound = surge_bound.proven(model, prices)
    return Plan(_visits(model, found), unserved, figures(model, found), figures(model, near), max(bound, 0.0))


def pressure(requests: Sequence[Request], servers: Sequence[Server]) -> Pressure:
    """Whether this is a surge, with its figures: how many of the requests free teams could begin at once."""
    model = surge_model.build(requests, servers)
    free = model.team_ready == 0
    able = csr_array(np.isfinite(model.fixed)[:, model.team_provider[free]])
    matched = maximum_bipartite_matching(able, perm_type="column") if able.nnz else np.zeros(0)
    return Pressure(len(requests), int(free.sum()), int((matched >= 0).sum()) if able.nnz else 0)


def figures(model: Model, team_of: Mapping[int, int]) -> Figures:
    """What a plan (request index -> team index) costs."""
    waiting = travel = 0.0
    for request, team, start in surge_model.begun(model, team_of):
        drive = float(model.travel[request, model.team_provider[team]])
        waiting += float(model.weight[request]) * (STEP_MINUTES * start + drive)
        travel += 2 * drive
    return Figures(waiting + TRAVEL_COSTS * travel, waiting, travel)


def _visits(model: Model, team_of: Mapping[int, int]) -> tuple[Visit, ...]:
    told, place = [], dict.fromkeys(team_of.values(), 0)
    for request, team, start in surge_model.begun(model, team_of):
        column = int(model.team_provider[team])
        server, drive = model.servers[column], float(model.travel[request, column])
        place[team] += 1
        told.append(
            Visit(
                model.requests[request].id, server.id, team - int(model.first[column]) + 1, place[team],
                STEP_MINUTES * start + drive, drive, server.outright,
            )
        )  # fmt: skip
    return tuple(told)
