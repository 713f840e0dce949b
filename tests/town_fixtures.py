"""Towns for tests: `pytest_plugins = ["tests.town_fixtures"]`, or import `open_town` and the fixtures by name.

`start_town` makes a town for an exchange whose SIP port is known; `mirror_town` is a town whose trunk leads back
to itself, so every number that a telephone dials is a telephone of the town: the network without an exchange.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from callcenter.town.directory import Telephone
from callcenter.town.network import Network, NetworkSettings, Trunk
from callcenter.town.telephones import Town
from foundation.asterisk.process import free_port
from foundation.asterisk.provision import Asterisk, provision_asterisk

StartTown = Callable[..., Town]
# Below the range from which the system takes ports for outgoing connections; 10 towns of 400 ports.
_RTP_FIRST, _RTP_PORTS = 22000, 400


@pytest.fixture(scope="session")
def town_asterisk() -> Asterisk:
    """An Asterisk for the town: the one of the PATH, of the cache, or brought now."""
    return provision_asterisk()


def town_settings(
    exchange_port: int,
    *,
    seats: Mapping[str, str] | None = None,
    sip_port: int | None = None,
    trunk: Trunk | None = None,
    rtp_slot: int = 0,
    rtp_timeout: int = 30,
) -> NetworkSettings:
    """Settings on ports that are free now. `seats` maps `op1`, ... to their passwords at the exchange."""
    first = _RTP_FIRST + rtp_slot * _RTP_PORTS
    return NetworkSettings(
        trunk=trunk or Trunk(port=exchange_port),
        sip_port=sip_port or free_port("udp"),
        ari_port=free_port("tcp"),
        trace_port=free_port("udp"),
        rtp_start=first,
        rtp_end=first + _RTP_PORTS - 1,
        rtp_timeout=rtp_timeout,
        seats=dict(seats or {}),
    )


@contextlib.contextmanager
def open_town(
    home: Path,
    asterisk: Asterisk,
    settings: NetworkSettings,
    *,
    telephones: Sequence[Telephone] = (),
    prompts: Path | None = None,
    web: str | None = None,
    stands_back: bool = False,
) -> Iterator[Town]:
    """Run a town's Asterisk and its controller; at the end every receiver is down and the process is gone."""
    network = Network(home, asterisk, settings, stands_back=stands_back)
    network.start()
    try:
        with Town(settings, home, telephones, prompts=prompts, web=web) as town:
            yield town
    finally:
        network.stop()


@pytest.fixture(scope="session")
def start_town(tmp_path_factory: pytest.TempPathFactory, town_asterisk: Asterisk) -> Iterator[StartTown]:
    """`start_town(exchange_port, seats={"op1": secret}, sip_port=..., telephones=[...], prompts=..., web=...)`."""
    with contextlib.ExitStack() as towns:
        slots = iter(range(1, 10))

        def start(
            exchange_port: int,
            *,
            telephones: Sequence[Telephone] = (),
            prompts: Path | None = None,
            web: str | None = None,
            seats: Mapping[str, str] | None = None,
            sip_port: int | None = None,
            trunk: Trunk | None = None,
            rtp_timeout: int = 30,
        ) -> Town:
            settings = town_settings(
                exchange_port,
                seats=seats,
                sip_port=sip_port,
                trunk=trunk,
                rtp_slot=next(slots),
                rtp_timeout=rtp_timeout,
            )
            home = tmp_path_factory.mktemp("town")
            return towns.enter_context(
                open_town(home, town_asterisk, settings, telephones=telephones, prompts=prompts, web=web)
            )

        yield start


@pytest.fixture(scope="session")
def mirror_town(tmp_path_factory: pytest.TempPathFactory, town_asterisk: Asterisk) -> Iterator[Town]:
    """A town whose exchange is itself."""
    port = free_port("udp")
    settings = town_settings(port, sip_port=port)
    with open_town(tmp_path_factory.mktemp("mirror"), town_asterisk, settings) as town:
        yield town
