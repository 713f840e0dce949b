"""The trunk by registration: the exchange signs in at the carrier, is rung there, and calls out with its account."""

import pytest

from callcenter.exchange.context import seat_secret
from callcenter.town.network import Trunk
from foundation.asterisk.process import free_port
from tests.exchange.ladder_room import Room
from tests.town_fixtures import start_town as start_town
from tests.town_fixtures import town_asterisk as town_asterisk
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

PASSWORD = "a-fictional-password"


def test_a_press_comes_in_and_a_duty_phone_is_rung_over_a_registered_trunk(  # type: ignore[no-untyped-def]
    make_settings, make_exchange, start_town
) -> None:
    port = free_port("udp")
    settings = make_settings(
        seats=1,
        trunk={"mode": "registration", "port": port, "username": "haishu", "password": PASSWORD},
        ladder={"rung_seconds": 2, "attempt_gap_seconds": 5, "lease_seconds": 10, "short_talk_seconds": 2},
    )
    exchange = make_exchange(settings)
    exchange.start()
    sip = settings.exchange.sip_port
    town = start_town(
        sip,
        seats={"op1": seat_secret(settings, "op1")},
        sip_port=port,
        trunk=Trunk(port=sip, mode="registration", username="haishu", password=PASSWORD),
        prompts=exchange.process.directories.sounds / "zh",
    )
    wait_until(lambda: "Registered" in exchange.ask("pjsip show registrations"), 30, "the trunk is registered")
    room = Room(exchange, town)
    (duty,) = room.duty("13800000001")

    line = room.home().presses()
    person = duty.answers(presses="1", within=15)

    room.joined(line).talks_with(person)
