"""A call back whose sending was cut off by the application's death is made once, whether the exchange had it or not."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from callcenter.town.telephones import Phone
from dispatch.tables import RingBack
from foundation.asterisk.provision import provision_asterisk
from foundation.tables import OutboxMessage
from tests.cast import small_district
from tests.faults.relay import Forward, Relay, Trap
from tests.system import System, open_system


def test_a_call_back_in_doubt_is_made_once(tmp_path: Path) -> None:
    """Killed as it asks for the call: twice the exchange got the request, and once that call is long over before the
    application asks again; the third time the exchange did not get it."""
    with open_system(tmp_path, provision_asterisk(), district=small_district((1, 2, 3)), application=False) as system:
        relay = Relay(system.settings.exchange.ami_port)
        system.environment["CALLCENTER_EXCHANGE__AMI_PORT"] = str(relay.port)
        try:
            asked, unasked, refused = (system.town.device(f"home-{n}") for n in (1, 2, 3))
            _killed_in_calling_back(system, relay, asked, request_arrives=True)
            asked.waits_to_ring(10)
            _killed_in_calling_back(system, relay, refused, request_arrives=True)
            refused.waits_to_ring(10).refuses().ends()
            _killed_in_calling_back(system, relay, unasked, request_arrives=False)
            assert not unasked.rings()
            system.start_application()
            unasked.waits_to_ring(25)
            system.wait_for(_all_settled, 30, "all sendings are settled")
            assert len(asked.rings()) == 1
            assert len(unasked.rings()) == 1
            assert len(refused.rings()) == 1, "a call back that is over is not made again"
            unasked.line().answers()
            assert system.town.seat("op1").waits_to_ring(10).call.other == unasked.number, (
                "the seat sees whose line it is"
            )
            assert {call.other for call in asked.rings() + unasked.rings()} == {"81890"}, "the line sees who calls"
        finally:
            relay.close()


def _killed_in_calling_back(system: System, relay: Relay, device: Phone, *, request_arrives: bool) -> None:
    """Somebody presses and hangs up before anyone takes the call; the application dies as it calls back."""

    def die(_message: bytes, forward: Forward) -> None:
        if request_arrives:
            forward()
        assert system.process is not None
        system.process.kill()

    system.start_application()
    trap = Trap(lambda message: b"Action: Originate\r\n" in message and b"Context: ring-back\r\n" in message, die)
    relay.set_trap(trap)
    device.pressed().is_answered().hangs_up()
    assert trap.fired.wait(15), "the application asks for the call back"
    system.kill_application()


def _all_settled(session: Session) -> bool:
    """All are sent, or no longer needed; and each was wanted once."""
    states = list(session.scalars(select(OutboxMessage.state).where(OutboxMessage.kind == "ring_back")))
    return len(states) == len(list(session.scalars(select(RingBack.id)))) == 3 and not {"pending", "sending"} & set(
        states
    )
