"""A press while the application is stopped, frozen, or just coming back: the exchange helps alone, one ticket tells it.

The suite goes through each rung and each kind of absence once, on a quick ladder; `make soak` goes through all of them
with the real times.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from callcenter.town.telephones import Line, Phone
from dispatch.tables import Ticket
from foundation.asterisk.provision import provision_asterisk
from tests.conversations.story import Story, rung_twice
from tests.system import System, open_system
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

DUTY = ("duty-1", "duty-2", "duty-3")


def contacts_of(home: int) -> tuple[str, ...]:
    """The three contacts of the cast's homes that are persons; a fourth, where there is one, is a gate house."""
    return tuple(f"contact-{home}-{n}" for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("absence", "rung"), [("stopped", "duty"), ("frozen", "contacts"), ("frozen", "operators")]
)  # fmt: skip
def test_with_the_application_away_a_person_takes_the_call_and_one_ticket_tells_it(
    quick_story: Story, absence: str, rung: str
) -> None:
    a_press_is_helped_alone(quick_story, absence, rung, home=5)


@pytest.mark.parametrize("rung", ["operators", "duty", "contacts"])
@pytest.mark.parametrize("absence", ["stopped", "killed", "frozen"])
@pytest.mark.soak
def test_the_same_at_every_rung_with_the_real_times(real_story: Story, absence: str, rung: str) -> None:
    a_press_is_helped_alone(real_story, absence, rung, home=5)
    rungs = [e for e in real_story.events(_last_alarm(real_story).id) if e.kind == "call.rung"]
    for before, after in pairwise(rungs):
        assert 19 <= after.detail["t"] - before.detail["t"] <= 23, [(e.detail["rung"], e.detail["t"]) for e in rungs]


def a_press_is_helped_alone(story: Story, absence: str, rung: str, home: int) -> None:
    """The application goes, the button is pressed, the rung's people are rung, two take it together, one wins."""
    ladder = story.system.settings.ladder
    duty, contacts = [_phone(story, k) for k in DUTY], [_phone(story, k) for k in contacts_of(home)]
    story.may_ring(*duty, *contacts)
    people = {"operators": [], "duty": duty, "contacts": contacts}[rung]
    together = people[:2]
    for phone in together:
        phone.answers_by_itself(after=1.0, presses="1", press_after=1.0)

    _goes(story, absence)
    story.lease_is_stale()
    line = story.town.device(f"home-{home}").pressed()
    if rung == "operators":
        winner = story.town.seat("op3").answers()
        assert story.joined(line) == "seat-op3"
    else:
        winner = _one_of_two_wins(story, line, together, within=3 * ladder.rung_seconds + 10)
    winner.talks_with(line)
    reached = ("operators", "duty", "contacts")[: 1 + ("operators", "duty", "contacts").index(rung)]
    assert [s["rung"] for s in story.journal(line) if s["s"] == "rung"] == list(reached)
    line.hangs_up()

    _comes_back(story, absence)
    taken = story.ticket_is(story.alarm(line).id, "taken", within=20)
    _one_ticket_tells_all(story, taken, reached)
    _nobody_is_rung_twice(story, [*duty, *contacts])
    _close(story, taken)


def test_the_application_comes_back_while_duty_rings_and_goes_on_without_ringing_anybody_twice(
    quick_story: Story,
) -> None:
    story = quick_story
    duty, contacts = [_phone(story, k) for k in DUTY], [_phone(story, k) for k in contacts_of(3)]
    gate = _phone(story, "contact-3-4")
    story.may_ring(*duty, *contacts, gate)
    story.knows_texts("紧急求助")
    _goes(story, "killed")
    story.lease_is_stale()
    line = story.town.device("home-3").pressed()
    for phone in duty:
        phone.waits_to_ring(15)

    _comes_back(story, "killed")
    alarm = story.alarm(line)
    story.lease_is_fresh()
    story.tells(alarm.id, "call.rung", within=15, driver="app")
    story.town.clock.forward(seconds=20)  # its own rung for the duty phones, which ring already or rang just now
    story.tells(alarm.id, "alarm.duty_called")
    story.town.clock.forward(seconds=20)
    story.tells(alarm.id, "alarm.contacts_called")
    helper = contacts[0].answers(presses="1", within=10)
    taken = story.ticket_is(alarm.id, "taken")
    helper.talks_with(line)
    line.hangs_up()

    _nobody_is_rung_twice(story, [*duty, *contacts, gate])
    assert {e.detail["driver"] for e in story.events(alarm.id) if e.kind == "call.rung"} == {"dialplan", "app"}
    _close(story, taken)


def test_the_application_freezes_while_it_drives_and_the_exchange_goes_on(quick_story: Story) -> None:
    story = quick_story
    duty, contacts = [_phone(story, k) for k in DUTY], [_phone(story, k) for k in contacts_of(5)]
    story.may_ring(*duty, *contacts)
    story.knows_texts("紧急求助")
    story.lease_is_fresh()
    line = story.town.device("home-5").pressed()
    alarm = story.alarm(line)
    story.town.clock.forward(seconds=20)
    for phone in duty:
        phone.waits_to_ring(10)
    story.tells(alarm.id, "call.tried", by="app")
    _goes(story, "frozen")

    helper = contacts[2].answers(presses="1", within=30)
    story.joined(line)
    helper.talks_with(line)
    line.hangs_up()

    _comes_back(story, "frozen")
    taken = story.ticket_is(alarm.id, "taken", within=20)
    assert str(taken.taken_by).startswith("contact-")
    _nobody_is_rung_twice(story, [*duty, *contacts])
    drivers = [e.detail["driver"] for e in story.events(alarm.id) if e.kind == "call.rung"]
    assert drivers[0] == "app"
    assert drivers[-1] == "dialplan"
    _close(story, taken)


@pytest.fixture(scope="module")
def real_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with the ladder's real times."""
    with open_system(tmp_path_factory.mktemp("real"), provision_asterisk(), slot=2) as system:
        yield system


@pytest.fixture
def real_story(real_system: System, request: pytest.FixtureRequest) -> Iterator[Story]:
    """A story with the real times. It begins with the application running."""
    if real_system.process is None:
        real_system.start_application()
    yield from Story(real_system).watched(request.node)


def _phone(story: Story, key: str) -> Phone:
    return story.town.phone(key)


def _goes(story: Story, absence: str) -> None:
    story.restarted = True
    system = story.system
    {
        "stopped": system.stop_application,
        "killed": system.kill_application,
        "frozen": system.freeze_application,
    }[absence]()


def _comes_back(story: Story, absence: str) -> None:
    if absence == "frozen":
        story.system.thaw_application()
        story.system.wait_ready()
    else:
        story.system.start_application()


def _one_of_two_wins(story: Story, line: Line, together: list[Phone], within: float) -> Line:
    """Both press 1 in the same moment: one is joined, the other hears that somebody else has it."""
    story.joined(line, within)
    lines = [phone.line() for phone in together]

    def said() -> list[str] | None:
        """What became of both; the loser may be told a moment after the winner is joined."""
        results = [s["result"] for s in story.journal(line) if s["s"] == "result"]
        both = sorted(result for result in results if result not in ("stopped", "noanswer"))
        return both if len(both) == len(together) else None

    assert wait_until(said, 5, "both are told") == ["accepted", "late"]
    lost = [one for one in lines if one.listens_for("already-taken", 8)]
    assert len(lost) == 1, "exactly one of the two is told that it is taken"
    return next(one for one in lines if one is not lost[0])


def _one_ticket_tells_all(story: Story, ticket: Ticket, reached: tuple[str, ...]) -> None:
    story.tells(ticket.id, "call.ended")
    events = story.events(ticket.id)
    rungs = [(e.detail["rung"], e.detail["driver"]) for e in events if e.kind == "call.rung"]
    assert rungs == [(name, "dialplan") for name in reached]
    results = [e.detail for e in events if e.kind == "call.result"]
    tried = {e.detail["who"] for e in events if e.kind == "call.tried"}
    assert {r["who"] for r in results} == tried, "each attempt has its end"
    took = [e.detail["who"] for e in events if e.kind == "call.took"]
    assert took == [ticket.taken_by]
    assert [e.kind for e in events].count("alarm.raised") == 1
    assert [e.kind for e in events].count("call.ended") == 1


def _nobody_is_rung_twice(story: Story, phones: list[Phone]) -> None:
    rings = [call for phone in phones for call in phone.rings(since=story.since)]
    assert rung_twice(rings, story.system.settings.ladder.attempt_gap_seconds) == []


def _close(story: Story, alarm: Ticket) -> None:
    desk = story.operator("op4")
    desk.grades(alarm.id, "concern")
    desk.closes_alarm(alarm.id, "served_on_phone", "已处理")


def _last_alarm(story: Story) -> Ticket:
    found = story.system.look(lambda s: s.query(Ticket).order_by(Ticket.id.desc()).first())
    assert found is not None
    return found
