"""A flow's picture: everything in it, nothing on top of anything else, and no text of anybody's becomes markup."""

import itertools
import random
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr_flows.comparing import marked
from ivr_flows.drawing import draw
from ivr_flows.kinds import KINDS
from ivr_flows.layout import WIDEST, Box, Layout, Point, lay_out
from ivr_flows.lettering import width, wrapped
from ivr_flows.loading import read_set, shipped, sources
from ivr_flows.prompts import prompts
from ivr_flows.step_words import KIND_WORDS

SHIPPED = shipped()
WORDS = {prompt.name: (prompt.zh, prompt.en) for prompt in prompts()}
Rectangle = tuple[float, float, float, float]
SVG = "{http://www.w3.org/2000/svg}"


def picture(flow: str) -> str:
    return draw(SHIPPED, SHIPPED.flows[flow], WORDS)


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def boxes_of(layout: Layout, boxes: dict[str, Box]) -> list[Rectangle]:
    return [(x, y, x + boxes[name].width, y + boxes[name].height) for name, (x, y) in layout.places.items()]


def overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def crosses(begin: Point, end: Point, box: Rectangle) -> bool:
    """Whether a straight piece, upright or level, has a point inside the box."""
    left, top, right, bottom = box
    (x1, y1), (x2, y2) = begin, end
    return left < max(x1, x2) and min(x1, x2) < right and top < max(y1, y2) and min(y1, y2) < bottom


@pytest.mark.parametrize("flow", sorted(SHIPPED.flows))
def test_every_step_is_in_the_picture_and_two_pictures_are_the_same_bytes(flow: str) -> None:
    svg = picture(flow)
    assert set(SHIPPED.flows[flow].steps) <= set(texts(svg))
    assert svg == picture(flow)


def test_a_picture_loads_nothing_and_runs_nothing() -> None:
    svg = picture("hotline")
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()}
    assert tags <= {"svg", "style", "rect", "text", "tspan", "g", "path", "title"}
    assert "url(" not in svg
    assert "href" not in svg


COLOURS = """\
flow: colours
title: {zh: 色, en: Colours}
kind: call
operator: wait
start: news
steps:
  news: {tell: my_ticket, next: ask, nothing: ask, otherwise: wait}
  ask: {menu: greeting, keys: {"1": danger}, otherwise: wait}
  danger: {queue: emergency}
  wait: {queue: service, otherwise: other_desk}
  other_desk: {transfer: gas, otherwise: bye}
  bye: {hang_up: good-bye}
"""


def test_red_is_for_the_emergency_queue_alone_and_green_for_a_person() -> None:
    flow_set = read_set({"colours.yaml": COLOURS}, {})
    root = ElementTree.fromstring(draw(flow_set, flow_set.flows["colours"], WORDS))
    drawn = {}
    for element in root.iter(f"{SVG}g"):
        kind, _, colour = element.get("class", "").partition(" ")
        if kind == "step":
            drawn[element.findtext(f"{SVG}title")] = colour
    assert drawn == {
        "news": "told",
        "ask": "plain",
        "danger": "emergency",
        "wait": "person",
        "other_desk": "person",
        "bye": "goodbye",
    }


def test_every_kind_of_step_has_its_word_and_its_icon() -> None:
    from ivr_flows.icons import ICONS

    assert set(KIND_WORDS) == set(ICONS) == set(KINDS)


def test_a_prompt_of_markup_is_shown_as_it_is_written() -> None:
    evil = '</text><script>alert("x")</script>&amp;'
    svg = draw(SHIPPED, SHIPPED.flows["call_back"], dict.fromkeys(WORDS, (evil, evil)))
    assert "<script" not in svg
    assert any("</text><scri" in text for text in texts(svg)), "it is there, as words"


def test_a_comparison_marks_what_is_new_changed_and_gone() -> None:
    old = SHIPPED.flows["call_back"]
    text = sources()["call_back.yaml"].decode()
    step = next(name for name, step in old.steps.items() if step.kind == "hang_up")
    new_text = text.replace(f"{step}:", "other_end:").replace(f": {step}", ": other_end")
    new = read_set({**sources(), "call_back.yaml": new_text}, {}).flows["call_back"]
    both, marks = marked(old, new)
    assert marks[step] == "removed"
    assert marks["other_end"] == "added"
    assert "changed" in marks.values()
    svg = draw(SHIPPED, both, WORDS, marks)
    assert {"新增 added", "修改 changed", "删去 removed"} <= set(texts(svg))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(0, 10**6))
def test_boxes_never_overlap_and_no_line_runs_through_one(count: int, seed: int) -> None:
    rng = random.Random(seed)
    names = [f"step{number}" for number in range(count)]
    boxes = {
        name: Box(
            rng.choice([120.0, 196.0, 300.0]), rng.choice([30.0, 80.0, 150.0]),
            [(rng.choice(names), 20.0 + 30 * index) for index in range(rng.randrange(4))],
        )
        for name in names
    }  # fmt: skip
    layout = lay_out(boxes, names[0])
    placed = boxes_of(layout, boxes)
    assert len(placed) == count
    assert not any(overlap(one, other) for one, other in itertools.combinations(placed, 2))
    for left, top, right, bottom in placed:
        assert left >= 0
        assert top >= 0
        assert right <= layout.width
        assert bottom <= layout.height
    drawn = {(line.source, line.out) for line in layout.lines if line.out >= 0}
    assert drawn == {(name, index) for name, box in boxes.items() for index in range(len(box.outs))}
    for line in layout.lines:
        straight = line.points if line.back else line.points[:2]
        for begin, end in itertools.pairwise(straight):
            assert not any(crosses(begin, end, box) for box in placed), line
        if not line.back:
            (_, bend), (_, end_y) = line.points[1:]
            assert not any(top < end_y and bend < bottom for _, top, _, bottom in placed), "it bends between two layers"


def test_a_layer_is_no_wider_than_paper_is_readable() -> None:
    boxes = {"top": Box(100, 30, [(f"step{number}", 8.0 * number) for number in range(12)])}
    boxes |= {f"step{number}": Box(196, 60) for number in range(12)}
    tops = sorted(y for _, y in lay_out(boxes, "top").places.values())
    layers = [len(list(row)) for _, row in itertools.groupby(tops)]
    assert layers == [1, 3, 3, 3, 3]
    assert WIDEST < 4 * 196, "or a layer of four would be right"


def test_lines_that_lead_back_have_lanes_of_their_own() -> None:
    boxes = {name: Box(100, 50, [(f"step{int(name[4:]) + 1}", 50.0)]) for name in ("step0", "step1", "step2")}
    boxes["step3"] = Box(100, 50, [("step0", 20.0), ("step1", 50.0), ("step2", 80.0)])
    back = [line.points for line in lay_out(boxes, "step0").lines if line.back]
    assert len(back) == 3
    assert len({points[2][0] for points in back}) == 3, "upright"
    assert len({points[1][1] for points in back}) == 3, "level, where they leave"


def test_the_same_boxes_are_laid_out_the_same() -> None:
    boxes = {name: Box(100, 50, [(other, 50.0) for other in "abcd" if other > name]) for name in "abcd"}
    assert lay_out(boxes, "a") == lay_out(boxes, "a")


@given(st.text(max_size=80), st.integers(60, 300), st.integers(1, 6))
def test_wrapped_text_fits_its_room(text: str, room: int, most: int) -> None:
    lines = wrapped(text, 13, room, most)
    assert len(lines) <= most
    assert all(width(line, 13) <= room for line in lines)


def test_chinese_breaks_anywhere_but_before_a_punctuation_mark() -> None:
    assert wrapped("一二三四，五六", 10, 45, 9) == ["一二三", "四，五六"]
    assert wrapped("press 1 or wait", 10, 50, 9) == ["press 1", "or wait"]
    assert wrapped("一二三四五六七八", 10, 45, 1) == ["一二三…"]
