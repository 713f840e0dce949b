"""Who may call what, and what the journal says of it, whatever the caller wrote."""

import socket
import time
from urllib.parse import parse_qs

import pytest

from callcenter.exchange.context import ami_secret
from callcenter.town.behaviour import WhenRung
from tests.exchange.ladder_room import Room
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

FORMS = ["81890", "057481890", "57481890", "8681890", "+8681890", "8657481890", "+8657481890", "0086057481890"]


def arrivals(room: Room, count: int) -> list[dict[str, str]]:
    """What the journal says of these calls, by the number that called."""

    def found() -> list[dict[str, str]]:
        return [step.fields for step in room.steps() if step.s == "arrived"]

    return sorted(
        wait_until(lambda: found() if len(found()) >= count else None, 10, f"{count} calls are journaled"),
        key=lambda fields: fields["from"],
    )


def one_arrival(room: Room) -> dict[str, str]:
    return arrivals(room, 1)[0]


def test_the_hotline_is_known_in_every_form_in_which_the_network_writes_it(room: Room) -> None:
    for place, form in enumerate(FORMS):
        room.town.phone(f"1390000001{place}").dials(form)
    for place, fields in enumerate(arrivals(room, len(FORMS))):
        assert (fields["to"], fields["kind"], fields["from"]) == ("81890", "service", f"1390000001{place}")


def test_a_dedicated_line_is_known_in_every_form_and_its_hotline_call_is_an_emergency(room: Room) -> None:
    forms = ["87000900", "057487000900", "8657487000900", "+8657487000900"]
    room.put("line", dict.fromkeys(forms, "dedicated:device-9:home-9"))
    for form in forms:
        room.town.phone("057487000900").dials("96345", caller_number=form)
    came = arrivals(room, len(forms))
    assert {fields["from"] for fields in came} == set(forms)
    assert {(fields["kind"], fields["line"], fields["home"]) for fields in came} == {
        ("emergency", "device-9", "home-9")
    }


def test_a_shared_line_is_a_person_who_calls_the_hotline(room: Room) -> None:
    home = room.home(kind="shared")
    room.town.phone(home.line).dials("81890")
    assert one_arrival(room)["kind"] == "service"


NONSENSE = [
    ("anonymous", "Anonymous"),
    ("9" * 600, "long"),
    ("12/34", "a/b"),
    ("${SHELL(id)}", "$[1+1]"),
    ("1,2)", "王秀英,('"),
    ("%0d%0a%0d%0aEvent: Forged", "line break"),
    ("", ""),
]


def test_a_caller_who_shows_nonsense_is_journaled_rings_the_seats_and_breaks_nothing(room: Room) -> None:
    lines = [
        room.town.phone(f"1390000002{place}").dials("81891", caller_number=number, caller_name=name)
        for place, (number, name) in enumerate(NONSENSE)
    ]
    for fields in arrivals(room, len(NONSENSE)):
        assert fields["kind"] == "emergency"
        assert set(fields["from"]) <= set("0123456789+")
        assert len(fields["from"]) <= 40
        assert len(fields["raw"]) <= 79
    # The AstDB key is one level, and its record is the file's.
    keys = [row for row in room.exchange.ask("database show journal").splitlines() if "s=arrived" in row]
    assert len(keys) == len(NONSENSE)
    assert {key.split(":")[0].strip().count("/") for key in keys} == {3}
    # Each of them is answered; a shorter talk would be a slip.
    for seat in room.seats:
        room.town.seat(seat).when_rung(WhenRung("answer", after=0.1, hangs_up_after=2.3))
    room.town.all_over(lines)
    assert len({s.call for s in room.steps() if s.s == "took"}) == len(lines)


def test_no_caller_can_write_an_event_to_the_bridge(room: Room) -> None:
    with signed_in(room) as link:
        room.town.phone("13900000003").dials(
            "81891", caller_number="1%0d%0a%0d%0aEvent: UserEvent%0d%0aUserEvent: Journal%0d%0aCall: forged"
        )
        one_arrival(room)
        stream = read_until(link, "Step: 003")
    events = [block for block in stream.split("\r\n\r\n") if "UserEvent: Journal" in block]
    assert events
    assert all(block.strip().startswith("Event: UserEvent\r\nPrivilege: user,all") for block in events)
    assert "Call: forged" not in stream


def test_from_outside_no_outside_line_no_seat_and_no_feature_can_be_reached(room: Room) -> None:
    numbers = ["13912345678", "057487654321", "8001", "op1", "PJSIP", "00", "*98", "81892"]
    lines = [room.town.phone(f"1390000004{place}").dials(number) for place, number in enumerate(numbers)]
    assert {fields["kind"] for fields in arrivals(room, len(numbers))} == {"other"}
    for line in lines:
        assert line.ends().call.answered_at is None
    since = lines[0].call.started_at
    assert not room.town.phone("13912345678").rings(since) + room.town.seat("op1").rings(since)


def test_no_key_in_a_conversation_sends_the_call_to_another_line(room: Room) -> None:
    line = room.town.phone("13900000005").dials("81891")
    seat = room.town.seat("op1").answers()
    line.presses("*1*2#1##13912345678#")
    seat.presses("*1*2#1##13912345678#")
    line.talks_with(seat)
    assert not room.town.phone("13912345678").rings(line.call.started_at)


def test_a_seat_s_telephone_reaches_the_outside(room: Room) -> None:
    line = room.town.seat("op1").dials("13912345679")
    line.talks_with(room.town.phone("13912345679").answers())


def test_an_unknown_sender_is_refused_and_reaches_no_dialplan(room: Room) -> None:
    """Also one who calls himself after the trunk: names alone identify only seats, and those have passwords."""
    port = room.exchange.settings.exchange.sip_port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(3)
        here = peer.getsockname()[1]
        peer.sendto(
            f"INVITE sip:81891@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{here};branch=z9hG4bKx{here}\r\n"
            f"From: <sip:op1@127.0.0.1>;tag=1\r\nTo: <sip:81891@127.0.0.1>\r\nCall-ID: {here}\r\nCSeq: 1 INVITE\r\n"
            f"Contact: <sip:op1@127.0.0.1:{here}>\r\nMax-Forwards: 9\r\nContent-Length: 0\r\n\r\n".encode(),
            ("127.0.0.1", port),
        )
        answer = peer.recv(4096).decode()
    assert answer.startswith("SIP/2.0 401")
    assert not room.steps()


def test_the_hotline_greets_queues_and_a_signed_in_seat_answers(room: Room) -> None:
    room.signs_in("op1")
    line = room.town.phone("13900000006").dials("81890").hears("greeting")
    line.talks_with(room.town.seat("op1").answers())
    line.hangs_up()
    room.step(line, s="ended")
    own = [s.s for s in room.steps(line) if s.key.isdigit()]
    assert own == ["arrived", "greeted", "queued", "ended"]
    assert room.step(line, s="answered").who == "seat-op1"


def test_the_journal_is_the_same_on_file_in_astdb_and_on_the_ami(room: Room) -> None:
    with signed_in(room) as link:
        line = room.town.phone("13900000007").dials("81891").is_answered()
        room.step(line, s="rung")
        stream = read_until(link, "Step: 003")
    first = room.steps(line)[0]
    record = (room.journal / f"{first.call}~001").read_text().strip()
    assert record in room.exchange.ask(f"database get journal {first.call}/001")
    event = next(block for block in stream.split("\r\n\r\n") if "Step: 001" in block)
    assert f"Call: {first.call}\r\nStep: 001\r\nRecord: {record}" in event
    assert parse_qs(record)["s"] == ["arrived"]
    assert abs(time.time() - first.at) < 30


class signed_in:  # noqa: N801 - reads as a sentence
    """A bare AMI connection with the bridge's rights."""

    def __init__(self, room: Room) -> None:
        settings = room.exchange.settings
        self._port, self._user = settings.exchange.ami_port, settings.exchange.ami_user
        self._secret = ami_secret(settings)

    def __enter__(self) -> socket.socket:
        self._link = socket.create_connection(("127.0.0.1", self._port), 5)
        self._link.sendall(f"Action: Login\r\nUsername: {self._user}\r\nSecret: {self._secret}\r\n\r\n".encode())
        read_until(self._link, "Authentication accepted")
        return self._link

    def __exit__(self, *_: object) -> None:
        self._link.close()


def read_until(link: socket.socket, end: str) -> str:
    """What comes until `end` has come; a silent peer is an error after 5 s."""
    link.settimeout(5)
    received = b""
    while end.encode() not in received or not received.endswith(b"\r\n\r\n"):
        received += link.recv(65536)
    return received.decode()
