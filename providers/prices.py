"""The reference price of an item (参考价): a band from what firms quote and what was really charged. Pure.

From ten charges on it is their middle half; with fewer it is the middle of the quoted ranges. Free services and
prices by agreement are no quotes. The band is there to be reviewed with firms, callers and cadres: it binds nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

LEAST_CHARGES = 10


@dataclass(frozen=True)
class Band:
    """Yuan, whole; None where nothing is known. `quotes` and `charges` say of how many."""

    low: int | None
    high: int | None
    quotes: int
    quoted_low: int | None
    quoted_high: int | None
    charges: int
    charged_low: int | None
    charged_high: int | None


def band(quoted: Sequence[tuple[int, int]], charged: Sequence[int]) -> Band:
    """The band of one item: `quoted` are ranges (low, high), `charged` what was paid, both in yuan."""
    quotes = [(low, high) for low, high in quoted if high > 0]
    charges = sorted(yuan for yuan in charged if yuan > 0)
    quoted_low = round(median(low for low, _ in quotes)) if quotes else None
    quoted_high = round(median(high for _, high in quotes)) if quotes else None
    charged_low = quantile(charges, 0.25) if charges else None
    charged_high = quantile(charges, 0.75) if charges else None
    enough = len(charges) >= LEAST_CHARGES
    return Band(
        low=charged_low if enough else quoted_low, high=charged_high if enough else quoted_high,
        quotes=len(quotes), quoted_low=quoted_low, quoted_high=quoted_high,
        charges=len(charges), charged_low=charged_low, charged_high=charged_high,
    )  # fmt: skip


def outside(low: int | None, high: int | None, of: Band) -> str | None:
    """Whether a quoted range lies wholly `above` or `below` the band; None when it does not, or nothing is known."""
    if low is None or high is None or of.low is None or of.high is None or high == 0:
        return None
    if low > of.high:
        return "above"
    return "below" if high < of.low else None


def quantile(ordered: Sequence[int], share: float) -> int:
    """The value below which `share` of the sorted, non-empty `ordered` lie: the nearest one that was really there."""
    return ordered[min(round(share * (len(ordered) - 1)), len(ordered) - 1)]
