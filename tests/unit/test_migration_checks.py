"""A table's declaration with other CHECKs."""

from __future__ import annotations

import sqlite3

import pytest

from foundation.migrations.checks import with_checks

DECLARED = """CREATE TABLE t (
    a INTEGER NOT NULL,
    b VARCHAR(9), added INTEGER DEFAULT '0',
    CONSTRAINT pk_t PRIMARY KEY (a),
    CONSTRAINT ck_t_a CHECK (a IN (1, 2) AND (b <> ')')),
    CONSTRAINT ck_t_b CHECK (b <> '')
)"""


def _refuses(declared: str, values: str) -> bool:
    database = sqlite3.connect(":memory:")
    database.execute(declared)
    try:
        database.execute(f"INSERT INTO t VALUES {values}")
    except sqlite3.IntegrityError:
        return True
    finally:
        database.close()
    return False


def test_a_check_is_changed_added_and_dropped_and_the_others_stay() -> None:
    assert _refuses(DECLARED, "(3, 'x', 0)")
    changed = with_checks(DECLARED, {"ck_t_a": "a IN (1, 2, 3)", "ck_t_added": "added < 9", "ck_t_none": None})
    assert not _refuses(changed, "(3, ')', 0)")
    assert _refuses(changed, "(4, 'x', 0)")
    assert _refuses(changed, "(3, 'x', 9)")
    assert _refuses(changed, "(3, '', 0)")
    dropped = with_checks(changed, {"ck_t_a": None})
    assert not _refuses(dropped, "(4, 'x', 0)")
    assert _refuses(dropped, "(4, '', 0)")


def test_a_declaration_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="close"):
        with_checks("CREATE TABLE t (a INT, CONSTRAINT ck_t_a CHECK (a > (1)", {"ck_t_a": None})
