"""Figures and the table they are written into: README.md, one section for each benchmark, between its own markers."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

README = Path(__file__).with_name("README.md")


@dataclass(frozen=True)
class Section:
    """What one benchmark has to say: a table, a line on how it was run, and whether its goals are met."""

    name: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...]
    met: bool


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Iterable[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def milliseconds(seconds: float) -> str:
    """A length of time, for the table."""
    return f"{seconds * 1000:.1f} ms"


def verdict(met: bool) -> str:
    """Whether a goal was met, for the table."""
    return "met" if met else "**missed**"


def machine(asterisk_version: str) -> str:
    """The machine in general words: what a reader needs in order to compare, and nothing that names it."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    usable = len(os.sched_getaffinity(0))
    return (
        f"{usable} cores ({platform.machine()}), {pages * page / 2**30:.0f} GiB of memory, "
        f"{platform.system()}, Python {platform.python_version()}, Asterisk {asterisk_version}"
    )


def write(section: Section, facts: str) -> None:
    """Put a section into README.md between its markers; the rest of the page stays as it is."""
    begin, end = f"<!-- {section.name}: written by the run -->", f"<!-- {section.name}: end -->"
    page = README.read_text(encoding="utf-8")
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(f"bench/README.md has no markers for {section.name}: {begin} … {end}")
    README.write_text(f"{before}{begin}\n{text(section, facts)}{end}{after}", encoding="utf-8")


def text(section: Section, facts: str) -> str:
    """A section as it stands in the page."""
    lines = ["", _row(section.heading), _row(["---"] * len(section.heading)), *map(_row, section.rows), ""]
    lines += [f"- {remark}" for remark in section.remarks]
    lines += [f"- Run on {datetime.now(UTC):%Y-%m-%d} on {facts}.", ""]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
