"""What can go wrong with providers."""

from __future__ import annotations

from foundation.errors import Invalid, NotFound


class UnknownProvider(NotFound):
    """There is no provider of that id."""

    error_id = "unknown_provider"


class BadProvider(Invalid):
    """A provider's record is outside its bounds."""

    error_id = "bad_provider"
