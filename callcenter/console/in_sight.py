"""What a request names must be in the sight of whoever asks: asked once for every route, before anything is done.

A ticket, call, home, … is named by a value of the path, the query or the form, always under the same name (`ticket_id`,
`arrival_id`, …): so a new route is covered by naming its parameter as the others do. What is out of sight is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated

from fastapi import Request
from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from callcenter.console.house import House, InHouse, Visitor
from dispatch import sight
from dispatch.errors import missing
from dispatch.sight import Sight

_NUMBER = TypeAdapter(Annotated[int, Field(ge=1, le=2**53)])
Asked = Callable[[Session, Sight, int], bool]

_TICKET = ("工单", "ticket", sight.sees_ticket)
_ARRIVAL = ("来件", "arrival", sight.sees_arrival)
_HOME = ("住户", "home", sight.sees_home)
_PERSON = ("居民", "person", sight.sees_person)
SEEN: dict[str, tuple[str, str, Asked]] = {
    "ticket_id": _TICKET,
    "ticket": _TICKET,
    "arrival_id": _ARRIVAL,
    "arrival": _ARRIVAL,
    "home_id": _HOME,
    "home": _HOME,
    "person_id": _PERSON,
    "person": _PERSON,
    "offer_id": ("派单", "offer", sight.sees_offer),
    "recording_id": ("录音", "recording", sight.sees_recording),
    "task_id": ("任务", "task", sight.sees_task),
    "proposal_id": ("更正", "proposal", sight.sees_proposal),
}
"""Name of a value -> what it names (zh, en), and who is asked whether it is in sight."""
NOBODYS = frozenset({
    "article_id", "decision_id", "document_id", "incident_id", "phone_id", "provider_id", "publication_id", "visit_id",
    "worker_id",
})  # fmt: skip
"""Values that name what is no resident's: articles, incidents, flows, and firms with all that belongs to them."""
BY_ROUTE = frozenset({"import_id", "organisation_id", "parent_id", "question_id", "row_id", "sample_id", "user_id"})
"""Values whose route asks itself: a host may hear a sample and no more of its call, an administrator sees accounts of
the own organisations, an import is seen where its area is, a form's `row_id` must be of the home of its path.
"""


async def in_sight(request: Request, in_house: InHouse, viewer: Visitor) -> None:
    """Raises `NoSuchThing` when the request names something its viewer does not see. Holds for every route."""
    if viewer is None or viewer.sight.everything:
        return
    named = [*request.path_params.items(), *request.query_params.multi_items()]
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        named += (await request.form()).multi_items()
    wanted = [(name, row_id) for name, value in named if name in SEEN and (row_id := _row_id(value)) is not None]
    if wanted:
        await run_in_threadpool(_check, in_house, viewer.sight, wanted)


def _check(in_house: House, who: Sight, wanted: Iterable[tuple[str, int]]) -> None:
    with in_house.database.read() as session:
        for name, row_id in wanted:
            zh, en, sees = SEEN[name]
            if not sees(session, who, row_id):
                raise missing(zh, en, row_id)


def _row_id(value: object) -> int | None:
    """The number that a route would read from it, by the same rules (` 7` and `7.0` are 7 too); None for none."""
    try:
        return _NUMBER.validate_python(value)
    except ValidationError:
        return None
