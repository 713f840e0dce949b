"""Who works here: accounts, seats, breaks. A break keeps service calls away from a seat, never an emergency."""

from __future__ import annotations

from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch.errors import BadInput, SeatTaken, missing
from dispatch.organisation_tables import Organisation, OrganisationMember
from dispatch.tables import ROLES, Seat, StaffUser
from foundation.errors import Conflict
from foundation.text import one_line
from foundation.writer import Work

_HASHER = PasswordHasher()


@dataclass(frozen=True)
class DesiredSeat:
    """How the exchange should know a seat: signed in to the service queue or not, paused or not and why."""

    name: str
    signed_in: bool
    paused: bool
    reason: str


def hash_password(password: str) -> str:
    """The argon2 text of `password`. Takes tens of milliseconds: call it before a command, never inside one."""
    if not 8 <= len(password) <= 200:
        raise BadInput("密码须为 8 到 200 个字符", "a password has 8 to 200 characters")
    return _HASHER.hash(password)


def verify_password(password_hash: str, password: str) -> bool:
    """Whether `password` belongs to the hash; an unreadable hash belongs to none. Slow, as `hash_password`."""
    try:
        return _HASHER.verify(password_hash, password[:200])
    except (VerificationError, InvalidHashError):
        return False


def add_user(w: Work, login: str, name: str, role: str, password_hash: str, mobile: str = "") -> int:
    """Make an account; returns its id. Raises `BadInput` for a taken login or an unknown role."""
    login, name = one_line(login, 40), one_line(name, 40)
    if not login or not name or role not in ROLES:
        raise BadInput("需要登录名、姓名和角色", f"an account needs a login, a name and a role of {', '.join(ROLES)}")
    if w.session.scalar(select(StaffUser.id).where(StaffUser.login == login)) is not None:
        raise BadInput(f"登录名 {login} 已被使用", f"the login {login} is taken")
    user = StaffUser(
        login=login, name=name, role=role, password_hash=password_hash, mobile=mobile, created_at=w.now,
    )  # fmt: skip
    w.session.add(user)
    w.session.flush()
    w.log("user.added", user=login, role=role)
    return user.id


def set_password(w: Work, user_id: int, password_hash: str) -> None:
    """Give the account a new password and end its sessions."""
    user = _user(w.session, user_id)
    user.password_hash = password_hash
    end_sessions(w, user_id)
    w.log("user.password_changed", user=user.login)


def set_locale(w: Work, user_id: int, locale: str) -> None:
    """The language of this user's pages: `zh_CN` or `en`."""
    if locale not in ("zh_CN", "en"):
        raise BadInput("没有这种语言", f"there are pages in zh_CN and en, not in {one_line(locale, 20)}")
    _user(w.session, user_id).locale = locale


def end_sessions(w: Work, user_id: int) -> None:
    """End every browser session of this user."""
    w.session.execute(
        update(StaffUser)
        .where(StaffUser.id == user_id)
        .values(session_generation=StaffUser.session_generation + 1)
        .execution_options(synchronize_session=False)
    )


def enable_user(w: Work, user_id: int) -> None:
    """A disabled account signs in again, with the password it had."""
    user = _user(w.session, user_id)
    user.disabled_at = None
    w.session.flush()
    w.log("user.enabled", user=user.login)


def set_role(w: Work, user_id: int, role: str) -> None:
    """Give the account another role. Raises `BadInput` for an unknown one, `Conflict` for the last administrator."""
    if role not in ROLES:
        raise BadInput("没有这种角色", f"a role is one of {', '.join(ROLES)}")
    user = _user(w.session, user_id)
    if role != "admin":
        keep_an_administrator(w.session, user)
    user.role = role
    w.session.flush()
    w.log("user.role_changed", user=user.login, role=role)


def keep_an_administrator(session: Session, user: StaffUser) -> None:
    """Raises `Conflict` when `user` is the only one left who may let others in: an administrator of the centre.

    The rows are locked, so that two do not leave at the same moment.
    """
    elsewhere = (
        select(OrganisationMember.user_id)
        .join(Organisation, Organisation.id == OrganisationMember.organisation_id)
        .where(Organisation.kind != "operating_body")
    )
    admins = (
        select(StaffUser.id)
        .where(StaffUser.role == "admin", StaffUser.disabled_at.is_(None), StaffUser.id.not_in(elsewhere))
        .with_for_update()
    )
    if list(session.scalars(admins)) == [user.id]:
        raise Conflict(
            "这是最后一个管理员，请先指定另一位", "this is the last administrator: make somebody else one first"
        )


def disable_user(w: Work, user_id: int) -> None:
    """The account signs in no more; its seat is freed and its sessions end. Raises `Conflict` for the last admin."""
    user = _user(w.session, user_id)
    keep_an_administrator(w.session, user)
    user.disabled_at = w.now
    end_sessions(w, user_id)
    for name in w.session.scalars(select(Seat.name).where(Seat.user_id == user_id)):
        sign_out_seat(w, name)
    w.log("user.disabled", user=user.login)


def add_seat(w: Work, name: str, number: str) -> None:
    """Make the seat `name` with the telephone `number`, or give an existing one that number."""
    seat = w.session.get(Seat, name)
    if seat is None:
        w.session.add(Seat(name=one_line(name, 20), number=one_line(number, 10)))
    else:
        seat.number = one_line(number, 10)
    w.session.flush()


def sign_in_seat(w: Work, seat: str, user_id: int) -> None:
    """`user_id` sits down at `seat`. Raises `SeatTaken` when another sits there or the user sits elsewhere."""
    user = _user(w.session, user_id)
    if user.disabled_at is not None:
        raise BadInput("该账号已停用", f"the account {user.login} is disabled")
    row = _seat(w.session, seat)
    if row.user_id == user_id:
        return
    free = update(Seat).where(Seat.name == seat, Seat.user_id.is_(None))
    try:
        with w.session.begin_nested():
            sat = w.session.execute(
                free.values(user_id=user_id, signed_in_at=w.now).execution_options(synchronize_session=False)
            ).rowcount  # type: ignore[attr-defined]
    except IntegrityError as error:
        raise SeatTaken(
            "您已在另一坐席签入，请先签出", f"{user.login} sits at another seat: sign out there first"
        ) from error
    if sat != 1:
        raise SeatTaken(f"坐席 {seat} 已有人签入", f"someone else sits at {seat}: ask them to sign out")
    w.session.refresh(row)
    w.log("seat.signed_in", seat=seat, user=user.login)


def sign_out_seat(w: Work, seat: str) -> None:
    """The seat becomes free; a break ends with it. Signing out of a free seat is no error."""
    row = _seat(w.session, seat)
    if row.user_id is None:
        return
    user = _user(w.session, row.user_id)
    row.user_id = row.signed_in_at = row.break_reason = row.break_since = None
    w.session.flush()
    w.log("seat.signed_out", seat=seat, user=user.login)


def take_break(w: Work, seat: str, reason: str) -> None:
    """No service calls for this seat until `end_break`; emergencies ring it still."""
    row = _seat(w.session, seat)
    reason = one_line(reason, 80)
    if row.user_id is None or not reason:
        raise BadInput("小休需要已签入的坐席和原因", f"a break needs a signed-in seat and a reason; seat {seat}")
    row.break_reason, row.break_since = reason, row.break_since or w.now
    w.session.flush()
    w.log("break.began", seat=seat, reason=reason)


def end_break(w: Work, seat: str) -> None:
    """The seat takes service calls again. Ending no break is no error."""
    row = _seat(w.session, seat)
    if row.break_reason is None:
        return
    row.break_reason = row.break_since = None
    w.session.flush()
    w.log("break.ended", seat=seat)


def desired_seats(session: Session) -> list[DesiredSeat]:
    """How the exchange's service queue should look, by seat name."""
    rows = session.execute(select(Seat.name, Seat.user_id, Seat.break_reason).order_by(Seat.name))
    return [
        DesiredSeat(name, user_id is not None, user_id is not None and reason is not None, reason or "")
        for name, user_id, reason in rows
    ]


def _user(session: Session, user_id: int) -> StaffUser:
    user = session.get(StaffUser, user_id)
    if user is None:
        raise missing("账号", "account", user_id)
    return user


def _seat(session: Session, name: str) -> Seat:
    seat = session.get(Seat, name)
    if seat is None:
        raise missing("坐席", "seat", name)
    return seat
