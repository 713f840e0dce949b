"""Telephone numbers: one stored form, every form they may arrive in, and how to dial them.

Rules: ITU-T E.164 for the stored form; the Chinese numbering plan for the rest (0 is the trunk prefix and not part of
the area code, mobiles are 1[3-9] and nine digits, local numbers have seven or eight digits, short service numbers three
to six).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from foundation.text import fold

_MOBILE = re.compile(r"1[3-9]\d{9}")
_LOCAL = re.compile(r"[2-9]\d{6,7}")
_SERVICE = re.compile(r"\d{3,6}")
_NATIONAL_SERVICE = re.compile(r"[48]00\d{7}")
_AREA_AND_LOCAL = re.compile(r"(?:10|2\d)[2-9]\d{7}|(?!400|800)[3-9]\d{2}[2-9]\d{6,7}")
_EXTENSION = re.compile(r"(.*?)(?:转|#|,)([0-9]{1,6})")
_LAST_GROUP = re.compile(r"(.*)-([0-9]{1,6})")


@dataclass(frozen=True)
class Number:
    """A telephone number as stored.

    `e164` is the stored and matched form: `+86…`, or a service number as it is; empty when unknown. `kind` is
    `mobile`, `fixed`, `service`, `foreign` or `unknown`. `raw` is what arrived.
    """

    e164: str
    kind: str
    raw: str
    extension: str = ""

    @property
    def known(self) -> bool:
        return self.kind != "unknown"

    @property
    def callable_back(self) -> bool:
        """Whether a machine may ring this number: never a service number such as 120, never an unknown one."""
        return self.kind in ("mobile", "fixed", "foreign")


@dataclass(frozen=True)
class NumberPlan:
    """Where the site is: country code and area code, both without prefix (`86`, `574`)."""

    country: str = "86"
    area: str = "574"

    def parse(self, raw: str | None) -> Number:
        """Any text to a `Number`; what is no number becomes `unknown` with the raw text kept. Never raises."""
        raw = (raw or "")[:200]
        if raw.isascii() and _MOBILE.fullmatch(raw) and not raw.startswith(self.country):
            return Number(f"+{self.country}{raw}", "mobile", raw)  # the usual caller, as the trunk shows them
        text = re.sub(r"[\s()（）.]", "", fold(raw))
        extension = ""
        if split := _EXTENSION.fullmatch(text):
            text, extension = split.groups()
        elif (group := _LAST_GROUP.fullmatch(text)) and self._complete(group[1]):
            text, extension = group.groups()
        e164, kind = self._classify(text)
        return Number(e164, kind, raw, extension if e164 else "")

    def _complete(self, text: str) -> bool:
        """Whether what stands before the last `-` is a whole number, so that an extension follows (87000000-801) and
        not its own next group (138-0000-0000, 0574-8700-0001, 400-123-4567)."""
        e164, kind = self._classify(text)
        if kind == "service":
            return len(e164) == 10 or (len(e164) in (5, 6) and e164[:3] not in ("400", "800"))
        return kind in ("mobile", "fixed")

    def _classify(self, text: str) -> tuple[str, str]:
        text = text.replace("-", "")
        if not re.fullmatch(r"\+?[0-9]{1,20}", text):
            return "", "unknown"
        if text.startswith("00"):
            text = "+" + text[2:]
        if text.startswith("+"):
            national = text[1 + len(self.country) :] if text.startswith("+" + self.country) else None
            if national is not None:
                return self._national(national.removeprefix("0"))
            return (text, "foreign") if 8 <= len(text) <= 16 and text[1] != "0" else ("", "unknown")
        # A local number may itself begin with the country's digits: strip them only from a long number.
        if text.startswith(self.country) and len(text) >= 12:
            return self._national(text[len(self.country) :].removeprefix("0"))
        if text.startswith("0"):
            return self._national(text[1:])
        if _LOCAL.fullmatch(text):
            return f"+{self.country}{self.area}{text}", "fixed"
        if _SERVICE.fullmatch(text):
            return text, "service"
        # A hotline with country and area but without 0, such as 86574 81890: too short for the rule above.
        hotline = text.removeprefix(self.country + self.area)
        if hotline != text and _SERVICE.fullmatch(hotline):
            return hotline, "service"
        return self._national(text)

    def _national(self, digits: str) -> tuple[str, str]:
        if _NATIONAL_SERVICE.fullmatch(digits):
            return digits, "service"
        if _MOBILE.fullmatch(digits):
            return f"+{self.country}{digits}", "mobile"
        if _AREA_AND_LOCAL.fullmatch(digits):
            return f"+{self.country}{digits}", "fixed"
        # A hotline rung with its area code, such as 0574 81890.
        if digits.startswith(self.area) and _SERVICE.fullmatch(digits[len(self.area) :]):
            return digits[len(self.area) :], "service"
        return "", "unknown"

    def forms(self, e164: str) -> list[str]:
        """Every form in which the line `e164` may show its number, the shortest first."""
        national = e164.removeprefix(f"+{self.country}")
        if national == e164:
            return [e164]
        forms = [national, "0" + national, self.country + national, f"+{self.country}{national}"]
        if not _MOBILE.fullmatch(national) and national.startswith(self.area):
            forms[0] = national[len(self.area) :]
        return forms

    def dial(self, e164: str) -> str:
        """What to dial from the site: a local fixed number as it is, others with 0, a mobile bare, foreign with 00."""
        national = e164.removeprefix(f"+{self.country}")
        if national == e164:
            return "00" + e164[1:] if e164.startswith("+") else e164
        if _MOBILE.fullmatch(national):
            return national
        if national.startswith(self.area):
            return national[len(self.area) :]
        return "0" + national
