"""Where the boxes of a drawing stand and how its lines run: in layers from top to bottom.

Boxes of one layer stand side by side; a line runs from layer to layer between the boxes, lines to the same box join on
the way. A line that leads back up runs along the side. So no line crosses a box and no box another. The same boxes give
the same layout. All lengths are in pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

WIDEST = 680
"""Boxes of a layer together; what does not fit goes one layer down. At this width the text is readable on A4 paper."""

GAP = 24
"""Between two boxes of a layer."""

STEP = 52
"""Between two layers, before the lines that run sideways there are given room."""

TRACK = 9
"""Between two lines that run side by side."""

MARGIN = 16

_SWEEPS = 12


@dataclass(frozen=True)
class Box:
    """A box to be placed. ``outs``: where each of its lines leads, and how far from its left side it begins."""

    width: float
    height: float
    outs: Sequence[tuple[str, float]] = ()


Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A line from a box on. ``points`` of one that goes down: its beginning, the end of its layer, and from there by a
    curve the end; of one that goes back up: its corners. ``out``: the index in the box's ``outs``; -1 where several
    have joined."""

    source: str
    out: int
    target: str
    points: tuple[Point, ...]
    back: bool = False


@dataclass(frozen=True)
class Layout:
    """The left upper corner of each box, the lines, and the box into which lines lead at the middle of their top."""

    width: float
    height: float
    places: Mapping[str, Point]
    lines: Sequence[Line]


@dataclass
class _Item:
    """A box, or the point in a layer where the lines to ``target`` pass between the boxes."""

    name: str
    width: float
    height: float
    passes: bool = False
    x: float = 0.0
    """Its middle."""


@dataclass
class _Segment:
    """From the item above, ``shift`` right of its middle, to the middle of the one below."""

    above: _Item
    shift: float
    below: _Item
    line: tuple[str, int, str]


@dataclass
class _Plan:
    layers: list[list[_Item]]
    segments: list[list[_Segment]]
    """By the layer above."""
    back: list[tuple[str, int, str]]
    level: Mapping[str, int]
    items: dict[str, _Item] = field(default_factory=dict)


def lay_out(boxes: Mapping[str, Box], start: str) -> Layout:
    """Place ``boxes``, of which ``start`` is the first. A line to a box that is not there is left out."""
    order, back = _walk_through(boxes, start)
    plan = _plan(boxes, order, back)
    _sort(plan)
    for downwards in (True, False) * _SWEEPS + (True,):
        _settle(plan, downwards)
    return _finish(plan, boxes)


def _outs(boxes: Mapping[str, Box], name: str) -> list[tuple[int, str]]:
    return [(index, target) for index, (target, _) in enumerate(boxes[name].outs) if target in boxes]


def _walk_through(boxes: Mapping[str, Box], start: str) -> tuple[list[str], set[tuple[str, str]]]:
    """The boxes, each after all that lead down to it; and the lines that lead back.

    A line leads back when it is part of a circle and leads to a box nearer to the start: so the way that most callers
    take runs from top to bottom.
    """
    near = _nearest_first(boxes, start)
    rank = {name: number for number, name in enumerate(near)}
    reached = {name: set(_nearest_first(boxes, name, others=False)) for name in near}
    lines = {(name, target) for name in near for _, target in _outs(boxes, name)}
    back = {(name, target) for name, target in lines if rank[target] <= rank[name] and name in reached[target]}
    above = {name: {source for source, target in lines - back if target == name} for name in near}
    order: list[str] = []
    done: set[str] = set()
    while len(order) < len(near):
        name = next(name for name in near if name not in done and above[name] <= done)
        order.append(name)
        done.add(name)
    return order, back


def _nearest_first(boxes: Mapping[str, Box], start: str, others: bool = True) -> list[str]:
    """The boxes by how few lines lead there from ``start``; ``others``: and after them those that none leads to."""
    found = {start: None}
    for first in (start, *(boxes if others else ())):
        found.setdefault(first, None)
        waiting = [first]
        for name in waiting:
            for _, target in _outs(boxes, name):
                if target not in found:
                    found[target] = None
                    waiting.append(target)
    return list(found)


def _plan(boxes: Mapping[str, Box], order: Sequence[str], back: set[tuple[str, str]]) -> _Plan:
    level = _levels(boxes, order, back)
    depth = max(level.values(), default=0) + 1
    plan = _Plan([[] for _ in range(depth)], [[] for _ in range(depth)], [], level)
    for name in order:
        item = plan.items[name] = _Item(name, boxes[name].width, boxes[name].height)
        plan.layers[level[name]].append(item)
    passing: dict[tuple[str, int], _Item] = {}
    for name in order:
        for index, target in _outs(boxes, name):
            line = (name, index, target)
            if (name, target) in back:
                plan.back.append(line)
                continue
            above, shift = plan.items[name], boxes[name].outs[index][1] - boxes[name].width / 2
            for layer in range(level[name], level[target]):
                joined = (target, layer + 1) in passing
                if layer + 1 == level[target]:
                    below = plan.items[target]
                elif joined:
                    below = passing[target, layer + 1]
                else:
                    below = passing[target, layer + 1] = _Item(target, 0, 0, passes=True)
                    plan.layers[layer + 1].append(below)
                plan.segments[layer].append(_Segment(above, shift, below, line))
                if joined:
                    break
                above, shift, line = below, 0.0, (name, -1, target)
    return plan


def _levels(boxes: Mapping[str, Box], order: Sequence[str], back: set[tuple[str, str]]) -> dict[str, int]:
    """Each box below all that lead down to it, in the first layer that has room."""
    level = dict.fromkeys(order, 0)
    room: dict[int, float] = {}
    for name in order:
        here = level[name]
        while here in room and room[here] < boxes[name].width:
            here += 1
        room[here] = room.get(here, WIDEST) - boxes[name].width - GAP
        level[name] = here
        for _, target in _outs(boxes, name):
            if (name, target) not in back:
                level[target] = max(level[target], here + 1)
    return level


# --- who stands beside whom ---


def _sort(plan: _Plan) -> None:
    """Order each layer by where its neighbours stand, keeping the order in which the fewest lines cross."""
    best = [list(layer) for layer in plan.layers]
    fewest = _crossings(plan)
    for sweep in range(2 * _SWEEPS):
        downwards = sweep % 2 == 0
        _place_in_order(plan)
        for layer in range(1, len(plan.layers)) if downwards else range(len(plan.layers) - 2, -1, -1):
            wanted = _wanted(plan, layer, downwards)
            ranks = {id(item): rank for rank, item in enumerate(plan.layers[layer])}
            plan.layers[layer].sort(key=lambda item: (wanted.get(id(item), (item.x, 0))[0], ranks[id(item)]))
            _place_in_order(plan)
        crossings = _crossings(plan)
        if crossings < fewest:
            fewest, best = crossings, [list(items) for items in plan.layers]
    plan.layers[:] = best
    _place_in_order(plan)


def _gap(left: _Item, right: _Item) -> float:
    """Between neighbours: lines that pass may be nearer to one another than boxes."""
    return GAP / 2 if left.passes and right.passes else GAP


def _place_in_order(plan: _Plan) -> None:
    for layer in plan.layers:
        for item in layer[:1]:
            item.x = item.width / 2
        for left, right in itertools.pairwise(layer):
            right.x = left.x + (left.width + right.width) / 2 + _gap(left, right)
        middle = (layer[-1].x + layer[-1].width / 2) / 2 if layer else 0.0
        for item in layer:
            item.x -= middle


def _crossings(plan: _Plan) -> int:
    _place_in_order(plan)
    return sum(
        (one.above.x + one.shift - other.above.x - other.shift) * (one.below.x - other.below.x) < 0
        for segments in plan.segments
        for index, one in enumerate(segments)
        for other in segments[:index]
    )


def _wanted(plan: _Plan, layer: int, downwards: bool) -> dict[int, tuple[float, float]]:
    """Where each item of the layer would stand by its neighbours above (or below), and how much that matters."""
    sums: dict[int, list[float]] = {}
    for segment in plan.segments[layer - 1] if downwards else plan.segments[layer]:
        item = segment.below if downwards else segment.above
        x = segment.above.x + segment.shift if downwards else segment.below.x - segment.shift
        weight = 4.0 if segment.above.passes and segment.below.passes else 1.0
        told = sums.setdefault(id(item), [0.0, 0.0])
        told[0] += weight * x
        told[1] += weight
    return {key: (total / weight, weight) for key, (total, weight) in sums.items()}


# --- exactly where ---


def _settle(plan: _Plan, downwards: bool) -> None:
    """Move the items of each layer as near as may be to where their neighbours want them, without changing places."""
    layers = range(1, len(plan.layers)) if downwards else range(len(plan.layers) - 2, -1, -1)
    for layer in layers:
        wanted = _wanted(plan, layer, downwards)
        items = plan.layers[layer]
        offsets = [0.0]
        for left, right in itertools.pairwise(items):
            offsets.append(offsets[-1] + (left.width + right.width) / 2 + _gap(left, right))
        wishes = [(wanted.get(id(item), (item.x, 0.1)), offset) for item, offset in zip(items, offsets, strict=True)]
        rising = _rising([(x - offset, weight) for (x, weight), offset in wishes])
        for item, x, offset in zip(items, rising, offsets, strict=True):
            item.x = x + offset


def _rising(wishes: Sequence[tuple[float, float]]) -> list[float]:
    """The never falling values nearest to the wishes (value, weight), by least squares: pool adjacent violators."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in wishes:
        pool = (value, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            before = pools.pop()
            total = before[1] + pool[1]
            pool = ((before[0] * before[1] + pool[0] * pool[1]) / total, total, before[2] + pool[2])
        pools.append(pool)
    return [value for value, _, count in pools for _ in range(count)]


# --- lines ---


def _finish(plan: _Plan, boxes: Mapping[str, Box]) -> Layout:
    lanes = _Lanes(plan)
    shift = MARGIN - lanes.left
    tops, bottoms, below = _bands(plan, lanes)
    places = {name: (item.x - item.width / 2 + shift, tops[plan.level[name]]) for name, item in plan.items.items()}
    lines = [
        Line(*segment.line, points=_downwards(segment, layer, tops, bottoms, shift))
        for layer, segments in enumerate(plan.segments)
        for segment in segments
    ]
    for line in plan.back:
        name, index, target = line
        begin = (places[name][0] + boxes[name].outs[index][1], places[name][1] + boxes[name].height)
        end = (plan.items[target].x + shift, tops[plan.level[target]])
        side = lanes.x[target] + shift
        out = bottoms[plan.level[name]] + TRACK * (1 + lanes.leaving[line])
        into = tops[plan.level[target]] - 14 - TRACK * (1 + lanes.arriving[target])
        corners = (begin, (begin[0], out), (side, out), (side, into), (end[0], into), end)
        lines.append(Line(*line, points=corners, back=True))
    return Layout(lanes.right + shift + MARGIN, below, places, lines)


def _downwards(
    segment: _Segment, layer: int, tops: Sequence[float], bottoms: Sequence[float], shift: float
) -> tuple[Point, ...]:
    """Straight out of the box to the end of its layer, or through the layer; then a curve to the next."""
    x = segment.above.x + segment.shift + shift
    begin = tops[layer] + segment.above.height
    return ((x, begin), (x, bottoms[layer]), (segment.below.x + shift, tops[layer + 1]))


class _Lanes:
    """The lines that lead back: one lane at the side for each box they lead to, shorter ones further in."""

    def __init__(self, plan: _Plan) -> None:
        edges = [(item.x - item.width / 2, item.x + item.width / 2) for layer in plan.layers for item in layer]
        self.left = min((left for left, _ in edges), default=0.0)
        self.right = max((right for _, right in edges), default=0.0)
        middle = (self.left + self.right) / 2
        self.x: dict[str, float] = {}
        self.leaving: dict[tuple[str, int, str], int] = {}
        self.arriving: dict[str, int] = {}
        self.out_of = [0] * len(plan.layers)
        self.into = [0] * len(plan.layers)
        targets = {target: [line for line in plan.back if line[2] == target] for _, _, target in plan.back}
        spans = {
            target: max(plan.level[name] for name, _, _ in lines) - plan.level[target]
            for target, lines in targets.items()
        }
        for target in sorted(targets, key=lambda target: (spans[target], plan.level[target], target)):
            ends = [plan.items[name].x for name, _, _ in targets[target]] + [plan.items[target].x]
            if sum(ends) / len(ends) < middle:
                self.left -= TRACK + 3
                self.x[target] = self.left
            else:
                self.right += TRACK + 3
                self.x[target] = self.right
            level = plan.level[target]
            self.arriving[target] = self.into[level]
            self.into[level] += 1
            for line in targets[target]:
                self.leaving[line] = self.out_of[plan.level[line[0]]]
                self.out_of[plan.level[line[0]]] += 1


def _bands(plan: _Plan, lanes: _Lanes) -> tuple[list[float], list[float], float]:
    """The top and the bottom of each layer, and the bottom of all."""
    tops, bottoms = [], []
    y = float(MARGIN)
    for layer, items in enumerate(plan.layers):
        y += TRACK * lanes.into[layer] + (14 if lanes.into[layer] and layer == 0 else 0)
        tops.append(y)
        y += max((item.height for item in items), default=0.0)
        bottoms.append(y)
        y += TRACK * lanes.out_of[layer] + STEP
    return tops, bottoms, y - STEP + MARGIN
