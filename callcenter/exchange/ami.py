"""Ask an exchange whether it would let us in by AMI: one sign-in, then good-bye. The real link is the bridge's."""

import socket
import ssl

from callcenter.settings import Exchange as ExchangeSettings

_LIMIT = 5.0
_MOST = 65536


def ami_answers(settings: ExchangeSettings, secret: str) -> str:
    """Empty when the sign-in succeeds; else what is wrong, in words for a person."""
    place = f"{settings.ami_host}:{settings.ami_port}"
    try:
        with socket.create_connection((settings.ami_host, settings.ami_port), _LIMIT) as plain:
            if not settings.ami_tls:
                return _sign_in(plain, settings, secret)
            context = ssl.create_default_context(cafile=settings.ami_ca or None)
            with context.wrap_socket(plain, server_hostname=settings.ami_host) as wrapped:
                return _sign_in(wrapped, settings, secret)
    except ssl.SSLError as error:
        return f"AMI at {place} has no certificate that we trust ({error.reason}). Look at exchange.ami_ca."
    except OSError as error:
        return f"AMI at {place} does not answer ({error}). Look at exchange.ami_host and exchange.ami_port."


def _sign_in(link: socket.socket, settings: ExchangeSettings, secret: str) -> str:
    if any(c in secret for c in "\r\n\0"):
        return "exchange.ami_secret contains a line break."
    # Buffered bytes of the banner stay in front of the answer.
    received = _read_until(link, b"", b"\r\n")
    if not received.startswith(b"Asterisk Call Manager/"):
        return f"What listens at {settings.ami_host}:{settings.ami_port} is not an Asterisk's AMI."
    ask = f"Action: Login\r\nUsername: {settings.ami_user}\r\nSecret: {secret}\r\nEvents: off\r\n\r\n"
    link.sendall(ask.encode())
    answer = _read_until(link, received.split(b"\r\n", 1)[1], b"\r\n\r\n")
    if b"Response: Success" not in answer:
        return "AMI refuses the sign-in. Look at exchange.ami_user, exchange.ami_secret and exchange.ami_permit."
    link.sendall(b"Action: Logoff\r\n\r\n")
    return ""


def _read_until(link: socket.socket, received: bytes, end: bytes) -> bytes:
    while end not in received and len(received) < _MOST:
        more = link.recv(4096)
        if not more:
            break
        received += more
    return received
