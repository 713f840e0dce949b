"""What can go wrong in dispatch, named after the business fact, with the words people get."""

from __future__ import annotations

from foundation.errors import Conflict, Invalid, NotFound


class UnknownTransition(Conflict):
    """A ticket was asked to go from one state to another that its table does not allow."""

    error_id = "unknown_transition"


class OfferAlreadyTaken(Conflict):
    """Another provider holds the order, or it is no longer to be had."""

    error_id = "offer_already_taken"


class AlarmNotConfirmed(Conflict):
    """An alarm may be closed as accidental only after a voice or a person at the door said so."""

    error_id = "alarm_not_confirmed"


class TicketNotOpen(Conflict):
    """The ticket is closed; nothing more can be done with it."""

    error_id = "ticket_not_open"


class AlreadyDisposed(Conflict):
    """The arrival already has its one disposition."""

    error_id = "already_disposed"


class NotYours(Conflict):
    """The rules do not leave this step to whoever asks for it: a return after a ruling, an extension of one's own."""

    error_id = "not_yours"


class PlanStands(Conflict):
    """A surge has no plan to do this with, or has one already."""

    error_id = "plan_stands"


class SeatTaken(Conflict):
    """Someone else sits at that seat, or that person already sits at another."""

    error_id = "seat_taken"


class NoSuchThing(NotFound):
    """There is no ticket, arrival, offer, seat or user of that name."""

    error_id = "not_found"


class BadInput(Invalid):
    """A value is outside its bounds."""

    error_id = "bad_input"


def missing(zh: str, en: str, key: object) -> NoSuchThing:
    """The error for a row that is not there: `missing("工单", "ticket", 7)`."""
    return NoSuchThing(f"没有这个{zh}：{key}", f"there is no {en} {key}", key=str(key))
