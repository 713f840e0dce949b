"""People who ring and press all through a trial. Each call bears a name of its own, so that it can be found again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from callcenter.demo.district import District
from callcenter.town.lines import Line
from callcenter.town.telephones import Town
from tests.cast import PLAN


@dataclass(frozen=True)
class Placed:
    """One call that was dialled: by `name` it is found in the database, as the name that the network showed."""

    name: str
    line: Line
    number: str
    dialled: str
    home: int | None
    """The home's number in the district when the call is an emergency."""

    @property
    def caller(self) -> str:
        """How the application writes the caller's number."""
        return PLAN.parse(self.number).e164

    @property
    def reached(self) -> bool:
        """Whether the exchange ever answered the INVITE."""
        return self.line.call.reached_exchange


class Traffic:
    """Draws the next call from a shuffled deck. The oldest caller hangs up when more than `most` calls are up."""

    def __init__(
        self, town: Town, rng: random.Random, *, callers: Sequence[str], homes: Sequence[int], calls: int, presses: int,
        most: int = 10,
    ) -> None:  # fmt: skip
        """`callers` are keys of telephones for service calls, `homes` those whose buttons are pressed."""
        self.placed: list[Placed] = []
        self._town = town
        self._rng = rng
        self._most = most
        self._up: list[Placed] = []
        deck: list[tuple[str, int | None]] = [(callers[n % len(callers)], None) for n in range(calls)]
        deck += [(f"home-{homes[n % len(homes)]}", homes[n % len(homes)]) for n in range(presses)]
        rng.shuffle(deck)
        self._deck = deck

    @property
    def left(self) -> int:
        """Calls still to be made."""
        return len(self._deck)

    def next_call(self) -> Placed:
        """The next one of the deck, dialled and at the exchange."""
        key, home = self._deck.pop()
        # A dedicated line's call is an emergency whatever it dials: now and then somebody dials by hand.
        dialled = "81891" if home is not None and self._rng.random() < 0.8 else self._rng.choice(("81890", "96345"))
        return self.dial(key, dialled, home)

    def dial(self, key: str, dialled: str, home: int | None) -> Placed:
        """This telephone dials this number."""
        while len(self._up) >= self._most:
            self.one_hangs_up()
        name = f"call {len(self.placed) + 1}"
        phone = self._town.phone(key)
        made = Placed(name, phone.dials(dialled, caller_name=name, record=False), phone.number, dialled, home)
        self.placed.append(made)
        self._up.append(made)
        made.line.reaches_exchange(10)
        return made

    def one_hangs_up(self) -> bool:
        """The oldest caller hangs up; False when nobody is left."""
        if not self._up:
            return False
        self._up.pop(0).line.hangs_up()
        return True

    def all_hang_up(self) -> None:
        """Everybody, and the seats too."""
        self._town.hang_up_all()
        self._up.clear()


def lines_of(district: District) -> tuple[list[int], list[str]]:
    """The homes with a dedicated line, and the keys of all other lines: shared ones, and one telephone of each home
    without a line of its own.
    """
    dedicated = [h.number for h in district.homes if h.device and h.device["kind"] == "dedicated"]
    shared = [f"home-{h.number}" for h in district.homes if h.device and h.device["kind"] == "shared"]
    others = [
        f"resident-{h.number}-{n}"
        for h in district.homes
        if not h.device
        for n, person in enumerate(h.people, 1)
        if person.values.get("phone")
        and not any(p.values.get("phone") == person.values["phone"] for p in h.people[: n - 1])
    ]
    return dedicated, shared + others
