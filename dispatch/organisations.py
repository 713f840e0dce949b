"""The network of organisations: city, district, street, community, grid; in each who hosts, who answers, who serves.

An organisation works for a division and all below it; the tree of divisions is the tree of areas, and `parent_id` says
to whom it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import staff
from dispatch.errors import BadInput, missing
from dispatch.organisation_tables import KINDS, Organisation, OrganisationMember
from dispatch.sight import Sight
from dispatch.tables import StaffUser, Ticket
from foundation.numbers import NumberPlan
from foundation.scope import Scope
from foundation.text import one_line
from foundation.writer import Work
from residents import divisions
from residents.tables import Division

RECEIVING = ("desk", "affairs_station", "station")
"""Kinds to which a request may be given (转办), in the order in which they are asked."""
_MOST_ABOVE = 10
MEMBERLESS = ("outside",)
"""Outside services (110, 119, 120, utilities) are known and rung, but have no accounts here."""


@dataclass(frozen=True)
class Desk:
    """An organisation that can be given the requests of a community; `level` is that of its division."""

    id: int
    name: str
    name_en: str
    kind: str
    division_code: str
    level: str
    phone: str | None


@dataclass(frozen=True)
class Node:
    """An organisation in the tree: how deep it stands, where, and how many accounts belong to it."""

    organisation: Organisation
    depth: int
    division: Division
    members: int


def add(
    w: Work, *, name: str, kind: str, division_code: str, name_en: str = "", parent_id: int | None = None,
    phone: str = "", note: str = "", plan: NumberPlan | None = None,
) -> int:  # fmt: skip
    """A new organisation; its division must hold today and lie in its parent's. Returns the id."""
    name, number = one_line(name, 80), _phone(phone, plan or NumberPlan())
    if not name or kind not in KINDS:
        raise BadInput("需要名称和机构类别", f"an organisation needs a name and a kind of {', '.join(KINDS)}")
    division = divisions.valid(w.session, division_code, divisions.today(w))
    if parent_id is not None:
        parent = _open_one(w.session, parent_id)
        if not division.code.startswith(parent.division_code):
            raise BadInput("下级机构须在上级机构的区域内", f"{division.code} does not lie in {parent.name}'s area")
    same = select(Organisation.id).where(Organisation.division_code == division.code, Organisation.name == name)
    if w.session.scalar(same) is not None:
        raise BadInput(f"{division.name} 已有“{name}”", f"{division.name} has an organisation of this name: {name}")
    row = Organisation(
        name=name, name_en=one_line(name_en, 120), kind=kind, division_code=division.code, parent_id=parent_id,
        phone=number, note=one_line(note, 200), created_at=w.now,
    )  # fmt: skip
    w.session.add(row)
    w.session.flush()
    w.log("organisation.added", organisation_id=row.id, organisation_kind=kind, division=division.code)
    return row.id


def close(w: Work, organisation_id: int) -> None:
    """It gets nothing new, and its members see nothing. Raises `BadInput` while requests are with it."""
    row = _open_one(w.session, organisation_id)
    held = select(Ticket.number).where(Ticket.owner == f"org:{row.id}", Ticket.state.not_in(("closed", "archived")))
    if (number := w.session.scalar(held.limit(1))) is not None:
        raise BadInput(
            f"“{row.name}”还有未办结的工单 {number}，请先转走",
            f"{row.name} still holds ticket {number}: give it on first",
        )
    row.closed_at = w.now
    w.session.flush()
    w.log("organisation.closed", organisation_id=row.id)


def set_membership(w: Work, user_id: int, organisation_id: int | None) -> None:
    """The account belongs to this organisation from now on; None: to none, it is the installation's own."""
    user = w.session.get(StaffUser, user_id)
    if user is None:
        raise missing("账号", "account", user_id)
    row = w.session.get(OrganisationMember, user_id)
    if organisation_id is None:
        if row is not None:
            w.session.delete(row)
    else:
        organisation = _open_one(w.session, organisation_id)
        if organisation.kind != "operating_body":
            staff.keep_an_administrator(w.session, user)
        if organisation.kind in MEMBERLESS:
            raise BadInput("外部单位没有账号", f"{organisation.name} is an outside service: it has no accounts here")
        if row is None:
            w.session.add(OrganisationMember(user_id=user_id, organisation_id=organisation_id, since=w.now))
        elif row.organisation_id != organisation_id:
            row.organisation_id, row.since = organisation_id, w.now
    w.session.flush()
    w.log("user.organisation_changed", user=user.login, organisation_id=organisation_id)


def desks_for(session: Session, community: str, on: date) -> list[Desk]:
    """Who can be given a request of this community, the nearest first: its own desk, then the street's, the district's.

    An abolished community's requests go to the desks of the one that followed it.
    """
    now = divisions.current(session, community, on)
    if now is None:
        return []
    rows = session.execute(
        select(Organisation, Division.level)
        .join(Division, Division.code == Organisation.division_code)
        .where(
            Organisation.kind.in_(RECEIVING), Organisation.closed_at.is_(None),
            Organisation.division_code.in_([now.code[:n] for n in range(1, len(now.code) + 1)]),
        )
    ).all()  # fmt: skip
    nearest = sorted(rows, key=lambda row: (-len(row[0].division_code), RECEIVING.index(row[0].kind), row[0].id))
    return [Desk(o.id, o.name, o.name_en, o.kind, o.division_code, level, o.phone) for o, level in nearest]


def desks(session: Session, scope: Scope) -> list[Organisation]:
    """Every open organisation of the area that may be given a request, by division."""
    rows = select(Organisation).where(
        Organisation.kind.in_(RECEIVING), Organisation.closed_at.is_(None), scope.where(Organisation.division_code)
    )
    return list(session.scalars(rows.order_by(Organisation.division_code, Organisation.id)))


def receiving_desk(session: Session, desk: str) -> Organisation:
    """The organisation that the owner key `org:<id>` names. Raises `NoSuchThing`, or `BadInput` where it takes none."""
    _, _, number = desk.partition(":")
    row = _open_one(session, int(number) if desk.startswith("org:") and number.isdigit() and len(number) < 16 else 0)
    if row.kind not in RECEIVING:
        raise BadInput(f"“{row.name}”不受理转办", f"{row.name} takes no requests: give it to a desk or station")
    return row


def supervising(session: Session, desk: str) -> str:
    """The owner key of who looks after that desk when it does not sign: the next receiving organisation above it, or
    the centre's supervisor."""
    row = receiving_desk(session, desk)
    for _ in range(_MOST_ABOVE):
        above = session.get(Organisation, row.parent_id) if row.parent_id is not None else None
        if above is None:
            break
        if above.kind in RECEIVING and above.closed_at is None:
            return f"org:{above.id}"
        row = above
    return "supervisor"


def name_of(session: Session, organisation_id: int, locale: str = "zh_CN") -> str:
    """What the organisation is called; empty when there is none."""
    row = session.get(Organisation, organisation_id)
    if row is None:
        return ""
    return row.name_en if locale == "en" and row.name_en else row.name


def open_one(session: Session, organisation_id: int) -> Organisation:
    """The organisation. Raises `NoSuchThing`, or `BadInput` when it is closed."""
    return _open_one(session, organisation_id)


def may_sign(sight: Sight, ticket: Ticket) -> bool:
    """Whether this person may sign, return or reply for the desk that holds the ticket: a member, or the centre."""
    if sight.organisation_id is not None and ticket.owner == f"org:{sight.organisation_id}":
        return True
    return sight.rights.calls


def may_rule(sight: Sight, role: str) -> bool:
    """Whether this person may rule after two returns: a supervisor of the centre, never of the desks at odds."""
    return sight.rights.calls and role in ("supervisor", "admin")


def tree(session: Session, sight: Sight) -> list[Node]:
    """The organisations in sight, each before those that answer to it."""
    rows = session.execute(
        select(Organisation, Division)
        .join(Division, Division.code == Organisation.division_code)
        .where(sight.scope.where(Organisation.division_code) if not sight.scope.everywhere else Organisation.id > 0)
        .order_by(Organisation.division_code, Organisation.id)
    ).all()
    counted: dict[int, int] = {}
    for organisation_id in session.scalars(
        select(OrganisationMember.organisation_id)
        .join(StaffUser, StaffUser.id == OrganisationMember.user_id)
        .where(StaffUser.disabled_at.is_(None))
    ):
        counted[organisation_id] = counted.get(organisation_id, 0) + 1
    shown = {organisation.id: (organisation, division) for organisation, division in rows}
    below: dict[int | None, list[int]] = {}
    for organisation, _ in rows:
        above = organisation.parent_id if organisation.parent_id in shown else None
        below.setdefault(above, []).append(organisation.id)
    return list(_walk(shown, below, counted, None, 0))


def _walk(
    shown: Mapping[int, tuple[Organisation, Division]], below: Mapping[int | None, list[int]],
    counted: Mapping[int, int], above: int | None, depth: int,
) -> list[Node]:  # fmt: skip
    nodes = []
    for organisation_id in below.get(above, []):
        organisation, division = shown[organisation_id]
        nodes.append(Node(organisation, depth, division, counted.get(organisation_id, 0)))
        nodes += _walk(shown, below, counted, organisation_id, depth + 1)
    return nodes


def _open_one(session: Session, organisation_id: int) -> Organisation:
    row = session.get(Organisation, organisation_id)
    if row is None:
        raise missing("机构", "organisation", organisation_id)
    if row.closed_at is not None:
        raise BadInput(f"“{row.name}”已撤销", f"{row.name} is closed")
    return row


def _phone(text: str, plan: NumberPlan) -> str | None:
    if not text.strip():
        return None
    number = plan.parse(text)
    if not number.known:
        raise BadInput("机构电话不是一个号码", "the organisation's telephone is no number")
    return number.e164
