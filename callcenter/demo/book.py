"""The town's telephone book of the demo district: who has which telephone, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pypinyin import lazy_pinyin

from callcenter.demo import names
from callcenter.demo.district import District, Role, Values
from foundation.numbers import NumberPlan

_OFFICES = {"助老员": "Community aide", "物业": "Gatekeeper's desk"}


@dataclass(frozen=True)
class Entry:
    """A telephone in the town's book: `number` as dialled from the site, `key` a short name for it.

    `dials` is the number a device rings when its button is pressed: 81891, which is an emergency from every line.
    `place` is the address of the home it stands in or belongs to.
    """

    number: str
    key: str
    zh: str
    en: str
    role: Role
    dials: str = ""
    place: str = ""


def directory(district: District, plan: NumberPlan | None = None) -> list[Entry]:
    """The town's telephone book: every telephone of the district once, devices first."""
    plan = plan or NumberPlan()
    book: dict[str, Entry] = {}
    for home in district.homes:
        if home.device:
            owners = "、".join(person.values["name"] for person in home.people)
            place, code = home.values["address"], home.device["code"]
            zh, en = f"{owners}家一键通", f"One-touch of {_latin(home.people[0].values)}"
            _enter(book, plan, Entry(home.device["number"], code, zh, en, "device", "81891", place))
    for home in district.homes:
        for n, person in enumerate(home.people, 1):
            if phone := person.values.get("phone"):
                key, place = f"resident-{home.number}-{n}", home.values["address"]
                entry = Entry(phone, key, person.values["name"], _latin(person.values), "resident", place=place)
                _enter(book, plan, entry)
        for n, contact in enumerate(home.contacts, 1):
            zh = f"{contact['name']}（{contact['relation']}）"
            en = _OFFICES.get(contact["relation"]) or f"{_latin(contact)}, contact"
            _enter(book, plan, Entry(contact["phone"], f"contact-{home.number}-{n}", zh, en, "contact"))
    for provider in district.providers:
        key = f"provider-{provider.number}"
        _enter(book, plan, Entry(provider.phone, key, provider.values["name"], provider.name_en, "provider"))
    for duty in district.duty:
        _enter(book, plan, Entry(duty.phone, f"duty-{duty.position}", duty.name, duty.name_en, "duty"))
    for operator in district.operators:
        title, title_en = ("班长", "Supervisor") if operator.role == "supervisor" else ("坐席", "Operator")
        key, zh, en = f"{operator.login}-mobile", f"{title}{operator.name}", f"{title_en} {operator.login}"
        _enter(book, plan, Entry(operator.mobile, key, zh, en, "staff"))
    return list(book.values())


def _enter(book: dict[str, Entry], plan: NumberPlan, entry: Entry) -> None:
    """Put `entry` in under the number as dialled; people who share a telephone share its line in the book."""
    number = plan.dial(entry.number)
    there = book.get(number)
    if there is None:
        book[number] = replace(entry, number=number)
    elif there.role == entry.role == "resident":
        book[number] = replace(there, zh=f"{there.zh}、{entry.zh}", en=f"{there.en}, {entry.en}")


def _latin(values: Values) -> str:
    """A name in Latin letters, the surname as it is read."""
    name = values["name"]
    reading = names.POLYPHONIC.get(name[0], "")[:-1] or lazy_pinyin(name[0])[0]
    return f"{reading.title()} {''.join(lazy_pinyin(name[1:])).title()}"
