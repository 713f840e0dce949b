"""Finding articles: the time of a search with a thousand and with a hundred thousand published articles.

What is measured. `dispatch.article_search.search` on SQLite and on PostgreSQL, warm, one search after another, by what
operators type: titles, parts of them, initials, whole pinyin, questions, numbers, words that everything has, and words
that nothing has. The articles are made of a service desk's words with a seed, so a vague word is in thousands of them.

There is neither floor nor goal: in the smaller database most words are in few articles, so less is looked at. The
figures are for comparison from run to run; what one search may look at is bounded.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, insert, text

import ivr_flows.tables  # noqa: F401 - foreign keys reach across the folders
from bench.results import Section, milliseconds, percentile
from dispatch import article_index, knowledge
from dispatch.article_search import search
from dispatch.knowledge_tables import ArticleVersion
from dispatch.search_words import sound_of
from foundation import migrations
from foundation.database import Database
from foundation.tables import Base
from tools import postgres

SMALL, LARGE = 1_000, 100_000
BATCH = 500
_MATTERS = (
    "老年优待证", "居住证", "身份证", "户口迁移", "社会保险", "医疗保险", "养老金", "残疾人证", "结婚登记",
    "入学报名", "家庭医生", "预约挂号", "法律援助", "燃气安检", "水管报修", "电梯年检", "垃圾清运", "养犬登记",
    "噪声投诉", "停车管理", "社区食堂", "居家养老", "一键通", "志愿服务", "临时救助", "住房公积金", "出生登记",
    "生育津贴", "失业登记", "就业培训", "创业补贴", "税务登记", "营业执照", "食品许可", "房产过户", "公租房",
    "人才落户", "护照办理", "驾驶证", "机动车年检",
)  # fmt: skip
_STEPS = (
    "办理", "申请", "补办", "换领", "续期", "注销", "查询", "变更", "预约", "缴费", "领取", "认证", "打印",
    "投诉", "备案",
)  # fmt: skip
_PLACES = (
    "南门", "江厦", "西门", "月湖", "鼓楼", "白云", "段塘", "望春", "石碶", "高桥", "横街", "集士港", "古林",
    "洞桥", "鄞江", "章水", "龙观",
)  # fmt: skip
_WORDS = (
    "带", "身份证", "户口簿", "照片", "材料", "窗口", "工作日", "当场", "领取", "代办", "收费", "免费", "社区",
    "街道", "中心", "预约", "手机", "网上", "审核", "公示", "登记", "表格", "签字", "复印件", "原件", "本人",
    "家属", "行动不便", "上门", "咨询", "时间", "上午", "下午", "周末", "节假日", "办结", "短信", "通知", "结果",
    "不予", "受理", "说明", "理由",
)  # fmt: skip
TYPED = (
    "老年优待证", "老年证", "lnydz", "laonian", "身份证补办", "身份证丢了怎么补办", "社保", "shbx",
    "医疗保险怎么缴费", "养老金认证", "社区食堂订餐", "西门 居住证", "营业执照变更", "燃气", "rqaj",
    "户口怎么迁", "办理", "窗口", "材料", "证", "预约 家庭医生", "量子计算机", "没有这回事", "12345", "第 77 号",
    "护照 换领 望春", "公积金", "ggj", "驾驶证年检要带什么材料", "补办",
)  # fmt: skip


def articles(count: int, seed: int = 96345) -> Iterator[tuple[int, dict[str, Any]]]:
    """The texts of so many articles, each with its id."""
    rng = random.Random(seed)
    for number in range(1, count + 1):
        matter, step, place = rng.choice(_MATTERS), rng.choice(_STEPS), rng.choice(_PLACES)
        body = "\n".join(
            f"{n}. {''.join(rng.choices(_WORDS, k=rng.randint(4, 10)))}" for n in range(1, rng.randint(5, 12))
        )
        yield number, {
            "title": f"{place}{matter}{step}（{number}）", "title_en": f"Guide {number}",
            "body": f"{matter}{step}，在{rng.choice(_PLACES)}窗口第 {rng.randrange(1000)} 号。\n{body}",
            "department": "示例", "area": rng.choice(("", "", "", "330203", "330212")), "items": [],
            "questions": [f"{matter}怎么{step}"], "note": "", "version": 1,
        }  # fmt: skip


def fill(database: Database, count: int, after: int = 0) -> None:
    """Publish made-up articles by bulk statements, up to `count`; `after` so many are there already."""
    made = islice(articles(count), after, None)
    with database.write_engine.begin() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("DROP INDEX IF EXISTS ix_article_words"))
    while batch := list(islice(made, BATCH)):
        with database.write_engine.begin() as connection:
            _publish(connection, batch)
    with database.write_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if database.dialect == "sqlite":
            connection.execute(text("INSERT INTO article_words (article_words) VALUES ('optimize')"))
            connection.execute(text("ANALYZE"))
        else:
            connection.execute(text("CREATE INDEX ix_article_words ON article_words USING gin (words)"))
            connection.execute(text("VACUUM ANALYZE"))


def _publish(connection: Connection, batch: Sequence[tuple[int, dict[str, Any]]]) -> None:
    now, review = datetime(2026, 11, 23, tzinfo=UTC), date(2027, 11, 23)
    rows, versions, words = [], [], []
    for number, told in batch:
        uses = min(100_000, int(random.Random(number).paretovariate(1.0)) - 1)
        rows.append({
            "id": number, "key": f"bench-{number}", "state": "published", "version": 1, "shown_version": 1,
            "owner": "desk", "review_on": review, "uses": uses, "created_at": now, "created_by": "bench",
            "sound": sound_of([told["title"], *told["questions"]]),
        })  # fmt: skip
        versions.append({"article_id": number, "written_at": now, "written_by": "bench", **told})
        words.append((number, sorted(knowledge.index_words(ArticleVersion(**told), uses))))
    connection.execute(insert(Base.metadata.tables["articles"]), rows)
    connection.execute(insert(Base.metadata.tables["article_versions"]), versions)
    article_index.add(connection, words)


def search_times(database: Database, typed: Sequence[str] = TYPED) -> list[float]:
    """Seconds of each search, each in a read of its own as a page's is."""
    times = []
    for words in typed:
        began = time.perf_counter()
        with database.read() as session:
            search(session, words, ("330203001001",))
        times.append(time.perf_counter() - began)
    return times


def run(folder: Path, *, large: int = LARGE, rounds: int = 9) -> Section:
    """Measure both engines."""
    rows, slowest = [], ""
    with postgres.running() as server:
        for engine in ("SQLite", "PostgreSQL"):
            with ExitStack() as stack:
                small, big = (
                    stack.enter_context(_filled(folder, server, engine, count)) for count in (SMALL, large)
                )  # fmt: skip
                times: dict[str, list[float]] = {"small": [], "big": []}
                for turn in range(rounds + 1):
                    for name, database in (("small", small), ("big", big)):
                        took = search_times(database)
                        if turn:
                            times[name] += took
                worst = max(zip(search_times(big), TYPED, strict=True))
            slowest += f" On {engine} the slowest word was “{worst[1]}”, {milliseconds(worst[0])}."
            ratio = percentile(times["big"], 0.5) / percentile(times["small"], 0.5)
            rows.append((
                engine, *(milliseconds(percentile(times[name], share)) for name in times for share in (0.5, 0.99)),
                f"{ratio:.2f}",
            ))  # fmt: skip
    return Section(
        "articles",
        ("engine", f"{SMALL:,} articles, median", "p99", f"{large:,} articles, median", "p99",
         "median by the median"),
        tuple(rows),
        (f"{rounds} rounds of {len(TYPED)} searches on each, in turn.{slowest}",),
        True,
    )  # fmt: skip


@contextmanager
def _filled(folder: Path, server: postgres.PostgresServer, engine: str, count: int) -> Iterator[Database]:
    url, name = f"sqlite:///{folder}/articles-{count}.sqlite3", f"articles_{count}"
    if engine != "SQLite":
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = server.url(name)
    migrations.upgrade(url)
    database = Database(url)
    try:
        fill(database, count)
        yield database
    finally:
        database.dispose()
