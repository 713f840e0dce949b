"""Arrivals and what becomes of them: tickets, offers, alarms' ring-backs, follow-ups; and the staff who handle them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.call_tables import CallBack as CallBack
from dispatch.call_tables import CallBackArrival as CallBackArrival
from dispatch.call_tables import RingBack as RingBack
from dispatch.choice_tables import Refusal as Refusal  # known wherever the tables are
from dispatch.complaint_tables import Complaint as Complaint
from dispatch.import_tables import FileImport as FileImport
from dispatch.incident_tables import MassIncident as MassIncident
from dispatch.knowledge_tables import Article as Article
from dispatch.organisation_tables import Organisation as Organisation
from dispatch.recording_tables import Recording as Recording
from dispatch.surge_tables import SurgePlan as SurgePlan
from foundation.tables import Base

DISPOSITIONS = ("ticket", "inquiry", "abandoned", "test", "nuisance", "wrong_number", "ended_unknown")
"""How an arrival ends: it opened or joined a ticket, was answered on the spot, was given up, or has a stated reason."""

TICKET_KINDS = ("inquiry", "service_request", "emergency", "complaint", "suggestion", "care")
OFFER_STATES = ("offered", "proposed", "accepted", "fulfilled", "declined", "expired", "withdrawn", "failed")
OFFER_MODES = ("sequential", "broadcast", "collect", "parallel", "manual", "planned")
ROLES = ("operator", "supervisor", "admin")

_NOT_CLOSED = text("state NOT IN ('closed', 'archived')")
_HELD = text("assigned_provider_id IS NOT NULL AND state IN ('accepted', 'arrived', 'paused')")
_CLOSED = text("state = 'closed'")
_UNDECIDED = text("state IN ('offered', 'proposed')")


class Arrival(Base):
    """One call, message or other contact that reached us (来件); exactly one row for each, whatever died meanwhile.

    `(source, external_id)` names it: for a call the source is `call` and the external id the exchange's call id.
    `steps` holds the journal as far as it is known (step name -> record), and all facts of a call are computed from it
    (`dispatch.call_story`), so the order in which steps come does not matter. `caller` is E.164, a service number, or
    empty; `caller_raw` what arrived. `kind` is `service`, `emergency`, `other` (a number that is not ours) or `unknown`
    (its first step has not come, or cannot be read). An ended arrival has its disposition, or a deadline by which a
    person must give it one.
    """

    __tablename__ = "arrivals"
    __table_args__ = (
        CheckConstraint("state IN ('live', 'ended')", name="state"),
        CheckConstraint("kind IN ('service', 'emergency', 'other', 'unknown')", name="kind"),
        CheckConstraint(f"disposition IN {DISPOSITIONS}", name="disposition"),
        CheckConstraint("disposition IS NULL OR disposition_reason <> ''", name="reason"),
        CheckConstraint("state = 'live' OR disposition IS NOT NULL OR next_deadline_at IS NOT NULL", name="end"),
        Index("uq_arrivals_external_id", "source", "external_id", unique=True),
        Index("ix_arrivals_live", "arrived_at", sqlite_where=text("state = 'live'"),
              postgresql_where=text("state = 'live'")),
        Index("ix_arrivals_undisposed", "arrived_at", sqlite_where=text("disposition IS NULL"),
              postgresql_where=text("disposition IS NULL")),
        Index("ix_arrivals_caller", "caller", "arrived_at"),
        Index("ix_arrivals_arrived_at", "arrived_at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(5))
    caller: Mapped[str] = mapped_column(String(20), default="")
    caller_raw: Mapped[str] = mapped_column(String(100), default="")
    caller_name: Mapped[str] = mapped_column(String(80), default="")
    dialled: Mapped[str] = mapped_column(String(40), default="")
    device_code: Mapped[str | None] = mapped_column(String(40))
    home_id: Mapped[int | None] = mapped_column(ForeignKey("homes.id"))
    channel: Mapped[str] = mapped_column(String(120), default="")
    queue: Mapped[str] = mapped_column(String(20), default="")
    answered_by: Mapped[str | None] = mapped_column(String(40))
    taken_by: Mapped[str | None] = mapped_column(String(40))
    arrived_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    steps: Mapped[dict[str, Any]]
    disposition: Mapped[str | None] = mapped_column(String(20))
    disposition_reason: Mapped[str | None] = mapped_column(String(200))
    disposed_at: Mapped[datetime | None]
    disposed_by: Mapped[str | None] = mapped_column(String(60))
    next_deadline_at: Mapped[datetime | None]


class Ticket(Base):
    """One matter over its whole course (工单). Only `dispatch.tickets.change_state` assigns `state`.

    `owner` is who must act next: `desk` (any operator), `supervisor`, `city`, `org:<id>`, `user:<login>`,
    `provider:<id>`, or a person key of the telephone contract (`seat-op1`, `duty-3`, `contact-17`). `community` and
    `district` are division codes of 12 and 6 digits or empty. `elements` are the five elements (五要素): who, when,
    where, cause, course. `policy` is the copy of the rules the ticket started with, so that later edits never change a
    running case. `due_at` is the limit of the whole matter, `next_deadline_at` the next thing that must happen. `grade`
    is the resident's last answer, 5 best; `alarm_grade` the seriousness of an emergency; `household` the key by which
    presses join one alarm (`home:12`, `line:+86…`, `call:<id>`).
    """

    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint(f"kind IN {TICKET_KINDS}", name="kind"),
        CheckConstraint("urgency IN ('normal', 'urgent', 'extra_urgent')", name="urgency"),
        CheckConstraint("state IN ('closed', 'archived') OR next_deadline_at IS NOT NULL", name="deadline"),
        CheckConstraint("state IN ('closed', 'archived') OR owner <> ''", name="owner"),
        CheckConstraint("state NOT IN ('closed', 'archived') OR (closed_at IS NOT NULL AND outcome IS NOT NULL)",
                        name="outcome"),
        CheckConstraint("grade IS NULL OR grade BETWEEN 1 AND 5", name="grade"),
        CheckConstraint("kind <> 'emergency' OR household IS NOT NULL", name="household"),
        CheckConstraint("(state = 'paused') = (paused_at IS NOT NULL)", name="paused"),
        CheckConstraint("state NOT IN ('assigned', 'returned', 'ruling') OR desk IS NOT NULL", name="desk"),
        CheckConstraint("returns BETWEEN 0 AND 2", name="returns"),
        CheckConstraint("(coalesce(outcome, '') = 'joined') = (joined_to IS NOT NULL)", name="joined"),
        Index("uq_tickets_open_alarm", "household", unique=True,
              sqlite_where=text("kind = 'emergency' AND state NOT IN ('closed', 'archived')"),
              postgresql_where=text("kind = 'emergency' AND state NOT IN ('closed', 'archived')")),
        Index("ix_tickets_open", "next_deadline_at", sqlite_where=_NOT_CLOSED, postgresql_where=_NOT_CLOSED),
        Index("ix_tickets_open_kind", "kind", "id", sqlite_where=_NOT_CLOSED, postgresql_where=_NOT_CLOSED),
        Index("ix_tickets_kind", "kind", "id"),
        Index("ix_tickets_opened_at", "opened_at"),
        Index("ix_tickets_to_archive", "closed_at", sqlite_where=_CLOSED, postgresql_where=_CLOSED),
        Index("ix_tickets_due_at", "due_at"),
        Index("ix_tickets_closed_at", "closed_at"),
        Index("ix_tickets_caller", "caller", "opened_at"),
        Index("ix_tickets_home_id", "home_id", "opened_at"),
        Index("ix_tickets_provider", "assigned_provider_id", sqlite_where=_NOT_CLOSED, postgresql_where=_NOT_CLOSED),
        Index("ix_tickets_held", "assigned_provider_id", "state", sqlite_where=_HELD, postgresql_where=_HELD),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(12))
    urgency: Mapped[str] = mapped_column(String(12), default="normal")
    item: Mapped[str | None] = mapped_column(String(4))
    summary: Mapped[str] = mapped_column(Text, default="")
    caller: Mapped[str] = mapped_column(String(20), default="")
    caller_name: Mapped[str] = mapped_column(String(80), default="")
    home_id: Mapped[int | None] = mapped_column(ForeignKey("homes.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    device_code: Mapped[str | None] = mapped_column(String(40))
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("arrivals.id"))
    district: Mapped[str] = mapped_column(String(6), default="")
    community: Mapped[str] = mapped_column(String(12), default="")
    address: Mapped[str] = mapped_column(String(200), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    elements: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    owner: Mapped[str] = mapped_column(String(60))
    next_deadline_at: Mapped[datetime | None]
    assigned_provider_id: Mapped[int | None] = mapped_column(ForeignKey("providers.id"))
    accepted_offer_id: Mapped[int | None]  # no foreign key: offers already point here, and one must come first
    round: Mapped[int] = mapped_column(default=1)
    arrive_by: Mapped[datetime | None]
    done_by: Mapped[datetime | None]
    departed_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    charge_yuan: Mapped[int | None]
    household: Mapped[str | None] = mapped_column(String(120))
    alarm_grade: Mapped[str | None] = mapped_column(String(12))
    confirmed_by: Mapped[str | None] = mapped_column(String(10))  # voice | door: how the person was heard or seen
    taken_by: Mapped[str | None] = mapped_column(String(60))
    taken_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text, default="")
    grade: Mapped[int | None]
    policy: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(60))
    closed_at: Mapped[datetime | None]
    # The whole matter's clock (`dispatch.states.DISPATCHED`): begun once, moved by pauses and one extension.
    dispatched_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    extended_at: Mapped[datetime | None]
    # The receiving desk, `org:<id>` (`dispatch.desk_work`); `bound`: a ruling named it.
    desk: Mapped[str | None] = mapped_column(String(60))
    assigned_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
    returns: Mapped[int] = mapped_column(default=0)
    bound: Mapped[bool] = mapped_column(default=False)
    # What a pause holds back (`dispatch.pauses`), and how many seconds all pauses took.
    pause: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    paused_at: Mapped[datetime | None]
    paused_s: Mapped[int] = mapped_column(default=0)
    pauses: Mapped[int] = mapped_column(default=0)
    nudges: Mapped[int] = mapped_column(default=0)
    repeats: Mapped[int] = mapped_column(default=0)
    supervised_by: Mapped[str | None] = mapped_column(String(60))
    joined_to: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"))
    archived_at: Mapped[datetime | None]


class TicketNumber(Base):
    """The last ticket number given on a local day (`20261123`)."""

    __tablename__ = "ticket_numbers"

    day: Mapped[str] = mapped_column(String(8), primary_key=True)
    last: Mapped[int]


class ArrivalTicket(Base):
    """Which ticket an arrival opened or joined; an arrival has at most one."""

    __tablename__ = "arrival_tickets"
    __table_args__ = (CheckConstraint("how IN ('opened', 'joined')", name="how"),)

    arrival_id: Mapped[int] = mapped_column(ForeignKey("arrivals.id"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    how: Mapped[str] = mapped_column(String(6))


class Offer(Base):
    """One question to one provider about one ticket (派单): the ledger of who was asked, when, and what was said.

    `proposed` is the answer where arrival times are collected: it can come, in `eta_minutes` from the moment it gets
    the order. `answered_at` and `answered_by` are the provider's own answer, by whom it was given; `ended_at`,
    `ended_by` and `withdrawn_why` say how the offer ended otherwise, also after it was accepted (taken back, given
    back). `sent_at` is when a gateway took the question. `channel` is `sms`, `call` or `both`.
    """

    __tablename__ = "offers"
    __table_args__ = (
        CheckConstraint(f"state IN {OFFER_STATES}", name="state"),
        CheckConstraint(f"mode IN {OFFER_MODES}", name="mode"),
        CheckConstraint("state NOT IN ('accepted', 'declined', 'proposed') OR answered_at IS NOT NULL",
                        name="answered"),
        CheckConstraint("state NOT IN ('expired', 'withdrawn', 'failed', 'fulfilled') OR ended_at IS NOT NULL",
                        name="ended"),
        CheckConstraint("state NOT IN ('withdrawn', 'failed') OR withdrawn_why IS NOT NULL", name="why"),
        Index("uq_offers_accepted", "ticket_id", unique=True, sqlite_where=text("state = 'accepted'"),
              postgresql_where=text("state = 'accepted'")),
        Index("uq_offers_open", "ticket_id", "provider_id", unique=True, sqlite_where=_UNDECIDED,
              postgresql_where=_UNDECIDED),
        Index("uq_offers_code", "phone", "code", unique=True, sqlite_where=_UNDECIDED, postgresql_where=_UNDECIDED),
        Index("ix_offers_ticket_id", "ticket_id", "id"),
        Index("ix_offers_phone", "phone", "id"),
        Index("ix_offers_provider_id", "provider_id", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    round: Mapped[int]
    mode: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(10))
    rank: Mapped[int]
    score: Mapped[float]
    reasons: Mapped[list[Any]] = mapped_column(JSON)
    channel: Mapped[str] = mapped_column(String(10), default="sms")
    phone: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(4))
    offered_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None] = mapped_column(String(60))
    eta_minutes: Mapped[int | None]
    decline_reason: Mapped[str | None] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(60))
    withdrawn_why: Mapped[str | None] = mapped_column(String(200))


class FollowUp(Base):
    """The question after the work (回访): one row per ticket and round, asked at most three times.

    `outcome` is what the answer led to: `close`, `redo` (退回重办), `refill` (退回重填), or `unreached`.
    """

    __tablename__ = "follow_ups"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'open', 'answered', 'unreached', 'withdrawn')", name="state"),
        CheckConstraint("channel IN ('sms', 'call')", name="channel"),
        CheckConstraint("outcome IN ('close', 'redo', 'refill', 'unreached')", name="outcome"),
        CheckConstraint("state NOT IN ('answered', 'unreached') OR outcome IS NOT NULL", name="ended"),
        Index("uq_follow_ups_ticket_id", "ticket_id", "round", unique=True),
        Index("ix_follow_ups_phone", "phone", sqlite_where=text("state = 'open'"),
              postgresql_where=text("state = 'open'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    round: Mapped[int]
    phone: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10))
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    grade: Mapped[int | None]
    solved: Mapped[bool | None]
    channel: Mapped[str] = mapped_column(String(4), default="sms")
    outcome: Mapped[str | None] = mapped_column(String(10))


class StaffTask(Base):
    """Something a person must look at that is no ticket: an unreadable journal record, a text nobody understands."""

    __tablename__ = "staff_tasks"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('call_back', 'undisposed', 'malformed_step', 'strange_sms', 'inbox_failed', 'message_failed', "
            "'recording_missing', 'provider')",
            name="kind",
        ),
        Index("uq_staff_tasks_open", "kind", "subject", unique=True, sqlite_where=text("done_at IS NULL"),
              postgresql_where=text("done_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(160))
    text: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(String(20), default="")
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("arrivals.id"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"))
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None] = mapped_column(String(60))


class Correspondent(Base):
    """A number that texts us: whether it opted out, and how often we answered words we did not understand."""

    __tablename__ = "correspondents"

    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    unknown_answers: Mapped[int] = mapped_column(default=0)
    opted_out_at: Mapped[datetime | None]


class StaffUser(Base):
    """Someone who signs in to the console.

    `password_hash` is an argon2 text. A browser session holds the `session_generation` it began with; raising it ends
    every session of this user.
    """

    __tablename__ = "staff_users"
    __table_args__ = (CheckConstraint(f"role IN {ROLES}", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    role: Mapped[str] = mapped_column(String(12))
    password_hash: Mapped[str] = mapped_column(String(200))
    mobile: Mapped[str] = mapped_column(String(20), default="")
    locale: Mapped[str] = mapped_column(String(5), default="zh_CN")
    session_generation: Mapped[int] = mapped_column(default=1)
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Seat(Base):
    """An operator's place with its telephone (`op1`); `user_id` is who sits there now."""

    __tablename__ = "seats"
    __table_args__ = (
        CheckConstraint("break_reason IS NULL OR user_id IS NOT NULL", name="break"),
        CheckConstraint("(user_id IS NULL) = (signed_in_at IS NULL)", name="signed_in"),
    )

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[str] = mapped_column(String(10), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("staff_users.id"), unique=True)
    signed_in_at: Mapped[datetime | None]
    break_reason: Mapped[str | None] = mapped_column(String(80))
    break_since: Mapped[datetime | None]


class DutyPhone(Base):
    """A telephone of the rota that is rung when no seat takes an alarm; person key `duty-<id>`."""

    __tablename__ = "duty_phones"

    id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(20))
    ring_seconds: Mapped[int] = mapped_column(default=20)
