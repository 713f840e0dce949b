"""Articles are found alike, and in the same order, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from dispatch import article_ranking, article_search, inquiries, knowledge
from dispatch.article_text import ArticleText
from foundation.database import Database
from tests.integration.dispatch_support import Town
from tests.integration.knowledge_support import ARTICLES, QUERIES, find, publish_all, titles

WORDS = [
    "老年", "优待", "居住", "社会", "保险", "医疗", "燃气", "安全", "社区", "食堂", "预约", "挂号", "户口",
    "迁移", "补办", "登记", "申请", "材料", "窗口", "时间", "费用", "地点",
]  # fmt: skip


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


@pytest.fixture
def both(sqlite_url: str, postgres_url: str) -> Iterator[tuple[Town, Town]]:
    """The same town on each engine."""
    towns = (Town(Database(sqlite_url)), Town(Database(postgres_url)))
    yield towns
    for made in towns:
        made.writer.close()
        made.database.dispose()


def random_articles(count: int, seed: int) -> tuple[ArticleText, ...]:
    rng = random.Random(seed)
    return tuple(
        ArticleText(
            "".join(rng.choices(WORDS, k=rng.randint(1, 4))),
            "，".join(rng.choices(WORDS, k=rng.randint(3, 30))) + f"，窗口 {rng.randrange(1000)} 号。",
            questions=tuple("".join(rng.choices(WORDS, k=2)) for _ in range(rng.randint(0, 2))),
            area=rng.choice(("", "", "3302", "330203", "330203001", "330212")),
        )
        for _ in range(count)
    )


def shown(town: Town, typed: str, *areas: str) -> tuple[list[tuple[int, float, str]], int, bool]:
    found = find(town, typed, *areas)
    return [(r.article.id, r.score, r.excerpt) for r in found.results], found.total, found.more


@pytest.mark.parametrize("looked_at", [article_search.LOOKED_AT, 3])
def test_both_engines_give_the_same_articles_in_the_same_order(
    both: tuple[Town, Town], monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    monkeypatch.setattr(article_search, "LOOKED_AT", looked_at)
    monkeypatch.setattr(article_ranking, "AS_RARE", looked_at)
    articles = (*ARTICLES, *random_articles(40, seed=96345))
    ids = [publish_all(town, articles) for town in both]
    assert ids[0] == ids[1]
    rng = random.Random(7)
    for article_id in rng.choices(ids[0], k=40):  # used: some often, so that what is found first changes its step
        for town in both:
            town.call(inquiries.answer, None, "问", "", article_id=article_id, actor="user:li")
    typed = [*QUERIES, *WORDS, *("".join(rng.choices(WORDS, k=2)) for _ in range(20)), "lnyd", "sb", "bxdj"]
    on_sqlite, on_postgres = both
    places: tuple[tuple[str, ...], ...] = ((), ("330203001001",), ("330212",), ("3302",))
    for number, text in enumerate(typed):
        areas = places[number % len(places)]
        assert shown(on_sqlite, text, *areas) == shown(on_postgres, text, *areas), (text, areas)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("老年优待证", "老年优待证办理指南"),
        ("老年证", "老年优待证办理指南"),
        ("老人卡", "老年优待证办理指南"),
        ("lnydz", "老年优待证办理指南"),
        ("youdaizheng", "老年优待证办理指南"),
        ("ｌｎｚ", "老年优待证办理指南"),
        ("老年证要带什么材料", "老年优待证办理指南"),
        ("elder card", "老年优待证办理指南"),
        ("医保", "城乡居民医保缴费"),
        ("jmyb", "城乡居民医保缴费"),
        ("煤气味", "燃气安全与报修"),
        ("rqaq", "燃气安全与报修"),
        ("食堂", "社区食堂订餐"),
        ("wifi", "免费 WiFi 密码"),
        ("ＷＩ", "免费 WiFi 密码"),
        ("234", "12345 政务热线转接"),
        ("１２３４５", "12345 政务热线转接"),
        ("租房合同", "居住证办理"),
        ("户籍", "居住证办理"),
    ],
)
def test_what_operators_type_finds_the_right_article_first(town: Town, typed: str, first: str) -> None:
    publish_all(town)
    assert titles(town, typed)[:1] == [first]


@pytest.mark.parametrize("typed", ["量子计算机", "🙂", "'; DROP TABLE articles; --", '"^老年" OR *'])
def test_nonsense_finds_nothing_or_only_what_has_its_words(town: Town, typed: str) -> None:
    publish_all(town)
    assert all("老年" in typed and "老年" in title for title in titles(town, typed)) or typed == "🙂"


def test_only_what_is_published_is_found_in_the_version_that_is_shown(town: Town) -> None:
    draft = town.call(knowledge.write, ArticleText("犬证办理", "带狗来。"), actor="user:li")
    assert titles(town, "犬证") == []
    town.call(knowledge.publish, draft, 1, actor="user:li")
    assert titles(town, "犬证") == ["犬证办理"]
    town.call(knowledge.revise, draft, ArticleText("养犬登记", "带狗来。"), started_from=1, actor="user:li")
    assert titles(town, "犬证") == ["犬证办理"], "a newer draft is not read out"
    assert titles(town, "养犬") == []
    town.call(knowledge.publish, draft, 2, actor="user:li")
    assert titles(town, "养犬") == ["养犬登记"]
    assert titles(town, "犬证") == []
    town.call(knowledge.withdraw, draft, "已停办", actor="user:li")
    assert titles(town, "养犬") == []
    town.call(knowledge.publish, draft, 2, actor="user:li")
    assert titles(town, "yqdj") == ["养犬登记"]


def test_an_area_sees_its_own_articles_and_those_above_it(town: Town) -> None:
    publish_all(town)
    assert "鄞州区老年优待证补办" not in titles(town, "老年优待证", "330203001001")
    assert titles(town, "老年优待证", "330212002001")[:2] == ["老年优待证办理指南", "鄞州区老年优待证补办"]
    assert titles(town, "便民服务点", "330203003") == ["西门街道便民服务点"]
    assert titles(town, "便民服务点", "330203003001") == ["西门街道便民服务点"]
    assert titles(town, "便民服务点", "330203001") == []
    assert titles(town, "便民服务点") == ["西门街道便民服务点"]


def test_with_nothing_typed_the_most_used_stand_first(town: Town) -> None:
    ids = publish_all(town)
    for _ in range(2):
        town.call(inquiries.answer, None, "WiFi？", "", article_id=ids[6], actor="user:li")
    town.call(inquiries.answer, None, "食堂？", "", article_id=ids[5], actor="user:li")
    assert titles(town, "")[:2] == ["免费 WiFi 密码", "社区食堂订餐"]
    assert len(titles(town, "", "330203001")) == 8


def test_of_too_many_the_most_used_are_looked_at(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(article_search, "LOOKED_AT", 5)
    ids = publish_all(town, tuple(ArticleText(f"社区通知第{n}号", "社区里的事。") for n in range(30)))
    assert ids[0] not in [r.article.id for r in find(town, "社区通知").results]
    town.call(inquiries.answer, None, "社区通知？", "", article_id=ids[0], actor="user:li")
    found = find(town, "社区通知")
    assert found.results[0].article.id == ids[0]
    assert found.more
