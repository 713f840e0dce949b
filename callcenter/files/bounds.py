"""How much of a file is read, and what is said of one that cannot be."""

from __future__ import annotations

MOST_BYTES = 8 * 2**20
"""A file of 20,000 rows with 400 bytes each; larger ones are split by whoever has them."""
MOST_ROWS = 20_000
"""The elders of a city's district with a one-touch telephone. A file of so many is checked in seconds."""
MOST_COLUMNS = 100
MOST_CELL = 32_767
"""What a spreadsheet itself holds in one cell."""
MOST_UNPACKED = 64 * 2**20
"""Bytes that the parts of a workbook may have when they are unpacked."""
MOST_PARTS = 500
MOST_RATIO = 200
"""How much larger than packed; sheets of real tables are 5 to 20 times."""


class Unreadable(Exception):
    """The file as a whole cannot be read; `row` is where it shows, 0 when nowhere."""

    def __init__(self, zh: str, en: str, *, row: int = 0, value: str = "") -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en
        self.row = row
        self.value = value
