"""Broken flows, each one small change of a shipped one: all are refused, for the right reason, at the right line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ivr_flows.check import errors, examine
from ivr_flows.loading import sources
from ivr_flows.prompts import prompts

SPOKEN = {prompt.name: ("zh", "en") for prompt in prompts()} | {"only-chinese": ("zh",)}
BROKEN: list[Mapping[str, Any]] = yaml.safe_load(Path(__file__).with_name("flow_broken.yaml").read_text("utf-8"))


def changed(broken: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """All the files with the change, and the changed one."""
    texts = {name: text.decode() for name, text in sources().items()}
    before = texts.get(broken["file"], "")
    new = broken["new"].replace("{big}", "x" * 262_144)
    texts[broken["file"]] = before.replace(broken["old"], new, 1) if broken["old"] else new
    assert texts[broken["file"]] != before
    return texts, texts[broken["file"]]


@pytest.mark.parametrize("broken", BROKEN, ids=[broken["why"] for broken in BROKEN])
def test_a_broken_flow_is_refused_with_its_reason_its_step_and_its_line(broken: Mapping[str, Any]) -> None:
    texts, text = changed(broken)

    _, findings = examine(texts, {}, SPOKEN)

    line = text[: text.index(broken["at"])].count("\n") + 1
    wanted = [found for found in errors(findings) if found.code == broken["code"] and found.step == broken["step"]]
    assert [(found.path, found.line) for found in wanted] == [(broken["file"], line)], findings
    assert broken["says"] in wanted[0].en
    assert any("一" <= letter <= "鿿" for letter in wanted[0].zh)
    assert {found.code for found in errors(findings)} <= {broken["code"], *broken.get("also", ())}, findings


def test_what_is_shipped_is_in_order() -> None:
    _, findings = examine(sources(), {}, SPOKEN)

    assert findings == []
