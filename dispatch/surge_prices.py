"""The prices that make the bound of a surge plan high, and what they say about a good plan. Pure.

First some steps by subgradients (Held and Karp 1971; their length is Polyak's), which find what is worth looking at.
The bound has edges, on which such steps go to and fro; so it is then rounded off: in place of the best order of work
each team takes every order with a probability, the better the likelier (Gibbs), at a `heat` that falls. That is smooth,
and L-BFGS finds its top in a few dozen steps. As the heat falls, the probabilities come near to an optimal mixture of
plans (the solution of the linear relaxation), most of it whole: what `round_off` makes a plan of.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from dispatch.surge_bound import Choices, earnings, lay_out, only
from dispatch.surge_model import Floats, Ints, Model

STEPS = 20
"""Subgradient steps before the smooth ones."""
HEATS = ((0.03, 14), (0.015, 14), (0.008, 14), (0.004, 12))
"""Heats, in parts of what a request costs on average, and how many steps are taken at each."""
_KEPT, _SHORTER = 0.6, 0.985  # of the last direction; of the length of the last step
_ENOUGH = 0.001  # of the cost of the known plan: nobody needs a bound nearer to it
_AT_MOST = 4.0
_NEVER, _NOTHING = -1e9, 1e-6


def raise_prices(model: Model, told: Choices, prices: Floats, known: float) -> tuple[Floats, Floats]:
    """Better prices than these, and for each row of `told` how much of a visit it has in the mixture of plans.

    `known` is what a known plan costs. There is at least one request that can be served.
    """
    served = model.served
    if known <= _NOTHING:
        return np.zeros(len(prices)), np.zeros(len(told.kind))  # a plan that costs nothing is the best
    # No price need be higher to make the bound high; without a limit, a flat stretch could lead L-BFGS out of sight.
    most = np.where(served, _AT_MOST * (prices + known / int(served.sum())), 0.0)
    best, active = _by_steps(told, prices, most, known)
    best_value = _value(told, best)[0]
    shares = np.zeros(len(told.kind))
    now = best
    for heat, steps in HEATS:
        if known - best_value <= _ENOUGH * known:
            break  # the known plan is as good as any
        rows = np.nonzero(active)[0]
        now, parts = _by_heat(only(told, rows), now, most, heat * known / int(served.sum()), steps)
        value, chosen = _value(told, now)
        active[chosen] = True
        shares[:] = 0.0
        shares[rows] = parts
        if value > best_value:
            best, best_value = now, value
    return best, shares


def round_off(model: Model, told: Choices, shares: Floats) -> NDArray[np.bool_]:
    """Requests by providers: for each request the provider that has most of it in the mixture."""
    most = np.zeros(model.fixed.shape)
    np.add.at(most, (told.request, told.provider[told.kind]), shares)
    pairs = np.zeros(model.fixed.shape, dtype=bool)
    rows = np.nonzero(most.max(axis=1, initial=0.0) > 0)[0]
    pairs[rows, most[rows].argmax(axis=1)] = True
    return pairs


def _value(told: Choices, prices: Floats) -> tuple[float, Ints]:
    most, rows = earnings(told, prices)
    return float(prices.sum()) - most, rows


def _by_steps(told: Choices, prices: Floats, limits: Floats, known: float) -> tuple[Floats, NDArray[np.bool_]]:
    """The best prices of some subgradient steps, and every row that some team chose on the way."""
    active = np.zeros(len(told.kind), dtype=bool)
    best, best_value = prices, -np.inf
    before, length = np.zeros(len(prices)), 0.5
    for _ in range(STEPS):
        value, rows = _value(told, prices)
        active[rows] = True
        if value > best_value:
            best, best_value = prices, value
        visits = np.bincount(told.request[rows], weights=told.count[told.kind[rows]], minlength=len(prices))
        direction = np.where(limits > 0, 1.0 - visits, 0.0) + _KEPT * before
        square = float(direction @ direction)
        if square == 0 or known - best_value <= _ENOUGH * known:
            break
        prices = np.clip(prices + length * max(known - value, 0.0) / square * direction, 0.0, limits)
        before, length = direction, length * _SHORTER
    return best, active


def _by_heat(told: Choices, prices: Floats, limits: Floats, heat: float, steps: int) -> tuple[Floats, Floats]:
    """The top of the rounded bound, as far as so many steps lead, and the rows' shares there."""

    def downhill(at: Floats) -> tuple[float, Floats]:
        most, shares = _soft_earnings(told, at, heat)
        visits: Floats = np.bincount(told.request, weights=shares, minlength=len(at)).astype(float)
        return most - float(at.sum()), visits - 1.0

    found = minimize(
        downhill, prices, jac=True, method="L-BFGS-B", bounds=list(zip(np.zeros(len(limits)), limits, strict=True)),
        options={"maxiter": steps, "maxfun": 2 * steps, "maxcor": 12},
    )  # fmt: skip
    top: Floats = found.x
    return top, _soft_earnings(told, top, heat)[1]


def _soft_earnings(told: Choices, prices: Floats, heat: float) -> tuple[float, Floats]:
    """`surge_bound.earnings` at a heat: the free energy of all teams, and the expected visits of each row."""
    profit = prices[told.request] - told.fixed
    laid = lay_out(told, profit, 3 * heat)
    shares = np.zeros(len(told.kind))
    if laid is None:
        return 0.0, shares
    table, kinds, ready, last, pad = laid
    width = pad + last + 1 + pad
    best = np.full((len(kinds), width), _NEVER, np.float32)
    best[np.arange(len(kinds)), pad + ready] = 0.0
    flat, columns, cool = best.reshape(-1), np.arange(last + 1), np.float32(1 / heat)
    reach = int(ready.max()) + 1
    likely: list[NDArray[np.float32]] = []
    for column in table:
        rows = column[column >= 0]
        back = told.steps[rows]
        reach = min(last + 1, reach + int(back.max()))
        with_it = flat.take((np.arange(len(rows)) * width + pad - back)[:, None] + columns[:reach])
        gain = (profit[rows] + told.slope[rows] * back)[:, None] - told.slope[rows][:, None] * columns[:reach]
        with_it += gain.astype(np.float32)
        now = best[: len(rows), pad : pad + reach]
        ahead = (with_it - now) * cool
        small = np.exp(-np.abs(ahead))
        likely.append(np.where(ahead > 0, 1, small) / (1 + small))
        np.maximum(now, with_it, out=now)
        now += np.log1p(small) / cool
    ends = best[:, pad : pad + last + 1]
    top = ends.max(axis=1, keepdims=True)
    mass = np.exp((ends - top) * cool)
    total = top[:, 0] + heat * np.log(mass.sum(axis=1))
    being = np.zeros((len(kinds), width), np.float32)  # how likely a team is busy until then, and nothing comes after
    being[:, pad : pad + last + 1] = mass / mass.sum(axis=1, keepdims=True)
    for column, chance in zip(reversed(table), reversed(likely), strict=True):
        lines, reach = chance.shape
        rows = column[:lines]
        part = being[:lines, pad : pad + reach] * chance
        shares[rows] = part.sum(axis=1) * told.count[kinds[:lines]]
        being[:lines, pad : pad + reach] -= part
        moved = np.zeros((lines, width), np.float32)
        moved[:, pad : pad + reach] = part
        at = (np.arange(lines) * width + pad + told.steps[rows])[:, None] + columns[:reach]
        being[:lines, pad : pad + reach] += moved.reshape(-1).take(at)
    return float((total * told.count[kinds]).sum()), shares
