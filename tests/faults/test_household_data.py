"""What the exchange knows of homes and what the database says agree within 5 s, whoever is killed while they change.

The edits come from another process on the same database, as an import on the command line would make them.
`FAULTS_SEED=<number>` runs the same decisions again.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from callcenter.bridge.household import FAMILIES
from dispatch.tables import DutyPhone
from foundation.asterisk.provision import provision_asterisk
from residents import household
from residents import queries as residents
from tests.cast import PLAN, small_district
from tests.faults.relay import Forward, Relay, Trap
from tests.system import System, open_system
from tests.waiting import NotInTimeError, wait_until

ROOT = Path(__file__).parents[2]
AGREE_WITHIN_S = 5.0
VICTIMS = (
    "application", "application, writing", "exchange", "exchange, writing", "exchange, afterwards", "editor", "nobody",
)  # fmt: skip
"""Who is killed: at an edit, as the application writes edits to the exchange, or as soon as both sides agree, when the
exchange has what was written but not yet on disk.
"""
_ENTRY = re.compile(r"^/(\S+?)\s*: (\S+)\s*$", re.MULTILINE)


class Editor:
    """The process of `household_writer`."""

    def __init__(self, database_url: str, seed: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.household_writer", database_url, seed],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asks, self._tells = self._process.stdin, self._process.stdout
        assert self._tells.readline() == "begun\n"

    def edits(self, number: int) -> Iterator[int]:
        """Make so many edits; yields 1, 2, … after each one's commit, while the next are being made."""
        self._asks.write(f"{number}\n")
        self._asks.flush()
        for done in range(1, number + 1):
            assert self._tells.readline() == "edited\n", "the editor goes on"
            yield done

    def kill(self) -> None:
        """kill -9, whatever it is doing."""
        self._process.kill()
        self._process.communicate()

    def ends(self) -> None:
        """The orderly end."""
        self._process.communicate(timeout=20)


def test_the_exchange_knows_of_100_edits_made_under_kills(tmp_path: Path) -> None:
    """A representative part of the long trial below."""
    run_trial(tmp_path, edits=100, rounds=7)


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_the_exchange_knows_of_1000_edits_made_under_kills(tmp_path: Path) -> None:
    """The full number."""
    run_trial(tmp_path, edits=1000, rounds=70)


def run_trial(folder: Path, *, edits: int, rounds: int) -> None:
    """`rounds` times: some edits, somebody killed among them, and both sides agree within 5 s."""
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"FAULTS_SEED={seed}")
    rng = random.Random(seed)
    victims = [VICTIMS[n % len(VICTIMS)] for n in range(rounds)]
    rng.shuffle(victims)
    killed: Counter[str] = Counter()
    took: list[float] = []
    with open_system(folder, provision_asterisk(), district=small_district(), slot=4, application=False) as system:
        relay = Relay(system.settings.exchange.ami_port)
        system.environment["CALLCENTER_EXCHANGE__AMI_PORT"] = str(relay.port)
        system.start_application()
        editor = Editor(system.settings.database_url, str(seed))
        try:
            for number, victim in enumerate(victims):
                share = edits // rounds + (number < edits % rounds)
                trial, at = Round(system, relay, victim), rng.randint(1, share)
                for done in editor.edits(share - 1):
                    if done == at:
                        trial.strike_now()
                if victim == "editor":
                    next(editor.edits(50))
                    editor.kill()
                    editor = Editor(system.settings.database_url, f"{seed}-{number}")
                for _ in editor.edits(1):
                    pass
                trial.strike_and_recover()
                killed[victim] += 1
                took.append(wait_until_agreed(system))
                if victim == "exchange, afterwards":
                    trial.kill_exchange_and_recover()
                    took.append(wait_until_agreed(system))
            print(f"{edits} edits, killed {dict(killed)}; agreed after {max(took):.2f} s at most")
        finally:
            editor.kill()
            relay.close()
            print(f"The application's log: {system.log}")


class Round:
    """One victim: struck at an edit, or as the application writes household data to the exchange."""

    def __init__(self, system: System, relay: Relay, victim: str) -> None:
        self._system = system
        self._victim = "" if victim.endswith("afterwards") else victim.partition(",")[0]
        self._trap: Trap | None = None
        self._struck = False
        if victim.endswith("writing"):
            self._trap = Trap(_writes_household, self._strike_at_write)
            relay.set_trap(self._trap)

    def strike_now(self) -> None:
        """Kill the victim, if it is to be killed at an edit."""
        if self._trap is None and not self._struck and self._victim:
            self._strike()

    def strike_and_recover(self) -> None:
        """Kill it if that has not come yet, and have it running again."""
        if self._trap is not None:
            wait_until(self._trap.fired.is_set, 10, "the application writes the edits to the exchange")
        self.strike_now()
        if self._victim == "application":
            self._system.kill_application()
            self._system.start_application()
        elif self._victim == "exchange":
            self._recover_exchange()

    def kill_exchange_and_recover(self) -> None:
        """Kill the exchange now, whoever was the victim."""
        self._system.exchange.kill9()
        self._recover_exchange()

    def _recover_exchange(self) -> None:
        wait_until(lambda: not self._system.is_ready(), 10, "the application notices the exchange's death")
        self._system.exchange.start()
        self._system.wait_ready()

    def _strike_at_write(self, _message: bytes, _forward: Forward) -> None:
        self._strike()

    def _strike(self) -> None:
        self._struck = True
        if self._victim == "application":
            assert self._system.process is not None
            os.kill(self._system.process.pid, signal.SIGKILL)
        elif self._victim == "exchange":
            self._system.exchange.kill9()


def _writes_household(message: bytes) -> bool:
    changes = b"Action: DBPut\r\n" in message or b"Action: DBDel\r\n" in message
    return changes and any(f"Family: {family}".encode() in message for family in FAMILIES)


def wait_until_agreed(system: System) -> float:
    """Wait until AstDB holds what the database says, and its version; returns how long it took."""
    began = time.monotonic()
    seen: list[str] = []

    def agreed() -> bool:
        seen[:] = disagreements(system)
        return not seen

    try:
        wait_until(agreed, AGREE_WITHIN_S, "database and exchange agree")
    except NotInTimeError as error:
        raise AssertionError("\n".join([str(error), *seen[:20]])) from error
    return time.monotonic() - began


def disagreements(system: System) -> list[str]:
    """Where AstDB and the database differ."""
    wanted = system.look(household_keys)
    held = dict(_ENTRY.findall(system.exchange.ask("database show")))
    ours = {key for key in held if key.partition("/")[0] in FAMILIES} | {"app/household_version"}
    return [
        f"{key} is {held.get(key)}, should be {wanted.get(key)}"
        for key in sorted(ours | wanted.keys())
        if held.get(key) != wanted.get(key)
    ]


def household_keys(session: Session) -> dict[str, str]:
    """What AstDB should hold, from the database."""
    data = residents.load_household(session)
    rota = session.execute(select(DutyPhone.id, DutyPhone.number, DutyPhone.ring_seconds))
    duty = [household.DutyPhone(*phone) for phone in rota]
    keys = household.desired_keys(data.homes, data.devices, data.contacts, duty, PLAN)
    return keys | {"app/household_version": str(data.version)}
