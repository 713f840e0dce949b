"""Who is in the town: telephones with their numbers, names and keys. All of them are fictional."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["resident", "device", "provider", "contact", "duty", "staff", "seat"]


@dataclass(frozen=True)
class Telephone:
    """One telephone of the town.

    `number` is what the network shows and rings (for a seat its endpoint's name, `op1`), `key` a short name that
    tests use (`resident`, `home-7`), `dials` the number that a one-touch device rings when its button is pressed.
    `english` is the name in Latin letters and `place` the address, both for the page alone.
    """

    number: str
    key: str
    name: str
    kind: Kind = "resident"
    dials: str = ""
    english: str = ""
    place: str = ""


class Directory:
    """The town's telephones, found by number or by key. An unknown number is a telephone without a name."""

    def __init__(self, telephones: Iterable[Telephone] = ()) -> None:
        self._by_number: dict[str, Telephone] = {}
        self._by_key: dict[str, Telephone] = {}
        for telephone in telephones:
            self.add(telephone)

    def add(self, telephone: Telephone) -> Telephone:
        """Put a telephone into the directory, or change the one of that number."""
        other = self._by_key.get(telephone.key)
        if other is not None and other.number != telephone.number:
            raise ValueError(f"{telephone.key!r} is the key of {other.number} already, not of {telephone.number}")
        self._by_number[telephone.number] = telephone
        self._by_key[telephone.key] = telephone
        return telephone

    def find(self, key_or_number: str) -> Telephone:
        """The telephone of that key or number."""
        found = self._by_key.get(key_or_number) or self._by_number.get(key_or_number)
        return found or Telephone(number=key_or_number, key=key_or_number, name="", kind="resident")

    def knows(self, key_or_number: str) -> bool:
        return key_or_number in self._by_key or key_or_number in self._by_number

    def __iter__(self) -> Iterator[Telephone]:
        return iter(list(self._by_number.values()))

    def __len__(self) -> int:
        return len(self._by_number)
