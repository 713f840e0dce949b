"""The picture of the states is the one that the tables give, and shows each of their transitions."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from callcenter.cli import main
from dispatch import state_drawing, states

PICTURE = Path(__file__).parents[2] / "docs" / "states.svg"


def test_the_picture_in_docs_is_what_the_tables_say() -> None:
    assert PICTURE.read_text("utf-8") == state_drawing.draw(), "draw it anew: callcenter states --to docs/states.svg"


def test_each_state_and_each_transition_stands_in_the_picture() -> None:
    boxes = re.findall(r'<g class="step.*?</g>', state_drawing.draw(), re.DOTALL)
    drawn = [
        (re.search(r'class="kind-en"[^>]*>(\w+)<', box), tuple(re.findall(r'class="tab-zh"[^>]*>([^<]+)<', box)))
        for box in boxes
    ]
    found = sorted((name[1], tuple(sorted(tabs))) for name, tabs in drawn if name)
    tables = {tuple(sorted((str(state), tuple(sorted(after))) for state, after in table.items())): table
              for table in states.TRANSITIONS.values()}  # fmt: skip
    wanted = sorted(
        (state, tuple(sorted(states.ZH[name] for name in following)))
        for table in tables.values()
        for state, following in table.items()
        if state is not None
    )
    assert found == wanted


def test_a_transition_more_is_another_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    before = state_drawing.draw()
    table = dict(states.TRANSITIONS["emergency"])
    table["closed"] = frozenset({"archived", "raised"})
    monkeypatch.setattr(states, "TRANSITIONS", {**states.TRANSITIONS, "emergency": table})
    assert state_drawing.draw() != before


def test_it_is_well_formed_and_needs_nothing_from_elsewhere() -> None:
    picture = state_drawing.draw()
    ElementTree.fromstring(picture)
    assert "href" not in picture
    assert picture == state_drawing.draw()


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["states", "--to", str(tmp_path / "x.svg")]) == 0
    assert (tmp_path / "x.svg").read_text("utf-8") == state_drawing.draw()
    assert main(["states"]) == 0
    assert "已转办" in capsys.readouterr().out
