"""What can go wrong with the exchange beyond what can go wrong with any Asterisk."""

from foundation.asterisk.errors import AsteriskError


class ExchangeError(AsteriskError):
    """The exchange cannot do what was asked; the text says what to do."""
