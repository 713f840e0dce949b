"""How a moment is written down: in the one text form that every row before it has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from foundation.tables import Instant

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.one_of(st.just(UTC), ZONES))  # noqa: DTZ001


@given(MOMENTS)
def test_a_moment_is_kept_as_sqlalchemy_would_write_it(moment: datetime) -> None:
    dialect = sqlite.dialect()
    ours = Instant().dialect_impl(dialect).bind_processor(dialect)
    theirs = sqlite.DATETIME().bind_processor(dialect)
    assert ours is not None
    assert ours(moment) == theirs(moment.astimezone(UTC).replace(tzinfo=None))
    read = Instant().dialect_impl(dialect).result_processor(dialect, None)
    assert read is not None
    assert read(ours(moment)) == moment


def test_a_moment_without_a_zone_is_refused_and_none_is_none() -> None:
    dialect = sqlite.dialect()
    ours = Instant().dialect_impl(dialect).bind_processor(dialect)
    assert ours is not None
    assert ours(None) is None
    with pytest.raises(ValueError, match="zone"):
        ours(datetime(2026, 11, 23))  # noqa: DTZ001
