"""Accounts: who signs in, in which role, for which organisation. For administrators; a password is shown once."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse

from callcenter.console.house import Admin, House, InHouse
from callcenter.console.sessions import Viewer
from dispatch import accounts, organisations, staff
from dispatch.errors import missing
from foundation.errors import Conflict, Invalid
from foundation.text import one_line
from foundation.writer import Work

router = APIRouter()

UserId = Annotated[int, Path(ge=1, le=2**53)]
MaybeId = Annotated[int | None, Form(ge=1, le=2**53)]
Role = Annotated[str, Form(pattern="^(operator|supervisor|admin)$")]
PASSWORD_BYTES = 12
"""96 random bits, 16 characters."""


@router.get("/staff")
def staff_list(request: Request, in_house: InHouse, viewer: Admin) -> HTMLResponse:
    """Every account in sight."""
    return _page(request, in_house, viewer)


@router.post("/staff")
def add(
    request: Request,
    in_house: InHouse,
    viewer: Admin,
    login: Annotated[str, Form(pattern=r"^[A-Za-z0-9._-]{1,40}$")],
    name: Annotated[str, Form(min_length=1, max_length=40)],
    role: Role,
    mobile: Annotated[str, Form(max_length=40)] = "",
    organisation_id: MaybeId = None,
) -> HTMLResponse:
    """A new account; its password is made here and shown this once."""
    number = in_house.plan.parse(mobile)
    if mobile.strip() and number.kind != "mobile":
        raise Invalid("手机号不是一个手机号码", "The mobile is no mobile number", field="mobile")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    _may_give(in_house, viewer, organisation_id)
    in_house.writer.call(
        _add, (login, one_line(name, 40), role, staff.hash_password(password), number.e164), organisation_id,
        actor=viewer.actor,
    )  # fmt: skip
    return _page(request, in_house, viewer, login=login, password=password)


@router.post("/staff/{user_id}/password")
def reset_password(request: Request, in_house: InHouse, viewer: Admin, user_id: UserId) -> HTMLResponse:
    """A new password, shown this once; every session of the account ends."""
    account = _account(in_house, viewer, user_id)
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    in_house.writer.call(staff.set_password, user_id, staff.hash_password(password), actor=viewer.actor)
    return _page(request, in_house, viewer, login=account.user.login, password=password)


@router.post("/staff/{user_id}/disable")
def disable(request: Request, in_house: InHouse, viewer: Admin, user_id: UserId) -> HTMLResponse:
    """The account signs in no more; not one's own."""
    _account(in_house, viewer, user_id)
    if user_id == viewer.user_id:
        raise Conflict("不能停用自己的账号", "You cannot disable your own account")
    in_house.writer.call(staff.disable_user, user_id, actor=viewer.actor)
    return _page(request, in_house, viewer)


@router.post("/staff/{user_id}/enable")
def enable(request: Request, in_house: InHouse, viewer: Admin, user_id: UserId) -> HTMLResponse:
    """The account signs in again."""
    _account(in_house, viewer, user_id)
    in_house.writer.call(staff.enable_user, user_id, actor=viewer.actor)
    return _page(request, in_house, viewer)


@router.post("/staff/{user_id}/place")
def place(
    request: Request, in_house: InHouse, viewer: Admin, user_id: UserId, role: Role, organisation_id: MaybeId = None
) -> HTMLResponse:
    """Another role, another organisation; they hold from that person's next click on."""
    _account(in_house, viewer, user_id)
    _may_give(in_house, viewer, organisation_id)
    in_house.writer.call(_place, user_id, role, organisation_id, actor=viewer.actor)
    return _page(request, in_house, viewer)


def _add(w: Work, account: tuple[str, str, str, str, str], organisation_id: int | None) -> None:
    user_id = staff.add_user(w, *account)
    if organisation_id is not None:
        organisations.set_membership(w, user_id, organisation_id)


def _place(w: Work, user_id: int, role: str, organisation_id: int | None) -> None:
    staff.set_role(w, user_id, role)
    organisations.set_membership(w, user_id, organisation_id)


def _account(in_house: House, viewer: Viewer, user_id: int) -> accounts.Account:
    """The account, if it belongs to an organisation in sight; the installation's own see all."""
    with in_house.database.read() as session:
        found = next((one for one in accounts.shown(session, viewer.sight) if one.user.id == user_id), None)
    if found is None:
        raise missing("账号", "account", user_id)
    return found


def _may_give(in_house: House, viewer: Viewer, organisation_id: int | None) -> None:
    """Nobody gives out more than they have: organisations in sight, and none at all only the installation's own."""
    if viewer.sight.everything and viewer.sight.organisation_id is None:
        return
    with in_house.database.read() as session:
        seen = {node.organisation.id for node in organisations.tree(session, viewer.sight)}
    if organisation_id not in seen:
        raise missing("机构", "organisation", organisation_id)


def _page(request: Request, in_house: House, viewer: Viewer, login: str = "", password: str = "") -> HTMLResponse:
    with in_house.database.read() as session:
        nodes = [
            node for node in organisations.tree(session, viewer.sight)
            if node.organisation.closed_at is None and node.organisation.kind not in organisations.MEMBERLESS
        ]  # fmt: skip
        return in_house.pages.matter(
            request, "staff.html", viewer, "staff", accounts=accounts.shown(session, viewer.sight), nodes=nodes,
            fresh_login=login, fresh_password=password, free=viewer.sight.organisation_id is None,
        )  # fmt: skip
