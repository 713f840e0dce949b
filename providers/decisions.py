"""Decisions about a provider that take two people (两人决定): one proposes, another carries or refuses it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.text import one_line
from foundation.writer import Work
from providers import ledger, states
from providers.admission_tables import DECISIONS
from providers.errors import BadProvider, NotYet, SecondPersonNeeded
from providers.tables import ProviderDecision


def propose(w: Work, provider_id: int, decision: str, reason: str, until: datetime | None = None) -> int:
    """The first of two people proposes to expel or blacklist; the decision's id. `until`: a blacklisting's end."""
    provider = ledger.locked(w.session, provider_id)
    _person(w.actor)
    reason = in_words(reason)
    if decision not in DECISIONS or (decision == "blacklisted") != (until is not None) or (until and until <= w.now):
        raise BadProvider(
            "黑名单须有今后的期限，解除没有", "a blacklisting needs an end that is to come, and only it has one"
        )
    states.check(provider.state, decision)
    if open_decision(w.session, provider_id) is not None:
        raise NotYet("已有一项待决定的提议", f"a decision about {provider.name} is open already")
    row = ProviderDecision(
        provider_id=provider_id, decision=decision, state="open", reason=reason, until=until, proposed_by=w.actor,
        proposed_at=w.now,
    )  # fmt: skip
    w.session.add(row)
    w.session.flush()
    ledger.write(w, provider_id, "decision_proposed", decision=decision, reason=reason, until=until)
    return row.id


def decide(w: Work, decision_id: int, *, carried: bool, reason: str = "") -> ProviderDecision:
    """The second person carries the proposal, or anybody refuses it. Raises `SecondPersonNeeded`."""
    row = w.session.get(ProviderDecision, decision_id, populate_existing=True)
    if row is None or row.state != "open":
        raise BadProvider("没有待决定的提议", f"there is no open decision {decision_id}")
    provider = ledger.locked(w.session, row.provider_id)
    _person(w.actor)
    if carried:
        second_person(w.actor, row.proposed_by)
    row.state = "carried" if carried else "refused"
    row.decided_by, row.decided_at = w.actor, w.now
    w.session.flush()
    if carried:
        ledger.step(w, provider, row.decision, row.reason, row.until, proposed_by=row.proposed_by, decided_by=w.actor)
    else:
        ledger.write(w, provider.id, "decision_refused", decision=row.decision, reason=one_line(reason, 200))
    return row


def open_decision(session: Session, provider_id: int) -> ProviderDecision | None:
    """The proposal that waits for its second person."""
    found = select(ProviderDecision).where(
        ProviderDecision.provider_id == provider_id, ProviderDecision.state == "open"
    )
    return session.scalar(found)


def second_person(actor: str, first: str) -> None:
    """Raises `SecondPersonNeeded` unless `actor` is a person, and another one than `first`."""
    _person(actor)
    if actor == first:
        raise SecondPersonNeeded("须由另一人签字或决定", f"{first} was the first: another person must be the second")


def _person(actor: str) -> None:
    if not actor.startswith("user:"):
        raise SecondPersonNeeded("须由登录的人员决定", f"{actor} is no person who signed in")


def in_words(reason: str) -> str:
    """A reason as it is kept. Raises `BadProvider` when there is none."""
    reason = one_line(reason, 200)
    if not reason:
        raise BadProvider("需要写明原因", "this needs a reason")
    return reason
