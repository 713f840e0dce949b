"""The bounds of residents' data: whatever comes in, it is kept within them or refused by the field's name."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.numbers import NumberPlan
from residents import fields, tables
from residents.errors import FieldInvalid

PLAN = NumberPlan()
TABLES: dict[str, tuple[dict[str, fields.Rule], Any]] = {
    "division": (fields.DIVISION, tables.Division),
    "home": (fields.HOME, tables.Home),
    "access": (fields.ACCESS, tables.HomeAccess),
    "person": (fields.PERSON, tables.Person),
    "member": (fields.MEMBER, tables.HomeMember),
    "contact": (fields.CONTACT, tables.Contact),
    "device": (fields.DEVICE, tables.Device),
    "medical": (fields.MEDICAL, tables.MedicalCard),
}
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.text()
    | st.text(alphabet="0123456789:-+,", max_size=30)
    | st.from_regex(r"[a-z]{0,20}[1-5]( [a-z]{1,20}[1-5])?", fullmatch=True)
    | st.sampled_from(["mandarin", "dedicated", "active", "community", "home-7", "330203", "zeng1", "08:00-20:00"])
)
anything = scalars | st.lists(scalars, max_size=25) | st.dictionaries(st.text(), scalars, max_size=3)


@pytest.mark.parametrize("name", TABLES)
@given(data=st.data())
def test_any_value_is_kept_within_the_columns_bounds_or_refused_by_name(name: str, data: st.DataObject) -> None:
    rules, table = TABLES[name]
    field = data.draw(st.sampled_from(sorted(rules)))
    value = data.draw(anything)
    refused_field = None
    try:
        kept = fields.check({field: value}, rules, PLAN)[field]
    except FieldInvalid as refused:
        refused_field = refused.details["field"]
    if refused_field is not None:
        assert refused_field == field
        return
    column = table.__table__.columns[field]
    assert kept is not None or column.nullable
    if isinstance(kept, str):
        assert len(kept) <= column.type.length
        kept.encode()
        assert "\x00" not in kept
    elif isinstance(kept, list):
        json.dumps(kept)
    elif kept is not None:
        assert type(kept) in (bool, int, float, date)
        assert type(kept) is column.type.python_type
    assert fields.check({field: kept}, rules, PLAN)[field] == kept


@pytest.mark.parametrize("name", TABLES)
def test_every_rule_belongs_to_a_column_and_an_unknown_field_is_refused(name: str) -> None:
    rules, table = TABLES[name]
    assert set(rules) <= set(table.__table__.columns.keys())
    for stranger in ("id", "version", "privacy", "created_at", "__class__", "x" * 500):
        with pytest.raises(FieldInvalid):
            fields.check({stranger: 1}, rules, PLAN)
