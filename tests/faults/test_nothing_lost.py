"""Nothing that reached the exchange is lost or doubled, whoever is killed in the middle of it.

The seed is printed; `FAULTS_SEED=<number>` runs the same decisions again.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from foundation.asterisk.provision import provision_asterisk
from tests.cast import small_district
from tests.faults import reckoning
from tests.faults.operators import staff_the_seats
from tests.faults.relay import Relay
from tests.faults.traffic import Traffic, lines_of
from tests.faults.trial import Size, Trial, people_answer
from tests.system import open_system

PART = Size(calls=40, presses=10, kills=12, cuts=1, holds=0, freezes=1, exchange_deaths=1, cut_presses=2)
FULL = Size(calls=300, presses=60, kills=108, cuts=6, holds=2, freezes=6, exchange_deaths=3, cut_presses=4)


@pytest.mark.timeout(400)
def test_no_call_and_no_press_is_lost_or_doubled(tmp_path: Path) -> None:
    """A representative part of the long trial below."""
    run_trial(tmp_path, PART, dedicated=6, slot=3)


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_of_300_calls_and_60_presses_none_is_lost_or_doubled_by_100_kills(tmp_path: Path) -> None:
    """40 lines: 24 with a button, 10 shared ones, 6 telephones of residents."""
    run_trial(tmp_path, FULL, dedicated=24, slot=3)


def run_trial(folder: Path, size: Size, *, dedicated: int, slot: int) -> None:
    """Run one trial of this size and hold the database against the town's diary."""
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"FAULTS_SEED={seed}")
    rng = random.Random(seed)
    district = small_district([*range(1, dedicated + 1), *range(31, 41), *range(41, 56)])
    homes, callers = lines_of(district)
    callers = callers[: 40 - len(homes)]
    spare = [homes.pop() for _ in range(size.exchange_deaths * size.cut_presses)]
    at_deaths = 10 * size.exchange_deaths
    with open_system(folder, provision_asterisk(), district=district, slot=slot, application=False) as system:
        relay = Relay(system.settings.exchange.ami_port)
        system.environment["CALLCENTER_EXCHANGE__AMI_PORT"] = str(relay.port)
        try:
            system.start_application()
            operators = staff_the_seats(system, district)
            people_answer(system)
            traffic = Traffic(
                system.town, rng, callers=callers, homes=homes,
                calls=size.calls - (at_deaths - len(spare)), presses=size.presses - len(spare),
            )  # fmt: skip
            trial = Trial(system, relay, traffic, rng, size)
            trial.run(spare, callers)
            traffic.all_hang_up()
            system.wait_ready()
            reckoning.wait_until_told(system, traffic.placed)
            reckoning.wait_until_forgotten(system)
            asked = reckoning.dispose_of_all(system, operators)
            wrong = system.look(lambda session: reckoning.differences(session, traffic.placed))
            wrong += ["a step was forgotten before it was committed"] * trial.forgotten[False]
            wrong += reckoning.not_called_back_once(system, trial.cut_presses)
            print(
                f"{len(traffic.placed)} calls placed, {len(system.town.arrivals())} reached the exchange; "
                f"{trial.figures}; {trial.forgotten[True]} steps forgotten after their commit; "
                f"{system.look(reckoning.dispositions)}, {asked} of them asked for; "
                f"calls back {dict(system.look(reckoning.ring_backs))}"
            )
            assert not wrong, "\n".join([f"seed {seed}:", *wrong])
            assert len(traffic.placed) == size.calls + size.presses
            assert trial.figures.kills == size.kills
            assert trial.figures.windows["file and key"] + trial.figures.windows["key"] > 0, "the window was hit"
        finally:
            relay.close()
            print(f"The application's log: {system.log}")
