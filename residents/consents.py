"""Consent: who gave it or took it back, when, how, and to whom. All that was said stays; the person says what holds.

An emergency needs none (个人信息保护法 13(4)); texts, a position told to relatives, and sharing data with others do.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.text import one_line
from foundation.writer import Work
from residents.errors import FieldInvalid, NoSuch
from residents.record_tables import CONSENT_KINDS, WAYS, Consent
from residents.tables import Person


def record(work: Work, person_id: int, kind: str, *, given: bool, said_by: str, how: str, named: str = "") -> int:
    """`said_by` (the person or a guardian) gives or withdraws a consent; returns the row's id.

    `named` are those to whom it is given; a position may be told to named relatives only.
    """
    person = work.session.get(Person, person_id)
    if person is None:
        raise NoSuch("person", person_id)
    said_by, named = one_line(said_by, 60), one_line(named, 200)
    if kind not in CONSENT_KINDS:
        raise FieldInvalid("kind", "不是已知的同意种类", f"must be one of {', '.join(CONSENT_KINDS)}")
    if how not in WAYS:
        raise FieldInvalid("how", "不是已知的方式", f"must be one of {', '.join(WAYS)}")
    if not said_by:
        raise FieldInvalid("said_by", "须写明是谁说的", "must say who said it")
    setattr(person, f"consent_{kind}", given)
    person.changed_at = work.now
    person.revision += 1
    return write(work, person_id, kind, given=given, said_by=said_by, how=how, named=named)


def write(work: Work, person_id: int, kind: str, *, given: bool, said_by: str, how: str, named: str = "") -> int:
    """Keep the record of a consent that stands in the person's columns already."""
    row = Consent(person_id=person_id, kind=kind, given=given, said_by=said_by, how=how, named=named, at=work.now,
                  recorded_by=work.actor)  # fmt: skip
    work.session.add(row)
    work.session.flush()
    work.log("consent.given" if given else "consent.withdrawn", person_id=person_id, consent=kind, how=how)
    return row.id


def of_person(session: Session, person_id: int) -> list[Consent]:
    """All that was said, the newest first."""
    return list(session.scalars(select(Consent).where(Consent.person_id == person_id).order_by(Consent.id.desc())))
