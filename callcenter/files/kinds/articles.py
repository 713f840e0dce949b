"""Articles (办事指南): one row, or one Markdown file, for each. They are published as they come, unless they say draft.

A file that comes again changes nothing, even when somebody has edited the article since: what an article has said once
is not written a second time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from sqlalchemy import select

from callcenter.files import cells
from callcenter.files.frame import CellWrong, Column, Doing, Fate, Faults, Ground, ImportKind, Record, Row
from callcenter.files.kinds.places import batches
from dispatch import knowledge, knowledge_queries
from dispatch.article_text import (
    FIELDS,
    MOST_BODY,
    MOST_DEPARTMENT,
    MOST_ITEMS,
    MOST_QUESTION,
    MOST_QUESTIONS,
    MOST_TITLE,
    MOST_TITLE_EN,
    ArticleText,
    checked,
    faults,
)
from dispatch.knowledge_tables import Article, ArticleVersion
from dispatch.limits import LOCAL
from foundation.text import one_line
from foundation.writer import Work
from residents.tables import Division

STATES = {"发布": "published", "草稿": "draft", "published": "published", "draft": "draft"}
IMPORTED = "导入 / imported"
_ITEM = cells.code(r"\d{4}", "应为 4 位项目编号", "must be an item's 4 digits")
_BETWEEN = re.compile(r"[;；\n]+")


@dataclass(frozen=True)
class _Told:
    """An article as the file tells of it."""

    key: str
    text: ArticleText
    state: str
    owner: str
    review_on: date | None


def _questions(cell: str) -> tuple[str, ...]:
    """Ways to ask, parted by semicolons or on lines of their own."""
    parts = [one_line(part, len(part)) for part in _BETWEEN.split(cell) if part.strip()]
    if len(parts) > MOST_QUESTIONS or any(len(part) > MOST_QUESTION for part in parts):
        raise CellWrong(
            f"最多 {MOST_QUESTIONS} 条问法，每条最多 {MOST_QUESTION} 字",
            f"must be at most {MOST_QUESTIONS} ways to ask of {MOST_QUESTION} characters",
        )
    return tuple(parts)


COLUMNS = (
    Column("key", "编号", cells.code(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", "只能用字母、数字、点和连字符，最多 80 个",
                                   "must be 1 to 80 letters, digits, dots or hyphens"),
           needed=True, example="elder-card", about_zh="同一编号永远是同一篇", about_en="For ever the same article"),
    Column("title", "标题", cells.text(MOST_TITLE), needed=True, example="老年优待证办理"),
    Column("body", "正文", cells.lines(MOST_BODY), needed=True, most=4 * MOST_BODY, example="60 周岁以上可以办。",
           about_zh="空一行是新段落；“## ”小标题，“- ”或“1. ”列表",
           about_en="An empty line is a new paragraph; “## ” a heading, “- ” or “1. ” a list"),
    Column("title_en", "英文标题", cells.text(MOST_TITLE_EN), example="Elder card"),
    Column("department", "责任部门", cells.text(MOST_DEPARTMENT), example="民政"),
    Column("area", "适用区域", cells.code(r"\d{2,15}", "应为区划代码", "must be a division code"),
           also=("区划代码",), example="330203", about_zh="留空为全部区域", about_en="Empty: everywhere"),
    Column("items", "服务项目", cells.several(_ITEM, MOST_ITEMS),
           example="1307", about_zh="用分号隔开", about_en="Parted by semicolons"),
    Column("questions", "其他问法", _questions, most=4000, example="老年证怎么办；老人卡要什么材料",
           about_zh="用分号隔开，或一行一条", about_en="Parted by semicolons, or one a line"),
    Column("owner", "负责人", cells.code(r"[\w.@-]{1,40}", "应为登录名", "must be a login"),
           about_zh="登录名；留空为坐席共同负责", about_en="A login; empty: the desk"),
    Column("review_on", "复核日期", cells.day, also=("review",), example="2027-05-01",
           about_zh="留空为半年后", about_en="Empty: in half a year"),
    Column("state", "状态", cells.one_of(STATES), example="发布", about_zh="留空为发布", about_en="Empty: published"),
)  # fmt: skip


def _check(ground: Ground, rows: Sequence[Row], found: Faults) -> list[Record]:
    told = [_told(row) for row in rows]
    _check_texts(ground, rows, told, found)
    _check_people_and_days(ground, rows, told, found)
    seen: dict[str, int] = {}
    for row, article in zip(rows, told, strict=True):
        first = seen.setdefault(article.key, row.number)
        if first != row.number:
            found.add(
                row.number, "key", article.key, f"与第 {first} 行的编号重复，请改其中一个",
                f"is the key of row {first} already; change one",
            )  # fmt: skip
    stored = _Stored(ground, [article.key for article in told])
    return [Record(row.number, a.key, a, stored.fate(a)) for row, a in zip(rows, told, strict=True)]


def _told(row: Row) -> _Told:
    v = row.values
    text = ArticleText(
        v["title"], v["body"], v.get("title_en", ""), v.get("department", ""), v.get("area", ""), v.get("items", ()),
        v.get("questions", ()), IMPORTED,
    )  # fmt: skip
    owner = f"user:{v['owner']}" if "owner" in v else "desk"
    return _Told(v["key"].lower(), text, v.get("state", "published"), owner, v.get("review_on"))


def _check_texts(ground: Ground, rows: Sequence[Row], told: Sequence[_Told], found: Faults) -> None:
    areas = {article.text.area for article in told if article.text.area}
    known: set[str] = set()
    for batch in batches(sorted(areas)):
        known |= set(ground.session.scalars(select(Division.code).where(Division.code.in_(batch))))
    for row, article in zip(rows, told, strict=True):
        area = article.text.area
        for zh, en in faults(article.text):
            found.add(row.number, "", article.text.title, zh, en)
        if area and area not in known:
            found.add(
                row.number, "area", area, "没有这个区划，请改为区划表中的代码", "is no division this system knows"
            )
        elif not ground.scope.everywhere and not ground.scope.covers(area):
            found.add(
                row.number, "area", area, "只能导入本辖区的文章，请填写辖区内的区划代码",
                "lies outside what you may write for: put a division of yours",
            )  # fmt: skip


def _check_people_and_days(ground: Ground, rows: Sequence[Row], told: Sequence[_Told], found: Faults) -> None:
    logins = set(knowledge_queries.editors(ground.session))
    today = ground.now.astimezone(LOCAL).date()
    latest: timedelta = knowledge.LATEST_REVIEW
    for row, article in zip(rows, told, strict=True):
        login = article.owner.removeprefix("user:")
        if article.owner != "desk" and login not in logins:
            found.add(
                row.number, "owner", login, "没有这个登录名，请核对或留空", "is no login; check it or leave it empty"
            )
        if article.review_on is not None and not today <= article.review_on <= today + latest:
            found.add(
                row.number, "review_on", article.review_on, f"应在今天到 {today + latest} 之间",
                f"must lie between today and {today + latest}",
            )  # fmt: skip


class _Stored:
    """What is stored of these keys: everything each article has ever said."""

    def __init__(self, ground: Ground, keys: Sequence[str]) -> None:
        self._said: dict[str, list[ArticleText]] = {}
        rows = select(Article.key, ArticleVersion).join(ArticleVersion, ArticleVersion.article_id == Article.id)
        for batch in batches(keys):
            for key, version in ground.session.execute(rows.where(Article.key.in_(batch))):
                self._said.setdefault(str(key), []).append(_text(version))

    def fate(self, told: _Told) -> Fate:
        said = self._said.get(told.key)
        if said is None:
            return "added"
        return "same" if _same(told.text, said) else "changed"


def _text(version: ArticleVersion) -> ArticleText:
    return ArticleText(
        version.title, version.body, version.title_en, version.department, version.area, tuple(version.items),
        tuple(version.questions),
    )  # fmt: skip


def _same(text: ArticleText, said: Sequence[ArticleText]) -> bool:
    if any(True for _ in faults(text)):
        return False  # it is not going to be written
    told = asdict(checked(text))
    return any(all(told[name] == asdict(one)[name] for name in FIELDS) for one in said)


def _write(work: Work, record: Record, _doing: Doing) -> Fate:
    told: _Told = record.values
    row = work.session.scalar(select(Article).where(Article.key == told.key).with_for_update())
    if row is None:
        article_id = knowledge.write(work, told.text, owner=told.owner, review_on=told.review_on, key=told.key)
        if told.state == "published":
            knowledge.publish(work, article_id, 1)
        return "added"
    said = work.session.scalars(select(ArticleVersion).where(ArticleVersion.article_id == row.id)).all()
    if _same(told.text, [_text(version) for version in said]):
        return "same"
    version = knowledge.revise(work, row.id, told.text, started_from=row.version)
    if told.state == "published":
        knowledge.publish(work, row.id, version)
    return "changed"


ARTICLES = ImportKind(
    name="articles",
    zh="办事指南",
    en="Articles",
    columns=COLUMNS,
    key_zh="编号；内容与该篇任何一版相同则不变，不同则写成新的一版",
    key_en="The key; what any version of it said already changes nothing, what is new becomes its next version",
    check=_check,
    write=_write,
)
