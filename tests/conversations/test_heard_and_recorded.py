"""What callers hear by themselves, and what is kept of what was said: a mass incident, and the recording of a talk."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from callcenter.recorder import RecordingPlan, file_of
from callcenter.town.hearing import RATE, read_wav, tone_level
from callcenter.town.lines import Line
from dispatch.incident_tables import MassIncident
from dispatch.recording_tables import Recording
from dispatch.recordings import Keep
from dispatch.tables import Arrival, ArrivalTicket
from foundation.tables import OutboxMessage
from tests.conversations.story import Story
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

_LONG = timedelta(days=1)
ZH, EN = "西门街道自来水管爆裂，正在抢修，今天下午六点恢复供水。", "A water main has burst; the water is back by six."
OVER_ZH, OVER_EN = "西门街道已经恢复供水。", "The water is back."


def says(line: Line, hertz: int) -> None:
    """Somebody says something that can be told from everything else."""
    line._town.run(line._town.controller.play(line.call, f"sound:tone-{hertz}"))


def hears(line: Line, hertz: int) -> None:
    wait_until(lambda: tone_level(line.recording(), hertz) > 0.6, 10, f"{line} hears a tone of {hertz} Hz")


def test_a_talk_is_announced_recorded_and_kept_without_what_was_private(story: Story) -> None:
    desk = story.operator("op1")
    seat = story.town.seat("op1")
    line = story.town.phone("resident-2-1").dials("81890")
    line.hears("recording-notice", within=30)
    far = seat.answers()
    arrival = story.system.wait_for(
        lambda s: _answered(s.get_one(Arrival, story.arrival(line).id)), 10, "the call is answered"
    )
    said, private, after = 530, 730, 1030
    says(line, said)
    hears(far, said)
    desk.pauses_recording(arrival.id)
    _sent(story, "recording", 1)
    says(line, private)
    hears(far, private)
    wait_until(lambda: tone_level(far.recording()[-RATE:], private) < 0.1, 10, "what is private has been said")
    desk.pauses_recording(arrival.id, paused=False)
    _sent(story, "recording", 2)
    says(far, after)
    hears(line, after)
    desk.answers_on_the_spot(arrival.id, "几点开门", "九点")
    line.hangs_up()

    row = story.system.wait_for(lambda s: _recording(s, arrival.id), 20, "the recording is taken in")
    sound = read_wav(_file(story, row))
    assert row.state == "kept"
    assert tone_level(sound, said) > 0.3
    assert tone_level(sound, after) > 0.3
    assert tone_level(sound, private) < 0.1, "what was private is not in it"


def test_callers_hear_of_an_incident_join_its_ticket_and_are_told_when_it_is_over(story: Story) -> None:
    story.knows_texts(OVER_ZH)
    boss = story.supervisor()
    boss.opens_incident("西门街道停水", ZH, EN)
    incident = story.system.look(lambda s: s.scalars(select(MassIncident)).all())[-1]
    try:
        wait_until(
            lambda: "Value: 1" in story.system.exchange.ask("database get app incidents"), 10, "the exchange knows"
        )
        phone = story.town.phone("resident-3-1")
        line = phone.dials("81890").is_answered()
        sentence = wait_until(lambda: _spoken(story), 10, "the sentence is spoken")
        line.hears(sentence, within=15)
        line.hears("incident-choice", within=15).presses("1")
        line.hears("incident-noted", within=15).ends(15)
        arrival = story.system.wait_for(
            lambda s: _disposed(s.get_one(Arrival, story.arrival(line).id)), 10, "the call has its end"
        )
        assert arrival.disposition == "ticket"
        joined = story.system.look(lambda s: s.get_one(ArrivalTicket, arrival.id))
        assert joined.ticket_id == incident.ticket_id
    finally:
        boss.ends_incident(incident.id, OVER_ZH, OVER_EN)
    phone.expect_sms(OVER_ZH[:8])
    wait_until(lambda: "Value: 0" in story.system.exchange.ask("database get app incidents"), 10, "the exchange knows")


def _answered(arrival: Arrival) -> Arrival | None:
    return arrival if arrival.answered_by else None


def _disposed(arrival: Arrival) -> Arrival | None:
    return arrival if arrival.disposition else None


def _recording(session: Session, arrival_id: int) -> Recording | None:
    return session.scalar(select(Recording).where(Recording.arrival_id == arrival_id))


def _spoken(story: Story) -> Path | None:
    folder = story.system.settings.home / "exchange" / "sounds" / "zh" / "dyn"
    found = [path for path in folder.glob("*.wav") if path.stat().st_mtime > story.since] if folder.is_dir() else []
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _file(story: Story, row: Recording) -> Path:
    home = story.system.settings.home
    plan = RecordingPlan(home / "exchange" / "spool" / "recordings", home / "recordings", Keep(_LONG, _LONG))
    return wait_until(lambda: file_of(plan, row), 10, "the file stands where it is kept")


def _sent(story: Story, kind: str, count: int) -> None:
    """So many messages of this kind have gone out."""

    def look(session: Session) -> bool:
        rows = select(OutboxMessage).where(OutboxMessage.kind == kind, OutboxMessage.sent_at.is_not(None))
        return len(session.scalars(rows.where(OutboxMessage.id > story._first_message)).all()) >= count

    story.system.wait_for(lambda s: look(s) or None, 10, f"{count} times {kind} asked of the exchange")
