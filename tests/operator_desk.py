"""An operator at the console of the running application: a browser's requests over real HTTP, and nothing else.

`Operator(base, secrets, "op1").sits_down()` signs in with the account's own password, and each method is one button of
the pages. What the console refuses raises `RefusedError` with the words that the operator would read.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any, Self

import httpx

_TAGS = re.compile(r"<[^>]+>")


class RefusedError(AssertionError):
    """The console refused a step: `status`, and what it said."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text[:500]}")
        self.status, self.text = status, text


class Operator:
    """One person in one browser; `login` is also the name of the seat and of the desk phone."""

    def __init__(self, base: str, secrets: Path, login: str) -> None:
        self.login = login
        self._password = (secrets / f"demo-{login}").read_text().strip()
        self._base = base
        self._http = httpx.Client(base_url=base, trust_env=False, timeout=10)
        self._token = ""

    # --- at the door ------------------------------------------------------------------------------

    def signs_in(self) -> Self:
        """By name and password, as on the first page."""
        token = _found(r'name="csrf" value="(\w+)"', self._http.get("/sign-in").text)
        told = {"name": self.login, "password": self._password, "csrf": token}
        reply = self._http.post("/sign-in", data=told, headers={"Origin": self._base})
        if reply.status_code != 303:
            raise RefusedError(reply.status_code, plain(reply.text))
        self._token = _found(r'"X-CSRF-Token": "(\w+)"', self._http.get("/").text)
        return self

    def sits_down(self) -> Self:
        """Sign in and take the own seat: from now on service calls ring the desk phone."""
        self.signs_in()
        self._post("/seats/take", seat=self.login)
        return self

    def gets_up(self) -> None:
        self._post("/seats/leave")

    def takes_a_break(self, reason: str = "喝水") -> None:
        self._post("/break", reason=reason)

    def comes_back(self) -> None:
        self._post("/break/end")

    # --- what the pages say -----------------------------------------------------------------------

    def reads(self, path: str) -> str:
        """The words of a page, without its tags."""
        reply = self._http.get(path, headers={"HX-Request": "true"})
        if reply.status_code != 200:
            raise RefusedError(reply.status_code, plain(reply.text))
        return plain(reply.text)

    def sees_alarms(self) -> str:
        return self.reads("/waiting/alarms")

    def sees_calls(self) -> str:
        return self.reads("/waiting/calls")

    # --- a call in hand ---------------------------------------------------------------------------

    def opens_card(self, arrival: int) -> str:
        """The caller's card."""
        return self.reads(f"/calls/{arrival}")

    def answers_on_the_spot(self, arrival: int, question: str, reply: str) -> str:
        return self._post(f"/calls/{arrival}/answer", summary=question, text=reply)

    def disposes(self, arrival: int, disposition: str, reason: str) -> str:
        return self._post(f"/calls/{arrival}/dispose", disposition=disposition, reason=reason)

    def pauses_recording(self, arrival: int, paused: bool = True) -> str:
        return self._post(f"/calls/{arrival}/recording", paused=str(paused).lower())

    def joins(self, arrival: int, ticket: int) -> str:
        return self._post(f"/calls/{arrival}/join", ticket_id=ticket)

    def opens_request(self, arrival: int, item: str, summary: str) -> int:
        """Open a service request with what the form already knows of the caller; the ticket's id."""
        page = self._http.get("/tickets/new", params={"arrival": arrival}).text
        form = page[page.index('id="request-form"') :]
        told = {name: html.unescape(value) for name, value in _INPUT.findall(form) if value}
        told["community"] = _found(r'<option value="(\d{12})" selected>', form)
        told |= {"item": item, "summary": summary, "urgency": "normal"}
        reply = self._send("/tickets", told)
        return int(_found(r"/tickets/(\d+)", reply.headers["HX-Push-Url"]))

    def opens_incident(self, title: str, zh: str, en: str, *areas: str) -> str:
        return self._post("/incidents", title=title, zh=zh, en=en, areas=list(areas))

    def ends_incident(self, incident: int, zh: str, en: str) -> str:
        return self._post(f"/incidents/{incident}/end", zh=zh, en=en)

    # --- a ticket in hand -------------------------------------------------------------------------

    def opens_ticket(self, ticket: int) -> str:
        return self.reads(f"/tickets/{ticket}")

    def offers(self, ticket: int, provider: int | None = None, mode: str | None = None) -> str:
        """In the mode of the item, or in another; or to the one provider named."""
        if mode is not None:
            return self._post(f"/tickets/{ticket}/offer-by-mode", mode=mode)
        return self._post(f"/tickets/{ticket}/offer", **({} if provider is None else {"provider_id": provider}))

    def notes(self, ticket: int, text: str) -> str:
        return self._post(f"/tickets/{ticket}/note", text=text)

    def closes(self, ticket: int, outcome: str, text: str) -> str:
        return self._post(f"/tickets/{ticket}/close", outcome=outcome, text=text)

    def finishes_task(self, task: int) -> str:
        return self._post(f"/tasks/{task}/done")

    # --- an alarm in hand -------------------------------------------------------------------------

    def takes(self, alarm: int) -> str:
        return self._post(f"/alarms/{alarm}/take")

    def confirms(self, alarm: int, how: str = "voice") -> str:
        return self._post(f"/alarms/{alarm}/confirm", how=how)

    def grades(self, alarm: int, grade: str) -> str:
        return self._post(f"/alarms/{alarm}/grade", grade=grade)

    def has_rung(self, alarm: int, who: str) -> str:
        """呼叫家属: have this person rung for the waiting call."""
        return self._post(f"/alarms/{alarm}/ring", who=who)

    def rings_back(self, alarm: int) -> str:
        return self._post(f"/alarms/{alarm}/ring-back")

    def closes_alarm(self, alarm: int, outcome: str, text: str) -> str:
        return self._post(f"/alarms/{alarm}/close", outcome=outcome, text=text)

    # ----------------------------------------------------------------------------------------------

    def _post(self, path: str, **data: Any) -> str:
        return plain(self._send(path, data).text)

    def _send(self, path: str, data: dict[str, Any]) -> httpx.Response:
        headers = {"HX-Request": "true", "Origin": self._base, "X-CSRF-Token": self._token}
        reply = self._http.post(path, data=data, headers=headers)
        if reply.is_error:
            raise RefusedError(reply.status_code, plain(reply.text))
        return reply

    def close(self) -> None:
        """Close the browser; the session stays."""
        self._http.close()


_INPUT = re.compile(r'<input[^>]* name="(arrival_id|home_id|person_id|address|caller_name|phone)"[^>]* value="([^"]*)"')


def plain(page: str) -> str:
    """What a reader sees of HTML, on one line."""
    return " ".join(html.unescape(_TAGS.sub(" ", page)).split())


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, f"the page lacks {pattern}: {plain(text)[:800]}"
    return match[1]
