"""Flows are published on a real exchange while people telephone: nobody is cut off, nobody hears half of two."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

# Foreign keys reach across the folders: all tables must be known before a row of any is written.
import dispatch.tables  # noqa: F401
import providers.tables  # noqa: F401
import residents.tables  # noqa: F401
from callcenter.exchange.flows import FlowsNotLoaded, NodeFlows
from callcenter.flows.keeper import FlowKeeper
from callcenter.town.lines import Line
from foundation.database import Database
from foundation.migrations import upgrade
from foundation.writer import Writer
from ivr_flows import publishing, queries
from ivr_flows.compiler import CompileOptions, compile_flows
from ivr_flows.loading import read_set
from ivr_flows.publishing import Made
from ivr_flows.tables import FlowPublication
from tests.exchange.flow_room import call_of, lines_of, trail_folder
from tests.exchange.ladder_room import Room, open_room
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

# It waits for keys that nobody presses, for about two seconds in all; each step's name says of which version it is.
# Longer calls would need more than the hundred lines that the exchange has here.
HOTLINE = """
flow: hotline
title: {zh: 试验, en: Trial}
kind: call
operator: person_V
start: one_V
steps:
  one_V: {menu: beep, timeout: 1, tries: 1, keys: {"1": two_V}, otherwise: two_V}
  two_V: {menu: beep, timeout: 1, tries: 1, keys: {"1": three_V}, otherwise: three_V}
  three_V: {menu: beep, timeout: 1, tries: 1, keys: {"1": last_V}, otherwise: last_V}
  last_V: {hang_up: beep}
  person_V: {queue: service, otherwise: last_V}
"""
WALK = ["one", "two", "three", "last"]
MARK = re.compile(r"hotline\.([a-z]+)_([0-9]+)")


class HurriedClock:
    """A clock that can be put forward, so that what was left long ago is left long ago."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Publisher:
    """Publishes to the room's exchange as the application does: its keeper, its actions, a database of its own."""

    def __init__(self, room: Room, folder: Path) -> None:
        url = f"sqlite:///{folder}/flows.sqlite"
        upgrade(url)
        self.room = room
        self.database = Database(url)
        self.clock = HurriedClock()
        self.writer = Writer(self.database, self.clock)
        self.node = NodeFlows(room.exchange.process.directories.etc / "flows", room.manager.actions)
        self.keeper = FlowKeeper(
            "node1", self.node, self.database, self.writer, self.clock, is_ready=lambda: True,
            not_loaded=(FlowsNotLoaded,),
        )  # fmt: skip
        self.options = CompileOptions(time_scale=0.2, trail=True)
        trail_folder(room)

    def make(self, version: int) -> Made:
        text = HOTLINE.replace("_V", f"_{version}")
        flows = read_set({"hotline.yaml": text}, {})
        return Made(version, {"hotline.yaml": text}, {}, [], compile_flows(flows, version, self.options))

    def order(self, make: Callable[[int], Made] | None = None) -> int:
        return publishing.publish(self.database, self.writer, make or self.make, reason="试验", actor="test")[0]

    def look(self) -> None:
        """The keeper looks once, in the loop that the connection to the exchange lives in."""
        work = asyncio.run_coroutine_threadsafe(self.keeper.look(), self.room.manager._loop)
        work.result(30)

    def publish(self) -> int:
        """The next version is in force when this returns."""
        publication = self.publication(self.order())
        self.look()
        assert self.publication(publication.id).state == "current", self.publication(publication.id).problem
        return publication.version

    def publication(self, publication_id: int) -> FlowPublication:
        with self.database.read() as session:
            return session.get_one(FlowPublication, publication_id)

    @property
    def current(self) -> int:
        with self.database.read() as session:
            return queries.current_version(session)

    def has(self, version: int) -> bool:
        return bool(self.room.manager.does(self.room.manager.actions.dialplan_of(f"flow-{version}-hotline")))

    def walk(self, line: Line) -> list[str]:
        """Which steps the line's call went through."""
        return lines_of(trail_folder(self.room) / call_of(self.room, line))


@pytest.fixture(scope="module")
def flows_room(make_settings, make_exchange, start_town) -> Room:  # type: ignore[no-untyped-def]
    """An exchange of its own: other tests' flows are versions too."""
    return open_room(make_settings, make_exchange, start_town)


@pytest.fixture
def publisher(flows_room: Room, tmp_path: Path) -> Iterator[Publisher]:
    made = Publisher(flows_room, tmp_path)
    yield made
    flows_room.clear()
    for version in made.node.versions():
        made.node.remove(version)
    flows_room.put("flows", {"current": "0"})
    flows_room.exchange.ask("dialplan reload")
    made.writer.close()
    made.database.dispose()


def _publish_under_calls(publisher: Publisher, publications: int, calls: int, rate: float) -> None:
    room = publisher.room
    publisher.publish()
    lines: list[Line] = []
    dialled = [(f"139{number:08}", "81890") for number in range(calls)]
    callers = threading.Thread(
        target=lambda: lines.extend(room.town.place_calls(dialled, rate=rate, seed=3, talk=(60, 60)))
    )
    callers.start()
    for count in range(1, publications + 1):
        # Spread over the calls: each publication meets some that wait for a key, and some that arrive.
        due = count * calls // (publications + 1)
        wait_until(lambda d=due: len(room.town.diary.calls()) >= d, 60, f"{due} calls have been placed")
        publisher.clock.ahead += 2 * queries.SETTLING
        publisher.publish()
    callers.join(120)
    room.town.all_over(lines, within=60)
    assert len(lines) == calls
    dropped = [
        (line, line.call.cause, line.call.responses, [step.s for step in room.steps(line)])
        for line in lines
        if line.call.answered_at is None or line.call.cause != 16
    ]
    assert not dropped, f"{len(dropped)} of {calls} calls were not answered or were cut: {dropped[:5]}"
    met: set[str] = set()
    ids = {step.fields["from"]: step.call for step in room.steps() if step.s == "arrived"}
    for line in lines:
        walked = lines_of(trail_folder(room) / ids[line.call.phone])
        marks = [found.groups() for text in walked if (found := MARK.fullmatch(text))]
        assert [step for step, _ in marks] == WALK, f"{line} walked {walked}"
        versions = {version for _, version in marks}
        assert len(versions) == 1, f"{line} mixed versions: {walked}"
        met |= versions
    assert len(met) > publications // 2, f"the calls met only the versions {sorted(met)}"
    publisher.clock.ahead += 2 * queries.SETTLING
    publisher.look()
    assert publisher.node.versions() == {publisher.current, publisher.current - 1}


def test_publishing_while_people_call_drops_nobody_and_mixes_nothing(publisher: Publisher) -> None:
    _publish_under_calls(publisher, publications=8, calls=120, rate=10)


@pytest.mark.soak
def test_publishing_50_times_under_20_calls_a_second_drops_nobody_and_mixes_nothing(publisher: Publisher) -> None:
    _publish_under_calls(publisher, publications=50, calls=2000, rate=20)


def test_a_call_ends_in_the_version_it_began_in_and_its_contexts_go_with_it(publisher: Publisher) -> None:
    publisher.options = CompileOptions(time_scale=2.0, trail=True)  # a call of about eight seconds
    town = publisher.room.town
    first = publisher.publish()
    early = town.phone("13900000001").dials("81890").is_answered()
    wait_until(lambda: publisher.walk(early), 5, "the early call is in its flow")
    publisher.options = CompileOptions(time_scale=0.2, trail=True)
    for _ in range(2):
        latest = publisher.publish()
    publisher.clock.ahead += 2 * queries.SETTLING
    publisher.look()
    assert publisher.has(first), "the version of a call in progress is still there"
    late = town.phone("13900000002").dials("81890").is_answered()
    town.all_over([early, late], within=30)
    assert publisher.walk(early) == [f"hotline.{step}_{first}" for step in WALK]
    assert publisher.walk(late) == [f"hotline.{step}_{latest}" for step in WALK]
    publisher.look()
    assert not publisher.has(first), "its last call has ended"
    assert publisher.has(latest - 1), "a step back leads there"


def test_one_step_back_leads_new_calls_to_the_version_before(publisher: Publisher) -> None:
    town = publisher.room.town
    first, _second = publisher.publish(), publisher.publish()
    publisher.writer.call(publishing.order_back, "改错了", actor="test")
    publisher.look()
    assert publisher.current == first
    call = town.phone("13900000003").dials("81890").is_answered()
    town.all_over([call], within=30)
    assert publisher.walk(call) == [f"hotline.{step}_{first}" for step in WALK]


def test_a_version_that_asterisk_cannot_read_whole_leaves_the_old_one_in_force(publisher: Publisher) -> None:
    good = publisher.publish()

    def broken(version: int) -> Made:
        made = publisher.make(version)
        return Made(version, made.sources, {}, [], made.dialplan.replace(f"[flow-{version}-hotline]", "[flow-x"))

    def lossy(version: int) -> Made:
        made = publisher.make(version)
        return Made(version, made.sources, {}, [], made.dialplan + "exten => more,x,NoOp()\n")

    for make in (broken, lossy):
        ordered = publisher.order(make)
        publisher.look()
        publication = publisher.publication(ordered)
        assert publication.state == "failed"
        assert "flow" in publication.problem
        assert publisher.current == good
        assert publisher.node.versions() == {good}
    town = publisher.room.town
    call = town.phone("13900000004").dials("81890").is_answered()
    town.all_over([call], within=30)
    assert publisher.walk(call) == [f"hotline.{step}_{good}" for step in WALK]


def test_where_a_person_brings_the_file_calls_begin_in_it_only_when_the_exchange_shows_it(
    publisher: Publisher, tmp_path: Path
) -> None:
    there = publisher.node
    publisher.keeper._node = NodeFlows(tmp_path / "install", publisher.room.manager.actions, by_hand=True)
    ordered = publisher.order()
    publisher.look()
    with publisher.database.read() as session:
        (node,) = queries.nodes(session)
    assert "asterisk -rx 'dialplan reload'" in node.waits_for
    assert publisher.publication(ordered).state == "prepared"
    version = publisher.publication(ordered).version
    brought = (tmp_path / "install" / f"{version}.conf").read_text()
    there.folder.mkdir(exist_ok=True)
    (there.folder / f"{version}.conf").write_text(brought)
    publisher.room.exchange.ask("dialplan reload")
    publisher.look()
    assert publisher.publication(ordered).state == "current"
    town = publisher.room.town
    call = town.phone("13900000005").dials("81890").is_answered()
    town.all_over([call], within=30)
    assert publisher.walk(call) == [f"hotline.{step}_{version}" for step in WALK]


def test_an_exchange_that_was_killed_comes_back_with_the_version_in_force(publisher: Publisher) -> None:
    version = publisher.publish()
    exchange = publisher.room.exchange
    exchange.kill9()
    exchange.start()
    wait_until(lambda: publisher.room.manager.link.state == "ready", 30, "the exchange lets the test in again")
    publisher.look()
    assert publisher.has(version)
    assert publisher.room.manager.does(publisher.node.current()) == version
