"""Where each field of a record came from: how it was learnt, who collected it, when, and for what.

Data is collected once: the next desk that needs it sees who has it already, and for which purpose it was given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from foundation.writer import Work
from residents.errors import FieldInvalid
from residents.record_tables import WAYS, FieldSource

PURPOSES = ("service", "rescue", "care", "statistics")
"""What resident data is collected for: to serve, to rescue, to care, to count."""


@dataclass(frozen=True)
class Source:
    """How fields were learnt (`record_tables.WAYS`) and what for (`PURPOSES`). Raises `FieldInvalid` for others."""

    way: str = "registry"
    purpose: str = "service"

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise FieldInvalid("way", "不是已知的采集方式", f"must be one of {', '.join(WAYS)}")
        if self.purpose not in PURPOSES:
            raise FieldInvalid("purpose", "不是已知的采集目的", f"must be one of {', '.join(PURPOSES)}")


REGISTRY = Source()


def note(work: Work, subject: str, row_id: int, fields: Iterable[str], source: Source) -> None:
    """These fields of the record were set just now, by this work's actor."""
    told = {"way": source.way, "by": work.actor, "at": work.now.isoformat(), "purpose": source.purpose}
    set_now = dict.fromkeys(sorted(fields), told)
    if not set_now:
        return
    row = work.session.get(FieldSource, (subject, row_id))
    if row is None:
        work.session.add(FieldSource(subject=subject, row_id=row_id, fields=set_now))
    else:
        row.fields = {**row.fields, **set_now}
    work.session.flush()


def of_record(session: Session, subject: str, row_id: int) -> dict[str, dict[str, str]]:
    """Field -> `{way, by, at, purpose}`; a field set before this was kept has none."""
    row = session.get(FieldSource, (subject, row_id))
    return dict(row.fields) if row is not None else {}
