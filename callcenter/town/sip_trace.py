"""Reads the copies of SIP messages that the town's Asterisk sends to the controller (HEP version 3 over UDP).

They carry the microsecond at which each message passed, and are the proof of what the exchange really answered.
"""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass

# Chunk types of the HEP3 draft: ports, time and payload. Vendor 0 is the generic one.
_SOURCE_PORT, _TARGET_PORT, _SECONDS, _MICROSECONDS, _PAYLOAD = 7, 8, 9, 10, 15


@dataclass(frozen=True)
class SipMessage:
    """One SIP message: `status` of a response (else 0), `method` as in the first line or in CSeq."""

    at: float
    source_port: int
    target_port: int
    call_id: str
    method: str
    status: int
    first_line: str


def decode(packet: bytes) -> SipMessage | None:
    """The SIP message inside a HEP3 packet; None for anything that is not one."""
    if len(packet) < 6 or packet[:4] != b"HEP3":
        return None
    chunks: dict[int, bytes] = {}
    at, end = 6, min(len(packet), int.from_bytes(packet[4:6], "big"))
    while at + 6 <= end:
        vendor, kind, length = struct.unpack_from(">HHH", packet, at)
        if length < 6 or at + length > end:
            return None
        if vendor == 0:
            chunks[kind] = packet[at + 6 : at + length]
        at += length
    payload = chunks.get(_PAYLOAD)
    if payload is None or _SECONDS not in chunks:
        return None
    seconds = int.from_bytes(chunks[_SECONDS], "big")
    micros = int.from_bytes(chunks.get(_MICROSECONDS, b""), "big")
    return _message(
        payload.decode("utf-8", "replace"),
        seconds + micros / 1e6,
        int.from_bytes(chunks.get(_SOURCE_PORT, b""), "big"),
        int.from_bytes(chunks.get(_TARGET_PORT, b""), "big"),
    )


def _message(text: str, at: float, source_port: int, target_port: int) -> SipMessage | None:
    head = text.split("\r\n\r\n", 1)[0].split("\r\n")
    headers: dict[str, str] = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    call_id = headers.get("call-id") or headers.get("i")
    method = headers.get("cseq", "").split(" ")[-1]
    if not call_id or not method:
        return None
    words = head[0].split(" ")
    status = int(words[1]) if words[0] == "SIP/2.0" and len(words) > 1 and words[1].isdigit() else 0
    return SipMessage(at, source_port, target_port, call_id, method, status, head[0][:200])


class SipTrace(asyncio.DatagramProtocol):
    """Listens for the copies and hands each message on."""

    def __init__(self, heard: Callable[[SipMessage], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        message = decode(data)
        if message is not None:
            self._heard(message)
