"""The JSON Schema for editors: takes what is shipped, refuses what the reader refuses, and nothing more."""

from typing import Any

import fastjsonschema
import pytest

from ivr_flows.document import parse
from ivr_flows.kinds.values import Raw
from ivr_flows.loading import sources
from ivr_flows.model import FlowError
from ivr_flows.reading import read_flow
from ivr_flows.schema import schema
from tests.unit.test_flow_broken import BROKEN, changed

FLOWS = {name: text for name, text in sources().items() if name != "calendars.yaml"}
STRUCTURE = {
    "unknown_key",
    "missing_key",
    "bad_title",
    "flow_kind",
    "step_kind",
    "missing_edge",
    "missing_option",
    "bad_value",
}


def as_an_editor_sees(raw: Raw) -> Any:
    """YAML 1.2's own types: whole numbers are numbers, the rest is text."""
    if isinstance(raw, dict):
        return {key: as_an_editor_sees(value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [as_an_editor_sees(value) for value in raw]
    return int(raw) if isinstance(raw, str) and raw.isascii() and raw.isdigit() else raw


@pytest.fixture(scope="module")
def valid() -> Any:
    return fastjsonschema.compile(schema(), use_formats=False)


@pytest.mark.parametrize("name", sorted(FLOWS))
def test_the_schema_takes_every_shipped_flow(name: str, valid: Any) -> None:
    valid(as_an_editor_sees(parse(FLOWS[name], name).plain()))


def test_the_schema_refuses_what_is_wrong_in_form_and_only_that(valid: Any) -> None:
    refused = 0
    for broken in BROKEN:
        try:
            text = changed(broken)[1]
            seen = as_an_editor_sees(parse(text, broken["file"]).plain())
        except FlowError:
            continue
        if broken["file"] == "calendars.yaml":
            continue
        try:
            valid(seen)
        except fastjsonschema.JsonSchemaValueException:
            refused += 1
            with pytest.raises(FlowError):
                read_flow(text, broken["file"])
        else:
            assert broken["code"] not in STRUCTURE, broken["why"]
    assert refused > 25
