"""A publication reaches every node or changes nothing, whatever dies in between; and one step back leads back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from callcenter.exchange.flows import FlowsNotLoaded, NodeFlows, file_text, lines_of
from callcenter.flows.desk import FlowDesk
from callcenter.flows.keeper import FlowKeeper
from foundation.database import Database
from foundation.errors import AppError
from foundation.tables import TicketEvent
from foundation.writer import Writer
from ivr_flows import publishing, queries
from ivr_flows.errors import NothingBefore, NothingChanged, PublicationMoved, PublicationUnderWay
from ivr_flows.loading import sources as sources_of
from ivr_flows.publishing import Made
from ivr_flows.tables import FlowPublication, FlowVersion
from tests.integration.dispatch_support import START as MORNING
from tests.integration.dispatch_support import HandClock


class Killed(BaseException):
    """The process died here."""


class Exchange:
    """A telephone exchange as far as flows go: files are read at a reload, and an unreadable one is passed over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.contexts: dict[str, list[tuple[str, str]]] = {}
        self.astdb: dict[str, str] = {}
        self.calls: dict[str, int] = {}
        self.reloads = 0
        self.began_without_its_version: list[int] = []
        self.dies_at = -1
        self.asked = 0

    def _one(self) -> None:
        self.asked += 1
        if self.asked == self.dies_at:
            raise Killed

    async def reload_dialplan(self) -> None:
        self._one()
        self.reloads += 1
        self.contexts = {}
        for path in sorted(self.folder.glob("*.conf")):
            context = extension = ""
            for line in path.read_text().splitlines():
                if line.startswith("[") and not line.endswith("]"):
                    break  # Asterisk reads nothing after a bracket that is not closed
                if line.startswith("["):
                    context = line[1:-1]
                    self.contexts[context] = []
                elif found := re.match(r"\s*(?:exten => ([^,]+),|same => )(?:[0-9]+|n)(?:\(\w+\))?,\w+\((.*)\)$", line):
                    extension = found[1] or extension
                    self.contexts[context].append((extension, found[2]))

    async def dialplan_of(self, context: str) -> list[tuple[str, str]]:
        self._one()
        return self.contexts.get(context, [])

    async def calls_in_group(self, group: str, category: str) -> int:
        self._one()
        return self.calls.get(f"{category}/{group}", 0)

    async def db_get(self, family: str, key: str) -> str | None:
        self._one()
        return self.astdb.get(f"{family}/{key}")

    async def db_put(self, family: str, key: str, value: str) -> None:
        self._one()
        if value != "0" and f"flow-{value}" not in self.contexts:
            self.began_without_its_version.append(int(value))
        self.astdb[f"{family}/{key}"] = value


class Site:
    """One database, one node, and who publishes."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.clock = HandClock(MORNING)
        self.writer = Writer(database, self.clock)
        self.exchange = Exchange(folder)
        self.alarms: list[str] = []

    def keeper(self, name: str = "node1", exchange: Exchange | None = None, *, by_hand: bool = False) -> FlowKeeper:
        exchange = exchange or self.exchange
        return FlowKeeper(
            name, NodeFlows(exchange.folder, exchange, by_hand=by_hand), self.database, self.writer, self.clock,
            is_ready=lambda: True, not_loaded=(FlowsNotLoaded,), on_alarm=self.alarms.append,
        )  # fmt: skip

    def look(self, *keepers: FlowKeeper) -> None:
        for keeper in keepers or (self.keeper(),):
            asyncio.run(keeper.look())

    def order(self, words: str = "早上好", dialplan: Callable[[int], str] | None = None) -> int:
        def make(version: int) -> Made:
            text = (dialplan or _dialplan)(version)
            return Made(version, {"hotline.yaml": words}, {}, [], text)

        return publishing.publish(self.database, self.writer, make, reason="换问候语", actor="user:boss")[0]

    def back(self) -> int:
        return int(self.writer.call(publishing.order_back, "改错了", actor="user:boss"))

    def publication(self, publication_id: int) -> FlowPublication:
        with self.database.read() as session:
            return session.get_one(FlowPublication, publication_id)

    @property
    def current(self) -> int:
        with self.database.read() as session:
            return queries.current_version(session)

    @property
    def begins_in(self) -> int:
        return int(self.exchange.astdb.get("flows/current", "0"))

    def rows(self, statement: Any) -> list[Any]:
        with self.database.read() as session:
            return list(session.scalars(statement))


def _dialplan(version: int) -> str:
    return f"[flow-{version}-hotline]\nexten => start,1,Answer()\nexten => greet,1,Playback(greeting)\n"


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Iterator[Site]:
    made = Site(database, tmp_path / "flows")
    yield made
    made.writer.close()


def test_a_version_is_prepared_loaded_and_then_current_and_the_one_before_becomes_past(site: Site) -> None:
    first = site.order()
    assert site.publication(first).state == "prepared"
    assert site.begins_in == 0
    site.look()
    assert (site.publication(first).state, site.current, site.begins_in) == ("current", 1, 1)
    second = site.order("晚上好")
    site.look()
    assert (site.publication(first).state, site.publication(second).state) == ("past", "current")
    assert (site.current, site.begins_in) == (2, 2)
    told = site.rows(select(TicketEvent.kind).where(TicketEvent.kind.startswith("flows.")).order_by(TicketEvent.id))
    assert told == ["flows.ordered", "flows.loaded", "flows.published"] * 2
    kept = site.rows(select(FlowPublication).order_by(FlowPublication.id))
    assert [(p.asked_by, p.reason, p.before) for p in kept] == [
        ("user:boss", "换问候语", 0),
        ("user:boss", "换问候语", 1),
    ]


def test_killed_at_any_moment_a_publication_is_completed_by_the_next_start(database: Database, tmp_path: Path) -> None:
    """Each question to the exchange, one after the other, is the last thing that the process did."""
    for moment in range(1, 60):
        site = Site(database, tmp_path / f"flows{moment}")
        site.clock.at += moment * queries.SETTLING * 2  # what was left the last time is needed no more
        before = site.current
        site.exchange.astdb["flows/current"] = "0"
        site.look()  # a new exchange is given what is in force
        ordered = site.order(f"第 {moment} 次")
        site.exchange.dies_at = site.exchange.asked + moment
        try:
            site.look()
            lived = True
        except Killed:
            lived = False
        site.exchange.dies_at = -1
        assert site.begins_in in (before, before + 1)
        assert site.publication(ordered).state in ("prepared", "loaded", "current")
        site.look()
        assert (site.publication(ordered).state, site.begins_in) == ("current", before + 1), f"killed at {moment}"
        assert not site.exchange.began_without_its_version
        site.writer.close()
        if lived:
            assert moment > 5
            return
    pytest.fail("it never came to its end")


def test_a_version_that_the_exchange_cannot_read_changes_nothing_and_says_why(site: Site) -> None:
    site.order()
    site.look()
    broken = site.order("坏的", lambda version: f"[flow-{version}-hotline\nexten => start,1,Answer()\n")
    site.look()
    publication = site.publication(broken)
    assert publication.state == "failed"
    assert "flow-2" in publication.problem
    assert (site.current, site.begins_in) == (1, 1)
    assert not (site.exchange.folder / "2.conf").exists()
    site.order("好的")  # the number is spent, the way is free
    site.look()
    assert (site.current, site.begins_in) == (3, 3)


def test_a_line_that_the_exchange_passes_over_is_noticed(site: Site) -> None:
    lost = site.order("少一行", lambda version: f"{_dialplan(version)} same => x,Hangup()\n")
    site.look()
    assert site.publication(lost).state == "failed"
    assert "2 of 3 lines" in site.publication(lost).problem


def test_one_step_back_needs_no_new_version_and_a_further_one_goes_further(site: Site) -> None:
    for words in ("一", "二", "三"):
        site.order(words)
        site.look()
    reloads = site.exchange.reloads
    site.back()
    site.look()
    assert (site.current, site.begins_in) == (2, 2)
    assert site.exchange.reloads == reloads, "what a step back leads to is on the exchange already"
    site.back()
    site.look()
    assert (site.current, site.begins_in) == (1, 1)
    site.back()
    site.look()
    assert (site.current, site.begins_in) == (0, 0)
    with pytest.raises(NothingBefore):
        site.back()
    site.order("四")
    site.look()
    assert (site.current, site.begins_in) == (4, 4)


def test_a_version_goes_with_its_last_call_but_not_the_current_one_nor_the_one_before(site: Site) -> None:
    for words in ("一", "二", "三"):
        site.order(words)
        site.look()
    there = NodeFlows(site.exchange.folder, site.exchange)
    site.exchange.calls = {"flows/v1": 2, "flows/v3": 5}
    site.clock.at += queries.SETTLING * 2
    site.look()
    assert there.versions() == {1, 2, 3}
    assert "flow-1" in site.exchange.contexts
    with site.database.read() as session:
        [node] = queries.nodes(session)
    assert (node.calls, node.current) == ({"1": 2, "3": 5}, 3)
    site.exchange.calls = {}
    site.look()
    assert there.versions() == {2, 3}
    assert "flow-1" not in site.exchange.contexts


def test_a_version_that_was_left_just_now_stays_for_calls_that_are_not_yet_counted(site: Site) -> None:
    for words in ("一", "二", "三"):
        site.order(words)
        site.look()
    assert NodeFlows(site.exchange.folder, site.exchange).versions() == {1, 2, 3}


def test_an_exchange_that_lost_its_files_and_its_pointer_gets_them_again(site: Site) -> None:
    site.order()
    site.look()
    for path in site.exchange.folder.iterdir():
        path.unlink()
    site.exchange.contexts, site.exchange.astdb = {}, {"flows/current": "77"}
    site.look()
    assert site.begins_in == 1
    assert "flow-1-hotline" in site.exchange.contexts


def test_two_nodes_get_a_version_both_before_calls_begin_in_it(site: Site, tmp_path: Path) -> None:
    other = Exchange(tmp_path / "other")
    here, there = site.keeper("node1"), site.keeper("node2", other)
    site.look(here, there)
    ordered = site.order()
    site.look(here)
    assert site.publication(ordered).state == "prepared"
    assert site.begins_in == 0
    site.look(there)
    assert site.publication(ordered).state == "loaded"
    assert (site.begins_in, other.astdb["flows/current"]) == (0, "1")
    site.look(here)
    assert site.publication(ordered).state == "current"
    assert site.begins_in == 1


def test_a_node_that_fell_silent_is_not_waited_for_and_catches_up(site: Site, tmp_path: Path) -> None:
    other = Exchange(tmp_path / "other")
    here, there = site.keeper("node1"), site.keeper("node2", other)
    site.look(here, there)
    site.clock.at += publishing.SILENT * 2
    ordered = site.order()
    site.look(here)
    assert site.publication(ordered).state == "current"
    site.look(there)
    assert other.astdb["flows/current"] == "1"


def test_where_a_person_brings_the_files_nothing_moves_until_they_are_seen(site: Site, tmp_path: Path) -> None:
    """An exchange of somebody else's, which reads other folders than ours."""
    theirs = Exchange(tmp_path / "theirs")
    theirs.folder.mkdir()
    install = tmp_path / "install"
    node = NodeFlows(install, theirs, by_hand=True)
    keeper = site.keeper()
    keeper._node = node
    ordered = site.order()
    site.look(keeper)
    site.look(keeper)
    assert site.publication(ordered).state == "prepared"
    with site.database.read() as session:
        told = queries.nodes(session)[0].waits_for
    assert "1.conf" in told
    assert "dialplan reload" in told
    assert theirs.reloads == 1, "an exchange that is not ours is not made to reload again and again"
    (theirs.folder / "1.conf").write_text((install / "1.conf").read_text())
    asyncio.run(theirs.reload_dialplan())
    site.look(keeper)
    assert site.publication(ordered).state == "current"
    with site.database.read() as session:
        assert queries.nodes(session)[0].waits_for == ""


def test_only_one_publication_at_a_time_and_an_order_can_be_taken_back_until_it_is_loaded(site: Site) -> None:
    ordered = site.order()
    with pytest.raises(PublicationUnderWay):
        site.order("另一个")
    with pytest.raises(PublicationUnderWay):
        site.back()
    site.writer.call(publishing.withdraw, ordered, "发错了", actor="user:boss")
    assert (site.publication(ordered).state, site.publication(ordered).problem) == ("withdrawn", "发错了")
    again = site.order("再来")
    site.look()
    with pytest.raises(PublicationMoved):
        site.writer.call(publishing.withdraw, again, "晚了", actor="user:boss")


def test_what_is_in_force_is_not_published_again_and_a_reason_is_needed(site: Site) -> None:
    site.order("同样")
    site.look()
    with pytest.raises(NothingChanged):
        site.order("同样")
    with pytest.raises(AppError):
        site.writer.call(publishing.order_back, " \n ", actor="user:boss")
    assert len(site.rows(select(FlowVersion))) == 1


def test_a_version_whose_number_was_taken_meanwhile_is_compiled_again_under_the_next(site: Site) -> None:
    made_as: list[int] = []

    def make(version: int) -> Made:
        made_as.append(version)
        if len(made_as) == 1:  # somebody else is faster, and done
            site.order("别人的")
            site.look()
        return Made(version, {"hotline.yaml": "我的"}, {}, [], _dialplan(version))

    publishing.publish(site.database, site.writer, make, reason="竞争", actor="user:boss")
    site.look()
    assert made_as == [1, 2]
    assert site.current == 2
    assert "[flow-2-hotline]" in (site.exchange.folder / "2.conf").read_text()


def test_new_software_compiles_what_is_in_force_again_and_only_then(site: Site, tmp_path: Path) -> None:
    desk = FlowDesk(tmp_path / "own", tmp_path / "prompts", {}, site.database, site.writer)
    assert desk.renew() is None, "what was delivered is compiled at each start of the exchange"
    sources = {name: text.decode() for name, text in sources_of().items()}
    old = "; as the software before would have written it\n"
    publishing.publish(
        site.database, site.writer, lambda n: Made(n, sources, {}, [], old + _dialplan(n)), reason="旧", actor="a"
    )
    site.look()
    assert desk.renew() == 2
    site.look()
    assert site.current == 2
    with site.database.read() as session:
        renewed = queries.version(session, 2)
    assert renewed is not None
    assert renewed.sources == sources
    assert "[flow-2-one_touch]" in renewed.dialplan
    assert desk.renew() is None


def test_the_lines_of_a_text_are_counted_as_the_exchange_counts_them() -> None:
    text = file_text(
        3, "; remark\n[flow-3-hotline]\nexten => start,1,Answer()\n same => n,Hangup()\n[flow-3-x]\n", "abc"
    )
    assert dict(lines_of(text)) == {"flow-3-hotline": 2, "flow-3-x": 0, "flow-3": 1}
