"""What can go wrong between the application and the exchange."""

from __future__ import annotations


class BridgeError(Exception):
    """Any failure of an action on the exchange."""


class LinkDownError(BridgeError):
    """The exchange is not ready, or the connection broke while the action was under way.

    Whether the exchange carried the action out is then unknown. Nothing repeats it: whoever asked reads the truth
    after the next resync and decides anew.
    """


class ActionTimeoutError(BridgeError):
    """No answer in time; as with `LinkDownError` the action may have been carried out."""


class ActionRefusedError(BridgeError):
    """The exchange answered with an error; nothing was done."""


class UnsafeValueError(BridgeError, ValueError):
    """A header that could be read as something else by the exchange; nothing was sent."""


class LoginRefusedError(BridgeError):
    """The exchange does not know our user or secret (manager.conf, section of that user)."""


class NotAnExchangeError(BridgeError):
    """Something else than an Asterisk manager listens at that address."""
