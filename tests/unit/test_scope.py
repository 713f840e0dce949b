"""What a scope must keep: prefixes cover what begins with them, in Python and in the database alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select

from foundation.scope import EVERYWHERE, NOWHERE, Scope, scope_of

CODES = st.one_of(
    st.just(""),
    st.from_regex(r"[0189]{1,4}", fullmatch=True),
    st.sampled_from(["3302", "330203", "330203001", "330203001001", "33020300100101", "330212", "3301"]),
)
SCOPES = st.builds(
    lambda codes, unplaced: scope_of(codes, unplaced=unplaced), st.lists(CODES, max_size=5), st.booleans()
)


@given(SCOPES, SCOPES, CODES)
def test_what_two_scopes_share_is_what_both_cover(one: Scope, other: Scope, code: str) -> None:
    assert one.within(other).covers(code) == (one.covers(code) and other.covers(code))


@given(SCOPES, SCOPES, CODES)
def test_two_scopes_joined_cover_what_either_covers(one: Scope, other: Scope, code: str) -> None:
    assert one.joined(other).covers(code) == (one.covers(code) or other.covers(code))


@given(SCOPES, CODES.filter(bool), CODES)
def test_who_sees_a_division_sees_all_below_it(scope: Scope, code: str, below: str) -> None:
    if scope.covers(code):
        assert scope.covers(code + below)


@given(st.lists(CODES, max_size=5))
def test_a_scope_holds_no_division_twice(codes: list[str]) -> None:
    prefixes = scope_of(codes).prefixes
    assert not any(a != b and a.startswith(b) for a in prefixes for b in prefixes)
    assert all(scope_of(codes).covers(code) for code in codes if code)


@given(SCOPES, st.lists(st.one_of(st.none(), CODES), max_size=12))
def test_the_database_and_python_agree_on_what_is_covered(scope: Scope, codes: list[str | None]) -> None:
    table = Table("places", MetaData(), Column("id", Integer, primary_key=True), Column("code", String(15)))
    engine = create_engine("sqlite://")
    table.metadata.create_all(engine)
    with engine.connect() as connection:
        if codes:
            connection.execute(insert(table), [{"code": code} for code in codes])
        found = connection.execute(select(table.c.code).where(scope.where(table.c.code)).order_by(table.c.id))
        assert list(found.scalars()) == [code for code in codes if scope.covers(code)]
    engine.dispose()


@pytest.mark.parametrize("code", ["330203", "3302", "330299", "999", "330209", "000"])
def test_the_division_after_one_and_the_one_before_are_not_in_its_range(code: str) -> None:
    table = Table("places", MetaData(), Column("code", String(15)))
    engine = create_engine("sqlite://")
    table.metadata.create_all(engine)
    number, length = int(code), len(code)
    near = [str(n).zfill(length) for n in (number - 2, number - 1, number, number + 1, number + 2) if n >= 0]
    there = [*near, *(one + "001" for one in near), *(one + "999" for one in near), code[:-1]]
    with engine.connect() as connection:
        connection.execute(insert(table), [{"code": one} for one in there])
        found = connection.execute(select(table.c.code).where(scope_of([code]).where(table.c.code))).scalars()
        assert sorted(found) == [code, code + "001", code + "999"]
    engine.dispose()


def test_everywhere_covers_even_what_has_no_place_and_nowhere_covers_nothing() -> None:
    assert all(EVERYWHERE.covers(code) for code in (None, "", "330203"))
    assert not any(NOWHERE.covers(code) for code in (None, "", "330203"))


def test_a_scope_is_made_of_digits_only() -> None:
    with pytest.raises(ValueError, match="no division code"):
        scope_of(["330203%"])
