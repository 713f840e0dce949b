"""Plans of a surge: nearest-first, as dispatchers do it by hand, and a better one by moving and swapping. Pure.

`nearest_first` goes by time: whenever a team is free, the requests are gone through, the weightiest first and the
oldest of equal ones, and each is given to the nearest provider that is able and has a team free.

`search` gives each request a first team, and then by turns exchanges one request of every team at once (`exchange`)
and moves and swaps single ones (`improve`), as long as the cost falls.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import min_weight_full_bipartite_matching  # type: ignore[import-untyped]

from dispatch.surge_model import STEP_MINUTES, Floats, Ints, Model

NEAREST = 24
"""How many providers are tried for each request when a plan is improved; the bound looks at all."""
_TINY = 1e-6
_EXCHANGES = 3


def nearest_first(model: Model, until: int | None = None) -> dict[int, int]:
    """Request -> team, as a dispatcher with a map would do it; only what begins `until` that step, if given."""
    order = sorted(np.nonzero(model.served)[0].tolist(), key=lambda j: (-model.weight[j], j))
    rank = {request: place for place, request in enumerate(order)}
    able = {j: _nearest(model, j) for j in order}
    waiting: dict[int, list[int]] = {}
    for j in order:
        for i in able[j]:
            waiting.setdefault(i, []).append(j)
    following = dict.fromkeys(waiting, 0)
    team_of: dict[int, int] = {}
    events = [(int(model.team_ready[t]), t) for t in range(len(model.team_ready))]
    heapq.heapify(events)
    while events and len(team_of) < len(order):
        now = events[0][0]
        if until is not None and now > until:
            break
        free: dict[int, list[int]] = {}
        while events and events[0][0] == now:
            team = heapq.heappop(events)[1]
            free.setdefault(int(model.team_provider[team]), []).append(team)

        def next_of(provider: int) -> int | None:
            line, at = waiting.get(provider, []), following.get(provider, 0)
            while at < len(line) and line[at] in team_of:
                at += 1
            following[provider] = at
            return rank[line[at]] if at < len(line) else None

        heads = [(place, i) for i in free if (place := next_of(i)) is not None]
        heapq.heapify(heads)
        while heads:
            place, provider = heapq.heappop(heads)
            request = order[place]
            if free[provider] and request not in team_of:
                chosen = next(i for i in able[request] if free.get(i))
                team = free[chosen].pop()
                team_of[request] = team
                heapq.heappush(events, (now + int(model.steps[request, chosen]), team))
            if free[provider] and (place_after := next_of(provider)) is not None:
                heapq.heappush(heads, (place_after, provider))
    return team_of


def candidates(model: Model) -> NDArray[np.bool_]:
    """The pairs a plan is made of: for each request the `NEAREST` providers that would cost least, were they free."""
    pairs = np.isfinite(model.fixed)
    if pairs.shape[1] > NEAREST:
        soonest = np.full(pairs.shape[1], np.inf)
        np.minimum.at(soonest, model.team_provider, model.team_ready.astype(float))
        costs = model.fixed + model.weight[:, None] * STEP_MINUTES * soonest[None, :]
        near = np.argpartition(costs, NEAREST, axis=1)[:, :NEAREST]
        kept = np.zeros_like(pairs)
        np.put_along_axis(kept, near, True, axis=1)
        pairs &= kept
    return pairs


class Search:
    """A plan while it is being improved: for each team its requests, in columns that need no order.

    What the order of a team costs needs no sorting: a request waits for those with a smaller ratio, and those with a
    greater one wait for it; of two with the same ratio either may go first.
    """

    def __init__(self, model: Model, pairs: NDArray[np.bool_]) -> None:
        self.model = model
        self.teams: list[Ints] = []
        for row in pairs:
            spans = [np.arange(model.first[i], model.first[i + 1]) for i in np.nonzero(row)[0]]
            self.teams.append(np.concatenate(spans) if spans else np.zeros(0, np.int64))
        many, wide = len(model.team_provider), 8
        self.member: Ints = np.full((many, wide), -1, np.int64)
        self.steps: Floats = np.zeros((many, wide))
        self.weight: Floats = np.zeros((many, wide))
        self.ratio: Floats = np.full((many, wide), np.inf)
        self._leave: Floats = np.full((many, wide), -np.inf)
        self._stale: NDArray[np.bool_] = np.ones(many, dtype=bool)
        self.length: Ints = np.zeros(many, np.int64)
        self.team_of: Ints = np.full(len(model.weight), -1, np.int64)
        self._changed: Ints = np.zeros(many, np.int64)
        self._seen: Ints = np.full(len(model.weight), -1, np.int64)
        self._now = 0

    def put(self, request: int, team: int) -> None:
        """Give a request that nobody has to a team."""
        at = int(self.length[team])
        if at == self.member.shape[1]:
            self._widen()
        model, provider = self.model, int(self.model.team_provider[team])
        steps, weight = model.steps[request, provider], model.weight[request]
        self.member[team, at], self.ratio[team, at] = request, steps / weight
        self.steps[team, at], self.weight[team, at] = steps, weight
        self.length[team] = at + 1
        self.team_of[request] = team
        self._touch(team)

    def take(self, request: int) -> int:
        """Take a request from its team; which that was."""
        team = int(self.team_of[request])
        at = int(np.nonzero(self.member[team] == request)[0][0])
        last = int(self.length[team]) - 1
        for column, empty in ((self.member, -1), (self.steps, 0.0), (self.weight, 0.0), (self.ratio, np.inf)):
            column[team, at] = column[team, last]
            column[team, last] = empty
        self.length[team] = last
        self.team_of[request] = -1
        self._touch(team)
        return team

    def leave(self, teams: Ints) -> Floats:
        """For the columns of these teams: what the cost falls by when the request leaves."""
        for team in teams[self._stale[teams]].tolist():
            self._reckon(team)
        return self._leave[teams]

    def insertions(self, request: int) -> tuple[Floats, NDArray[np.bool_], int]:
        """What the request would add to the cost in each of its candidate teams; who would go before it, and the
        number of columns in use."""
        model, teams = self.model, self.teams[request]
        used = int(self.length[teams].max(initial=0))
        provider = model.team_provider[teams]
        steps, weight = model.steps[request, provider], model.weight[request]
        before = self.ratio[teams, :used] < (steps / weight)[:, None]
        wait = model.team_ready[teams] + (self.steps[teams, :used] * before).sum(axis=1)
        delayed = (self.weight[teams, :used] * ~before).sum(axis=1)
        return model.fixed[request, provider] + STEP_MINUTES * (weight * wait + steps * delayed), before, used

    def better(self, request: int) -> bool:
        """Make the best move or swap of this request, if one lowers the cost."""
        teams = self.teams[request]
        team = int(self.team_of[request])
        if max(int(self._changed[teams].max(initial=0)), int(self._changed[team])) <= self._seen[request]:
            return False
        self._seen[request] = self._now
        gain = float(self.leave(np.array([team]))[0, self.member[team] == request][0])
        added, before, used = self.insertions(request)
        others = teams != team
        moves = np.where(others, added - gain, np.inf)
        move = int(moves.argmin())
        swaps = self._swaps(request, team, added - gain, before, used)
        swaps[~others] = np.inf
        swap = int(swaps.argmin()) if swaps.size else 0
        best_swap = float(swaps.flat[swap]) if swaps.size else np.inf
        if min(float(moves[move]), best_swap) >= -_TINY:
            return False
        if moves[move] <= best_swap:
            self.take(request)
            self.put(request, int(teams[move]))
        else:
            other_team = int(teams[swap // used])
            other = int(self.member[other_team, swap % used])
            self.take(request)
            self.take(other)
            self.put(request, other_team)
            self.put(other, team)
        return True

    def _swaps(self, request: int, team: int, added: Floats, before: NDArray[np.bool_], used: int) -> Floats:
        """How the cost changes when the request changes places with each request of its candidate teams."""
        model, teams = self.model, self.teams[request]
        others = self.member[teams, :used]
        their_weight, mine = self.weight[teams, :used], model.weight[request]
        my_steps = model.steps[request, model.team_provider[teams]][:, None]
        between = STEP_MINUTES * np.where(before, mine * self.steps[teams, :used], my_steps * their_weight)
        here = int(model.team_provider[team])
        their_steps = model.steps[others, here]
        stay = (self.member[team] >= 0) & (self.member[team] != request)
        ahead = self.ratio[team, stay] < (their_steps / np.where(their_weight > 0, their_weight, 1.0))[..., None]
        wait = model.team_ready[team] + (ahead * self.steps[team, stay]).sum(axis=-1)
        delayed = (~ahead * self.weight[team, stay]).sum(axis=-1)
        comes = model.fixed[others, here] + STEP_MINUTES * (their_weight * wait + their_steps * delayed)
        told: Floats = added[:, None] - between + comes - self.leave(teams)[:, :used]
        told[others < 0] = np.inf
        return told

    def stamps(self) -> Ints:
        """When each team was last changed."""
        return self._changed.copy()

    def restore(self, stamps: Ints, teams: list[int]) -> None:
        """These teams have again what they had at `stamps`: nothing in them need be looked at anew."""
        self._changed[teams] = stamps[teams]

    def _touch(self, team: int) -> None:
        self._now += 1
        self._changed[team] = self._now
        self._stale[team] = True

    def _reckon(self, team: int) -> None:
        self._stale[team] = False
        used = int(self.length[team])
        self._leave[team] = -np.inf
        if used:
            who, steps, weight = self.member[team, :used], self.steps[team, :used], self.weight[team, :used]
            before = self.ratio[team, :used][None, :] < self.ratio[team, :used][:, None]
            before |= np.triu(self.ratio[team, :used][None, :] == self.ratio[team, :used][:, None], 1).T
            wait = self.model.team_ready[team] + before @ steps
            delayed = before.T @ weight
            fixed = self.model.fixed[who, int(self.model.team_provider[team])]
            self._leave[team, :used] = fixed + STEP_MINUTES * (weight * wait + steps * delayed)

    def _widen(self) -> None:
        shape = self.member.shape
        self.member = np.concatenate([self.member, np.full(shape, -1, np.int64)], axis=1)
        self.steps = np.concatenate([self.steps, np.zeros(shape)], axis=1)
        self.weight = np.concatenate([self.weight, np.zeros(shape)], axis=1)
        self.ratio = np.concatenate([self.ratio, np.full(shape, np.inf)], axis=1)
        self._leave = np.concatenate([self._leave, np.full(shape, -np.inf)], axis=1)


def construct(model: Model, pairs: NDArray[np.bool_], begun: NDArray[np.bool_] | None = None) -> Search:
    """A first plan: requests by their best ratio, each where it adds least, of the teams of its `begun` if given."""
    search = Search(model, pairs)
    possible = pairs & np.isfinite(model.fixed)
    shortest = np.where(possible, model.steps, np.iinfo(np.int64).max).min(axis=1, initial=np.iinfo(np.int64).max)
    for request in np.argsort(shortest / model.weight, kind="stable").tolist():
        teams = search.teams[request]
        if len(teams):
            added, _, _ = search.insertions(request)
            if begun is not None and begun[request].any():
                added = np.where(begun[request, model.team_provider[teams]], added, added + 1e9)
            search.put(request, int(teams[int(added.argmin())]))
    return search


def search(
    model: Model, pairs: NDArray[np.bool_], rounds: int, begun: NDArray[np.bool_] | None = None
) -> dict[int, int]:
    """Request -> team: as good a plan as we find in so many rounds. The same values give the same plan.

    `begun`: each request's provider to begin with; else it is the one where it adds least.
    """
    found = construct(model, pairs, begun)
    dice = np.random.default_rng(1)
    for _ in range(rounds):
        for _ in range(_EXCHANGES):
            exchange(found, dice)
        improve(found, 1)
    improve(found, rounds)
    return {int(j): int(found.team_of[j]) for j in np.nonzero(found.team_of >= 0)[0]}


def improve(search: Search, rounds: int) -> None:
    """Move and swap until nothing lowers the cost any more, at most `rounds` times through all requests."""
    for _ in range(rounds):
        if not sum(search.better(int(request)) for request in np.nonzero(search.team_of >= 0)[0]):
            return


def exchange(search: Search, dice: np.random.Generator) -> None:
    """One request out of every team, and all of them back where they cost least together, at most one to a team.

    What each would add to each team does not depend on the others then, so the best is an assignment problem, solved
    exactly; the cost never rises. Moves and swaps cannot see the long rings of moves that this finds.
    """
    model = search.model
    teams = np.nonzero(search.length)[0]
    if not len(teams):
        return
    stamps = search.stamps()
    out = search.member[teams, dice.integers(0, search.length[teams])]
    for request in out.tolist():
        search.take(request)
    sizes = np.array([len(search.teams[request]) for request in out])
    line = np.repeat(np.arange(len(out)), sizes)
    request, team = out[line], np.concatenate([search.teams[one] for one in out.tolist()])
    provider = model.team_provider[team]
    steps, weight = model.steps[request, provider], model.weight[request]
    used = max(int(search.length.max()), 1)
    before = search.ratio[team, :used] < (steps / weight)[:, None]
    wait = model.team_ready[team] + (search.steps[team, :used] * before).sum(axis=1)
    delayed = (search.weight[team, :used] * ~before).sum(axis=1)
    added = model.fixed[request, provider] + STEP_MINUTES * (weight * wait + steps * delayed)
    costs = csr_array((added + 1.0, (line, team)), shape=(len(out), len(search.length)))  # a stored 0 would be no edge
    lines, columns = min_weight_full_bipartite_matching(costs)
    gets = dict(zip(columns.tolist(), out[lines].tolist(), strict=True))
    for to, one in gets.items():
        search.put(one, to)
    search.restore(stamps, [t for t, one in zip(teams.tolist(), out.tolist(), strict=True) if gets.get(t) == one])


def _nearest(model: Model, request: int) -> list[int]:
    able = np.nonzero(np.isfinite(model.fixed[request]))[0]
    return [int(i) for i in able[np.argsort(model.travel[request, able], kind="stable")]]
