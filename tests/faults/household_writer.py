"""Somebody who edits homes, devices and contacts, in a process of its own: `python -m … <database url> <seed>`.

Reads how many edits to make, a number a line, and tells each one after its commit by a line. Killed at any moment;
what it had not told by then may be done or not.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

import dispatch.tables  # noqa: F401  (events refer to tickets)
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.errors import AppError
from foundation.numbers import NumberPlan
from foundation.writer import Work, Writer
from residents import registry
from residents.tables import Contact, Device, Home

PLAN = NumberPlan()
Edit = Callable[[Work, random.Random], None]


def _phone(rng: random.Random) -> str:
    return f"+8615400{rng.choice(('03', '04'))}{rng.randrange(10_000):04}"


def _line(rng: random.Random) -> str:
    return f"+865748700{rng.randrange(5000, 5400):04}"


def _some(w: Work, rng: random.Random, table: type[Any]) -> int:
    return int(rng.choice(list(w.session.scalars(select(table.id).order_by(table.id)))))


def _add_contact(w: Work, rng: random.Random) -> None:
    values = {"name": "试邻居", "relation": "邻居", "phone": _phone(rng), "position": rng.randint(1, 9)}
    registry.add_contact(w, _some(w, rng, Home), values, PLAN)


def _change_contact(w: Work, rng: random.Random) -> None:
    values = rng.choice(({"phone": _phone(rng)}, {"position": rng.randint(1, 9)}, {"name": "改名"}))
    registry.change_contact(w, _some(w, rng, Contact), values, PLAN)


def _remove_contact(w: Work, rng: random.Random) -> None:
    registry.remove_contact(w, _some(w, rng, Contact))


def _add_device(w: Work, rng: random.Random) -> None:
    values = {
        "code": f"trial-{rng.randrange(10**9)}",
        "kind": rng.choice(("dedicated", "shared")),
        "number": _line(rng),
        "home_id": _some(w, rng, Home),
    }
    registry.add_device(w, values, PLAN)


def _change_device(w: Work, rng: random.Random) -> None:
    choices: tuple[dict[str, Any], ...] = (
        {"number": _line(rng)},
        {"status": rng.choice(("active", "retired"))},
        {"kind": rng.choice(("dedicated", "shared"))},
        {"home_id": _some(w, rng, Home)},
    )
    registry.change_device(w, _some(w, rng, Device), rng.choice(choices), PLAN)


_EDITS: tuple[Edit, ...] = (_add_contact, _change_contact, _remove_contact, _add_device, _change_device, _change_device)


def main(database_url: str, seed: str) -> None:
    """Edit until the input ends."""
    rng = random.Random(seed)
    writer = Writer(Database(database_url), SystemClock())
    print("begun", flush=True)
    for line in sys.stdin:
        left = int(line)
        while left:
            try:
                writer.call(rng.choice(_EDITS), rng, actor="trial")
            except AppError:
                continue  # the number is taken, the home is full: a rule of the register, and no edit
            left -= 1
            print("edited", flush=True)
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
