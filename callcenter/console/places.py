"""Where one can go: the entries of the left rail, each shown only to those whose rights open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from callcenter.console.sessions import Viewer


@dataclass(frozen=True)
class Place:
    """An entry: its name in the page (`data-place`), address, icon, key (empty: none), and what it is called."""

    name: str
    url: str
    icon: str
    key: str
    zh: str
    en: str
    open_to: Callable[[Viewer], bool]


def _anybody(_viewer: Viewer) -> bool:
    return True


def _names(viewer: Viewer) -> bool:
    return viewer.sight.rights.names


def _calls(viewer: Viewer) -> bool:
    return viewer.sight.rights.calls


def _city_supervisors(viewer: Viewer) -> bool:
    return viewer.may("supervisor") and viewer.sight.whole_city


def _supervisors(viewer: Viewer) -> bool:
    return viewer.may("supervisor")


def _callers_supervisors(viewer: Viewer) -> bool:
    return viewer.may("supervisor") and viewer.sight.rights.calls


def _admins(viewer: Viewer) -> bool:
    return viewer.may("admin")


def _listeners(viewer: Viewer) -> bool:
    return viewer.sight.rights.samples or viewer.may("supervisor")


PLACES = (
    Place("desk", "/", "home", "g", "接线台", "Desk", _anybody),
    Place("tickets", "/tickets", "clipboard-list", "l", "工单", "Tickets", _names),
    Place("people", "/people", "search", "/", "查找住户", "Find a home", _names),
    Place("knowledge", "/knowledge", "book", "k", "知识库", "Knowledge", _anybody),
    Place("providers", "/providers", "building-store", "", "加盟企业", "Providers", _calls),
    Place("incidents", "/incidents", "alert-triangle", "i", "突发事件", "Incidents", _calls),
    Place("surge", "/surge", "bell-ringing", "", "集中派单", "Surge", _calls),
    Place("proposals", "/proposals", "check", "", "更正", "Corrections", _names),
    Place("organisations", "/organisations", "users", "", "机构与数字", "Organisations", _anybody),
    Place("figures", "/figures", "check", "", "指标", "Figures", _anybody),
    Place("samples", "/samples", "message", "", "录音抽检", "Samples", _listeners),
    Place("flows", "/flows", "route", "f", "电话流程", "Flows", _city_supervisors),
    Place("imports", "/imports", "clipboard-list", "", "导入与导出", "Files", _callers_supervisors),
    Place("staff", "/staff", "key", "", "人员账号", "Accounts", _admins),
    Place("new", "/tickets/new", "plus", "n", "新建求助", "New request", _calls),
)


def places_of(viewer: Viewer) -> list[Place]:
    """The entries this person may open, in order."""
    return [place for place in PLACES if place.open_to(viewer)]
