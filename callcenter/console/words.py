"""What the codes of the domain are called on the screen: Chinese first, English beside it.

Running text stands in the templates as `t("接警", "Take it")`: both languages where they are used, so none can be
missing.
"""

from __future__ import annotations

from callcenter.console.event_names import EVENTS as EVENTS
from callcenter.console.wording import Words as Words
from callcenter.console.wording import words as words
from dispatch import journeys, pauses
from providers import states

LOCALES = ("zh_CN", "en")

KINDS = {
    "inquiry": Words("咨询", "Inquiry"),
    "service_request": Words("求助", "Service request"),
    "emergency": Words("紧急求助", "Emergency"),
    "complaint": Words("投诉", "Complaint"),
    "suggestion": Words("建议", "Suggestion"),
    "care": Words("关怀", "Care"),
}

ARRIVAL_KINDS = {
    "service": Words("服务热线", "Hotline"),
    "emergency": Words("一键通", "One-touch"),
    "other": Words("其他号码", "Other number"),
    "unknown": Words("来由不明", "Unknown"),
}

STATES = {
    "registered": Words("已登记", "Registered"),
    "offered": Words("已派单", "Offered"),
    "assigned": Words("已转办", "Assigned"),
    "returned": Words("已退单", "Returned"),
    "ruling": Words("审定中", "Ruling"),
    "escalated": Words("已升级", "Escalated"),
    "accepted": Words("已接单", "Accepted"),
    "arrived": Words("已到场", "On site"),
    "handling": Words("办理中", "In hand"),
    "alarm_handling": Words("处置中", "Handling"),
    "paused": Words("挂起", "Paused"),
    "done": Words("已完工", "Done"),
    "closed": Words("已办结", "Closed"),
    "archived": Words("已归档", "Archived"),
    "raised": Words("待接警", "Not taken"),
    "taken": Words("已接警", "Taken"),
    "verifying": Words("核实中", "Verifying"),
    "graded": Words("已定级", "Graded"),
    "on_scene": Words("已到场", "On scene"),
    "handed_over": Words("已移交", "Handed over"),
    "follow_up": Words("回访中", "Follow-up"),
}

OFFER_STATES = {
    "offered": Words("等待答复", "Waiting"),
    "proposed": Words("已报时", "Named a time"),
    "accepted": Words("已接单", "Accepted"),
    "fulfilled": Words("已完成", "Fulfilled"),
    "declined": Words("已拒单", "Declined"),
    "expired": Words("超时", "Expired"),
    "withdrawn": Words("已撤回", "Withdrawn"),
    "failed": Words("未送达", "Not delivered"),
}

OFFER_MODES = {
    "sequential": Words("逐家派单", "One after another"),
    "broadcast": Words("同时派单", "Several at once"),
    "collect": Words("报时选定", "By named times"),
    "parallel": Words("全体呼叫", "Everybody at once"),
    "manual": Words("人工指派", "By hand"),
    "planned": Words("统一调度", "By plan"),
}

OFFER_CHANNELS = {
    "sms": Words("短信", "SMS"),
    "call": Words("电话", "call"),
    "both": Words("短信和电话", "SMS and call"),
}

URGENCIES = {
    "normal": Words("一般", "Normal"),
    "urgent": Words("紧急", "Urgent"),
    "extra_urgent": Words("特急", "Extra urgent"),
}

ALARM_GRADES = {
    "critical": Words("危急", "Critical"),
    "urgent": Words("紧急", "Urgent"),
    "concern": Words("关注", "Concern"),
    "ordinary": Words("咨询求助", "Ordinary"),
    "accidental": Words("误触", "Accidental"),
}

OUTCOMES = {
    "served_on_phone": Words("电话中解决", "Served on the phone"),
    "helped_at_door": Words("有人上门帮助", "Helped at the door"),
    "handed_to_120": Words("已交 120 急救", "Handed to 120 (ambulance)"),
    "handed_to_110": Words("已交 110 警方", "Handed to 110 (police)"),
    "handed_to_119": Words("已交 119 消防", "Handed to 119 (fire)"),
    "accidental": Words("误触", "Accidental press"),
    "test": Words("测试", "Test"),
    "no_need": Words("无需处置", "No help needed"),
    "answered": Words("即时答复", "Answered on the spot"),
    "served": Words("已服务", "Served"),
    "unmet": Words("无人能服务", "Nobody could serve"),
    "cancelled": Words("居民撤销", "Cancelled by the resident"),
    "referred": Words("已转介", "Referred"),
    "joined": Words("已并单", "Joined"),
    "unreached": Words("回访未接通", "Follow-up not reached"),
    "close": Words("已办结", "Closed"),
    "fine": Words("一切正常", "All is well"),
    "needs_service": Words("需要服务", "Needs something"),
    "abnormal": Words("情况异常，已报警", "Something is wrong: alarm raised"),
}

DISPOSITIONS = {
    "ticket": Words("已立工单", "Ticket opened"),
    "inquiry": Words("即时答复", "Answered on the spot"),
    "abandoned": Words("来电放弃", "Given up"),
    "test": Words("测试", "Test"),
    "nuisance": Words("骚扰", "Nuisance"),
    "wrong_number": Words("打错", "Wrong number"),
    "ended_unknown": Words("结束原因不明", "Ended, cause unknown"),
}

PAUSE_REASONS = {code: Words(zh, en) for code, (zh, en) in pauses.REASONS.items()}

COMPLAINT_CATEGORIES = {
    "quality": Words("服务质量", "Quality"),
    "price": Words("收费", "Price"),
    "attitude": Words("态度", "Attitude"),
    "lateness": Words("迟到失约", "Lateness"),
    "damage": Words("损坏物品", "Damage"),
    "safety": Words("安全", "Safety"),
    "price_fraud": Words("价格欺诈", "Price fraud"),
    "other": Words("其他", "Other"),
}

CALL_BACK_WHY = {
    "chosen": Words("要求回电", "Asked for it"),
    "abandoned": Words("排队挂断", "Gave up waiting"),
    "cut": Words("通话中断", "Was cut off"),
    "full": Words("线路忙", "Line was full"),
    "closed": Words("非服务时间", "Line was closed"),
}

MESSAGE_STATES = {
    "pending": Words("待发送", "Waiting"),
    "sending": Words("发送中", "Sending"),
    "sent": Words("已发出", "Sent"),
    "delivered": Words("已送达", "Delivered"),
    "failed": Words("未送达", "Failed"),
    "unknown": Words("结果不明", "Unknown"),
    "cancelled": Words("已撤回", "Withdrawn"),
    "expired": Words("已过期", "Too late"),
}

CHANNELS = {"sms": Words("短信", "SMS"), "call": Words("电话", "Call"), "web": Words("网页", "Web")}

ROLES = {
    "operator": Words("坐席", "Operator"),
    "supervisor": Words("班长", "Supervisor"),
    "admin": Words("管理员", "Administrator"),
}

TRIGGERS = {code: Words(zh, en) for code, (zh, en) in journeys.TRIGGERS.items()}

ORGANISATION_KINDS = {
    "owner": Words("主办单位", "Host"),
    "operating_body": Words("承办单位", "Operating body"),
    "station": Words("服务站", "Service station"),
    "desk": Words("社区/街道受理点", "Desk"),
    "affairs_station": Words("社区事务站", "Affairs station"),
    "volunteer_group": Words("志愿者队伍", "Volunteer group"),
    "outside": Words("外部单位", "Outside service"),
}

LEVELS = {
    "city": Words("市", "City"),
    "district": Words("区县", "District"),
    "street": Words("街道/镇", "Street or town"),
    "community": Words("社区/村", "Community"),
    "grid": Words("网格", "Grid"),
}

BREAKS = (
    Words("用餐", "Meal"),
    Words("休息", "Rest"),
    Words("培训", "Training"),
    Words("案头工作", "Desk work"),
    Words("其他", "Other"),
)

TASKS = {
    "call_back": Words("请回拨", "Call back"),
    "recording_missing": Words("缺录音", "No recording"),
    "undisposed": Words("来件未了结", "Arrival without an end"),
    "malformed_step": Words("记录读不懂", "Unreadable record"),
    "strange_sms": Words("短信读不懂", "Unreadable text"),
    "inbox_failed": Words("来信处理失败", "Message not handled"),
    "message_failed": Words("通知未送达", "Message not delivered"),
    "provider": Words("加盟企业", "Provider"),
}

ELEMENTS = {
    "who": Words("何人", "Who"),
    "when": Words("何时", "When"),
    "where": Words("何地", "Where"),
    "cause": Words("何因", "Cause"),
    "course": Words("经过", "Course"),
}

GRADES = {
    5: Words("非常满意", "Very satisfied"),
    4: Words("满意", "Satisfied"),
    3: Words("基本满意", "Fairly satisfied"),
    2: Words("不满意", "Dissatisfied"),
    1: Words("非常不满意", "Very dissatisfied"),
}

QUEUES = {"service": Words("服务队列", "service queue"), "emergency": Words("紧急队列", "emergency queue")}

RUNGS = {
    "operators": Words("坐席", "operators"),
    "duty": Words("值班电话", "duty phones"),
    "contacts": Words("家庭联系人", "the household's contacts"),
}

RESULTS = {
    "accepted": Words("已接受", "accepted"),
    "late": Words("晚了一步", "too late"),
    "declined": Words("拒绝", "declined"),
    "unconfirmed": Words("接了但未确认", "answered, not confirmed"),
    "noanswer": Words("无人接", "no answer"),
    "busy": Words("占线", "busy"),
    "failed": Words("没拨通", "failed"),
}

POOLS = {
    "district": Words("本区", "the district"),
    "city": Words("全市", "the city"),
    "neighbours": Words("邻区", "the districts next door"),
    "elsewhere": Words("其他地方", "elsewhere"),
}

SCORE_PARTS = {
    "near": Words("远近", "Nearness"),
    "stars": Words("星级", "Stars"),
    "acceptance": Words("接单率", "Acceptance"),
    "punctuality": Words("准时", "Punctuality"),
    "load": Words("在手工单", "Load"),
    "turn": Words("轮流", "Fair turn"),
    "price": Words("价格", "Price"),
    "standing": Words("资格", "Standing"),
}


SAID = {
    "accept": Words("接单", "takes it"),
    "refuse": Words("不接", "refuses"),
    "take": Words("接听求助", "takes the call"),
    "absent_today": Words("今天不能上门", "absent today"),
    "affected": Words("我家也受影响", "is affected too"),
    "fine": Words("一切正常", "all is well"),
    "needs_service": Words("需要服务", "needs something"),
    "abnormal": Words("情况异常", "something is wrong"),
}
"""What a person decided by a key in a flow."""

FLOW_STATES = {
    "prepared": Words("等待装载", "to be loaded"),
    "loaded": Words("已装载", "loaded"),
    "current": Words("正在使用", "in force"),
    "past": Words("用过", "past"),
    "failed": Words("没有成功", "failed"),
    "withdrawn": Words("已撤回", "withdrawn"),
}
FLOW_KINDS = {
    "call": Words("来电", "incoming call"),
    "outbound": Words("去电", "outgoing call"),
    "question": Words("求助时问联系人", "asked of a helper"),
}
FLOW_MARKS = {
    "added": Words("新增", "new"),
    "changed": Words("修改", "changed"),
    "removed": Words("删去", "gone"),
}

PROVIDER_STATES = {code: Words(state.zh, state.en) for code, state in states.STATES.items()}
PROVIDER_KINDS = {
    "company": Words("企业", "Company"),
    "volunteer_group": Words("志愿者队伍", "Volunteer group"),
    "desk": Words("社区服务点", "Community desk"),
}
DOCUMENT_KINDS = {
    "licence": Words("营业执照", "Business licence"),
    "permit": Words("许可/资质", "Permit"),
    "identity": Words("责任人身份", "Identity"),
    "agreement": Words("加盟协议", "Agreement"),
}
RATING_PARTS = {
    "satisfaction": Words("满意度（5..1 分计 1..0）", "Satisfaction (grades 5..1 as 1..0)"),
    "acceptance": Words("接单率", "Offers accepted"),
    "in_time": Words("限时内接单", "Accepted in time"),
    "on_time": Words("按时到场", "Arrived in time"),
    "not_redone": Words("一次办好", "Not done again"),
    "no_complaint": Words("无查实投诉（价格计双倍）", "No founded complaint (price counts twice)"),
}
COMPLAINTS = {
    "quality": Words("服务质量", "Quality"),
    "price": Words("收费", "Price"),
    "attitude": Words("态度", "Behaviour"),
    "lateness": Words("失约", "Lateness"),
    "damage": Words("损坏财物", "Damage"),
    "safety": Words("安全", "Safety"),
    "price_fraud": Words("价格欺诈", "Price fraud"),
    "other": Words("其他", "Other"),
}
PROVIDER_EVENTS = {
    "applied": Words("申请", "Applied"),
    "added": Words("登记入册", "Entered"),
    "state_changed": Words("状态变更", "State changed"),
    "stars_changed": Words("星级变化", "Stars changed"),
    "document_added": Words("登记证照", "Paper seen"),
    "document_withdrawn": Words("撤下证照", "Paper taken out"),
    "document_ends": Words("证照将到期", "Paper ends soon"),
    "document_ended": Words("证照已到期", "Paper ended"),
    "visit_noted": Words("考察记录", "Visit noted"),
    "visit_signed": Words("考察签字", "Visit signed"),
    "decision_proposed": Words("提议", "Proposed"),
    "decision_refused": Words("提议未通过", "Proposal refused"),
    "complaint_founded": Words("投诉查实", "Complaint found true"),
    "complaint_withdrawn": Words("查实撤销", "Finding reversed"),
    "more_time": Words("整改延期", "More time to mend"),
    "items_set": Words("项目与价格", "Items and prices"),
    "coverage_set": Words("服务区域", "Area"),
    "hours_set": Words("营业时间", "Hours"),
    "day_set": Words("单日安排", "A single day"),
    "profile_set": Words("资料", "Record"),
    "absent": Words("请假", "Absent"),
    "back": Words("销假", "Back"),
    "worker_added": Words("从业人员", "Worker"),
    "worker_left": Words("人员离开", "Worker left"),
    "phone_added": Words("登记号码", "Telephone"),
    "phone_dropped": Words("撤下号码", "Telephone taken out"),
    "phone_asked": Words("号码核验", "Contact test"),
    "phone_proven": Words("号码已核验", "Telephone proven"),
}
