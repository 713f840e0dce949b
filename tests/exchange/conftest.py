"""Real exchanges for the tests: brought once, each with its own home and free ports, all ended at the end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from callcenter.exchange import Exchange
from callcenter.settings import Settings
from foundation.asterisk.packages import Program
from foundation.asterisk.process import free_port
from foundation.asterisk.provision import Asterisk, provision_asterisk, provision_espeak
from tests.exchange.ladder_room import Room, open_room
from tests.town_fixtures import StartTown
from tests.town_fixtures import start_town as start_town
from tests.town_fixtures import town_asterisk as town_asterisk

MakeSettings = Callable[..., Settings]
MakeExchange = Callable[..., Exchange]


@pytest.fixture(scope="session")
def exchange_prefix() -> Asterisk:
    """An Asterisk that can be run."""
    return provision_asterisk()


@pytest.fixture(scope="session")
def espeak() -> Program:
    """An espeak-ng that can be run."""
    return provision_espeak()


@pytest.fixture(scope="session")
def make_settings(tmp_path_factory: pytest.TempPathFactory) -> MakeSettings:
    """Settings of a new home on free ports: ``make_settings(seats=2, trunk={"port": 5099})``."""

    def make(*, home: Path | None = None, seats: int = 4, **sections: dict[str, object]) -> Settings:
        rtp = free_rtp_range()
        own = {
            "sip_port": free_port("udp"),
            "http_port": free_port(),
            "ami_port": free_port(),
            "rtp_start": rtp,
            "rtp_end": rtp + 199,
        }
        values: dict[str, object] = {
            "home": home or tmp_path_factory.mktemp("home"),
            "seats": {"names": seats},
            "trunk": {"port": free_port("udp")},
            **sections,
        }
        values["exchange"] = {**own, **sections.get("exchange", {})}
        return Settings.model_validate(values)

    return make


@pytest.fixture(scope="session")
def make_exchange(exchange_prefix: Asterisk, make_settings: MakeSettings) -> Iterator[MakeExchange]:
    """A new exchange, not started: ``make_exchange(seats=2)``. Whatever runs at the end is ended."""
    made: list[Exchange] = []

    def make(settings: Settings | None = None, **wishes: object) -> Exchange:
        exchange = Exchange(settings or make_settings(**wishes), asterisk=exchange_prefix, say=print)
        made.append(exchange)
        return exchange

    yield make
    for exchange in made:
        exchange.stop(timeout=2)


@pytest.fixture(scope="session")
def exchange(make_exchange: MakeExchange) -> Exchange:
    """One running exchange for all tests that do not stop or change it; its trunk leads to a free port."""
    ours = make_exchange()
    ours.start()
    return ours


# Between the town's range and the ports that the system gives to outgoing connections.
_next_rtp = iter(range(26000, 32000, 200))


@pytest.fixture(scope="session")
def shared_room(make_settings: MakeSettings, make_exchange: MakeExchange, start_town: StartTown) -> Room:
    """An exchange with two seats and a town, for all tests of the dialplan that leave both as they were."""
    return open_room(make_settings, make_exchange, start_town)


@pytest.fixture
def room(shared_room: Room) -> Iterator[Room]:
    """The shared room; afterwards everybody hangs up and nothing is remembered."""
    yield shared_room
    shared_room.clear()


def free_rtp_range() -> int:
    """The first port of 200 that no other exchange of this test run has."""
    return next(_next_rtp)
