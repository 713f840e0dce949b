"""An event is read header by header, and yet says what the whole message says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callcenter.bridge.events import AmiEvent, RepeatedHeaderError, parse_headers
from callcenter.bridge.protocol import BridgeProtocol, ProtocolCounters

KEYS = ("Uniqueid", "UNIQUEID", "CallerIDName", "Exten", "Queue", "Call", "Callx", "X-Call")
VALUES = st.one_of(
    st.sampled_from(("", "1", "<unknown>", "unknown", 'say \\"hi\\"', "Call: 7", "王小明", "a:b", " padded ")),
    st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=("Cs",)), max_size=12),
)
HEADERS = st.lists(st.tuples(st.sampled_from(KEYS), VALUES, st.sampled_from((": ", ":"))), max_size=8)


@given(HEADERS)
def test_each_header_reads_like_the_whole_message_read_at_once(headers: list[tuple[str, str, str]]) -> None:
    raw = "\r\n".join(["Event: Newchannel", *(f"{key}{mark}{value}" for key, value, mark in headers)]).encode()
    event = AmiEvent("Newchannel", raw)
    whole = event.fields
    for key in {key.lower() for key in KEYS}:
        value = whole.get(key)
        last = value[-1] if isinstance(value, tuple) else value
        if isinstance(value, tuple) and (last == "<unknown>" or "callerid" in key):
            continue  # a repeated header is not made plain when the whole message is read
        assert event.text(key) == (last or "")


def test_bytes_that_are_no_text_cost_only_themselves() -> None:
    event = AmiEvent("Hangup", b"Event: Hangup\r\nCallerIDName: \xe4\xb8\r\nUniqueid: 7")
    assert event.text("calleridname") == "�"
    assert event.text("uniqueid") == "7"


@given(
    st.lists(st.sampled_from(("Event: Hangup", "event: x", "RESPONSE: y", "ActionID: 1", "Uniqueid: 7")), max_size=4)
)
def test_the_quick_way_drops_what_the_whole_message_would_drop(lines: list[str]) -> None:
    text = "\r\n".join(["Event: Hangup", *lines])
    try:
        parse_headers(text)
    except RepeatedHeaderError:
        proper = False
    else:
        proper = True
    heard = _heard(text.encode() + b"\r\n\r\n")
    assert [event.name for event in heard] == (["Hangup"] if proper else [])


def _heard(data: bytes) -> list[AmiEvent]:
    class Factory:
        def __init__(self) -> None:
            self.events: list[AmiEvent] = []

        def dispatch(self, event: AmiEvent) -> None:
            self.events.append(event)

    protocol = BridgeProtocol(frozenset((b"Hangup",)), "cc-", ProtocolCounters(), now=lambda: 0.0)
    protocol.connection_made(None)
    protocol.factory = factory = Factory()
    protocol.data_received(b"Asterisk Call Manager/11.0.0\r\n" + data)
    return factory.events
