"""The page on files names every column of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from callcenter.files.exports import EXPORTS
from callcenter.files.kinds import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "files.md").read_text("utf-8")


@pytest.mark.parametrize("name", [*KINDS, *EXPORTS])
def test_every_column_is_documented(name: str) -> None:
    about = PAGE.split(f" `{name}`\n", 1)[1].split("\n### ", 1)[0]
    columns = KINDS[name].columns if name in KINDS else EXPORTS[name].columns
    assert [c.key for c in columns if f"`{c.key}`" not in about or c.zh not in about] == []


@pytest.mark.parametrize("name", list(KINDS))
def test_no_two_columns_of_a_kind_share_a_name(name: str) -> None:
    names = [told for c in KINDS[name].columns for told in {c.key, c.zh, *c.also}]
    assert len(names) == len(set(names))
