"""What no surge plan can cost less than: a Lagrangian bound. Pure.

Each request that can be served must be served once. Give each a price `u` for being served and let every team choose,
for itself and without regard to the others, the requests that earn it most: price less cost. Then

    sum of prices - sum over teams of the most that each can earn

is no more than the cost of any plan, whatever the prices are (weak duality), because in a plan each request's price is
paid once and no team earns more than its most. Since a team's best order is Smith's, what it can earn at most is found
exactly by going through its requests in that order with the time the team is busy until as the only state. Teams of
one provider that are free at the same time earn the same and are reckoned once. `dispatch.surge_prices` looks for the
prices that make the bound high; that it is one, they need not be trusted for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.surge_model import STEP_MINUTES, Floats, Ints, Model, begun

_ROWS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Choices:
    """Who may serve what, for the bound: one row for each request and kind of team, in Smith's order within a kind."""

    kinds: int
    provider: Ints  # of each kind
    ready: Ints
    count: Floats
    request: Ints  # of each row
    kind: Ints
    steps: Ints
    fixed: Floats
    slope: Floats  # cost of one step later


def only(told: Choices, rows: Ints) -> Choices:
    """The same with these rows alone, which are in ascending order."""
    return replace(
        told, request=told.request[rows], kind=told.kind[rows], steps=told.steps[rows], fixed=told.fixed[rows],
        slope=told.slope[rows],
    )  # fmt: skip


def choices(model: Model, pairs: NDArray[np.bool_]) -> Choices:
    """The rows for `pairs` (requests by providers) of the model that can be served."""
    _, at, count = np.unique(_kind_keys(model), return_index=True, return_counts=True)
    provider, ready = model.team_provider[at], model.team_ready[at]
    request, column = np.nonzero(pairs & np.isfinite(model.fixed))
    starts = np.searchsorted(provider, np.arange(len(model.servers) + 1))  # kinds are sorted by provider
    many = np.diff(starts)[column]
    rows = np.repeat(np.arange(len(request)), many)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
    kind = starts[column[rows]] + within
    request, column = request[rows], column[rows]
    steps = model.steps[request, column]
    order = np.lexsort((request, steps / model.weight[request], kind))
    request, column, kind, steps = request[order], column[order], kind[order], steps[order]
    return Choices(
        len(provider), provider, ready, count.astype(float), request, kind, steps, model.fixed[request, column],
        STEP_MINUTES * model.weight[request],
    )  # fmt: skip


class Layout(NamedTuple):
    """The rows that are worth anything, laid out for all kinds of teams at once: a line is a kind, the longest first.

    `table` holds in its first column, as it were, the first row of each line in Smith's order, and so on; -1 where a
    line has ended. No team is busy beyond step `last`; `pad` is the longest that anything takes.
    """

    table: Ints
    kinds: Ints
    ready: Ints
    last: int
    pad: int


def lay_out(told: Choices, profit: Floats, margin: float = 0.0) -> Layout | None:
    """The layout for these profits (one for each row); rows that lose more than `margin` are left out."""
    worth = np.nonzero(profit - told.slope * told.ready[told.kind] > 1e-9 - margin)[0]
    if not len(worth):
        return None
    per_kind = np.bincount(told.kind[worth], minlength=told.kinds)
    by_size = np.argsort(-per_kind, kind="stable")[: np.count_nonzero(per_kind)]
    line_of = np.zeros(told.kinds, np.int64)
    line_of[by_size] = np.arange(len(by_size))
    place = np.arange(len(worth)) - np.repeat(np.cumsum(per_kind) - per_kind, per_kind)
    table = np.full((int(per_kind.max()), len(by_size)), -1, np.int64)
    table[place, line_of[told.kind[worth]]] = worth
    # A request is worth beginning only while its profit is more than the waiting.
    latest = np.maximum(np.ceil((profit[worth] + margin) / told.slope[worth]).astype(np.int64), 0)
    last = int((latest + told.steps[worth]).max()) + 1
    return Layout(table, by_size, told.ready[by_size], last, int(told.steps[worth].max()))


def earnings(told: Choices, prices: Floats) -> tuple[float, Ints]:
    """The most that all teams together can earn, and the rows they would choose for it."""
    profit = prices[told.request] - told.fixed
    laid = lay_out(told, profit)
    if laid is None:
        return 0.0, np.zeros(0, np.int64)
    table, kinds, ready, last, pad = laid
    width = pad + last + 1
    best = np.full((len(kinds), width), -np.inf)  # column pad + s: the most earned when busy until step s
    best[np.arange(len(kinds)), pad + ready] = 0.0
    flat, columns = best.reshape(-1), np.arange(last + 1)
    reach = int(ready.max()) + 1  # nobody can be busy for longer yet
    taken: list[NDArray[np.bool_]] = []
    for column in table:
        rows = column[column >= 0]  # lines are sorted by their length, so these are the first ones
        back = told.steps[rows]
        reach = min(last + 1, reach + int(back.max()))
        with_it = flat.take((np.arange(len(rows)) * width + pad - back)[:, None] + columns[:reach])
        with_it += (profit[rows] + told.slope[rows] * back)[:, None] - told.slope[rows][:, None] * columns[:reach]
        now = best[: len(rows), pad : pad + reach]
        taken.append(with_it > now)
        np.maximum(now, with_it, out=now)
    until = best[:, pad:].argmax(axis=1)
    total = float((best[np.arange(len(kinds)), pad + until] * told.count[kinds]).sum())
    chosen = []
    for column, better in zip(reversed(table), reversed(taken), strict=True):
        lines = np.nonzero(better[np.arange(len(better)), np.minimum(until[: len(better)], better.shape[1] - 1)])[0]
        lines = lines[until[lines] < better.shape[1]]
        chosen.append(column[lines])
        until[lines] -= told.steps[column[lines]]
    return total, np.concatenate(chosen)


def first_prices(model: Model, team_of: Mapping[int, int], told: Choices) -> Floats:
    """Prices to begin with, from a good plan: what its teams' time is worth, and what each request then costs at least.

    While a team works on a request, its time is worth as much more than later as the request's weight over its steps:
    with such a value no team would rather begin that request earlier or later.
    """
    value = _value_of_time(model, team_of, told)
    kinds, until = value.shape
    longest = int(told.steps.max(initial=0)) + 1
    upto = np.zeros((kinds, until + 1 + longest))  # what the time before a step is worth
    upto[:, 1 : until + 1] = np.cumsum(value, axis=1)
    upto[:, until + 1 :] = upto[:, until : until + 1]
    flat, step = upto.reshape(-1), np.arange(until + 1)
    prices = np.full(len(model.weight), np.inf)
    for at in range(0, len(told.kind), _ROWS_AT_ONCE):
        part = slice(at, at + _ROWS_AT_ONCE)
        begin = (told.kind[part] * upto.shape[1])[:, None] + step
        cost = flat.take(begin + told.steps[part][:, None]) - flat.take(begin) + told.slope[part][:, None] * step
        cost[step < told.ready[told.kind[part]][:, None]] = np.inf
        np.minimum.at(prices, told.request[part], told.fixed[part] + cost.min(axis=1))
    return np.where(np.isfinite(prices), prices, 0.0)


def proven(model: Model, prices: Floats) -> float:
    """The bound that these prices prove for the whole problem, every able pair looked at."""
    prices = np.where(model.served, prices, 0.0)
    most, _ = earnings(choices(model, np.isfinite(model.fixed)), prices)
    return float(prices.sum()) - most


def _kind_keys(model: Model) -> Ints:
    """A number for each team, the same for teams of one provider that are free at the same time."""
    keys: Ints = model.team_provider * (int(model.team_ready.max(initial=0)) + 1) + model.team_ready
    return keys


def _value_of_time(model: Model, team_of: Mapping[int, int], told: Choices) -> Floats:
    """For each kind of team and step what the time is worth, on the average of its teams."""
    rows = begun(model, team_of)
    last = max((at + int(model.steps[j, model.team_provider[team]]) for j, team, at in rows), default=0) + 1
    falls = np.zeros((len(model.team_provider), last))
    for j, team, at in rows:
        steps = int(model.steps[j, model.team_provider[team]])
        falls[team, at : at + steps] = STEP_MINUTES * model.weight[j] / steps
    value = np.cumsum(falls[:, ::-1], axis=1)[:, ::-1] - falls / 2
    _, kind_of = np.unique(_kind_keys(model), return_inverse=True)
    by_kind = np.zeros((told.kinds, last))
    np.add.at(by_kind, kind_of, value)
    by_kind /= told.count[:, None]
    by_kind[np.arange(last) < told.ready[:, None]] = 0.0
    return by_kind
