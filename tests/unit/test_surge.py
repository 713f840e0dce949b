"""Planning a surge: every plan keeps the rules, costs no more than nearest-first, and the bound is one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch import surge, surge_bound, surge_model, surge_search
from dispatch.surge import Pressure, make_plan, pressure
from dispatch.surge_model import STEP_MINUTES, Model, Request, Server, begun

PLACES = st.none() | st.tuples(st.floats(29.7, 29.95), st.floats(121.2, 121.6))


@st.composite
def surges(draw: st.DrawFn, most: int = 9, teams: int = 3, firms: int = 5) -> tuple[list[Request], list[Server]]:
    servers = [
        Server(
            100 + n, tuple(draw(st.lists(st.sampled_from([0.0, 7.0, 45.0]), max_size=teams))), draw(PLACES),
            draw(st.booleans()),
        )
        for n in range(draw(st.integers(0, firms)))
    ]  # fmt: skip
    ids = st.integers(100, 105)  # 105 is never there: a provider that left meanwhile
    requests = [
        Request(
            n, draw(st.floats(0.5, 24)), draw(st.sampled_from([5, 30, 60, 180])),
            tuple(sorted(draw(st.sets(ids, max_size=6)))), draw(PLACES), draw(st.none() | ids),
            frozenset(draw(st.sets(ids, max_size=2))),
        )
        for n in range(draw(st.integers(0, most)))
    ]  # fmt: skip
    return requests, servers


def may(request: Request, server: Server) -> bool:
    pinned = request.pinned in (None, server.id)
    return bool(server.ready) and server.id in request.able and server.id not in request.vetoed and pinned


@settings(max_examples=12, deadline=None)
@given(surges())
def test_a_plan_keeps_every_rule_and_costs_no_more_than_nearest_first(told: tuple[list[Request], list[Server]]) -> None:
    requests, servers = told
    plan = make_plan(requests, servers)
    by_id, server_of = {r.id: r for r in requests}, {s.id: s for s in servers}
    assert sorted([v.request for v in plan.visits] + list(plan.unserved)) == [r.id for r in requests]
    for visit in plan.visits:
        assert may(by_id[visit.request], server_of[visit.server])
        assert 1 <= visit.team <= len(server_of[visit.server].ready)
        assert visit.outright == server_of[visit.server].outright
    for key in plan.unserved:
        assert not any(may(by_id[key], server) for server in servers)
    for (_, _), team in itertools.groupby(plan.visits, lambda v: (v.server, v.team)):
        free_at, order = 0.0, list(team)
        assert [v.position for v in order] == list(range(1, len(order) + 1))
        for visit in order:
            assert visit.at_door - visit.drive >= free_at - 1e-6  # nobody is in two places
            free_at = visit.at_door + visit.drive + by_id[visit.request].minutes
    assert plan.planned.cost <= plan.nearest.cost + 1e-6
    assert plan.bound <= plan.planned.cost + 1e-6


@settings(max_examples=6, deadline=None)
@given(surges())
def test_the_same_surge_has_the_same_plan(told: tuple[list[Request], list[Server]]) -> None:
    assert make_plan(*told) == make_plan(*told)


@settings(max_examples=40, deadline=None)
@given(surges(most=4, teams=2, firms=3))
def test_no_plan_at_all_costs_less_than_the_bound(told: tuple[list[Request], list[Server]]) -> None:
    """Every way to give out the requests is tried, and every order of work: the order by Smith's rule is the best."""
    model = surge_model.build(*told)
    plan = make_plan(*told)
    least = cheapest(model)
    assert plan.bound <= least + 1e-6
    assert plan.planned.cost >= least - 1e-6


@settings(max_examples=12, deadline=None)
@given(surges(most=8), st.lists(st.floats(0, 5000), min_size=8, max_size=8))
def test_any_prices_prove_a_bound(told: tuple[list[Request], list[Server]], prices: list[float]) -> None:
    model = surge_model.build(*told)
    bound = surge_bound.proven(model, np.array(prices[: len(told[0])]))
    assert bound <= make_plan(*told).planned.cost + 1e-6


def cheapest(model: Model) -> float:
    """The cost of the best plan, by trying all of them."""
    rows = [int(j) for j in np.nonzero(model.served)[0]]
    able = [[t for t, i in enumerate(model.team_provider) if np.isfinite(model.fixed[j, i])] for j in rows]
    ways = itertools.product(*able)
    return min(sum(_team_cost(model, team, rows, way) for team in set(way)) for way in ways)


def _team_cost(model: Model, team: int, rows: list[int], way: tuple[int, ...]) -> float:
    provider = int(model.team_provider[team])
    best = np.inf
    for order in itertools.permutations(j for j, t in zip(rows, way, strict=True) if t == team):
        at, total = int(model.team_ready[team]), 0.0
        for j in order:
            total += float(model.fixed[j, provider] + model.weight[j] * STEP_MINUTES * at)
            at += int(model.steps[j, provider])
        best = min(best, total)
    return best


def test_nearest_first_is_what_a_dispatcher_with_a_map_does() -> None:
    near, far = Server(1, (0.0,), (29.87, 121.54)), Server(2, (0.0,), (29.87, 121.60))
    door = (29.87, 121.55)
    requests = [
        Request(1, 1.0, 60, (1, 2), door), Request(2, 3.0, 60, (1, 2), door), Request(3, 1.0, 60, (1,), door),
    ]  # fmt: skip
    model = surge_model.build(requests, [near, far])
    team_of = surge_search.nearest_first(model)
    assert team_of == {1: 0, 0: 1, 2: 0}  # the urgent one gets the near provider, the oldest the far one
    assert [(j, at) for j, team, at in begun(model, team_of) if team == 0] == [(1, 0), (2, 7)]


def test_the_plan_is_better_where_nearest_first_wastes_the_only_one_who_can() -> None:
    """One provider can do both, the other only the tap: nearest-first sends the wrong one to the tap."""
    both, taps = Server(1, (0.0,), (29.87, 121.54)), Server(2, (0.0,), (29.87, 121.58))
    tap, pipe = Request(1, 2.0, 180, (1, 2), (29.87, 121.541)), Request(2, 1.5, 60, (1,), (29.87, 121.541))
    plan = make_plan([tap, pipe], [both, taps])
    assert {visit.request: visit.server for visit in plan.visits} == {1: 2, 2: 1}
    assert plan.saved > 0.5
    assert plan.gap < 0.01


@pytest.mark.parametrize(
    ("waiting", "at_once", "surge_now"), [(100, 90, True), (100, 91, False), (6, 2, False), (5, 0, True), (0, 0, False)]
)
def test_it_is_a_surge_when_a_tenth_and_at_least_five_cannot_begin(waiting: int, at_once: int, surge_now: bool) -> None:
    assert Pressure(waiting, 50, at_once).is_surge is surge_now


def test_who_could_begin_at_once_is_matched_and_not_counted() -> None:
    """Three teams are free, but two requests need the same one."""
    servers = [Server(1, (0.0,)), Server(2, (0.0, 0.0, 30.0))]
    requests = [Request(1, 1.0, 30, (1,)), Request(2, 1.0, 30, (1,)), Request(3, 1.0, 30, (1, 2))]
    assert pressure(requests, servers) == Pressure(3, 3, 2)
    assert pressure([], []) == Pressure(0, 0, 0)


def test_a_pin_is_kept_and_a_veto_too_however_dear() -> None:
    near, far = Server(1, (0.0,), (29.87, 121.54)), Server(2, (0.0,), (29.70, 121.20))
    request = Request(1, 1.0, 30, (1, 2), (29.87, 121.54))
    for changed in (
        Request(1, 1.0, 30, (1, 2), request.place, pinned=2),
        Request(1, 1.0, 30, (1, 2), request.place, vetoed=frozenset({1})),
    ):
        assert [visit.server for visit in make_plan([changed], [near, far]).visits] == [2]
    nobody = Request(1, 1.0, 30, (1, 2), request.place, pinned=2, vetoed=frozenset({2}))
    assert make_plan([nobody], [near, far]).unserved == (1,)


def test_a_plan_of_nothing_is_empty() -> None:
    plan = make_plan([], [])
    assert (plan.visits, plan.unserved, plan.bound, plan.gap, plan.saved) == ((), (), 0.0, 0.0, 0.0)
    assert surge.make_plan([Request(1, 1.0, 30, ())], []).unserved == (1,)
