"""A small body of articles for the tests of knowledge, and what operators type to find them."""

from __future__ import annotations

from dispatch import knowledge
from dispatch.article_search import Found, search
from dispatch.article_text import ArticleText
from tests.integration.dispatch_support import Town

ARTICLES = (
    ArticleText(
        "老年优待证办理指南",
        "60 周岁以上可以办。\n\n## 带什么\n- 身份证\n- 一寸照片两张\n\n当场发证，不收费。",
        title_en="Elder card",
        department="民政",
        items=("1307",),
        questions=("老年证怎么办", "老人卡要什么材料"),
    ),
    ArticleText(
        "居住证办理", "在本市居住半年以上可以申领。带身份证、租房合同。", title_en="Residence permit", items=("2004",)
    ),
    ArticleText(
        "社会保险参保登记",
        "单位应当在 30 日内办理。灵活就业人员带身份证到窗口。",
        title_en="Social insurance",
        items=("2003",),
    ),
    ArticleText("城乡居民医保缴费", "每年 9 月到 12 月缴下一年的。", title_en="Health insurance fee", items=("2003",)),
    ArticleText("燃气安全与报修", "闻到煤气味：关阀、开窗、到室外再打电话。", title_en="Gas safety", items=("2001",)),
    ArticleText(
        "社区食堂订餐", "60 周岁以上老人可以订。上午 9 点前预订。", title_en="Community canteen", items=("1701",)
    ),
    ArticleText("免费 WiFi 密码", "社区服务大厅 WiFi 不设密码，连上后按提示输入手机号。", title_en="Free WiFi"),
    ArticleText(
        "12345 政务热线转接", "涉及政府部门的事项可以转接 12345。", title_en="Transfer to 12345", items=("2005",)
    ),
    ArticleText("西门街道便民服务点", "只有西门街道的居民适用。", title_en="Ximen desk", area="330203003"),
    ArticleText(
        "鄞州区老年优待证补办", "只在鄞州办。带身份证和照片。", title_en="Elder card in Yinzhou", area="330212"
    ),
)

QUERIES = (
    "老年优待证", "老年证", "老年证要带什么材料", "lnydz", "ydz", "laonian", "youdaizheng", "LNZ", "ｌｎｚ",
    "身份证", "照片", "医保", "yb", "医疗保险怎么缴费", "社保", "煤气", "mq", "ranqi", "食堂", "订餐 老人",
    "wifi", "ＷＩＦＩ", "12345", "２３４", "证", "老", "办理", "居住", "elder card", "gas", "西门",
    "没有这回事的词", "量子计算机", "身份证丢了怎么补办", "老人吃饭", "", "？！", "'; DROP TABLE articles; --",
    '"^老年" OR *', "NEAR(老 年)", "🙂", "a", "9",
)  # fmt: skip


def publish_all(town: Town, articles: tuple[ArticleText, ...] = ARTICLES) -> list[int]:
    """Write and publish them; their ids."""
    return [int(town.call(knowledge.publish_new, text, actor="user:li")) for text in articles]


def find(town: Town, typed: str, *areas: str) -> Found:
    """What an operator sees who types this."""
    with town.database.read() as session:
        return search(session, typed, areas or ("",))


def titles(town: Town, typed: str, *areas: str) -> list[str]:
    """The titles found, best first."""
    return [result.version.title for result in find(town, typed, *areas).results]
