"""The provider's visit: at the door (到), done (完), and what happens when it does not come."""

from __future__ import annotations

from sqlalchemy import update

from dispatch import limits, messages, offers, tickets
from dispatch.errors import BadInput
from dispatch.tables import FollowUp, Offer, Ticket
from dispatch.tickets import Watch
from foundation import outbox
from foundation.writer import Work
from providers.tables import Provider


def arrived(w: Work, ticket_id: int) -> bool:
    """The provider is at the door; False when that was known already."""
    ticket = tickets.open_one(w.session, ticket_id)
    if ticket.state == "arrived":
        return False
    limit = limits.work(offers.work_class(ticket))
    ticket.arrived_at, ticket.done_by = w.now, w.now + limit.length
    watch = Watch.within("ticket.work", limit, w.now)
    tickets.change_state(w, ticket, "arrived", ticket.owner, watch)
    outbox.withdraw(w.session, "the provider has arrived", ticket_id=ticket.id, kinds=("resident", "nudge"))
    return True


def done(w: Work, ticket_id: int, yuan: int | None = None) -> None:
    """The provider reports the work done, for so much; the resident is asked about it the next day."""
    if yuan is not None and not 0 <= yuan <= 999_999:
        raise BadInput("金额须在 0 到 999999 元之间", "an amount is 0 to 999,999 yuan")
    ticket = tickets.open_one(w.session, ticket_id)
    offer = w.session.get(Offer, ticket.accepted_offer_id or 0, populate_existing=True)
    if offer is None or offer.state != "accepted":
        raise BadInput("该工单没有企业接单", f"nobody holds ticket {ticket.number}")
    offer.state = "fulfilled"
    ticket.done_at, ticket.charge_yuan = w.now, yuan
    due = limits.next_day_at_ten(w.now)
    w.session.add(
        FollowUp(ticket_id=ticket.id, round=ticket.round, phone=ticket.caller, state="waiting", tries=0, due_at=due)
    )
    tickets.change_state(w, ticket, "done", "desk", Watch("ticket.follow_up", due, limits.FOLLOW_UP.reason))
    outbox.withdraw(w.session, "the work is done", ticket_id=ticket.id, kinds=("resident", "nudge", "confirmation"))
    change = update(Provider).where(Provider.id == offer.provider_id).values(orders_done=Provider.orders_done + 1)
    w.session.execute(change.execution_options(synchronize_session=False))
    w.log("work.done", ticket_id=ticket.id, audience="resident", provider=offer.provider_id, yuan=yuan)


def not_there_yet(w: Work, ticket: Ticket) -> None:
    """The promised time has come: ask the provider, and take the order back if it does not report in ten minutes."""
    offer = w.session.get(Offer, ticket.accepted_offer_id or 0)
    if offer is not None:
        w.send(messages.sms(messages.NUDGE, offer.phone, "nudge_arrive", ticket_id=ticket.id, offer_id=offer.id,
                            number=ticket.number, item=offers.item_name(ticket), address=ticket.address))  # fmt: skip
    reason = "已到承诺时间，10 分钟内未到场则改派 / promised time passed: offered to others in 10 min"
    tickets.set_watches(w, ticket, Watch("ticket.no_show", w.now + limits.ARRIVE_GRACE, reason))
    w.log("visit.late", ticket_id=ticket.id, owner=ticket.owner)


def not_done_yet(w: Work, ticket: Ticket) -> None:
    """The work takes longer than usual: ask the provider, show it to the desk, and look again in an hour."""
    offer = w.session.get(Offer, ticket.accepted_offer_id or 0)
    if offer is not None:
        w.send(messages.sms(messages.NUDGE, offer.phone, "nudge_done", ticket_id=ticket.id, offer_id=offer.id,
                            number=ticket.number, item=offers.item_name(ticket)))  # fmt: skip
    reason = "完工超时，每小时催办 / overdue: asked about every hour"
    tickets.set_watches(w, ticket, Watch("ticket.work", w.now + limits.DISPOSE_AGAIN, reason))
    w.log("work.overdue", ticket_id=ticket.id, owner=ticket.owner)
