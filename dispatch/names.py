"""Who is meant by an actor, an owner or a person key, as a page shows it."""

from __future__ import annotations

from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import organisations
from dispatch.tables import (
    DutyPhone,
    Seat,
    StaffUser,
)
from providers.tables import Provider
from residents.tables import Contact


class Names:
    """Who is meant by `user:li`, `seat-op1`, `contact-17`, `duty-3` or `provider:5`; read once for a page."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @cached_property
    def _users(self) -> dict[str, str]:
        return {row.login: row.name for row in self._session.execute(select(StaffUser.login, StaffUser.name))}

    @cached_property
    def _seats(self) -> dict[str, str]:
        rows = select(Seat.name.label("seat"), StaffUser.name).join(StaffUser, StaffUser.id == Seat.user_id)
        return {row.seat: row.name for row in self._session.execute(rows)}

    def seat_of(self, key: str) -> str:
        """The seat's name in a person key, or nothing."""
        return key.removeprefix("seat-") if key.startswith("seat-") else ""

    def of(self, key: str | None, locale: str) -> str:
        """The name to show for `key`; the key itself when nobody knows it."""
        key, english = key or "", locale == "en"
        kind, _, rest = key.partition(":")
        if kind == "user":
            return self._users.get(rest, rest)
        if kind == "org" and rest.isdigit():
            return organisations.name_of(self._session, int(rest), locale) or key
        if kind == "provider" and rest.isdigit():
            return self._session.scalar(select(Provider.name).where(Provider.id == int(rest))) or key
        if kind == "cli":
            return ("command line " if english else "命令行 ") + rest
        if kind == "sms":
            return ("SMS " if english else "短信 ") + rest
        kind, _, rest = key.partition("-")
        if kind == "seat":
            seat = ("Seat " if english else "坐席 ") + rest
            return f"{self._seats[rest]} · {seat}" if rest in self._seats else seat
        if kind in ("contact", "duty") and rest.isdigit():
            return self._person(kind, int(rest), locale) or key
        fixed = {
            "clock": ("到点自动", "by the clock"),
            "system": ("系统", "the system"),
            "bridge": ("电话交换机", "the exchange"),
            "exchange": ("电话交换机", "the exchange"),
            "desk": ("坐席组", "the desk"),
            "supervisor": ("班长", "the supervisor"),
            "city": ("市级中心", "the city's centre"),
            "app": ("系统", "the system"),
            "dialplan": ("电话交换机", "the exchange"),
        }
        return fixed[key][english] if key in fixed else key

    def _person(self, kind: str, row_id: int, locale: str) -> str:
        if kind == "duty":
            name = self._session.scalar(select(DutyPhone.name).where(DutyPhone.id == row_id))
            label = "Duty" if locale == "en" else "值班"
            return f"{label} {name}" if name else ""
        found = self._session.execute(select(Contact.name, Contact.relation).where(Contact.id == row_id)).first()
        return f"{found[0]}（{found[1]}）" if found else ""
