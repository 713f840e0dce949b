"""The telephone exchange: bring Asterisk, render its configuration, start it, watch it, stop it, check it."""

from callcenter.exchange.exchange import Exchange, ExchangeStatus

__all__ = ["Exchange", "ExchangeStatus"]
