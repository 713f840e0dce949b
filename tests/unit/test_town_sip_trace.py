"""The copies of SIP messages by which the town knows what the exchange answered."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from callcenter.town.sip_trace import decode


def packet(payload: bytes, seconds: int = 1_700_000_000, micros: int = 123_456) -> bytes:
    chunks = [(7, struct.pack(">H", 5060)), (8, struct.pack(">H", 5080)), (9, struct.pack(">I", seconds))]
    chunks += [(10, struct.pack(">I", micros)), (15, payload)]
    body = b"".join(struct.pack(">HHH", 0, kind, 6 + len(value)) + value for kind, value in chunks)
    return b"HEP3" + struct.pack(">H", 6 + len(body)) + body


def test_a_response_is_read_with_its_microsecond() -> None:
    message = decode(packet(b"SIP/2.0 180 Ringing\r\nCall-ID: abc\r\nCSeq: 1 INVITE\r\n\r\n"))

    assert message is not None
    assert (message.status, message.method, message.call_id) == (180, "INVITE", "abc")
    assert (message.source_port, message.target_port) == (5060, 5080)
    assert round(message.at % 1 * 1e6) == 123_456


def test_a_request_has_no_status_and_short_header_names_are_understood() -> None:
    message = decode(packet(b"INVITE sip:81890@127.0.0.1 SIP/2.0\r\ni: abc\r\nCSeq: 7 INVITE\r\n\r\n"))

    assert message is not None
    assert (message.status, message.call_id) == (0, "abc")


@given(st.binary(max_size=200))
def test_no_packet_at_all_makes_the_reader_fail(data: bytes) -> None:
    decode(data)
    decode(b"HEP3" + data)
    decode(packet(data))
