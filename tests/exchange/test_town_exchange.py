"""The town with the real exchange: it rings, is rung, hears the prompts, and outlives the exchange's death."""

from collections.abc import Callable, Iterator

import pytest

from callcenter.exchange import Exchange
from callcenter.exchange.context import seat_secret
from callcenter.settings import Settings
from callcenter.town.errors import NotSeenError
from callcenter.town.network import Trunk
from callcenter.town.telephones import Town
from foundation.asterisk.process import free_port
from tests.town_fixtures import StartTown
from tests.town_fixtures import start_town as start_town
from tests.town_fixtures import town_asterisk as town_asterisk
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

RESIDENT, SEATS = "057487000001", ("op1", "op2")
Pair = tuple[Town, Exchange]


def open_pair(
    make_settings: Callable[..., Settings],
    make_exchange: Callable[..., Exchange],
    start_town: StartTown,
    **trunk: object,
) -> Pair:
    """An exchange and a town that know each other, both running, the desk phones registered."""
    port = free_port("udp")
    settings = make_settings(seats=len(SEATS), trunk={"port": port, **trunk})
    exchange = make_exchange(settings)
    exchange.start()
    own = None
    if trunk.get("mode") == "registration":
        own = Trunk(
            settings.exchange.sip_port,
            mode="registration",
            username=str(trunk["username"]),
            password=str(trunk["password"]),
        )
    town = start_town(
        settings.exchange.sip_port,
        seats={name: seat_secret(settings, name) for name in SEATS},
        sip_port=port,
        prompts=settings.home / "exchange" / "sounds" / "zh",
        trunk=own,
    )
    wait_for_seats(town, exchange)
    return town, exchange


def wait_for_seats(town: Town, exchange: Exchange) -> None:
    def registered() -> bool:
        contacts = exchange.ask("pjsip show contacts")
        return all(f"{name}/sip:" in contacts for name in SEATS)

    wait_until(registered, 30, "every desk phone is registered")


@pytest.fixture(scope="module")
def _pair(
    make_settings: Callable[..., Settings], make_exchange: Callable[..., Exchange], start_town: StartTown
) -> Pair:
    return open_pair(make_settings, make_exchange, start_town)


@pytest.fixture
def pair(_pair: Pair) -> Iterator[Pair]:
    yield _pair
    _pair[0].hang_up_all()


def test_a_press_rings_every_desk_phone_and_is_answered_by_one(pair: Pair) -> None:
    town, _ = pair

    press = town.device(RESIDENT).pressed().reaches_exchange()
    others = town.seat("op2").waits_to_ring()
    line = town.seat("op1").answers()

    line.talks_with(press)
    others.ends()
    assert others.call.answered_at is None


def test_a_resident_hears_the_greeting_and_not_another_prompt(pair: Pair) -> None:
    town, _ = pair

    line = town.phone(RESIDENT).dials("81890").hears("greeting", within=20)

    assert not line.has_heard("already-taken")
    with pytest.raises(NotSeenError, match="already-taken"):
        line.hears("already-taken", within=0.3)


def test_a_call_to_a_number_that_nobody_has_reached_the_exchange_all_the_same(pair: Pair) -> None:
    town, _ = pair

    line = town.phone(RESIDENT).dials("12345678").ends()

    assert line.call.reached_exchange
    assert line.call.answered_at is None


def test_the_town_goes_on_when_the_exchange_is_killed_and_comes_back(pair: Pair) -> None:
    town, exchange = pair
    before = town.device(RESIDENT).pressed()
    town.seat("op1").answers().talks_with(before)

    exchange.kill9()
    lost = town.phone("057487000002").dials("81891")
    town.diary.wait_for(lambda: lost.call.invite_at, 5, "the INVITE leaves")
    lost.hangs_up()
    assert not lost.call.reached_exchange
    before.hangs_up()
    town.hang_up_all()

    exchange.start()
    wait_for_seats(town, exchange)
    again = town.device(RESIDENT).pressed()
    town.seat("op1").answers().talks_with(again)


def test_an_exchange_that_registers_with_the_carrier_is_rung_where_it_registered(
    make_settings: Callable[..., Settings], make_exchange: Callable[..., Exchange], start_town: StartTown
) -> None:
    town, exchange = open_pair(
        make_settings, make_exchange, start_town, mode="registration", username="centre", password="spring-rain"
    )
    wait_until(lambda: "Registered" in exchange.ask("pjsip show registrations"), 20, "the exchange registers")

    press = town.device(RESIDENT).pressed()
    town.seat("op1").answers().talks_with(press)
    town.hang_up_all()

    call = town.seat("op1").dials("13900000009")
    town.phone("13900000009").answers().talks_with(call)
    town.hang_up_all()
