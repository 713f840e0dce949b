"""A word in both languages of the screen, and how it is found by its code."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """One thing in both languages."""

    zh: str
    en: str

    def of(self, locale: str) -> str:
        """The words in `locale` (`zh_CN` or `en`)."""
        return self.en if locale == "en" else self.zh


def words(table: dict[str, Words], code: str | None, locale: str) -> str:
    """The words of `code`, or the code itself when the table does not know it."""
    found = table.get(code or "")
    return found.of(locale) if found else (code or "")
