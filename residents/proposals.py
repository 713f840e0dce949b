"""Corrections heard on a call: proposed to the community that keeps the record, which confirms or rejects them.

Nothing changes until then (多口重复采集: the keeper decides). A proposal whose field was changed meanwhile is stale:
confirming it changes nothing and says so, since neither the old nor the new value may be right any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.numbers import NumberPlan
from foundation.scope import EVERYWHERE, Scope
from foundation.text import one_line
from foundation.writer import Work
from residents import fields, records
from residents.errors import FieldInvalid, NoSuch, ProposalDecided, ProposalStale
from residents.provenance import Source
from residents.record_tables import Proposal
from residents.tables import Contact, Device, Home, HomeMember, Person

PROPOSED = {**records.EDITED, "home": tuple(name for name in records.EDITED["home"] if name != "division_code")}
"""What may be corrected on a call: what its keeper edits. Consent has its own way (`consents.py`)."""

_TABLES: dict[str, type[Home] | type[Person] | type[Contact] | type[Device]] = {
    "home": Home, "person": Person, "contact": Contact, "device": Device,
}  # fmt: skip
_RULES = {"home": fields.HOME, "person": fields.PERSON, "contact": fields.CONTACT, "device": fields.DEVICE}
MOST_SHOWN = 100
MOST_OPEN_OF_RECORD = 20


@dataclass(frozen=True)
class ProposalView:
    """A proposal beside what stands in the record now; `name` says whose record it is."""

    proposal: Proposal
    name: str
    address: str
    now: Any

    @property
    def stale(self) -> bool:
        """Whether the value was changed after the correction was proposed."""
        return self.proposal.state == "stale" or (self.proposal.state == "open" and self.now != self.proposal.old_value)


def propose(
    work: Work, subject: str, row_id: int, field: str, value: Any, plan: NumberPlan, *, said_by: str,
    arrival_id: int | None = None,
) -> int:  # fmt: skip
    """`said_by` says that a field is otherwise; returns the proposal's id. The same said again is the same proposal.

    Raises `FieldInvalid` for a value out of bounds, or one that stands there already.
    """
    said_by = one_line(said_by, 60)
    if field not in PROPOSED.get(subject, ()):
        raise FieldInvalid(field[:40], "这一项不能在电话里更正", "cannot be corrected on a call")
    if not said_by:
        raise FieldInvalid("said_by", "须写明是谁说的", "must say who said it")
    new = fields.check({field: value}, _RULES[subject], plan)[field]
    row = _row(work.session, subject, row_id)
    old = getattr(row, field)
    if new == old:
        raise FieldInvalid(field, "与现在的内容相同", "is what stands there already")
    waiting = list(work.session.scalars(_open(subject, row_id)))
    for other in waiting:
        if other.field == field and other.new_value == new and other.old_value == old:
            return int(other.id)
    if len(waiting) >= MOST_OPEN_OF_RECORD:
        raise FieldInvalid(
            field, "这条记录已有太多更正待确认", "has too many corrections waiting: have some decided first"
        )
    proposal = Proposal(
        subject=subject, row_id=row_id, home_id=_home_of(work.session, subject, row), field=field, old_value=old,
        new_value=new, said_by=said_by, arrival_id=arrival_id, state="open", proposed_at=work.now,
        proposed_by=work.actor, decision_note="",
    )  # fmt: skip
    work.session.add(proposal)
    work.session.flush()
    work.log("proposal.made", arrival_id=arrival_id, proposal_id=proposal.id, subject=subject, row_id=row_id,
             field=field)  # fmt: skip
    return proposal.id


def confirm(work: Work, proposal_id: int, plan: NumberPlan, note: str = "") -> bool:
    """The keeper finds it right: the record changes. False when it is stale: then nothing changed but its state.

    Raises `ProposalDecided` when somebody decided before.
    """
    proposal = _undecided(work.session, proposal_id)
    row = _row(work.session, proposal.subject, proposal.row_id, gone_as_none=True)
    if row is None or getattr(row, proposal.field) != proposal.old_value:
        _decide(work, proposal, "stale", note)
        return False
    records.change(
        work, proposal.subject, proposal.row_id, {proposal.field: proposal.new_value}, plan, expected=row.revision,
        source=Source("call"),
    )  # fmt: skip
    _decide(work, proposal, "confirmed", note)
    return True


def reject(work: Work, proposal_id: int, note: str) -> None:
    """The keeper finds it wrong and says why. Raises `ProposalDecided`."""
    note = one_line(note, 200)
    if not note:
        raise FieldInvalid("note", "须写明不采纳的理由", "must say why it is not accepted")
    _decide(work, _undecided(work.session, proposal_id), "rejected", note)


def shown(session: Session, scope: Scope = EVERYWHERE, *, decided: bool = False) -> list[ProposalView]:
    """Proposals in sight: those that wait, the oldest first; or those decided, the newest first."""
    rows = select(Proposal, Home).outerjoin(Home, Home.id == Proposal.home_id).where(scope.where(Home.division_code))
    if decided:
        rows = rows.where(Proposal.state != "open").order_by(Proposal.decided_at.desc(), Proposal.id.desc())
    else:
        rows = rows.where(Proposal.state == "open").order_by(Proposal.id)
    return [_view(session, proposal, home) for proposal, home in session.execute(rows.limit(MOST_SHOWN))]


def of_home(session: Session, home_id: int) -> list[ProposalView]:
    """What waits about one home and those who live there."""
    rows = select(Proposal, Home).join(Home, Home.id == Proposal.home_id)
    waiting = rows.where(Proposal.home_id == home_id, Proposal.state == "open").order_by(Proposal.id)
    return [_view(session, proposal, home) for proposal, home in session.execute(waiting.limit(MOST_SHOWN))]


def division_of(session: Session, proposal_id: int) -> str | None:
    """The division of the home a proposal is about, empty when it has none; None when there is no such proposal."""
    found = session.execute(
        select(Proposal.id, Home.division_code)
        .outerjoin(Home, Home.id == Proposal.home_id)
        .where(Proposal.id == proposal_id)
    ).first()
    return None if found is None else found[1] or ""


def _view(session: Session, proposal: Proposal, home: Home | None) -> ProposalView:
    row = _row(session, proposal.subject, proposal.row_id, gone_as_none=True)
    name = getattr(row, "name", "") or getattr(row, "code", "")
    return ProposalView(
        proposal, name, home.address if home else "", getattr(row, proposal.field) if row is not None else None
    )


def _decide(work: Work, proposal: Proposal, state: str, note: str) -> None:
    proposal.state, proposal.decided_at, proposal.decided_by = state, work.now, work.actor
    proposal.decision_note = one_line(note, 200)
    work.session.flush()
    work.log(f"proposal.{state}", arrival_id=proposal.arrival_id, proposal_id=proposal.id, subject=proposal.subject,
             row_id=proposal.row_id, field=proposal.field)  # fmt: skip


def _undecided(session: Session, proposal_id: int) -> Proposal:
    row = session.get(Proposal, proposal_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NoSuch("proposal", proposal_id)
    if row.state == "stale":
        raise ProposalStale(proposal_id)
    if row.state != "open":
        raise ProposalDecided(proposal_id, row.state)
    return row


def _open(subject: str, row_id: int) -> Any:
    return select(Proposal).where(Proposal.subject == subject, Proposal.row_id == row_id, Proposal.state == "open")


def _row(session: Session, subject: str, row_id: int, *, gone_as_none: bool = False) -> Any:
    row = session.get(_TABLES[subject], row_id)
    if row is None and not gone_as_none:
        raise NoSuch(subject, row_id)
    return row


def _home_of(session: Session, subject: str, row: Any) -> int | None:
    if subject == "home":
        return int(row.id)
    if subject == "person":
        lives = select(HomeMember.home_id).where(HomeMember.person_id == row.id).order_by(HomeMember.home_id)
        return session.scalar(lives.limit(1))
    return int(row.home_id)
