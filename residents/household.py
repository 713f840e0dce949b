"""What the telephone must know of households, as keys and values of the exchange's own database.

Pure: rows go in as plain values, keys come out. The keys are those of the telephone contract; the dialplan works from
them alone when this application is dead. The bridge compares them with what the exchange holds and writes the
difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from foundation.numbers import NumberPlan

CONTACT_RING_S = 30
"""How long a contact's telephone rings: longer than a duty phone's, a mobile must be found first."""
DUTY_RING_S = 20

_NOT_IN_CODE = re.compile(r"[^A-Za-z0-9-]", flags=re.ASCII)
_NUMBER = re.compile(r"\+?[0-9]{3,15}", flags=re.ASCII)


@dataclass(frozen=True)
class HomeLine:
    """A home: its id and the household version of its last change."""

    id: int
    version: int


@dataclass(frozen=True)
class DeviceLine:
    """A device that is not retired."""

    code: str
    kind: str
    number: str
    home_id: int


@dataclass(frozen=True)
class ContactLine:
    """A contact of a home; `phone` is E.164."""

    id: int
    home_id: int
    position: int
    phone: str


@dataclass(frozen=True)
class DutyPhone:
    """A duty telephone, in the order of the list it comes in; `phone` is E.164."""

    id: int
    phone: str
    ring_s: int = DUTY_RING_S


@dataclass(frozen=True)
class HouseholdData:
    """Rows of one read: all homes, or those changed since a version. `version` is what the read is at least up to."""

    version: int
    homes: tuple[HomeLine, ...]
    devices: tuple[DeviceLine, ...]
    contacts: tuple[ContactLine, ...]


def desired_keys(
    homes: Iterable[HomeLine], devices: Iterable[DeviceLine], contacts: Iterable[ContactLine],
    duty: Iterable[DutyPhone], plan: NumberPlan,
) -> dict[str, str]:  # fmt: skip
    """Every key and value the exchange should hold for these homes and duty phones, and no other.

    Only homes with a device are there (a call reaches a home by its line), only telephones that a machine may ring,
    and each telephone once in a home.
    """
    keys = _line_keys(devices, plan)
    with_line = {value.rpartition(":")[2] for value in keys.values()}
    by_home: dict[int, list[ContactLine]] = {}
    for contact in contacts:
        by_home.setdefault(contact.home_id, []).append(contact)
    for home in homes:
        if str(home.id) in with_line:
            keys |= _contact_keys(home, by_home.get(home.id, []), plan)
    return keys | duty_keys(duty, plan)


def duty_keys(duty: Iterable[DutyPhone], plan: NumberPlan) -> dict[str, str]:
    """The keys of the duty phones, in the order given."""
    people = [(f"duty-{phone.id}", phone.phone, phone.ring_s) for phone in duty]
    entries = _entries(people, plan)
    return {"duty/count": str(len(entries))} | {f"duty/{i}": entry for i, entry in enumerate(entries, 1)}


def _line_keys(devices: Iterable[DeviceLine], plan: NumberPlan) -> dict[str, str]:
    keys = {}
    # Should two devices ever claim one form, the dedicated one wins: when in doubt it is an emergency.
    for device in sorted(devices, key=lambda d: (d.kind != "shared", d.code)):
        if not _NUMBER.fullmatch(device.number):
            continue
        kind = "shared" if device.kind == "shared" else "dedicated"
        code = _NOT_IN_CODE.sub("-", device.code)[:40] or "unknown"
        for form in plan.forms(device.number):
            keys[f"line/{form}"] = f"{kind}:{code}:{device.home_id}"
    return keys


def _contact_keys(home: HomeLine, contacts: list[ContactLine], plan: NumberPlan) -> dict[str, str]:
    ordered = sorted(contacts, key=lambda contact: (contact.position, contact.id))
    entries = _entries([(f"contact-{c.id}", c.phone, CONTACT_RING_S) for c in ordered], plan)
    keys = {f"contact/{home.id}/{i}": entry for i, entry in enumerate(entries, 1)}
    return keys | {f"contacts/{home.id}": f"{home.version}:{len(entries)}"}


def _entries(people: Iterable[tuple[str, str, int]], plan: NumberPlan) -> list[str]:
    """`<person key>:<number to dial>:<ring seconds>` of each, without doubles and service numbers such as 120."""
    entries: dict[str, str] = {}
    for key, phone, ring_s in people:
        number = plan.parse(phone)
        if number.callable_back:
            to_dial = plan.dial(number.e164)
            entries.setdefault(to_dial, f"{key}:{to_dial}:{ring_s}")
    return list(entries.values())
