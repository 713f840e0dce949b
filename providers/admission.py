"""How a provider comes in, goes on and leaves: application, vetting, visit by two, trial, full, and the way out.

Each step checks what it needs and says what is missing. Steps that take a provider out of matching are carried out by
`dispatch.sanctions`, which also ends its open offers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import insert, or_, select
from sqlalchemy.orm import Session

from foundation.numbers import NumberPlan
from foundation.text import clean, one_line
from foundation.writer import Work
from providers import documents, ledger, registry, states
from providers.decisions import in_words, second_person
from providers.errors import BadProvider, NotYet
from providers.tables import (
    FoundedComplaint,
    Provider,
    ProviderEvent,
    ProviderItem,
    ProviderPhone,
    ProviderVisit,
)
from providers.taxonomy import ITEMS

KINDS = ("company", "volunteer_group", "desk")
_CODE = re.compile(r"[0-9A-HJ-NP-RTUWXY]{18}", re.ASCII)
_CODE_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True)
class Application:
    """What a firm, group or desk says of itself (申请). `items` maps item codes to a price range in yuan or None.

    `phones` are as people write them; they count as unverified until each has sent its code back.
    """

    name: str
    items: Mapping[str, tuple[int, int] | None]
    prefixes: Sequence[str]
    phones: Sequence[str]
    kind: str = "company"
    credit_code: str = ""
    responsible_name: str = ""
    contact_name: str = ""
    address: str = ""
    opens_minute: int = 480
    closes_minute: int = 1080
    weekdays: str = "1234567"
    capacity: int = 3
    radius_km: float | None = None


@dataclass(frozen=True)
class VisitNote:
    """What was found at the premises (实地考察)."""

    visited_on: date
    premises: bool
    staff: bool
    equipment: bool
    price_list: bool
    note: str

    @property
    def passed(self) -> bool:
        return self.premises and self.staff and self.equipment and self.price_list


def credit_code_holds(code: str) -> bool:
    """Whether `code` is a 统一社会信用代码: 18 characters with the check character of GB 32100-2015."""
    if not _CODE.fullmatch(code):
        return False
    total = sum(_CODE_DIGITS.index(char) * pow(3, place, 31) for place, char in enumerate(code[:17]))
    return _CODE_DIGITS[(31 - total % 31) % 31] == code[17]


def apply(w: Work, new: Application, plan: NumberPlan | None = None) -> int:
    """Take an application down; the provider's id. Raises `BadProvider` naming what is wrong."""
    plan = plan or NumberPlan()
    name, person = one_line(new.name, 80), one_line(new.responsible_name, 40)
    numbers = {number.e164: number for number in map(plan.parse, new.phones)}
    wrong = [code for code in new.items if code not in ITEMS]
    wrong += [prefix for prefix in new.prefixes if not registry.PREFIX.fullmatch(prefix)]
    wrong += [number.raw for number in numbers.values() if not number.callable_back]
    wrong += [
        f"{price}" for price in new.items.values() if price is not None and not 0 <= price[0] <= price[1] <= 999_999
    ]
    if not (0 <= new.opens_minute < 1440 and 0 <= new.closes_minute <= 1440 and new.capacity >= 0):
        wrong.append("营业时间 / hours")
    if new.kind not in KINDS or (new.kind == "company" and not credit_code_holds(new.credit_code)):
        wrong.append(one_line(new.credit_code, 18) or "统一社会信用代码 / credit code")
    if wrong or not name or not person or not new.items or not (new.prefixes or new.radius_km) or not numbers:
        raise BadProvider(
            f"申请不完整或有误：{wrong}",
            f"an application needs name, responsible person, credit code, items, area, telephones; wrong: {wrong}",
        )
    _refuse_blacklisted(w, new.credit_code, person)
    _refuse_known(w, name, list(numbers))
    row = Provider(
        name=name, kind=new.kind, state="applied", credit_code=new.credit_code, responsible_name=person,
        contact_name=one_line(new.contact_name, 40) or person, address=one_line(new.address, 200),
        opens_minute=new.opens_minute, closes_minute=new.closes_minute, weekdays=new.weekdays, capacity=new.capacity,
        radius_km=new.radius_km, state_since=w.now, created_at=w.now,
    )  # fmt: skip
    w.session.add(row)
    w.session.flush()
    prices = {code: price or (None, None) for code, price in new.items.items()}
    registry.enter_offer(w, row.id, prices, new.prefixes)
    phones = [{"provider_id": row.id, "number": number, "position": n} for n, number in enumerate(numbers, 1)]
    w.session.execute(insert(ProviderPhone), phones)
    ledger.entered(w, row, "applied", items=prices, coverage=list(new.prefixes))
    return row.id


def apply_again(w: Work, provider_id: int) -> None:
    """Who left or was not admitted applies again (重新申请); what it said before stands and is checked anew."""
    provider = ledger.locked(w.session, provider_id)
    _refuse_blacklisted(w, provider.credit_code, provider.responsible_name)
    ledger.step(w, provider, "applied", "重新申请 / applies again")


def begin_vetting(w: Work, provider_id: int) -> None:
    """申请 → 资质审核."""
    provider = ledger.locked(w.session, provider_id)
    ledger.step(w, provider, "vetting", "开始审核 / vetting begins")


def begin_visiting(w: Work, provider_id: int) -> None:
    """资质审核 → 实地考察. Raises `NotYet` with the papers that are missing."""
    provider = ledger.locked(w.session, provider_id)
    states.check(provider.state, "visiting")
    _need(papers_lacking(w.session, provider, w.now))
    ledger.step(w, provider, "visiting", "证照已审 / papers seen")


def note_visit(w: Work, provider_id: int, found: VisitNote) -> int:
    """The first of the two visitors writes down what they found; the visit's id."""
    provider = ledger.locked(w.session, provider_id)
    note = clean(found.note, 2000)
    if provider.state != "visiting" or not note or found.visited_on > documents.local_day(w.now):
        raise BadProvider(
            "考察记录需要文字和不晚于今天的日期，且企业处于实地考察",
            "a visit needs words and a day not after today, of a provider that is to be visited",
        )
    row = ProviderVisit(
        provider_id=provider_id, visited_on=found.visited_on, premises=found.premises, staff=found.staff,
        equipment=found.equipment, price_list=found.price_list, note=note, first_by=w.actor, noted_at=w.now,
    )  # fmt: skip
    w.session.add(row)
    w.session.flush()
    ledger.write(w, provider_id, "visit_noted", visit=row.id, passed=found.passed)
    return row.id


def sign_visit(w: Work, visit_id: int) -> None:
    """The second visitor signs. Raises `SecondPersonNeeded` for the one who wrote the note."""
    row = w.session.get(ProviderVisit, visit_id)
    if row is None or row.signed_at is not None:
        raise BadProvider("没有待签字的考察记录", f"there is no visit {visit_id} to be signed")
    ledger.locked(w.session, row.provider_id)
    second_person(w.actor, row.first_by)
    row.second_by, row.signed_at = w.actor, w.now
    w.session.flush()
    ledger.write(w, row.provider_id, "visit_signed", visit=row.id)


def begin_trial(w: Work, provider_id: int) -> None:
    """实地考察 → 试用. Raises `NotYet` without a visit that was passed, and signed by two, since the visiting began."""
    provider = ledger.locked(w.session, provider_id)
    states.check(provider.state, "probation")
    since = provider.state_since or provider.created_at
    last = w.session.scalar(
        select(ProviderVisit)
        .where(ProviderVisit.provider_id == provider_id, ProviderVisit.noted_at >= since)
        .order_by(ProviderVisit.id.desc())
        .limit(1)
    )
    missing = []
    if last is None or last.signed_at is None:
        missing.append("两人签字的考察记录 / a visit signed by two people")
    elif not (last.premises and last.staff and last.equipment and last.price_list):
        missing.append("考察合格 / a visit that was passed")
    _need(missing + papers_lacking(w.session, provider, w.now))
    ledger.step(w, provider, "probation", "考察合格，开始试用 / passed; the trial begins", orders=provider.orders_done)


def admit(w: Work, provider_id: int) -> None:
    """试用 → 正式加盟. Raises `NotYet` with what the trial still lacks."""
    provider = ledger.locked(w.session, provider_id)
    states.check(provider.state, "active")
    if provider.state != "probation":
        raise BadProvider("该企业不在试用期", f"{provider.name} is {provider.state}, not on trial")
    _need(trial_lacking(w.session, provider, w.now))
    ledger.step(w, provider, "active", "试用合格 / the trial was passed")


def reject(w: Work, provider_id: int, reason: str) -> None:
    """不予加盟, with the reason. No stain: it may apply again."""
    provider = ledger.locked(w.session, provider_id)
    ledger.step(w, provider, "rejected", in_words(reason))


def leave(w: Work, provider_id: int, reason: str) -> None:
    """主动退出: by its own wish. No stain, and a figure of its own."""
    provider = ledger.locked(w.session, provider_id)
    ledger.step(w, provider, "withdrawn", in_words(reason))


def warn(w: Work, provider: Provider, reason: str) -> None:
    """警告 for thirty days."""
    ledger.step(w, provider, "warned", in_words(reason), w.now + states.WARNING)


def suspend(w: Work, provider: Provider, reason: str, mend_by: datetime | None = None) -> None:
    """停派整改 until proof of mending is filed, which is due by `mend_by`."""
    mend_by = mend_by or w.now + states.MEND_WITHIN
    if mend_by <= w.now:
        raise BadProvider("整改期限须在今后", "the date by which to mend lies in the past")
    ledger.step(w, provider, "suspended", in_words(reason), mend_by)


def give_more_time(w: Work, provider_id: int, mend_by: datetime, reason: str) -> None:
    """Another date by which a suspended provider must have mended, with the reason."""
    provider = ledger.locked(w.session, provider_id)
    if provider.state != "suspended" or mend_by <= w.now:
        raise BadProvider(
            "只有停派的企业可以延期到今后", "only a suspended provider gets more time, until a day to come"
        )
    ledger.change(w, provider, "more_time", {"state_until": mend_by}, reason=in_words(reason))


def reinstate(w: Work, provider_id: int, proof: str) -> None:
    """停派整改 → 正式加盟, or back to the trial that was not over. Raises `NotYet` while a paper is missing."""
    provider = ledger.locked(w.session, provider_id)
    states.check(provider.state, "active")
    if provider.state != "suspended":
        raise BadProvider("该企业没有停派", f"{provider.name} is {provider.state}, not suspended")
    if provider.kind == "company" and _governed_by_papers(w.session, provider_id):
        lacking = papers_lacking(w.session, provider, w.now, with_permits=False)
        _need([words for words in lacking if "执照" in words])
    ledger.step(w, provider, _before_suspension(w.session, provider_id), in_words(proof), proof=in_words(proof))


def papers_lacking(session: Session, provider: Provider, now: datetime, *, with_permits: bool = True) -> list[str]:
    """The papers that are missing today, in words."""
    items = session.scalars(select(ProviderItem.item).where(ProviderItem.provider_id == provider.id)).all()
    rows = documents.of(session, provider.id)
    return documents.lacking(provider, items if with_permits else (), rows, documents.local_day(now))


def trial_lacking(session: Session, provider: Provider, now: datetime) -> list[str]:
    """What a trial still needs to end well, in words."""
    began, orders = _trial(session, provider)
    missing = []
    if not states.trial_over(now - began, provider.orders_done - orders):
        missing.append(f"试用满 90 天或完成 10 单（已 {(now - began).days} 天、{provider.orders_done - orders} 单）"
                       f" / 90 days or 10 orders (so far {(now - began).days} days,"
                       f" {provider.orders_done - orders} orders)")  # fmt: skip
    if complaints(session, provider.id, began):
        missing.append("无查实投诉 / no founded complaint")
    if "agreement" not in {
        row.kind for row in documents.of(session, provider.id) if documents.holds(row, documents.local_day(now))
    }:
        missing.append("已签协议 / a signed agreement")
    return missing


def complaints(session: Session, provider_id: int, since: datetime) -> list[FoundedComplaint]:
    """The founded complaints since then that still stand, the oldest first."""
    found = select(FoundedComplaint).where(
        FoundedComplaint.provider_id == provider_id, FoundedComplaint.founded_at >= since,
        FoundedComplaint.withdrawn_at.is_(None),
    )  # fmt: skip
    return list(session.scalars(found.order_by(FoundedComplaint.founded_at, FoundedComplaint.id)))


def _trial(session: Session, provider: Provider) -> tuple[datetime, int]:
    """When the trial began, and how many orders had been finished then."""
    for event in _state_changes(session, provider.id):
        if event.detail["state"] == "probation" and event.detail["was"] == "visiting":
            return event.at, int(event.detail.get("orders", 0))
    return provider.state_since or provider.created_at, 0


def _before_suspension(session: Session, provider_id: int) -> str:
    for event in _state_changes(session, provider_id):
        if event.detail["state"] == "suspended":
            return "probation" if event.detail["was"] == "probation" else "active"
    return "active"


def _state_changes(session: Session, provider_id: int) -> list[ProviderEvent]:
    found = select(ProviderEvent).where(ProviderEvent.provider_id == provider_id, ProviderEvent.kind == "state_changed")
    return list(session.scalars(found.order_by(ProviderEvent.id.desc())))


def _governed_by_papers(session: Session, provider_id: int) -> bool:
    """Providers that were entered as they were have no papers here; nobody asks them for one they never showed."""
    return bool(documents.of(session, provider_id))


def _refuse_blacklisted(w: Work, credit_code: str, person: str) -> None:
    same = [Provider.responsible_name == person]
    if credit_code:
        same.append(Provider.credit_code == credit_code)
    barred = select(Provider.name).where(
        Provider.state == "blacklisted", or_(*same), or_(Provider.state_until.is_(None), Provider.state_until > w.now)
    )
    if (name := w.session.scalar(barred.limit(1))) is not None:
        raise NotYet(f"企业或责任人在黑名单中（{name}）", f"the firm or its responsible person is blacklisted ({name})")


def _refuse_known(w: Work, name: str, numbers: Sequence[str]) -> None:
    known = w.session.scalar(select(Provider.name).where(Provider.name == name))
    taken = w.session.scalar(select(ProviderPhone.number).where(ProviderPhone.number.in_(numbers)).limit(1))
    if known or taken:
        raise BadProvider(
            f"名称或电话已登记：{known or taken}", f"a provider has this name or telephone: {known or taken}"
        )


def _need(missing: Sequence[str]) -> None:
    if missing:
        zh = "、".join(words.partition(" / ")[0] for words in missing)
        en = "; ".join(words.partition(" / ")[2] for words in missing)
        raise NotYet(f"还缺：{zh}", f"still missing: {en}")
