"""The 20 categories (大类) of services and their 105 items (小项): names, codes, how soon somebody must come.

A code is two digits of category and two of item; `xx90` to `xx99` are left to the site. The size of the catalogue is
that of 81890; the grouping, the codes and the English names are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

WORK_CLASSES = ("urgent", "visit", "appt", "info")
"""urgent: accepted in 5 min, on site in 60 min; visit: 15 min, the same day; appt: 60 min, on the agreed date; info:
answered on the call, else within 24 h."""
MODES = ("sequential", "broadcast", "collect", "parallel")
"""How an item is offered: to one provider after another; to several at once, the first has it; several name their time
and one is chosen; or everybody able is asked at once, by text and by telephone."""
_MODE_OF_CLASS = {"urgent": "broadcast", "visit": "sequential", "appt": "collect", "info": "sequential"}
_MODE_OF_ITEM = {"1305": "parallel"}  # 助急: somebody must be there now


@dataclass(frozen=True)
class Item:
    """One thing somebody can be sent for. `licence`: a licence or permit is needed (check the local rule)."""

    code: str
    zh: str
    en: str
    work_class: str
    licence: bool

    @property
    def mode(self) -> str:
        """How it is offered, one of `MODES`: in a hurry to several at once, by appointment to whoever can come best."""
        return _MODE_OF_ITEM.get(self.code, _MODE_OF_CLASS[self.work_class])

    @property
    def category(self) -> str:
        return self.code[:2]


@dataclass(frozen=True)
class Category:
    """A group of items; `work_class` is that of its items unless an item says otherwise."""

    code: str
    zh: str
    en: str
    work_class: str
    items: tuple[Item, ...]


# One category a paragraph: `code class zh = en`, then its items in order; after an item `L` means licence, `u` urgent.
_DATA = """
01 appt 家政服务 = Housekeeping
钟点工 = Hourly help; 日常保洁 = Regular cleaning; 开荒保洁 = Cleaning after building work; 擦窗 = Window cleaning;
保姆 = Live-in help; 月嫂 = Maternity nurse; 育儿嫂 = Child carer; 做饭 = Cooking; 洗衣 = Laundry;
陪护 = Sitting with the sick

02 visit 家电维修 = Appliance repair
电视 = Television; 冰箱 = Refrigerator; 洗衣机 = Washing machine; 空调 = Air conditioner; 热水器 L = Water heater;
油烟机 = Cooker hood; 燃气灶 L = Gas stove; 微波炉 = Microwave oven; 小家电 = Small appliances

03 visit 水电维修 = Plumbing and electrics
水管漏水 u = Leaking pipe; 水龙头 = Tap; 马桶 = Toilet; 电路跳闸 L u = Power trips; 灯具 = Lamps;
开关插座 L = Switches and sockets

04 visit 管道疏通 = Drain clearing
厨房下水 = Kitchen drain; 卫生间下水 = Bathroom drain; 马桶疏通 u = Blocked toilet;
化粪池清掏 = Septic tank emptying

05 urgent 开锁换锁 = Locksmith
防盗门开锁 L = Opening a front door; 汽车开锁 L = Opening a car; 保险柜 L = Opening a safe;
换锁芯 L = New lock cylinder

06 appt 搬家搬运 = Moving
居民搬家 L = Moving house; 钢琴 = Moving a piano; 短途货运 L = Short-haul freight; 上楼搬运 = Carrying upstairs

07 appt 清洗拆装 = Cleaning and fitting
油烟机清洗 = Cooker hood cleaning; 空调清洗 = Air conditioner cleaning; 移机 = Moving an air conditioner;
热水器清洗 = Water heater cleaning; 窗帘 = Curtains; 地毯 = Carpets

08 appt 房屋工程 = Building work
装修 L = Renovation; 防水补漏 = Waterproofing; 门窗维修 = Doors and windows; 墙面 = Walls; 白蚁防治 = Termite control

09 visit 配送代购 = Delivery and errands
米面油 = Rice, flour, oil; 桶装水 = Bottled water; 煤气瓶 L = Gas cylinder; 蔬菜 = Vegetables;
药品代购 = Fetching medicine; 鲜花 = Flowers

10 visit 电脑通信 = Computers and phones
电脑维修 = Computer repair; 网络安装 = Network installation; 打印机 = Printer; 手机 = Mobile phone;
数据恢复 = Data recovery

11 visit 汽车服务 = Car services
救援拖车 u = Towing; 搭电 u = Jump start; 换胎 u = Tyre change; 代驾 = Driver for your car; 维修 L = Car repair

12 info 交通出行 = Travel
叫车 = Calling a taxi; 订票 = Booking tickets; 公交查询 = Bus information; 航班火车 = Flights and trains

13 visit 为老服务 = Services for elders
助餐 = Meals; 助浴 = Help with bathing; 助医 = Help to the doctor; 助洁 = Help with cleaning; 助急 u = Urgent help;
助行 = Help with getting about; 代办 = Errands; 陪聊 = Company; 理发上门 = Haircut at home

14 appt 医疗健康 = Health
预约挂号 = Booking a doctor; 家庭医生 L = Family doctor; 配药 L = Prescriptions; 护理上门 L = Nursing at home;
轮椅租借 = Wheelchair hire; 陪诊 = Company to the hospital

15 appt 教育培训 = Education
家教 = Tutor; 技能培训 = Skills training; 老年大学 = University for elders

16 info 法律心理 = Law and counselling
法律咨询 = Legal advice; 调解 = Mediation; 心理疏导 = Counselling

17 visit 餐饮订餐 = Food
社区食堂 = Community canteen; 快餐 = Quick meals; 宴席 = Banquets

18 appt 婚庆交友 = Weddings and meeting people
鹊桥会 = Match-making; 婚庆 = Weddings; 摄影 = Photography

19 appt 公益志愿 = Volunteering
志愿者结对 = Finding a volunteer; 失物招领 = Lost and found; 光明俱乐部 = Club for blind people; 捐助 = Donations

20 info 政务与公共事业咨询 = Public services
水电燃气报修转接 = Utility fault desks; 物业 = Property management; 社保 = Social insurance; 户籍 = Household register;
12345转接 = Transfer to 12345; 天气 = Weather
"""


def _item(code: str, text: str, work_class: str) -> Item:
    zh, en = text.split(" = ")
    zh, *marks = zh.split()
    return Item(code, zh, en, "urgent" if "u" in marks else work_class, "L" in marks)


@cache
def _read() -> tuple[Category, ...]:
    categories = []
    for paragraph in _DATA.strip().split("\n\n"):
        head, _, body = paragraph.partition("\n")
        names, en = head.split(" = ")
        code, work_class, zh = names.split()
        texts = [part.strip() for part in body.replace("\n", " ").split(";")]
        items = tuple(_item(f"{code}{n:02}", text, work_class) for n, text in enumerate(texts, 1))
        categories.append(Category(code, zh, en, work_class, items))
    return tuple(categories)


CATEGORIES = MappingProxyType({category.code: category for category in _read()})
ITEMS = MappingProxyType({item.code: item for category in _read() for item in category.items})
