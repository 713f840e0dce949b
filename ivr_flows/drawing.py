"""A flow as a picture: SVG that needs nothing but itself, in light and dark.

Red is for emergencies alone; green: a person; blue: the application tells; grey: good-bye. In the console its own
colours hold (``--cc-…``), elsewhere the reader's wish for light or dark. The same flow gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from ivr_flows.comparing import Mark
from ivr_flows.icons import ICONS
from ivr_flows.layout import Box, Layout, Line, lay_out
from ivr_flows.lettering import fitted, width, wrapped
from ivr_flows.model import END, Flow, FlowSet, Step
from ivr_flows.step_words import KIND_WORDS, Texts, edge_word, step_words

_STYLE = resources.files("ivr_flows").joinpath("drawing.css").read_text("utf-8")

_BOX = 196.0
_PAD = 10.0
_HEAD = 22.0
_ZH, _EN, _TAB = 13.0, 11.0, 11.0
_ZH_LINE, _EN_LINE = 18.0, 14.0
_TAB_HEIGHT = 28.0
_MOST_LINES = 5
_TITLE = 58.0
_LEGEND = 34.0

_START = ""
"""The name of the round beginning; no step has it."""

_MARKS: Mapping[Mark, str] = {"added": "新增 added", "changed": "修改 changed", "removed": "删去 removed"}


@dataclass(frozen=True)
class _Tab:
    """A way out, as it hangs below its box. ``keypad``: only the keys 0 and 9, the same everywhere."""

    zh: str
    en: str
    target: str
    width: float

    @property
    def keypad(self) -> bool:
        return set(self.zh) <= set("09 ")


@dataclass(frozen=True)
class _Card:
    step: Step
    zh: Sequence[str]
    en: Sequence[str]
    tabs: Sequence[_Tab]
    width: float
    height: float
    """Without the tabs."""


def draw(flow_set: FlowSet, flow: Flow, texts: Texts, marks: Mapping[str, Mark] | None = None) -> str:
    """``flow`` as SVG. ``marks`` colours the steps that a comparison found, by name."""
    cards = {name: _card(flow_set, step, texts) for name, step in flow.steps.items()}
    boxes = {_START: Box(120, 34, ((flow.start, 60),))} | {name: _box(card) for name, card in cards.items()}
    layout = lay_out(boxes, _START)
    wide = max(layout.width, 420.0, width(flow.title["zh"], 20) + width(flow.title["en"], 14) + 60)
    high = _TITLE + layout.height + _LEGEND
    aside = (wide - layout.width) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flow-drawing" role="img" viewBox="0 0 {_n(wide)} {_n(high)}"'
        f' width="{_n(wide)}" height="{_n(high)}" aria-label="{escape(flow.title["zh"])} {escape(flow.title["en"])}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{_n(wide)}" height="{_n(high)}"/>',
        f'<text class="title" x="16" y="34">{escape(flow.title["zh"])} '
        f'<tspan class="title-en">{escape(flow.title["en"])}</tspan></text>',
        f'<g transform="translate({_n(aside)} {_n(_TITLE)})">',
        *_lines(layout, cards, flow),
        _begin(layout, flow),
        *(_drawn(card, layout.places[name], (marks or {}).get(name)) for name, card in cards.items()),
        "</g>",
        _legend(high - 14),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _card(flow_set: FlowSet, step: Step, texts: Texts) -> _Card:
    tabs = _tabs(step)
    inner = max(_BOX, sum(tab.width for tab in tabs) + 2 * _PAD, _head_width(step))
    zh, en = step_words(flow_set, step, texts)
    zh_lines = wrapped(zh, _ZH, inner - 2 * _PAD, _MOST_LINES)
    en_lines = wrapped(en, _EN, inner - 2 * _PAD, _MOST_LINES)
    height = _HEAD + 6 + _ZH_LINE * len(zh_lines) + _EN_LINE * len(en_lines) + (8 if zh_lines or en_lines else 2)
    return _Card(step, zh_lines, en_lines, tabs, inner, height)


def _head_width(step: Step) -> float:
    zh, en = KIND_WORDS[step.kind]
    return 24 + width(f"{zh} {en}", _EN) + 16 + width(step.name, _EN) + 2 * _PAD


def _tabs(step: Step) -> list[_Tab]:
    """One for each step that this one leads to, with all the ways that lead there."""
    ways: dict[str, list[str]] = {}
    for name, target in step.edges.items():
        ways.setdefault(target, []).append(name)
    if [*step.edges] == ["next"]:
        return []
    tabs = []
    for target, names in ways.items():
        keys = sorted(name for name in names if len(name) == 1)
        words = [edge_word(step, name) for name in names if len(name) > 1]
        zh = " ".join([*keys, *(word[0] for word in words)])
        en = " ".join(word[1] for word in words)
        zh, en = fitted(zh, _TAB, 110), fitted(en, 9, 110)
        tabs.append(_Tab(zh, en, target, max(24.0, width(zh, _TAB) + 12, width(en, 9) + 12)))
    return tabs


def _box(card: _Card) -> Box:
    if not card.tabs:
        targets = [target for target in card.step.edges.values() if target != END]
        return Box(card.width, card.height, [(target, card.width / 2) for target in targets])
    outs = [(tab.target, middle) for tab, middle in zip(card.tabs, _tab_middles(card), strict=True)]
    return Box(card.width, card.height + _TAB_HEIGHT, outs)


def _tab_middles(card: _Card) -> list[float]:
    left = (card.width - sum(tab.width for tab in card.tabs)) / 2
    middles = []
    for tab in card.tabs:
        middles.append(left + tab.width / 2)
        left += tab.width
    return middles


# --- what is drawn ---


def _drawn(card: _Card, place: tuple[float, float], mark: Mark | None) -> str:
    step = card.step
    x, y = place
    zh, en = KIND_WORDS[step.kind]
    css = f"step {_colour(step)}" + (f" {mark}" if mark else "")
    parts = [
        f'<g class="{css}" transform="translate({_n(x)} {_n(y)})"><title>{escape(step.name)}</title>',
        f'<rect class="box" width="{_n(card.width)}" height="{_n(card.height)}" rx="9"/>',
        f'<g class="icon" transform="translate({_n(_PAD)} 6)"><path d="{ICONS[step.kind]}"/></g>',
        f'<text class="kind" x="{_n(_PAD + 21)}" y="18">{zh} <tspan class="kind-en">{en}</tspan></text>',
        f'<text class="name" x="{_n(card.width - _PAD)}" y="18">{escape(step.name)}</text>',
    ]
    line = _HEAD + 18
    for text in card.zh:
        parts.append(f'<text class="zh" x="{_n(_PAD)}" y="{_n(line)}">{escape(text)}</text>')
        line += _ZH_LINE
    line -= 2
    for text in card.en:
        parts.append(f'<text class="en" x="{_n(_PAD)}" y="{_n(line)}">{escape(text)}</text>')
        line += _EN_LINE
    for tab, middle in zip(card.tabs, _tab_middles(card), strict=True):
        parts.append(_tab(tab, middle, card.height))
    if mark:
        parts.append(f'<text class="mark" x="{_n(card.width - _PAD)}" y="-5">{_MARKS[mark]}</text>')
    return "\n".join([*parts, "</g>"])


def _colour(step: Step) -> str:
    if step.kind == "queue":
        return "emergency" if step.options["queue"] == "emergency" else "person"
    return {"transfer": "person", "tell": "told", "hang_up": "goodbye", "back": "goodbye"}.get(step.kind, "plain")


def _tab(tab: _Tab, middle: float, top: float) -> str:
    left = middle - tab.width / 2 + 1
    shape = f'<rect class="tab" x="{_n(left)}" y="{_n(top + 3)}" width="{_n(tab.width - 2)}" height="25" rx="5"/>'
    stop = ""
    if tab.target == END:
        end = top + _TAB_HEIGHT
        stop = f'<path class="stop" d="M{_n(middle)} {_n(end)}v6m-7 0h14"/>'
    baseline = top + (14 if tab.en else 20)
    words = f'<text class="tab-zh" x="{_n(middle)}" y="{_n(baseline)}">{escape(tab.zh)}</text>'
    if tab.en:
        words += f'<text class="tab-en" x="{_n(middle)}" y="{_n(top + 24)}">{escape(tab.en)}</text>'
    return shape + stop + words


def _begin(layout: Layout, flow: Flow) -> str:
    x, y = layout.places[_START]
    words = {"call": "来电 call", "outbound": "拨出 we ring", "question": "问 question"}[flow.kind]
    return (
        f'<g class="begin" transform="translate({_n(x)} {_n(y)})"><rect width="120" height="34" rx="17"/>'
        f'<text x="60" y="22">{words}</text></g>'
    )


def _lines(layout: Layout, cards: Mapping[str, _Card], flow: Flow) -> list[str]:
    paths = [_line(line, cards) for line in layout.lines]
    entered = sorted({line.target for line in layout.lines})
    heads = []
    for name in entered:
        x, y = layout.places[name]
        heads.append(f'<path class="head" d="M{_n(x + cards[name].width / 2)} {_n(y)}l-5 -9h10z"/>')
    return paths + heads


def _line(line: Line, cards: Mapping[str, _Card]) -> str:
    css = "line"
    if line.out >= 0 and line.source in cards and cards[line.source].tabs:
        css += " keypad" if cards[line.source].tabs[line.out].keypad else ""
    if line.back:
        return f'<path class="{css} back" d="{_rounded(line.points)}"/>'
    (x, y), (_, bend), (end_x, end_y) = line.points
    middle = (bend + end_y) / 2
    return (
        f'<path class="{css}" d="M{_n(x)} {_n(y)}V{_n(bend)}'
        f'C{_n(x)} {_n(middle)} {_n(end_x)} {_n(middle)} {_n(end_x)} {_n(end_y)}"/>'
    )


def _rounded(corners: Sequence[tuple[float, float]]) -> str:
    """A way along the corners, each cut round."""
    path = f"M{_n(corners[0][0])} {_n(corners[0][1])}"
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        near, far = _towards(corner, before), _towards(corner, after)
        path += f"L{_n(near[0])} {_n(near[1])}Q{_n(corner[0])} {_n(corner[1])} {_n(far[0])} {_n(far[1])}"
    return path + f"L{_n(corners[-1][0])} {_n(corners[-1][1])}"


def _towards(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """The point 6 pixels (or half the way) from the corner."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    far = abs(dx) + abs(dy)
    part = min(6.0, far / 2) / far if far else 0.0
    return corner[0] + dx * part, corner[1] + dy * part


def _legend(y: float) -> str:
    words = (
        ("red", "紧急 emergency"),
        ("green", "人工 a person"),
        ("blue", "系统告知 told by the system"),
        ("grey", "再见 good-bye"),
    )
    parts, x = [], 16.0
    for colour, text in words:
        parts.append(f'<rect class="swatch {colour}" x="{_n(x)}" y="{_n(y - 10)}" width="12" height="12" rx="3"/>')
        parts.append(f'<text class="legend" x="{_n(x + 17)}" y="{_n(y)}">{text}</text>')
        x += 17 + width(text, _EN) + 18
    return "".join(parts)


def _n(value: float) -> str:
    """A length, as short as it can be written."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
