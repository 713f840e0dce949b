"""The words of our text messages: template and values to text, Chinese first, English beside.

Every text begins with the signature that the carrier knows us by. Nothing medical ever stands in one, and the texts of
offers leave out the name, the number and the door: a provider learns those when the order is its own.
"""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from providers.taxonomy import ITEMS

SIGNATURE = "【81890】"
ZONE = ZoneInfo("Asia/Shanghai")
_TIMES = frozenset({"at", "arrive_by"})
_NUMBERS = frozenset({"phone", "caller"})

_ZH = MappingProxyType(
    {
        "sos": "紧急求助 {number}：{at} {name}，{address}，来电 {caller}。请立即联系并前往，到达后回电中心。",
        "offer": "新订单 {number}：{item}，{area}。{summary} 接单回 1 加到达分钟数（如 1 20），不接回 2，"
        "{minutes} 分钟内有效。多单时先写编号 {code}。",
        "offer_collect": "询问 {number}：{item}，{area}。{summary} 能去请回 1 加到达分钟数"
        "（从确认派给您起算，如 1 90），不能回 2，{minutes} 分钟内有效，选定后告知。多单时先写编号 {code}。",
        "confirmation": "订单 {number} 归您：{item}，{name} {phone}，{address}。{summary} 请在 {arrive_by} 前到达。"
        "到达回 到，完工回 完 加金额（如 完 80）。",
        "withdrawal": "订单 {number}（{item}）已取消或由他人承接，无需前往。谢谢。",
        "nudge_arrive": "订单 {number}（{item}）约定时间将到，{address}。到达请回 到。",
        "nudge_done": "订单 {number}（{item}）请告知进展，完工回 完 加金额（如 完 80）。",
        "no_show": "订单 {number}（{item}）逾期未到，已收回改派。如有疑问请拨 81890。",
        "resident_registered": "您的求助 {number}（{item}）已登记，正在为您联系服务商。查询请拨 81890。",
        "resident_coming": "您的求助 {number}（{item}）由{provider}上门，电话 {phone}，预计 {arrive_by} 前到达。"
        "服务后我们会回访。",
        "resident_on_way": "您的求助 {number}（{item}）：{provider}已出发，电话 {phone}。",
        "resident_searching": "您的求助 {number}（{item}）仍在为您寻找服务商，有结果即告知您。",
        "resident_city": "您的求助 {number}（{item}）本区暂无服务商可接，已转全市服务商，工单号不变。",
        "resident_neighbours": "您的求助 {number}（{item}）全市暂无服务商可接，正在询问邻近区的服务商，工单号不变。",
        "resident_cancelled": "您的求助 {number}（{item}）已取消。如需帮助请拨 81890。",
        "follow_up": "您的求助 {number}（{item}，{provider}）满意吗？请回 1 至 5，5 为非常满意；未解决请回 没。",
        "incident_over": "{text}",
        "accepted_again": "订单 {number} 已是您的，请按约定时间到达。",
        "taken_by_another": "订单 {number} 已由他人承接，谢谢您的回复。",
        "time_noted": "已记下订单 {number} 您在确认后 {minutes} 分钟可到，选定后即告知。改时间请再回 1 加分钟数。",
        "given_back": "已记下您退回订单 {number}，无需前往。",
        "departed": "已记下您出发，订单 {number}。到达请回 到。",
        "no_longer_open": "订单 {number} 已不再有效，谢谢您的回复。",
        "declined": "已记下您不接订单 {number}，谢谢。",
        "arrived": "已记下您到达，订单 {number}。完工请回 完 加金额（如 完 80）。",
        "done": "已记下订单 {number} 完工，辛苦了。",
        "which_code": "您有多个待接订单，请在回复前加编号：{codes}（如 编号 1 20）。",
        "which_question": "您有订单和评价都在等回复：接单请回 {code} 1 加分钟数，不接回 {code} 2；"
        "评价请回 3 至 5 或 没。",
        "contact_test": "每月联系核验：请回复四位编号 {code}，证明此号码可以收到派单。",
        "contact_proven": "已核验，此号码可以收到派单。谢谢。",
        "standing_warned": "{provider}：因{reason}，予以警告 30 天，期间派单排序降低。申诉请拨 81890。",
        "standing_suspended": "{provider}：因{reason}，即日停派整改，请于 {day} 前完成整改并提交证明。"
        "已接订单请照常完成。申诉请拨 81890。",
        "standing_back": "{provider}：已恢复派单。",
        "paper_ends": "{provider}：{paper}将于 {day} 到期，请及时换证并告知 81890，到期将停止派单。",
        "absent": "已记下请假到 {day}，期间不派新单，已接订单请照常完成。提前回来请回 销假。",
        "absent_unclear": "没有看懂请假的日期：请回 请假 3天 或 请假 到 12-01（最多 60 天）。",
        "back": "已销假，恢复派单。",
        "no_open_order": "您目前没有待回复的订单。如需帮助请拨 81890。",
        "graded": "已收到您对求助 {number} 的评价：{grade} 分，谢谢。",
        "redo": "很抱歉求助 {number} 未能让您满意，我们马上安排重新上门。",
        "opted_out": "已为您退订通知短信；报警和您自己的订单仍会通知。恢复请拨 81890。",
        "help_provider": "回 1 加分钟数接单，2 不接，到 已到达，出发 已上路，完 加金额 完工，"
        "退单 加原因 退回，请假 3天，退订 不再收短信。电话 81890。",
        "help_resident": "评价请回 1 至 5，5 为非常满意；未解决回 没；退订 不再收短信。电话 81890。",
        "not_understood": "没有看懂您的短信，如需帮助请拨 81890。",
    }
)

_EN = MappingProxyType(
    {
        "sos": "EMERGENCY {number}: {at} {name}, {address}, caller {caller}. Please call and go there now.",
        "offer": "New order {number}: {item}, {area}. {summary} Reply 1 and minutes to take it (1 20), 2 to decline; "
        "valid {minutes} min. Code if you have several: {code}.",
        "offer_collect": "Can you take order {number}? {item}, {area}. {summary} Reply 1 and the minutes you need from "
        "our confirmation (1 90), 2 for no; valid {minutes} min, then we tell you. Code if you have several: {code}.",
        "confirmation": "Order {number} is yours: {item}, {name} {phone}, {address}. {summary} Arrive by {arrive_by}. "
        "Reply 到 when there, 完 and the price when done (完 80).",
        "withdrawal": "Order {number} ({item}) is cancelled or taken by another. No need to go. Thank you.",
        "nudge_arrive": "Order {number} ({item}) is due soon at {address}. Reply 到 when you are there.",
        "nudge_done": "Order {number} ({item}): please reply 完 and the price when it is done (完 80).",
        "no_show": "Order {number} ({item}) was taken back because nobody arrived. Questions: 81890.",
        "resident_registered": "Your request {number} ({item}) is registered; we are finding someone. Ask: 81890.",
        "resident_coming": "Your request {number} ({item}): {provider} will come, tel. {phone}, by {arrive_by}. "
        "We will ask you afterwards how it was.",
        "resident_on_way": "Your request {number} ({item}): {provider} is on the way, tel. {phone}.",
        "resident_searching": "Your request {number} ({item}): we are still looking and will tell you.",
        "resident_city": "Your request {number} ({item}): nobody in the district is free; "
        "we are asking the whole city.",
        "resident_neighbours": "Your request {number} ({item}): nobody in the city is free; we are asking next door.",
        "resident_cancelled": "Your request {number} ({item}) is cancelled. For help ring 81890.",
        "follow_up": "Your request {number} ({item}, {provider}): were you satisfied? Reply 1 to 5, 5 is best; "
        "not solved: 没.",
        "incident_over": "{text}",
        "accepted_again": "Order {number} is yours already. Please be there in time.",
        "taken_by_another": "Order {number} was taken by another. Thank you for answering.",
        "time_noted": "Noted: order {number}, {minutes} min after our confirmation. We tell you who was chosen. "
        "To change it reply 1 and the minutes again.",
        "given_back": "Noted: you give order {number} back. No need to go.",
        "departed": "Noted: you are on the way for order {number}. Reply 到 when you are there.",
        "no_longer_open": "Order {number} is no longer open. Thank you for answering.",
        "declined": "Noted: you do not take order {number}. Thank you.",
        "arrived": "Noted: you arrived for order {number}. When done reply 完 and the price (完 80).",
        "done": "Noted: order {number} is done. Thank you.",
        "which_code": "You have several open orders. Put the code before your reply: {codes}.",
        "which_question": "An order and a rating both wait: reply {code} 1 and minutes, or {code} 2; "
        "for the rating 3 to 5 or 没.",
        "contact_test": "Monthly contact test: please reply with the four digits {code} to show that orders reach you.",
        "contact_proven": "Proven: this number can take orders. Thank you.",
        "standing_warned": "{provider}: warned for 30 days because of {reason}; you are ranked lower. Appeal: 81890.",
        "standing_suspended": "{provider}: suspended because of {reason}. Mend it and file proof by {day}. "
        "Finish the orders you hold. Appeal: 81890.",
        "standing_back": "{provider}: you are offered orders again.",
        "paper_ends": "{provider}: {paper} ends on {day}. Please renew it and tell 81890; without it orders stop.",
        "absent": "Noted: absent until {day}. No new orders; finish those you hold. Back earlier: 销假.",
        "absent_unclear": "We did not understand the date: reply 请假 3天 or 请假 到 12-01 (60 days at most).",
        "back": "Noted: you take orders again.",
        "no_open_order": "You have no order to answer now. For help ring 81890.",
        "graded": "Your grade for request {number} is noted: {grade}. Thank you.",
        "redo": "We are sorry that request {number} did not go well. Someone will come again.",
        "opted_out": "You get no more notices; alarms and your own orders still come. To undo ring 81890.",
        "help_provider": "1 and minutes: take; 2: decline; 出发: on the way; 到: arrived; 完 and price: done; "
        "退单 and why: give back; STOP: no more texts.",
        "help_resident": "Grade 1 to 5, 5 is best; not solved: 没; STOP: no more texts. Tel. 81890.",
        "not_understood": "We did not understand your text. For help ring 81890.",
    }
)


def render(template: str, params: dict[str, object], language: str = "zh") -> str:
    """The text of a message; calls have none. An unknown template or a missing value is a defect: KeyError."""
    if template in ("leg", "ring_back", "call_back", "notice_call", "offer_call", "recording"):
        return ""
    words = (_EN if language == "en" else _ZH)[template]
    values = {name: _shown(name, value, language) for name, value in params.items()}
    # An empty value leaves two blanks or two stops behind.
    return SIGNATURE + words.format_map(values).replace("  ", " ").replace("。。", "。").strip()


def _shown(name: str, value: object, language: str) -> str:
    if name in _TIMES:
        return datetime.fromisoformat(str(value)).astimezone(ZONE).strftime("%H:%M")
    if name in _NUMBERS:
        return _as_dialled(str(value))
    if name == "item" and (item := ITEMS.get(str(value))):
        return item.en if language == "en" else item.zh
    if isinstance(value, (list, tuple)):
        return "、".join(str(one) for one in value)
    # Braces of an outside text are text: `format_map` reads them only in our own words.
    return str(value)


def _as_dialled(number: str) -> str:
    """A Chinese number as people here write and dial it: a mobile bare, a fixed line with its area code and 0."""
    national = number.removeprefix("+86")
    if national == number or national.startswith("1"):
        return national
    return f"0{national}"
