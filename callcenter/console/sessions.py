"""Who is at the browser: a signed cookie, checked against the user at each request, and the token of our own forms.

What the person sees is read anew with each request, so a changed role or organisation holds from the next click on.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request, Response
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from callcenter.console.errors import ForeignForm
from callcenter.console.settings import ConsoleSettings
from dispatch import sight
from dispatch.sight import Sight
from dispatch.tables import Seat, StaffUser
from foundation.clock import Clock
from foundation.scope import Scope

SESSION_COOKIE = "callcenter_session"
FORM_COOKIE = "callcenter_form"


@dataclass(frozen=True)
class Viewer:
    """The signed-in person: who, in which role, at which seat (empty: none), the token their forms carry, and what of
    the house they see.
    """

    user_id: int
    login: str
    name: str
    role: str
    locale: str
    seat: str
    break_reason: str
    token: str
    sight: Sight = sight.ALL

    @property
    def scope(self) -> Scope:
        """The divisions in which this person's rights hold."""
        return self.sight.scope

    @property
    def actor(self) -> str:
        """As written in the event log."""
        return f"user:{self.login}"

    def may(self, role: str) -> bool:
        """Whether this person's role is `role` or above it, in the centre: a desk's head is no supervisor of calls."""
        return self.sight.rights.calls and self.leads(role)

    def leads(self, role: str) -> bool:
        """Whether this person's role is `role` or above it in their own organisation."""
        order = ("operator", "supervisor", "admin")
        return order.index(self.role) >= order.index(role)


class Sessions:
    """Gives out cookies and reads them back."""

    def __init__(self, settings: ConsoleSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._signer = URLSafeTimedSerializer(settings.secret, salt="console-session")
        self._key = hashlib.sha256(b"console-forms:" + settings.secret.encode()).digest()

    def begin(self, response: Response, user: StaffUser) -> None:
        """Sign `user` in at this browser."""
        nonce = secrets.token_urlsafe(16)
        value = self._signer.dumps({"u": user.id, "g": user.session_generation, "n": nonce})
        self._set(response, SESSION_COOKIE, value, int(self._settings.shift_hours * 3600))

    def end(self, response: Response) -> None:
        """Forget the cookie at this browser."""
        response.delete_cookie(SESSION_COOKIE, path="/", secure=self._settings.secure, httponly=True, samesite="lax")

    def read(self, request: Request, session: Session) -> Viewer | None:
        """Who is signed in; None when nobody is, or no longer."""
        try:
            told = self._signer.loads(
                request.cookies.get(SESSION_COOKIE, ""), max_age=int(self._settings.shift_hours * 3600)
            )
            user_id, generation, nonce = int(told["u"]), int(told["g"]), str(told["n"])
        except (BadData, KeyError, TypeError, ValueError):
            return None
        found = session.execute(
            select(StaffUser, Seat).outerjoin(Seat, Seat.user_id == StaffUser.id).where(StaffUser.id == user_id)
        ).first()
        if found is None or found[0].disabled_at is not None or found[0].session_generation != generation:
            return None
        user, seat = found
        today = self._clock.now().astimezone(self._settings.zone_info).date()
        return Viewer(
            user.id, user.login, user.name, user.role, "en" if user.locale == "en" else "zh_CN",
            seat.name if seat else "", (seat.break_reason or "") if seat else "", self._token(nonce),
            sight.of_user(session, user.id, today),
        )  # fmt: skip

    def form_token(self, request: Request, response: Response) -> str:
        """The token of a form that is filled in before anybody is signed in; sets its cookie."""
        nonce = request.cookies.get(FORM_COOKIE, "")
        if not 16 <= len(nonce) <= 64:
            nonce = secrets.token_urlsafe(16)
        self._set(response, FORM_COOKIE, nonce, 3600)
        return self._token(nonce)

    def check_form(self, request: Request, token: str, viewer: Viewer | None) -> None:
        """Raises ForeignForm unless the request comes from our own page: right origin and right token."""
        if not _same_origin(request):
            raise ForeignForm
        right = viewer.token if viewer else self._token(request.cookies.get(FORM_COOKIE, ""))
        if not hmac.compare_digest(right.encode(), token.encode()):
            raise ForeignForm

    def _token(self, nonce: str) -> str:
        return hmac.new(self._key, nonce.encode(), hashlib.sha256).hexdigest()

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=self._settings.secure
        )


def _same_origin(request: Request) -> bool:
    """Every browser sends Origin with a POST; one that is missing or of another host is not from our page."""
    origin = request.headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("host", "")
