"""The same ticket again: done again (退回重办), filled in again (退回重填), or reopened by its resident (重开)."""

from __future__ import annotations

from dispatch import desk_work, limits, offers, tickets
from dispatch.errors import BadInput, TicketNotOpen
from dispatch.tables import Ticket
from dispatch.tickets import Watch
from foundation.text import one_line
from foundation.writer import Work

KEPT = ("cancelled", "joined")
"""Outcomes after which there was no work that could be done again."""


def redo(w: Work, ticket: Ticket, why: str) -> None:
    """The locked ticket's work was not right: next round, whoever did it first in turn."""
    provider_id = ticket.assigned_provider_id
    _next_round(w, ticket)
    w.log("ticket.redo", ticket_id=ticket.id, audience="resident", round=ticket.round, provider=provider_id, why=why)
    _again(w, ticket, provider_id)


def refill(w: Work, ticket: Ticket, why: str) -> None:
    """The locked ticket's record was wrong: back to registration, to be corrected by an operator."""
    _next_round(w, ticket)
    w.log("ticket.refill", ticket_id=ticket.id, round=ticket.round, why=why)
    _register(w, ticket)


def reopen(w: Work, ticket_id: int, reason: str) -> None:
    """The resident says that it is not settled, within thirty days of its close: the same ticket, next round.

    Raises `TicketNotOpen` after that, and `BadInput` without a reason or where there was nothing to do again.
    """
    ticket = tickets.locked(w.session, ticket_id)
    reason = one_line(reason, 400)
    if ticket.state == "archived" or ticket.closed_at is None or w.now >= ticket.closed_at + limits.ARCHIVE:
        raise TicketNotOpen(
            f"工单 {ticket.number} 已归档或未办结，请另立新单",
            f"ticket {ticket.number} can be reopened for 30 days after it is closed; open a new one",
        )
    if not reason or ticket.kind == "emergency" or ticket.outcome in KEPT:
        raise BadInput("重开需要原因，且只限已办理的工单", "reopening needs a reason, and a matter that was handled")
    provider_id, kept = ticket.assigned_provider_id, ticket.outcome
    _next_round(w, ticket)
    ticket.outcome = ticket.closed_at = None
    _register(w, ticket)
    w.log("ticket.reopened", ticket_id=ticket.id, audience="resident", round=ticket.round, reason=reason, outcome=kept,
          provider=provider_id)  # fmt: skip
    if ticket.dispatched_at is not None and kept != "unmet":
        _again(w, ticket, provider_id)


def _next_round(w: Work, ticket: Ticket) -> None:
    offers.release(w, ticket)
    tickets.new_round(w, ticket)


def _register(w: Work, ticket: Ticket) -> None:
    watch = Watch.within("ticket.registered", limits.REGISTERED, w.now)
    tickets.change_state(w, ticket, "registered", "desk", watch)


def _again(w: Work, ticket: Ticket, provider_id: int | None) -> None:
    if ticket.kind != "service_request" or (provider_id is None and ticket.desk is not None):
        desk_work.again(w, ticket)
    elif provider_id is not None:
        offers.offer_again(w, ticket, provider_id)
    else:
        offers.offer_next(w, ticket.id)
