"""Articles from files: tables and folders of Markdown, every fault told, nothing twice, no hand's work undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from callcenter.demo.guides import FOLDER, load_guides
from callcenter.files.checking import Checked, check
from callcenter.files.frame import Doing
from callcenter.files.guides import Guides, read_guides
from callcenter.files.kinds.articles import ARTICLES
from callcenter.files.writing import csv_bytes
from dispatch import knowledge
from dispatch.article_text import ArticleText
from dispatch.knowledge_tables import Article, ArticleVersion
from foundation.database import Database
from foundation.numbers import NumberPlan
from foundation.scope import Scope
from tests.integration.dispatch_support import COMMUNITY, Town
from tests.integration.knowledge_support import titles

PLAN = NumberPlan()
HEADER = ["编号", "标题", "正文", "服务项目", "其他问法", "适用区域", "负责人", "复核日期", "状态"]
CARD = ["elder-card", "老年优待证办理", "- 身份证\n- 照片", "1307", "老年证怎么办；老人卡", "", "", "2027-01-31", ""]
FIELDS = "key: dog\ntitle: 犬证办理\nitems: [2005]\nquestions: [养狗, 狗证]\nreview: 2027-01-31\n"
GUIDE = f"---\n{FIELDS}---\n带狗来。\n\n- 免疫证\n"


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.writer.close()


def table(*rows: list[str]) -> bytes:
    return csv_bytes([HEADER, *rows])


def looked(town: Town, content: bytes, scope: Scope | None = None) -> Checked:
    more = {"scope": scope} if scope else {}
    return check(ARTICLES, content, town.database, town.clock.now(), PLAN, **more)


def taken_in(town: Town, content: bytes) -> list[str]:
    found = looked(town, content)
    assert found.sound, found.faults
    return [town.call(ARTICLES.write, record, Doing(PLAN), actor="cli:test") for record in found.records]


def counts(town: Town) -> tuple[int, int]:
    with town.database.read() as session:
        return tuple(session.scalar(select(func.count()).select_from(t)) or 0 for t in (Article, ArticleVersion))  # type: ignore[return-value]


def test_a_table_is_taken_in_and_the_same_again_changes_nothing(town: Town) -> None:
    assert looked(town, table(CARD)).fates == {"added": 1, "changed": 0, "same": 0}
    assert counts(town) == (0, 0), "looking writes nothing"
    assert taken_in(town, table(CARD)) == ["added"]
    assert titles(town, "lnz") == ["老年优待证办理"]
    assert taken_in(town, table(CARD)) == ["same"]
    assert counts(town) == (1, 1)
    changed = [*CARD[:2], "- 只要身份证", *CARD[3:]]
    assert looked(town, table(changed)).fates["changed"] == 1
    assert taken_in(town, table(changed)) == ["changed"]
    assert [a.shown_version for a in town.rows(select(Article))] == [2]


def test_what_somebody_has_edited_since_is_not_undone_by_the_old_file(town: Town) -> None:
    taken_in(town, table(CARD))
    (article,) = town.rows(select(Article))
    town.call(knowledge.revise, article.id, ArticleText("老年证办理", "只要身份证。"), started_from=1, actor="user:li")
    town.call(knowledge.publish, article.id, 2, actor="user:chen")
    assert taken_in(town, table(CARD)) == ["same"]
    assert titles(town, "lnz") == ["老年证办理"]


def test_a_draft_is_not_read_out(town: Town) -> None:
    taken_in(town, table([*CARD[:-1], "草稿"]))
    assert titles(town, "老年优待证") == []


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (0, "老年证", "只能用字母"),
        (0, "", "不能为空"),
        (1, "", "不能为空"),
        (1, "长" * 61, "缩短"),
        (2, "", "不能为空"),
        (3, "9999", "没有服务项目 9999"),
        (3, "水管", "4 位项目编号"),
        (5, "330299", "没有这个区划"),
        (5, "浙江", "区划代码"),
        (6, "nobody", "没有这个登录名"),
        (7, "2026-02-30", "没有这一天"),
        (7, "2020-01-01", "应在今天到"),
        (8, "随便", "只能是"),
    ],
)
def test_each_bad_row_is_told_with_its_row_and_nothing_is_written(
    town: Town, place: int, value: str, said: str
) -> None:
    bad = [*CARD]
    bad[place] = value
    found = looked(town, table(["other-1", *CARD[1:]], bad, ["other-2", *CARD[1:]]))
    assert [fault.row for fault in found.faults] == [4], found.faults  # each body has two lines
    assert said in found.faults[0].zh
    assert not found.sound
    assert counts(town) == (0, 0)


def test_one_key_twice_is_a_fault(town: Town) -> None:
    (fault,) = looked(town, table(CARD, ["Elder-Card", *CARD[1:]])).faults
    assert "与第 2 行的编号重复" in fault.zh


def test_who_sees_one_district_takes_in_articles_of_that_one(town: Town) -> None:
    theirs, everywhere = [*CARD[:5], COMMUNITY, *CARD[6:]], CARD
    assert looked(town, table(theirs), Scope(("330203",))).sound
    assert not looked(town, table(everywhere), Scope(("330203",))).sound
    assert not looked(town, table(theirs), Scope(("330212",))).sound


# --- Markdown ----------------------------------------------------------------------------------------------


def write(folder: Path, **files: str | bytes) -> Path:
    for name, text in files.items():
        (folder / f"{name}.md").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_a_folder_of_markdown_is_taken_in(town: Town, tmp_path: Path) -> None:
    read = read_guides(write(tmp_path, a=GUIDE, b=GUIDE.replace("key: dog\n", "").replace("犬证", "猫证")))
    assert read.faults == []
    assert taken_in(town, read.content) == ["added", "added"]
    assert sorted(a.key or "" for a in town.rows(select(Article))) == ["b", "dog"]
    (dog, _) = town.rows(select(ArticleVersion).order_by(ArticleVersion.id))[:2]
    assert (dog.title, dog.items, dog.questions) == ("犬证办理", ["2005"], ["养狗", "狗证"])
    assert dog.body == "带狗来。\n\n- 免疫证"
    assert taken_in(town, read_guides(tmp_path / "a.md").content) == ["same"]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("没有字段", "缺少两行 ---"),
        ("---\ntitle: 犬证\n", "缺少两行 ---"),
        ("---\ntitle: [犬\n---\n正文", "YAML"),
        ("---\ntitel: 犬证\n---\n正文", "不认识的字段：titel"),
        ("---\n- 犬证\n---\n正文", "名称: 内容"),
        ("---\ntitle: {a: 1}\n---\n正文", "应为文字或列表"),
        ("---\nreview: 2026-02-30\n---\n正文", "不存在的日期"),
        (b"\xff\xfe\x00", "UTF-8"),
        ("---\ntitle: 犬\n---\n" + "长" * 100_000, "256 KB"),
        ('---\nx: !!python/object/apply:os.system ["true"]\n---\n正文', "YAML"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_still_looked_at(
    town: Town, tmp_path: Path, bad: str | bytes, said: str
) -> None:
    read = read_guides(write(tmp_path, bad=bad, good=GUIDE))
    (fault,) = read.faults
    assert (fault.value, said in fault.zh) == ("bad.md", True), fault
    assert list(read.names.values()) == ["good.md"]
    assert looked(town, read.content).sound


def test_the_row_of_a_fault_leads_to_its_file(town: Town, tmp_path: Path) -> None:
    read = read_guides(write(tmp_path, a=GUIDE, b=GUIDE.replace("key: dog", "key: x").replace("2005", "9999"), c=GUIDE))
    found = looked(town, read.content)
    assert {read.names[fault.row] for fault in found.faults} == {"b.md", "c.md"}


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    assert read_guides(tmp_path) == Guides(b"", {}, read_guides(tmp_path).faults)
    assert "没有 .md 文件" in read_guides(tmp_path).faults[0].zh


# --- the demo's guides -------------------------------------------------------------------------------------


def test_the_demo_has_forty_guides_and_a_second_start_adds_none(town: Town) -> None:
    assert load_guides(town.database, town.writer, town.clock.now(), PLAN) >= 40
    assert load_guides(town.database, town.writer, town.clock.now(), PLAN) == 0
    assert titles(town, "lnyd")[0] == "老年优待证办理"
    assert titles(town, "煤气味")[0] == "闻到煤气味怎么办"
    assert titles(town, "社区食堂")[0] == "社区食堂和送餐"
    assert titles(town, "elder card")[0] == "老年优待证办理"


def test_the_demos_guides_say_that_they_are_examples_and_hold_no_number_that_can_be_dialled() -> None:
    for file in FOLDER.glob("*.md"):
        text = file.read_text("utf-8")
        assert "本文为演示示例" in text, file.name
        assert "示例" in text.split("department:")[1].split("\n")[0], file.name
        body = text.split("---\n", 2)[2]
        assert not re.search(r"\d{5,}", body), file.name
