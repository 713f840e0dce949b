"""The event log: each change and its event are one transaction, and listeners hear only what was committed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Happened:
    """One committed event, as live pages and the bridge hear it.

    `kind` is dotted and in the past tense (`arrival.recorded`, `offer.accepted`). `audience` says who may read it:
    `staff`, `provider` or `resident` (a resident's is open to all three). `seen` is what the command knows of it beyond
    that, for listeners who then need not read it; it is stored nowhere.
    """

    kind: str
    at: datetime
    actor: str
    audience: str = "staff"
    ticket_id: int | None = None
    arrival_id: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    seen: object = field(default=None, compare=False, repr=False)
