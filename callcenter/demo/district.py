"""The demo district, made from a seed: the same seed gives the same district, name by name and number by number.

Telephone numbers. China sets no range aside for fiction, so the demo takes what is nearest to it:

- mobiles are `154 00…`: the ministry's allocation table (公众移动通信网网号及H0分配情况, as of March 2023) gives the
  network code 154 to nobody. The digit group after it tells the role: 154-0001 residents, 154-0002 contacts, 154-0003
  providers, 154-0009 duty phones and operators;
- fixed lines are `0574-8700 0xxx` (devices), `1xxx` (homes) and `3xxx` (desks): such a line may exist in Ningbo, since
  no fixed range is kept free, but the demo's trunk leads to the town alone, and no call of the demo leaves the machine.

People, firms, roads and medical notes are invented; nobody has an identity number. Street codes are real, community
codes (`9xx`) are invented and say so in their `note`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pypinyin import lazy_pinyin

from callcenter.demo import names
from providers.taxonomy import CATEGORIES, Category

SEED = 81890
HOMES = 300
PEOPLE = 500
DEVICES = 40
DEDICATED = 30
"""Devices home-1 … home-30 are dedicated emergency lines, home-31 … home-40 the homes' own shared telephones."""
DISTRICT = "330203"
KNOWN_FROM = date(2016, 11, 1)
"""The day from which the demo's divisions hold: 海曙区 in its present bounds (the rearrangement of autumn 2016)."""
YEAR = 2026
"""Ages in the demo are as of this year; it is fixed so that the district never changes by itself."""

"""Contacts that are an office, not a person: their names are words, and not to be spelt out in Latin letters."""

Role = Literal["resident", "device", "provider", "contact", "duty", "staff"]
Values = dict[str, Any]


@dataclass(frozen=True)
class DemoPerson:
    """A resident; `values` are the fields of the registry."""

    values: Values
    relation: str
    medical: Values | None


@dataclass(frozen=True)
class DemoHome:
    """A home, number 1 to 300, with all that belongs to it."""

    number: int
    values: Values
    access: Values | None
    people: tuple[DemoPerson, ...]
    device: Values | None
    contacts: tuple[Values, ...]


@dataclass(frozen=True)
class DemoProvider:
    """A provider with its first telephone, items (code, lowest and highest price in yuan) and coverage."""

    number: int
    values: Values
    name_en: str
    phone: str
    items: tuple[tuple[str, int | None, int | None], ...]
    coverage: tuple[str, ...]


@dataclass(frozen=True)
class DemoOperator:
    """Someone who signs in and sits at `seat`."""

    seat: str
    login: str
    name: str
    role: str
    mobile: str


@dataclass(frozen=True)
class DemoDuty:
    """A duty telephone of the rota."""

    position: int
    name: str
    name_en: str
    phone: str


@dataclass(frozen=True)
class District:
    """All of it."""

    seed: int
    divisions: tuple[Values, ...]
    homes: tuple[DemoHome, ...]
    providers: tuple[DemoProvider, ...]
    operators: tuple[DemoOperator, ...]
    duty: tuple[DemoDuty, ...]


def make_district(seed: int = SEED) -> District:
    """The district of `seed`."""
    rng = random.Random(seed)  # noqa: S311 - a reproducible demo, no secret
    homes = _homes(rng)
    return District(seed, _divisions(), homes, _providers(rng), _operators(rng), _duty(rng))


def _mobile(group: int, n: int) -> str:
    return f"+86154{group:04}{n:04}"


def _fixed(n: int) -> str:
    return f"+865748700{n:04}"


def _community_code(place: int) -> str:
    return f"{DISTRICT}{names.STREETS[place][0]}{901 + place}"


def _at(place: tuple[float, float]) -> Values:
    return {"latitude": place[0], "longitude": place[1]}


def _near(street: str, key: str) -> Values:
    """A point in a street, invented, always the same for the same thing; the towns are wider than the old streets."""
    # Dice of its own, so that nothing else of the district moves with it.
    rng = random.Random(f"{SEED}:{key}")  # noqa: S311
    spread = 0.003 if street < "009" else 0.012
    latitude, longitude = names.PLACES[street]
    return _at((round(rng.gauss(latitude, spread), 6), round(rng.gauss(longitude, spread), 6)))


def _divisions() -> tuple[Values, ...]:
    rows: list[Values] = [
        {"code": "3302", "name": "宁波市", "name_en": "Ningbo", "level": "city", **_at(names.CITY_PLACE)},
        {"code": DISTRICT, "name": "海曙区", "name_en": "Haishu", "level": "district", "parent_code": "3302",
         **_at(names.DISTRICT_PLACE)},
    ]  # fmt: skip
    for code, zh, en, at in names.NEXT_DOOR:
        rows.append({"code": code, "name": zh, "name_en": en, "level": "district", "parent_code": "3302", **_at(at)})
    for place, (code, zh, en) in enumerate(names.STREETS):
        street = DISTRICT + code
        rows.append({"code": street, "name": zh, "name_en": en, "level": "street", "parent_code": DISTRICT,
                     **_at(names.PLACES[code])})  # fmt: skip
        name, name_en = names.COMMUNITIES[place]
        rows.append({"code": _community_code(place), "name": f"{name}社区", "name_en": f"{name_en} Community",
                     "level": "community", "parent_code": street, "note": names.INVENTED,
                     **_near(code, street)})  # fmt: skip
    return tuple(row | {"valid_from": KNOWN_FROM} for row in rows)


def _name(rng: random.Random, sex: int, surname: str | None = None) -> str:
    surname = surname or rng.choice([*names.SURNAMES, *names.SURNAMES, *names.POLYPHONIC])
    return surname + rng.choice(names.MEN if sex == 1 else names.WOMEN)


def _homes(rng: random.Random) -> tuple[DemoHome, ...]:
    sizes = [1] * HOMES
    for _ in range(PEOPLE - HOMES):
        sizes[rng.choice([i for i, size in enumerate(sizes) if size < 4])] += 1
    mobiles = iter(range(1, PEOPLE + 1))
    addresses: set[str] = set()
    return tuple(_home(rng, number, size, mobiles, addresses) for number, size in enumerate(sizes, 1))


def _home(rng: random.Random, number: int, size: int, mobiles: Any, addresses: set[str]) -> DemoHome:
    place = (number - 1) % len(names.COMMUNITIES)
    device = _device(number) if number <= DEVICES else None
    fixed = _fixed(1000 + number) if rng.random() < 0.6 else None
    if device and device["kind"] == "shared":
        fixed = device["number"]
    people = _people(rng, size, device is not None, fixed, mobiles)
    values = {**_address(rng, place, addresses), **_near(names.STREETS[place][0], f"home-{number}")}
    access = None
    if device:
        access = {
            "door_code": f"{rng.randrange(10_000):04}#",
            "key_holder": "隔壁邻居有备用钥匙",
            "entrance": "从小区东门进，第二个路口左转",
            "parking": "楼下消防通道可停救护车",
        }
    contacts = _contacts(rng, number, place, people[0].values["name"]) if device else ()
    return DemoHome(number, values, access, people, device, contacts)


def _device(number: int) -> Values:
    kind = "dedicated" if number <= DEDICATED else "shared"
    return {"code": f"home-{number}", "kind": kind, "number": _fixed(number)}


def _address(rng: random.Random, place: int, addresses: set[str]) -> Values:
    compound = f"{names.COMMUNITIES[place][0]}小区"
    while True:
        parts = {
            "road": rng.choice(names.ROADS),
            "house_no": f"{rng.randint(1, 200)}弄",
            "building": f"{rng.randint(1, 30)}号楼",
            "unit": f"{rng.randint(1, 4)}单元",
            "floor": str(rng.randint(1, 6)),
        }
        parts["room"] = f"{parts['floor']}0{rng.randint(1, 4)}室"
        address = "".join(["海曙区", parts["road"], parts["house_no"], compound,
                           parts["building"], parts["unit"], parts["room"]])  # fmt: skip
        if address not in addresses:
            break
    addresses.add(address)
    return {**parts, "division_code": _community_code(place), "address": address, "compound": compound,
            "landmark": rng.choice(names.LANDMARKS)}  # fmt: skip


def _people(rng: random.Random, size: int, elder: bool, fixed: str | None, mobiles: Any) -> tuple[DemoPerson, ...]:
    head_sex = rng.choice((1, 2))
    head_age = rng.randint(72, 93) if elder else rng.randint(28, 84)
    people: list[DemoPerson] = []
    surname = None
    for n in range(size):
        if n == 0:
            sex, age, relation = head_sex, head_age, "户主"
        elif n == 1:
            sex, age, relation = 3 - head_sex, max(24, head_age + rng.randint(-4, 4)), "配偶"
        else:
            sex, age, relation = rng.choice((1, 2)), max(18, head_age - rng.randint(24, 32)), "子女"
        name = _name(rng, sex, surname if relation == "子女" else None)
        surname = surname or name[0]
        mobile = _mobile(1, next(mobiles)) if rng.random() < (0.35 if age >= 70 else 0.8) else None
        values: Values = {
            "name": name,
            "surname_reading": names.POLYPHONIC.get(name[0], ""),
            "sex": sex,
            "birth_year": YEAR - age,
            "phone": mobile or fixed,
            "dialect": "ningbo" if age >= 65 and rng.random() < 0.6 else "mandarin",
            "tags": rng.sample(names.ELDER_TAGS, rng.randint(1, 3)) if elder and age >= 70 else [],
            "consent_position": elder and n == 0,
            "consent_share": elder,
        }
        people.append(DemoPerson(values, relation, _medical(rng) if elder and age >= 70 else None))
    return tuple(people)


def _medical(rng: random.Random) -> Values:
    return {
        "blood_type": rng.choice(("A", "B", "O", "AB", "")),
        "conditions": rng.choice(names.CONDITIONS),
        "allergies": rng.choice(names.ALLERGIES),
        "medication": rng.choice(names.MEDICATION),
        "doctor": "社区卫生服务站（演示）",
    }


def _contacts(rng: random.Random, number: int, place: int, elder: str) -> tuple[Values, ...]:
    """Three or four: a child, a neighbour with a key, the community's aide, sometimes the gatekeeper's desk."""
    base = number * 10
    sex = rng.choice((1, 2))
    child = {"name": _name(rng, sex, elder[0]), "relation": "儿子" if sex == 1 else "女儿",
             "phone": _mobile(2, base + 1), "minutes_away": rng.choice((15, 25, 40, 60))}  # fmt: skip
    neighbour = {"name": _name(rng, rng.choice((1, 2))), "relation": "邻居", "phone": _mobile(2, base + 2),
                 "minutes_away": rng.randint(1, 4), "has_key": True}  # fmt: skip
    aide = {"name": f"{names.COMMUNITIES[place][0]}社区助老员", "relation": "助老员",
            "phone": _mobile(2, 9001 + place), "minutes_away": 10, "hours": "08:00-20:00"}  # fmt: skip
    gate = {"name": f"{names.COMMUNITIES[place][0]}小区门岗", "relation": "物业", "phone": _fixed(3001 + place),
            "minutes_away": 5}  # fmt: skip
    chosen: list[Values] = [neighbour, child, aide, *([gate] if rng.random() < 0.5 else [])]
    return tuple({"position": n, **values} for n, values in enumerate(chosen, 1))


def _providers(rng: random.Random) -> tuple[DemoProvider, ...]:
    """Two firms for each of the 20 categories, 8 volunteer groups and a desk in each of the 12 communities."""
    made: list[DemoProvider] = []
    for n, (code, category) in enumerate(CATEGORIES.items()):
        for which in (0, 1):
            made.append(_firm(rng, len(made) + 1, category, which, names.FIRM_WORDS[(2 * n + which) % 10]))
        assert code == category.code
    for n, (zh, en) in enumerate(names.VOLUNTEERS):
        codes = _items(CATEGORIES["13"]) + _items(CATEGORIES["19"]) + _items(CATEGORIES[("09", "15", "16")[n % 3]])
        streets = tuple(DISTRICT + code for code, *_ in names.STREETS[n::4])
        home_street = names.STREETS[n][0]
        made.append(
            _free(rng, len(made) + 1, f"{zh}（演示）", f"{en} (demo)", "volunteer_group", codes, streets, home_street)
        )
    for place, (name, name_en) in enumerate(names.COMMUNITIES):
        codes = _items(CATEGORIES["20"]) + _items(CATEGORIES["13"]) + _items(CATEGORIES["12"])
        zh, en = f"{name}社区服务站（演示）", f"{name_en} community desk (demo)"
        made.append(_free(rng, len(made) + 1, zh, en, "desk", codes, (_community_code(place),),
                          names.STREETS[place][0]))  # fmt: skip
    return tuple(made)


def _items(category: Category) -> list[str]:
    return [item.code for item in category.items]


def _firm(rng: random.Random, number: int, category: Category, which: int, word: str) -> DemoProvider:
    """The first firm of a category does every item of it round the clock, the second most of them by day."""
    codes = _items(category)
    if which:
        codes = sorted(rng.sample(codes, max(1, len(codes) * 2 // 3)))
    prices = []
    for code in codes:
        low = rng.randrange(30, 160, 10)
        prices.append((code, low, low + rng.randrange(20, 200, 10)))
    values: Values = {
        "name": f"{word}{category.zh}服务部（演示）",
        "kind": "company",
        "state": _STANDINGS.get(number, "active" if which == 0 or rng.random() < 0.8 else "probation"),
        "contact_name": _name(rng, rng.choice((1, 2))),
        "address": f"海曙区{rng.choice(names.ROADS)}{rng.randint(1, 300)}号",
        "licence": f"演示-{number:04}",
        "opens_minute": 0 if which == 0 else 8 * 60,
        "closes_minute": 1440 if which == 0 else 20 * 60,
        "capacity": rng.randint(2, 5),
    }
    en = f"{''.join(lazy_pinyin(word)).title()} {category.en} (demo)"
    street = names.STREETS[number % len(names.STREETS)][0]
    values |= _near(street, f"provider-{number}")
    coverage: tuple[str, ...] = (DISTRICT,)
    if number % 4 == 1:  # of the district, and of the whole city besides
        coverage = (DISTRICT, "3302")
    elif number % 8 == 4:  # the city's: asked when nobody of the district can
        coverage = ("3302",)
    elif number % 8 == 0:  # next door: asked when nobody of the city can
        coverage = (names.NEXT_DOOR[0][0],)
        values |= {"address": f"{names.NEXT_DOOR[0][1]}{values['address'].removeprefix('海曙区')}",
                   **_at(names.NEXT_DOOR[0][3])}  # fmt: skip
    return DemoProvider(number, values, en, _mobile(3, number), tuple(prices), coverage)


_STANDINGS = {2: "applied", 4: "vetting", 6: "visiting", 8: "warned", 10: "suspended", 12: "withdrawn", 14: "rejected"}
"""Second firms that are not simply there, by number: the first firm of each category always serves."""


def _free(
    rng: random.Random,
    number: int,
    zh: str,
    en: str,
    kind: str,
    codes: list[str],
    coverage: tuple[str, ...],
    street: str,
) -> DemoProvider:
    """A group or desk: nothing to pay, by day; desks on working days."""
    values = {
        "name": zh,
        "kind": kind,
        "state": "active",
        "contact_name": _name(rng, rng.choice((1, 2))),
        "opens_minute": 8 * 60 + 30 if kind == "desk" else 9 * 60,
        "closes_minute": 17 * 60 if kind == "desk" else 18 * 60,
        "weekdays": "12345" if kind == "desk" else "1234567",
        "capacity": 5,
        **_near(street, f"provider-{number}"),
    }
    return DemoProvider(number, values, en, _mobile(3, number), tuple((code, 0, 0) for code in codes), coverage)


def _operators(rng: random.Random) -> tuple[DemoOperator, ...]:
    made = []
    for n in range(1, 5):
        role = "supervisor" if n == 4 else "operator"
        made.append(DemoOperator(f"op{n}", f"op{n}", _name(rng, 2 if n % 2 else 1), role, _mobile(9, 100 + n)))
    return tuple(made)


def _duty(rng: random.Random) -> tuple[DemoDuty, ...]:
    return tuple(
        DemoDuty(n, f"值班员{_name(rng, rng.choice((1, 2)))}", f"Duty officer {n}", _mobile(9, n)) for n in (1, 2, 3)
    )
