"""Complaints (投诉): against a provider, a desk or anything else; decided as founded (属实) or not, with a category.

What a founded complaint does to a provider is `dispatch.sanctions`.
"""

from __future__ import annotations

from dataclasses import replace

from dispatch import registration, sanctions, tickets
from dispatch.complaint_tables import CATEGORIES, Complaint
from dispatch.errors import BadInput, missing
from dispatch.registration import NewMatter
from dispatch.tables import Ticket
from foundation.numbers import NumberPlan
from foundation.text import clean
from foundation.writer import Work
from providers.tables import Provider


def open_complaint(
    w: Work, new: NewMatter, provider_id: int | None = None, about_id: int | None = None,
    plan: NumberPlan | None = None,
) -> int:  # fmt: skip
    """Register a complaint; its ticket's id. `about_id` is the ticket it is about: its provider is meant, if none is
    named."""
    about = w.session.get(Ticket, about_id) if about_id is not None else None
    if about_id is not None and about is None:
        raise missing("工单", "ticket", about_id)
    if provider_id is None and about is not None:
        provider_id = about.assigned_provider_id
    if provider_id is not None and w.session.get(Provider, provider_id) is None:
        raise missing("加盟企业", "provider", provider_id)
    ticket_id = registration.register(w, replace(new, kind="complaint"), plan)
    w.session.add(Complaint(ticket_id=ticket_id, provider_id=provider_id, about_id=about_id, reason=""))
    w.session.flush()
    w.log("complaint.opened", ticket_id=ticket_id, provider=provider_id, about=about_id)
    return ticket_id


def decide(w: Work, ticket_id: int, *, founded: bool, category: str, reason: str) -> None:
    """Say whether the complaint is true, of which category, and why. A later decision replaces the former."""
    ticket = tickets.locked(w.session, ticket_id)
    row = w.session.get(Complaint, ticket_id)
    reason = clean(reason, 400)
    if row is None:
        raise BadInput("该工单不是投诉", f"ticket {ticket.number} is no complaint")
    if category not in CATEGORIES or not reason:
        raise BadInput("需要类别和理由", f"a decision needs a reason and a category of {', '.join(CATEGORIES)}")
    was = row.founded
    row.founded, row.category, row.reason = founded, category, reason
    row.decided_at, row.decided_by = w.now, w.actor
    w.session.flush()
    w.log("complaint.founded" if founded else "complaint.unfounded", ticket_id=ticket_id, provider=row.provider_id,
          category=category, reason=reason)  # fmt: skip
    if row.provider_id is None:
        return
    if founded:
        sanctions.complaint_founded(
            w, complaint_id=ticket_id, provider_id=row.provider_id, category=category, order_id=row.about_id
        )
    elif was:
        sanctions.complaint_withdrawn(w, ticket_id)
