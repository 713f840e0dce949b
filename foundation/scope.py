"""How far somebody sees: a set of divisions, said by the beginnings of their codes.

A division code grows from the city to the grid (4 digits city, 6 district, 9 street, 12 community, 14 or 15 grid), so
whoever sees a division sees every code that begins with its own. A row of no known place (an empty or missing code: a
call from an unknown line) is seen by `EVERYWHERE`, and by those who are to see `unplaced` rows: whoever takes calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlalchemy.orm import InstrumentedAttribute


@dataclass(frozen=True)
class Scope:
    """The divisions somebody sees, as prefixes of division codes, each only once and none inside another.

    No prefix at all sees no place; the empty prefix sees everything. Make it with `scope_of`, which keeps it so.
    """

    prefixes: tuple[str, ...]
    unplaced: bool = False

    @property
    def everywhere(self) -> bool:
        """Whether nothing is out of sight."""
        return "" in self.prefixes

    def covers(self, code: str | None) -> bool:
        """Whether the division `code` (of any level) lies inside; no code at all is no known place."""
        if self.everywhere:
            return True
        return any(code.startswith(prefix) for prefix in self.prefixes) if code else self.unplaced

    def where(self, column: ColumnElement[Any] | InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """The same as `covers`, as a condition on a column of codes: ranges of it, which an index serves."""
        if self.everywhere:
            return true()
        ranges = [_from_to(column, prefix) for prefix in self.prefixes]
        if self.unplaced:
            ranges.append(or_(column.is_(None), column == ""))
        return or_(*ranges) if ranges else false()

    def within(self, other: Scope) -> Scope:
        """What both see."""
        mine = [p for p in self.prefixes if any(p.startswith(o) for o in other.prefixes)]
        theirs = [o for o in other.prefixes if any(o.startswith(p) for p in self.prefixes)]
        unplaced = all(scope.everywhere or scope.unplaced for scope in (self, other))
        return scope_of(mine + theirs, unplaced=unplaced)

    def joined(self, other: Scope) -> Scope:
        """What at least one of them sees."""
        return scope_of(self.prefixes + other.prefixes, unplaced=self.unplaced or other.unplaced)


def scope_of(codes: Iterable[str], *, unplaced: bool = False) -> Scope:
    """The scope of these divisions. Raises ValueError for a code that is not digits."""
    kept: list[str] = []
    for code in sorted(set(codes)):  # a prefix sorts before everything that begins with it
        if code and not (code.isascii() and code.isdigit()):
            raise ValueError(f"{code[:20]!r} is no division code: it must be digits")
        if not (kept and code.startswith(kept[-1])):
            kept.append(code)
    return Scope(tuple(kept), unplaced)


EVERYWHERE = Scope(("",))
NOWHERE = Scope(())


def _from_to(column: ColumnElement[Any] | InstrumentedAttribute[Any], prefix: str) -> ColumnElement[bool]:
    """Codes that begin with `prefix`: from it up to the next number of its length. Digits sort alike everywhere."""
    if set(prefix) == {"9"}:
        return column >= prefix  # nothing made of digits comes after
    return and_(column >= prefix, column < str(int(prefix) + 1).zfill(len(prefix)))
