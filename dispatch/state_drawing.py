"""The tables of `dispatch.states` as one picture: SVG that needs nothing but itself. The same tables, the same bytes.

Each state is a box with who must act; below it hang the states that may follow. A bar below a name means that the line
is left out: nearly everything may be closed at any time, and a state may follow itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib import resources

from dispatch import states
from ivr_flows.layout import Box, Layout, Line, lay_out
from ivr_flows.lettering import width

KINDS: Mapping[str, tuple[str, str]] = {
    "service_request": ("求助", "service request"),
    "inquiry": ("咨询", "inquiry"),
    "complaint": ("投诉", "complaint"),
    "suggestion": ("建议", "suggestion"),
    "care": ("关怀", "care"),
    "emergency": ("紧急求助", "emergency"),
}
_STYLE = resources.files("ivr_flows").joinpath("drawing.css").read_text("utf-8")
_HIGH, _TAB, _PAD = 62.0, 28.0, 10.0
_ZH, _EN, _TAB_ZH = 15.0, 11.0, 11.0
_TITLE = 58.0
_START = ""
"""The round beginning: no ticket yet."""

Table = Mapping[str | None, frozenset[str]]


@dataclass(frozen=True)
class _Tab:
    following: str
    drawn: bool
    """Whether a line leads there."""

    @property
    def wide(self) -> float:
        return width(states.ZH[self.following], _TAB_ZH) + 14


@dataclass(frozen=True)
class _Card:
    state: str
    tabs: tuple[_Tab, ...]

    @property
    def wide(self) -> float:
        zh, en = states.OWNERS[self.state]
        head = width(states.ZH[self.state], _ZH) + 8 + width(self.state, _EN)
        owner = max(width(zh, _EN), width(en, _EN))
        return max(150.0, head + 2 * _PAD, owner + 2 * _PAD, sum(tab.wide for tab in self.tabs) + _PAD)

    def middles(self) -> list[float]:
        """The middle of each tab, from the box's left side."""
        left, found = (self.wide - sum(tab.wide for tab in self.tabs)) / 2, []
        for tab in self.tabs:
            found.append(left + tab.wide / 2)
            left += tab.wide
        return found


def draw() -> str:
    """Every table, kinds that share one together, below each other."""
    pictures = [_picture(kinds, table) for kinds, table in _groups()]
    wide = max(picture[0] for picture in pictures)
    high = sum(picture[1] for picture in pictures)
    title = "工单状态 states of a ticket"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flow-drawing" role="img" viewBox="0 0 {_n(wide)} {_n(high)}"'
        f' width="{_n(wide)}" height="{_n(high)}" aria-label="{title}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{_n(wide)}" height="{_n(high)}"/>',
    ]
    top = 0.0
    for own_wide, own_high, drawn in pictures:
        parts += [f'<g transform="translate({_n((wide - own_wide) / 2)} {_n(top)})">', *drawn, "</g>"]
        top += own_high
    return "\n".join([*parts, "</svg>"]) + "\n"


def _groups() -> list[tuple[list[str], Table]]:
    found: list[tuple[list[str], Table]] = []
    for kind, table in states.TRANSITIONS.items():
        same = next((kinds for kinds, other in found if dict(other) == dict(table)), None)
        if same is None:
            found.append(([kind], table))
        else:
            same.append(kind)
    return found


def _picture(kinds: list[str], table: Table) -> tuple[float, float, list[str]]:
    cards = {state: _card(state, table[state]) for state in table if state is not None}
    first = sorted(table[None])
    boxes = {_START: Box(96, 30, [(first[0], 48)])}
    for state, card in cards.items():
        outs = [(tab.following, middle) for tab, middle in zip(card.tabs, card.middles(), strict=True) if tab.drawn]
        boxes[state] = Box(card.wide, _HIGH + _TAB, outs)
    layout = lay_out(boxes, _START)
    zh = "、".join(KINDS[kind][0] for kind in kinds)
    en = ", ".join(KINDS[kind][1] for kind in kinds)
    wide = max(layout.width, width(zh, 20) + width(en, 14) + 48)
    x, y = layout.places[_START]
    parts = [
        f'<text class="title" x="16" y="34">{zh} <tspan class="title-en">{en}</tspan></text>',
        f'<g transform="translate({_n((wide - layout.width) / 2)} {_n(_TITLE)})">',
        *_lines(layout, cards),
        f'<g class="begin" transform="translate({_n(x)} {_n(y)})"><rect width="96" height="30" rx="15"/>'
        '<text x="48" y="20">来件 arrival</text></g>',
        *(_box(card, layout.places[state], emergency=kinds == ["emergency"]) for state, card in cards.items()),
        "</g>",
    ]
    return wide, _TITLE + layout.height + 18, parts


def _card(state: str, following: frozenset[str]) -> _Card:
    """The states that follow, in the order of the words; lines to the close only from where tickets usually close."""
    order = list(states.ZH)
    usual = {"done", "handling"} if "done" not in following else {"done"}
    tabs = [
        _Tab(name, name != state and (name != "closed" or state in usual))
        for name in sorted(following, key=order.index)
    ]
    return _Card(state, tuple(tabs))


def _box(card: _Card, place: tuple[float, float], *, emergency: bool) -> str:
    colour = "goodbye" if not states.is_open(card.state) else "emergency" if emergency else "plain"
    zh, en = states.OWNERS[card.state]
    parts = [
        f'<g class="step {colour}" transform="translate({_n(place[0])} {_n(place[1])})">'
        f'<rect class="box" width="{_n(card.wide)}" height="{_n(_HIGH)}" rx="9"/>',
        f'<text class="kind" style="font-size:{_n(_ZH)}px" x="{_n(_PAD)}" y="22">{states.ZH[card.state]} '
        f'<tspan class="kind-en" style="font-size:{_n(_EN)}px">{card.state}</tspan></text>',
        f'<text class="en" x="{_n(_PAD)}" y="40">{escape(zh)}</text>',
        f'<text class="en" x="{_n(_PAD)}" y="54">{escape(en)}</text>',
    ]
    for tab, middle in zip(card.tabs, card.middles(), strict=True):
        left = middle - tab.wide / 2 + 1
        parts.append(
            f'<rect class="tab" x="{_n(left)}" y="{_n(_HIGH + 3)}" width="{_n(tab.wide - 2)}" height="25" rx="5"/>'
            f'<text class="tab-zh" x="{_n(middle)}" y="{_n(_HIGH + 20)}">{states.ZH[tab.following]}</text>'
        )
        if not tab.drawn:
            parts.append(f'<path class="stop" d="M{_n(middle)} {_n(_HIGH + _TAB)}v5m-7 0h14"/>')
    return "\n".join([*parts, "</g>"])


def _lines(layout: Layout, cards: Mapping[str, _Card]) -> list[str]:
    heads = []
    for name in sorted({line.target for line in layout.lines}):
        x, y = layout.places[name]
        heads.append(f'<path class="head" d="M{_n(x + cards[name].wide / 2)} {_n(y)}l-5 -9h10z"/>')
    return [_line(line) for line in layout.lines] + heads


def _line(line: Line) -> str:
    if line.back:
        corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in line.points)
        return f'<polyline class="line back" points="{corners}"/>'
    (x, y), (_, bend), (end_x, end_y) = line.points
    middle = (bend + end_y) / 2
    return (
        f'<path class="line" d="M{_n(x)} {_n(y)}V{_n(bend)}'
        f'C{_n(x)} {_n(middle)} {_n(end_x)} {_n(middle)} {_n(end_x)} {_n(end_y)}"/>'
    )


def _n(value: float) -> str:
    """A length, as short as it can be written."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
