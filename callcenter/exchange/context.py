"""From the settings to what the templates of ``asterisk_conf/`` are given."""

import functools
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from callcenter.settings import Settings
from foundation.asterisk.render import Verbatim, escape_semicolons
from foundation.secret_files import secret
from ivr_flows import loading
from ivr_flows.compiler import compile_flows

log = logging.getLogger(__name__)

# Asterisk's own limit is 100 web sockets, and each signed-in browser holds one.
_SESSIONS_AT_LEAST = 100

# Where Debian's package has its folders; the files for an existing exchange are made for these.
INSTALLED_DIRECTORIES = {
    "etc": "/etc/asterisk",
    "modules": "/usr/lib/asterisk/modules",
    "data": "/usr/share/asterisk",
    "varlib": "/var/lib/asterisk",
    "db": "/var/lib/asterisk",
    "spool": "/var/spool/asterisk",
    "run": "/run/asterisk",
    "log": "/var/log/asterisk",
    "keys": "/var/lib/asterisk/keys",
    "agi": "/usr/share/asterisk/agi-bin",
    "sounds": "/usr/share/asterisk/sounds",
    "journal": "/var/spool/asterisk/journal",
}


def secrets_folder(home: Path) -> Path:
    """Where this home keeps its secrets."""
    return home / "secrets"


def ami_secret(settings: Settings) -> str:
    """The AMI password: from the settings, else made at the first start."""
    return settings.exchange.ami_secret.get_secret_value() or secret(secrets_folder(settings.home), "ami")


def seat_secret(settings: Settings, seat: str) -> str:
    """The SIP password of one operator's telephone (``op1``)."""
    return secret(secrets_folder(settings.home), f"seat-{seat}")


SHIPPED_VERSION = 0
"""The version of the flows that every exchange has from its start."""


def template_context(settings: Settings, directories: Mapping[str, str]) -> dict[str, Any]:
    """All that the templates may use. Makes the secrets that do not exist yet."""
    exchange, trunk = settings.exchange, settings.trunk
    return {
        "node": exchange.node,
        "bind": exchange.bind,
        "sip_port": exchange.sip_port,
        "http_port": exchange.http_port,
        # Ours is spoken to on this machine only; an existing one from wherever the application runs.
        "ami_bind": exchange.ami_host if exchange.mode == "managed" else exchange.bind,
        "ami_port": exchange.ami_port,
        "ami_user": exchange.ami_user,
        "ami_secret": escape_semicolons(ami_secret(settings), "exchange.ami_secret"),
        "ami_permit": list(exchange.ami_permit),
        "ami_tls": exchange.ami_tls,
        "tls_certificate": exchange.tls_certificate,
        "rtp_start": exchange.rtp_start,
        "rtp_end": exchange.rtp_end,
        "session_limit": max(_SESSIONS_AT_LEAST, 2 * len(settings.seats.names) + 20),
        "seats": [
            {"name": name, "number": str(8000 + place), "secret": seat_secret(settings, name)}
            for place, name in enumerate(settings.seats.names, 1)
        ],
        "trunk": {
            "mode": trunk.mode,
            "host": trunk.host,
            "port": trunk.port,
            "username": trunk.username,
            "password": escape_semicolons(trunk.password.get_secret_value(), "trunk.password"),
            "match": [trunk.host],
        },
        "numbers": {**settings.numbers.model_dump(), "hotlines": list(settings.numbers.hotlines)},
        "ladder": settings.ladder.model_dump(),
        "dirs": dict(directories),
        "recordings": settings.recordings.enabled,
        "flows": Verbatim(shipped_flows(tuple(sorted(settings.transfers.items())))),
    }


@functools.cache
def shipped_flows(transfers: tuple[tuple[str, str], ...] = ()) -> str:
    """The shipped flows as dialplan, with the numbers that they may put callers through to.

    A damaged installation gives an empty text and a line in the log: the exchange's core answers the telephone without
    any flow, and an exchange that does not start answers nobody.
    """
    try:
        return compile_flows(loading.load(None, dict(transfers)), SHIPPED_VERSION)
    except Exception:
        log.exception("the shipped flows cannot be compiled; the exchange starts without them")
        return ""
