"""Turns what was read into HTML, in the viewer's language. Everything from outside is escaped by Jinja2 itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from callcenter.console import words
from callcenter.console.places import places_of
from callcenter.console.sessions import Viewer
from callcenter.console.settings import ConsoleSettings
from callcenter.console.timeline import event_words
from foundation.clock import Clock
from foundation.numbers import NumberPlan
from providers.taxonomy import ITEMS

HERE = Path(__file__).parent
BUILT = HERE / "static" / "built"


class Pages:
    """Renders templates; `settings` and `clock` are the house's."""

    def __init__(self, settings: ConsoleSettings, clock: Clock, plan: NumberPlan) -> None:
        self._settings = settings
        self._clock = clock
        self._plan = plan
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, cache_size=-1, auto_reload=False,
        )  # fmt: skip
        self._environment.filters["exact"] = self._exact
        self._environment.filters["clock"] = self._clock_time
        self._environment.filters["day"] = self._day
        self._environment.filters["iso"] = lambda at: at.astimezone(UTC).isoformat(timespec="milliseconds")
        self._environment.filters["number"] = self._number
        self._environment.globals.update(
            {name: getattr(words, name) for name in dir(words) if name.isupper()},
            item_named=_item_named, places_of=places_of, event_words=event_words, hotline=settings.hotline,
            version=_build_version(),
        )  # fmt: skip

    def render(self, template: str, locale: str, **context: Any) -> str:
        """The text of `template` in `locale`."""
        english = locale == "en"

        def t(zh: str, en: str) -> str:
            return en if english else zh

        def w(table: dict[str, words.Words], code: str | None) -> str:
            return words.words(table, code, locale)

        def told(reason: str) -> str:
            """A deadline's reason is stored in both languages, `中文 / English`."""
            zh, _, en = reason.partition(" / ")
            return en if english and en else zh

        return self._environment.get_template(template).render(
            t=t, w=w, told=told, locale=locale, lang="en" if english else "zh-CN", now=self._clock.now(), **context
        )

    def fragment(self, template: str, viewer: Viewer, **context: Any) -> HTMLResponse:
        """A part of the page."""
        return HTMLResponse(self.render(template, viewer.locale, viewer=viewer, **context))

    def matter(self, request: Request, template: str, viewer: Viewer, place: str, **context: Any) -> HTMLResponse:
        """What stands in the centre: alone for htmx, inside the whole shell for a first visit or a reload."""
        inner = self.render(template, viewer.locale, viewer=viewer, **context)
        if wants_fragment(request):
            return HTMLResponse(
                inner, headers={"HX-Push-Url": request.url.path if request.method == "GET" else "false"}
            )
        return HTMLResponse(
            self.render("shell.html", viewer.locale, viewer=viewer, place=place, inner=inner, look=look(request))
        )

    def _exact(self, at: datetime) -> str:
        return at.astimezone(self._settings.zone_info).strftime("%Y-%m-%d %H:%M:%S")

    def _clock_time(self, at: datetime) -> str:
        return at.astimezone(self._settings.zone_info).strftime("%H:%M:%S")

    def _day(self, at: datetime) -> str:
        return at.astimezone(self._settings.zone_info).strftime("%m-%d %H:%M")

    def _number(self, e164: str | None) -> str:
        """As people say it: grouped by four from the right where it is long."""
        if not e164:
            return ""
        said = self._plan.dial(e164)
        if len(said) == 11 and said.startswith("1"):
            return f"{said[:3]} {said[3:7]} {said[7:]}"
        return f"{said[:-4]} {said[-4:]}" if len(said) in (7, 8) else said


def wants_fragment(request: Request) -> bool:
    """Whether htmx asks for a part; after a missed history entry it wants the whole page."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"


def look(request: Request) -> dict[str, str]:
    """Light or dark, normal or large type, as this browser chose."""
    theme, _, size = request.cookies.get("callcenter_look", "").partition("-")
    return {"theme": "dark" if theme == "dark" else "light", "size": "large" if size == "large" else "normal"}


def language(request: Request) -> str:
    """The language of somebody who is not signed in, or whose request failed: as this browser last chose."""
    return "en" if request.cookies.get("callcenter_locale", "") == "en" else "zh_CN"


def _item_named(code: str | None, locale: str) -> str:
    found = ITEMS.get(code or "")
    if found is None:
        return code or ""
    return found.en if locale == "en" else found.zh


def _build_version() -> str:
    """Changes with each build of the front end, so that no browser keeps an old script."""
    script = BUILT / "console.js"
    return format(script.stat().st_mtime_ns // 1_000_000, "x") if script.exists() else "0"
