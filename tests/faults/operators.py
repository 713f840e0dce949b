"""Operators at the real console, over HTTP: they sit down at their seats and say how calls ended."""

from __future__ import annotations

import re

import httpx

from callcenter.demo.district import District
from tests.system import System


class OperatorAtWork:
    """One signed-in browser; the sign-in outlives the application's deaths."""

    def __init__(self, system: System, login: str) -> None:
        password = (system.settings.home / "secrets" / f"demo-{login}").read_text("utf-8").strip()
        self._web = httpx.Client(base_url=system.base, headers={"Origin": system.base}, timeout=20, trust_env=False)
        form = re.search(r'name="csrf" value="(\w+)"', self._web.get("/sign-in").text)
        assert form, "the sign-in form has its token"
        told = {"name": login, "password": password, "csrf": form[1]}
        assert self._web.post("/sign-in", data=told).status_code == 303, f"{login} can sign in"
        page = re.search(r'"X-CSRF-Token": "(\w+)"', self._web.get("/").text)
        assert page, "the desk has its token"
        self._web.headers.update({"HX-Request": "true", "X-CSRF-Token": page[1]})

    def sits_down(self, seat: str) -> None:
        """Take a seat: service calls ring there from now on."""
        self._post("/seats/take", seat=seat)

    def answered(self, arrival_id: int) -> None:
        """The call was a question, answered on the spot."""
        self._post(f"/calls/{arrival_id}/answer", summary="问路", text="已告知")

    def says(self, arrival_id: int, disposition: str, reason: str) -> None:
        """The call ended so, and needs no ticket."""
        self._post(f"/calls/{arrival_id}/dispose", disposition=disposition, reason=reason)

    def leaves(self) -> None:
        """Close the browser; the seat stays taken."""
        self._web.close()

    def _post(self, url: str, **data: str) -> None:
        answer = self._web.post(url, data=data)
        assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text[:400]}"


def staff_the_seats(system: System, district: District) -> list[OperatorAtWork]:
    """Everybody sits down."""
    people = []
    for operator in district.operators:
        one = OperatorAtWork(system, operator.login)
        one.sits_down(operator.seat)
        people.append(one)
    return people
