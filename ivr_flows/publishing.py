"""Putting flows into force (发布): prepared, loaded on every node, current; and one step back.

    order --> prepared --(each node has it)--> loaded --(each node's new calls begin in it)--> current --> past
                 |
                 +--> failed (a node could not load it: what was in force stays) or withdrawn (by a person)

Each step is one commit, and whoever keeps a node can do any of them twice: after a kill at any moment the next start
finds the publication where it was and goes on. Calls in progress end in the version they began in, since a version's
contexts stay on the exchange until its last call has ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from foundation.database import Database
from foundation.errors import Invalid
from foundation.text import one_line
from foundation.writer import Work, Writer
from ivr_flows import queries
from ivr_flows.errors import NothingBefore, NothingChanged, PublicationMoved, PublicationUnderWay, VersionTaken
from ivr_flows.tables import FlowNode, FlowPublication, FlowVersion

SILENT = timedelta(minutes=2)
"""A node that was not heard of for so long is not waited for: it gets what it lacks when it comes back."""

MOST_REASON = 200
_TRIES = 5


@dataclass(frozen=True)
class Made:
    """A set of flows that passed its check, and what it was compiled into as version `version`."""

    version: int
    sources: Mapping[str, str]
    transfers: Mapping[str, str]
    warnings: Sequence[str]
    dialplan: str

    @property
    def digest(self) -> str:
        """Names the compiled text."""
        return digest_of(self.dialplan)


def digest_of(dialplan: str) -> str:
    """The name of a compiled text: the same text, the same name."""
    return hashlib.sha256(dialplan.encode()).hexdigest()[:32]


def publish(
    database: Database, writer: Writer, make: Callable[[int], Made], *, reason: str, actor: str, again: bool = False
) -> tuple[int, int]:
    """Make the next version by `make(number)` and order it; gives the publication's id and the version.

    For a plain thread. It compiles outside any transaction, and again under the next number when somebody else was
    faster. `again`: also what is in force already. Raises what `make` and `order` raise.
    """
    for attempt in range(_TRIES):
        with database.read() as session:
            _must_be_free(queries.under_way(session))
            number = queries.newest_version(session) + 1
        made = make(number)
        try:
            return writer.call(order, made, reason, again=again, actor=actor), number
        except VersionTaken:
            if attempt == _TRIES - 1:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def order(w: Work, made: Made, reason: str, *, again: bool = False) -> int:
    """Write a version down and order its publication; its id. Raises `VersionTaken`, `PublicationUnderWay`, and, but
    for `again`, `NothingChanged`."""
    _must_be_free(queries.under_way(w.session))
    if queries.newest_version(w.session) != made.version - 1:
        raise VersionTaken("版本号已被占用，请重试", f"version {made.version} exists already; try again")
    in_force = queries.current_version(w.session)
    known = queries.version(w.session, in_force)
    if (
        not again
        and known is not None
        and (known.sources, known.transfers) == (dict(made.sources), dict(made.transfers))
    ):
        raise NothingChanged(
            f"与正在使用的版本 {in_force} 相同，无需发布", f"this is version {in_force}, which is in force already"
        )
    w.session.add(
        FlowVersion(
            id=made.version, sources=dict(made.sources), transfers=dict(made.transfers), dialplan=made.dialplan,
            digest=made.digest, warnings=list(made.warnings), made_at=w.now, made_by=w.actor,
        )
    )  # fmt: skip
    return _ordered(w, "publish", made.version, in_force, reason)


def order_back(w: Work, reason: str) -> int:
    """Order the one step back: to the version that was in force before the present one. Its publication's id.

    Raises `NothingBefore`, `PublicationUnderWay`.
    """
    _must_be_free(queries.under_way(w.session))
    present = queries.current_version(w.session)
    if present == 0:
        raise NothingBefore("正在使用的是出厂版本，没有更早的版本", "the delivered flows are in force: nothing before")
    return _ordered(w, "back", queries.before(w.session, present), present, reason)


def withdraw(w: Work, publication_id: int, reason: str) -> None:
    """A person takes an order back that no node could carry out yet. Raises `PublicationMoved`."""
    publication = _locked(w, publication_id)
    if publication.state != "prepared":
        raise PublicationMoved(f"该次发布已{_STATES[publication.state]}", f"this publication is {publication.state}")
    _end(w, publication, "withdrawn", reason)


def fail(w: Work, publication_id: int, why: str) -> None:
    """A node could not load it: nothing changes, and `why` is told. One that went on meanwhile stays as it is."""
    publication = _locked(w, publication_id)
    if publication.state == "prepared":
        _end(w, publication, "failed", why)


def report(
    w: Work, node: str, loaded: Iterable[int], current: int, calls: Mapping[int, int], waits_for: str = ""
) -> None:
    """What this node has now."""
    row = w.session.get(FlowNode, node, with_for_update=True)
    if row is None:
        row = FlowNode(node=node, seen_at=w.now, loaded=[], current=0, calls={}, waits_for="")
        w.session.add(row)
    row.seen_at, row.loaded, row.current = w.now, sorted(loaded), current
    row.calls, row.waits_for = {str(number): count for number, count in calls.items()}, waits_for
    w.session.flush()


def settle(w: Work, publication_id: int) -> str:
    """Bring a publication as far as the nodes are; its state now."""
    publication = _locked(w, publication_id)
    heard = list(w.session.scalars(select(FlowNode).where(FlowNode.seen_at >= w.now - SILENT)))
    number = publication.version
    if publication.state == "prepared" and heard and all(number == 0 or number in node.loaded for node in heard):
        publication.state, publication.loaded_at = "loaded", w.now
        w.session.flush()
        w.log("flows.loaded", version=number, nodes=[node.node for node in heard])
    if publication.state == "loaded" and heard and all(node.current == number for node in heard):
        was = queries.current(w.session)
        if was is not None:
            was.state, was.ended_at = "past", w.now
            w.session.flush()
        publication.state, publication.current_at = "current", w.now
        w.session.flush()
        w.log("flows.published", version=number, before=publication.before, how=publication.kind,
              by=publication.asked_by, reason=publication.reason)  # fmt: skip
    return publication.state


_STATES = {
    "loaded": "装载", "current": "生效", "past": "被新版本取代", "failed": "失败", "withdrawn": "撤回",
}  # fmt: skip


def _ordered(w: Work, kind: str, version: int, before: int, reason: str) -> int:
    said = one_line(reason, MOST_REASON)
    if not said:
        raise Invalid("请写明发布原因", "say why it is published", field="reason")
    publication = FlowPublication(
        version=version, before=before, kind=kind, state="prepared", reason=said, asked_by=w.actor, asked_at=w.now
    )
    w.session.add(publication)
    try:
        w.session.flush()
    except IntegrityError as error:
        raise PublicationUnderWay("另一次发布正在进行", "another publication is under way") from error
    w.log("flows.ordered", version=version, before=before, how=kind, reason=said)
    return publication.id


def _must_be_free(coming: FlowPublication | None) -> None:
    if coming is not None:
        raise PublicationUnderWay(
            f"版本 {coming.version} 正在发布（{coming.asked_by}），请等它完成或先撤回",
            f"version {coming.version} is being published by {coming.asked_by}; wait for it, or withdraw it first",
            publication=coming.id,
        )


def _locked(w: Work, publication_id: int) -> FlowPublication:
    found = w.session.get(FlowPublication, publication_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise PublicationMoved(f"没有这次发布：{publication_id}", f"there is no publication {publication_id}")
    return found


def _end(w: Work, publication: FlowPublication, state: str, why: str) -> None:
    publication.state, publication.ended_at, publication.problem = state, w.now, why[:2000] or state
    w.session.flush()
    w.log(f"flows.{state}", version=publication.version, why=publication.problem[:500])
