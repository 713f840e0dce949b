"""Run the application behind a web server until it is told to end."""

from __future__ import annotations

import socket
import sys

import uvicorn

from callcenter.app import Application
from callcenter.settings import Settings

SWITCH_S = 0.0005
"""How long one thread may keep the others from running. The default of 5 ms is what an alarm's card, made in a thread
of its own, would wait each time another thread is at work."""


def serve(settings: Settings) -> int:
    """Serve pages and hold the bridge until a signal; returns the exit code."""
    listening = _listen(settings.http.host, settings.http.port)
    if listening is None:
        print(
            f"Port {settings.http.port} is in use, so the pages cannot be served: end what uses it, "
            "or set http.port to another.",
            file=sys.stderr,
        )
        return 1
    sys.setswitchinterval(SWITCH_S)
    config = uvicorn.Config(
        Application(settings),
        loop="asyncio",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=3,
        server_header=False,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    return 0 if server.started else 1


def _listen(host: str, port: int) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError:
        listening.close()
        return None
    return listening
