"""What can go wrong with providers."""

from __future__ import annotations

from foundation.errors import Conflict, Forbidden, Invalid, NotFound


class UnknownProvider(NotFound):
    """There is no provider of that id."""

    error_id = "unknown_provider"


class BadProvider(Invalid):
    """A provider's record is outside its bounds."""

    error_id = "bad_provider"


class UnknownStep(Conflict):
    """A provider was asked to go from one state to another that its table does not allow."""

    error_id = "unknown_step"


class NotYet(Conflict):
    """What the step needs is not there: a paper, a visit, a signature, the time."""

    error_id = "not_yet"


class SecondPersonNeeded(Forbidden):
    """The second of two people must be another than the first."""

    error_id = "second_person_needed"
