"""Registering a matter (登记): an inquiry that needs an answer later, a complaint, a suggestion; with five elements.

Requests for somebody to come are `dispatch.service_requests`; what is answered on the spot is `dispatch.inquiries`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatch import limits, tickets
from dispatch.errors import BadInput
from dispatch.tickets import URGENCIES, Watch
from dispatch.work_done import CHANNELS
from foundation.numbers import NumberPlan
from foundation.text import clean, one_line
from foundation.writer import Work
from residents.tables import Home, Person

ELEMENTS = ("who", "when", "where", "cause", "course")
"""The five elements (五要素)."""
KINDS = ("inquiry", "complaint", "suggestion")
MOST_ELEMENT = 2000


@dataclass(frozen=True)
class NewMatter:
    """What an operator has written down. `community` is a code of 6 to 12 digits; left empty, the home's is taken.

    `caller` is any form of a telephone number. `follow_up_by` is how the caller wants to be asked afterwards: `sms`,
    `call`, or empty where it is the same to him.
    """

    kind: str
    summary: str
    caller: str = ""
    caller_name: str = ""
    address: str = ""
    community: str = ""
    home_id: int | None = None
    person_id: int | None = None
    arrival_id: int | None = None
    urgency: str = "normal"
    item: str | None = None
    elements: Mapping[str, str] = field(default_factory=dict)
    follow_up_by: str = ""


def register(w: Work, new: NewMatter, plan: NumberPlan | None = None) -> int:
    """Register the matter; the ticket's id. Its arrival, where it has one, is disposed of with it."""
    summary = clean(new.summary, 2000)
    if new.kind not in KINDS or not summary or new.urgency not in URGENCIES:
        raise BadInput("需要类别、内容和紧急程度", f"a matter needs a kind of {', '.join(KINDS)}, words and an urgency")
    home = w.session.get(Home, new.home_id) if new.home_id is not None else None
    if (new.home_id is not None and home is None) or (
        new.person_id is not None and w.session.get(Person, new.person_id) is None
    ):
        raise BadInput("没有这个住户或居民", f"there is no home {new.home_id} or person {new.person_id}")
    community = new.community or (home.division_code[:12] if home else "")
    if community and not (community.isascii() and community.isdigit() and 6 <= len(community) <= 12):
        raise BadInput("社区代码为 6 到 12 位数字", "a community is a code of 6 to 12 digits")
    ticket = tickets.open_ticket(
        w, new.kind, "registered", "desk", Watch.within("ticket.registered", limits.REGISTERED, w.now),
        urgency=new.urgency, item=new.item, summary=summary, caller=(plan or NumberPlan()).parse(new.caller).e164,
        caller_name=one_line(new.caller_name, 80), home_id=new.home_id, person_id=new.person_id,
        arrival_id=new.arrival_id, community=community, district=community[:6],
        address=one_line(new.address, 200) or (home.address if home else ""),
        elements=five_elements(new.elements), policy=wish(new.follow_up_by),
    )  # fmt: skip
    if new.arrival_id is not None:
        tickets.link(w, new.arrival_id, ticket, "opened")
    return ticket.id


def five_elements(told: Mapping[str, str]) -> dict[str, str]:
    """The five elements as they are stored: each there, empty where nothing was told; other names are left out."""
    return {name: clean(str(told.get(name, "")), MOST_ELEMENT) for name in ELEMENTS}


def wish(follow_up_by: str) -> dict[str, Any]:
    """The part of a ticket's policy that says how its caller wants to be asked afterwards."""
    if follow_up_by and follow_up_by not in CHANNELS:
        raise BadInput("回访方式只有短信或电话", f"a follow-up is made by {' or '.join(CHANNELS)}")
    return {"follow_up_by": follow_up_by} if follow_up_by else {}
