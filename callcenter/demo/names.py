"""The words the demo district is made of. Streets are real; communities, roads, people and firms are invented."""

from __future__ import annotations

STREETS = (
    ("001", "南门街道", "Nanmen"),
    ("002", "江厦街道", "Jiangxia"),
    ("003", "西门街道", "Ximen"),
    ("004", "月湖街道", "Yuehu"),
    ("005", "鼓楼街道", "Gulou"),
    ("006", "白云街道", "Baiyun"),
    ("007", "段塘街道", "Duantang"),
    ("008", "望春街道", "Wangchun"),
    ("009", "石碶街道", "Shiqi"),
    ("100", "高桥镇", "Gaoqiao"),
    ("102", "集士港镇", "Jishigang"),
    ("103", "古林镇", "Gulin"),
)
"""Streets and towns of 海曙区 330203 with their real codes: one community of the demo lies in each."""

PLACES = {
    "001": (29.866, 121.544), "002": (29.872, 121.556), "003": (29.876, 121.535), "004": (29.869, 121.541),
    "005": (29.877, 121.546), "006": (29.862, 121.520), "007": (29.845, 121.535), "008": (29.875, 121.505),
    "009": (29.800, 121.520), "100": (29.900, 121.440), "102": (29.865, 121.430), "103": (29.830, 121.450),
}  # fmt: skip
"""About where each street lies (latitude, longitude in degrees): good for a distance, not for finding a door."""
CITY_PLACE, DISTRICT_PLACE = (29.870, 121.550), (29.870, 121.540)
NEXT_DOOR = (
    ("330205", "江北区", "Jiangbei", (29.888, 121.559)),
    ("330212", "鄞州区", "Yinzhou", (29.817, 121.547)),
    ("330281", "余姚市", "Yuyao", (30.037, 121.154)),
)
"""Other districts of the city; the first two lie next door, Yuyao farther than a provider comes from."""

COMMUNITIES = (
    ("桂花里", "Guihuali"), ("听雨", "Tingyu"), ("石榴巷", "Shiliuxiang"), ("柳烟", "Liuyan"),
    ("银杏苑", "Yinxingyuan"), ("云栖里", "Yunqili"), ("稻香", "Daoxiang"), ("长春藤", "Changchunteng"),
    ("梅溪", "Meixi"), ("橘园", "Juyuan"), ("荷塘", "Hetang"), ("青禾", "Qinghe"),
)  # fmt: skip
INVENTED = "社区名称与代码为虚构（演示数据） / community name and code are invented (demo data)"

ROADS = ("桐荫路", "晴川路", "枕水路", "拾光路", "知春巷", "采薇路", "望舒路", "半亩巷")
LANDMARKS = ("菜场北门旁", "小学对面", "公交站后第二个门", "社区食堂楼上", "河埠头边", "老樟树旁", "便利店隔壁", "")

SURNAMES = (
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "周", "吴", "徐", "孙", "朱", "马", "胡", "郭", "林", "何", "高",
    "罗", "郑", "梁", "谢", "宋", "唐", "许", "邓", "冯", "韩", "曹", "彭", "潘", "袁", "董", "余", "叶", "程", "沈",
    "傅", "虞", "裘", "励", "鲍", "应", "史",
)  # fmt: skip
POLYPHONIC = {
    "曾": "zeng1",
    "单": "shan4",
    "任": "ren2",
    "解": "xie4",
    "华": "hua4",
    "仇": "qiu2",
    "查": "zha1",
    "盖": "ge3",
}
"""Surnames that are read otherwise than the word, with pinyin and tone number."""

WOMEN = (
    "秀英", "桂珍", "玉兰", "阿凤", "杏娣", "彩琴", "月仙", "惠芬", "丽华", "美娟", "雅琴", "淑芳", "晓梅", "佳怡",
    "静", "婷", "雪莲", "春燕", "素贞", "文君",
)  # fmt: skip
MEN = (
    "国良", "阿毛", "建国", "志明", "永福", "根生", "祥林", "德兴", "海涛", "伟民", "国平", "家栋", "子轩", "俊",
    "晓东", "立群", "宝根", "长庚", "文彬", "松年",
)  # fmt: skip

CONDITIONS = ("高血压", "糖尿病", "冠心病", "膝关节不好，走路慢", "白内障术后", "慢性支气管炎", "")
ALLERGIES = ("青霉素过敏", "花粉过敏", "海鲜过敏", "")
MEDICATION = ("每天早上一片降压药", "饭前服降糖药", "随身带速效救心丸", "")
ELDER_TAGS = ("独居", "空巢", "高龄", "听力不便", "行动不便", "需轮椅", "低保", "残疾")

FIRM_WORDS = ("巧手", "安心", "快来", "邻里", "顺达", "万家", "白鸽", "小满", "暖阳", "同心")
"""First part of a firm's name; the category's name and 服务部 follow."""
VOLUNTEERS = (
    ("红马甲志愿队", "Red Vest volunteers"), ("银龄互助社", "Silver Age mutual aid"),
    ("邻里帮志愿队", "Neighbours' Help volunteers"), ("光明陪伴队", "Guangming companions"),
    ("周末修理摊", "Weekend repair stall"), ("绿丝带车队", "Green Ribbon drivers"),
    ("书香陪读队", "Reading companions"), ("热心阿姨团", "Kind Aunties"),
)  # fmt: skip
