"""What no caller and no handset should send: a clear answer or a task for a person, nothing lost, nothing broken."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import select

from dispatch.tables import Arrival, CallBack, StaffTask, Ticket
from foundation.tables import InboxItem, OutboxMessage
from tests.conversations.story import Story

pytestmark = pytest.mark.exchange

CALLERS = [
    ("anonymous", "匿名"),
    ("", ""),
    ("9" * 200, "王" * 200),
    ("138/0000/1111", "../../etc/passwd"),
    ("1380000%0d%0aAction: Logoff%0d%0a%0d%0a", "x"),
    ("13800000222", "<script>alert(1)</script>"),
    ("13800000223", "'; DROP TABLE arrivals;--"),
    ("13800000224", "a\x01\x02\x7fb\u202e\t${SHELL(id)}"),
    ("alice;user=phone", "${DB(app/lease)}"),
    ("+86-138-0000-0225", "%s%n%00 \ud7ff"),
]
"""What a network may show as number and name."""

TEXTS = [
    "", " \n\t", "1" * 5000, "🚨🧓🏽👍", "\x00\x01\x02 NUL", "'; DROP TABLE tickets;--", "<img src=x onerror=alert(1)>",
    "{0} {ticket} %s", "１　２０", "1 20", "2", "完 99999999999999999999", "到", "0", "-1", "9999 1 20", "\u202e02 1",
]  # fmt: skip
SENDERS = ["13900000301", "resident-4-2", "provider-6", "87001001", "10086", "95588", "bank", "+15550100123", "0"]


def test_strange_callers_are_each_one_arrival_with_a_clear_end(story: Story) -> None:
    lines = [
        story.town.phone(f"137{n:08}").dials("81890", caller_number=number, caller_name=name)
        for n, (number, name) in enumerate(CALLERS)
    ]
    for line in lines:
        line.is_answered(15)
    desk = story.operator("op1")
    pages = desk._http.get("/waiting/calls").text
    assert "<script>alert(1)" not in pages
    story.town.hang_up_all()

    def all_there(session: object) -> list[Arrival] | None:
        found = select(Arrival).where(Arrival.id > story._first_arrival)
        rows = list(session.scalars(found))  # type: ignore[attr-defined]
        done = len(rows) == len(lines) and all(row.disposition == "abandoned" for row in rows)
        return rows if done else None

    arrivals = story.system.wait_for(all_there, 20, "each call is an arrival with its end")
    for arrival in arrivals:
        assert "来电放弃" in desk.opens_card(arrival.id)
    known = {a.caller for a in arrivals if a.caller}
    assert {"+8613800000222", "+8613800000223", "+8613800000224"} <= known
    owed = story.system.look(lambda s: set(s.scalars(select(CallBack.number))))
    assert {c for c in known if c.startswith("+861")} <= owed, "who can be called back is"


def test_a_press_from_no_number_and_from_an_unknown_device_each_raise_their_own_alarm(story: Story) -> None:
    desk = story.operator("op1")
    shown = [("anonymous", ""), ("1" * 120, "x" * 300), ("87009999", "")]
    for n, (number, name) in enumerate(shown):
        line = story.town.phone(f"8700{8000 + n}").dials("81891", caller_number=number, caller_name=name)
        seat = story.town.seat("op1").answers()
        seat.talks_with(line)
        alarm = story.system.wait_for(_an_open_alarm, 10, "an alarm")
        assert alarm.taken_by in (None, "seat-op1")
        story.ticket_is(alarm.id, "taken")
        line.hangs_up()
        assert alarm.number in desk.opens_ticket(alarm.id)
        desk.grades(alarm.id, "ordinary")
        desk.closes_alarm(alarm.id, "served_on_phone", "问到了人")


def test_any_text_from_any_number_gets_a_clear_answer_or_lies_on_a_desk(story: Story) -> None:
    story.knows_tasks("strange_sms", "message_failed")
    story.knows_texts("没有看懂", "没有待回复的订单", "已不再有效", "已由他人承接")
    before = story._newest(InboxItem.id)
    for sender in SENDERS:
        phone = story.town.phone(sender)
        for text in TEXTS:
            phone.sends_sms(text)

    items = story.system.look(lambda s: list(s.scalars(select(InboxItem).where(InboxItem.id > before))))
    assert len(items) == len(SENDERS) * len(TEXTS), "every text is kept"
    assert all(item.handled_at is not None for item in items)
    assert {item.outcome for item in items} <= {
        "not_understood", "for_staff", "no_open_order", "no_longer_open", "taken_by_another", "unknown_sender",
    }, "each has a plain outcome"  # fmt: skip
    found = select(OutboxMessage.recipient).where(OutboxMessage.id > story._first_message)
    answers = story.system.look(lambda s: list(s.scalars(found)))
    tasks = story.system.look(lambda s: list(s.scalars(select(StaffTask).where(StaffTask.id > story._first_task))))
    for item in items:
        sender = item.payload["from"]
        assert sender in answers or any(sender in (task.number, task.subject) for task in tasks), sender
    assert httpx.get(f"{story.system.base}/readyz", trust_env=False).status_code == 200
    desk = story.operator("op1")
    assert "看不懂的短信" in desk.reads("/waiting/deadlines")
    assert "<img src=x" not in desk._http.get("/waiting/deadlines").text


def test_a_resident_who_opts_out_is_told_once_and_left_alone(story: Story) -> None:
    phone = story.town.phone("13900000302")
    phone.sends_sms("退订")
    phone.expect_sms("退订")
    phone.sends_sms("退订")
    phone.sends_sms("?")
    assert len([m for m in phone.messages() if m.sender != "me"]) == 1


def _an_open_alarm(session: object) -> Ticket | None:
    found = select(Ticket).where(Ticket.kind == "emergency", Ticket.state != "closed")
    ticket: Ticket | None = session.scalar(found)  # type: ignore[attr-defined]
    return ticket
