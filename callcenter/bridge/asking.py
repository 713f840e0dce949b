"""What a call asks the application in the middle of a flow (docs/telephone.md, "Asking the application")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from callcenter.bridge.events import AmiEvent

MOST_VALUES = 10
_NUMBER = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_CHANNEL = re.compile(r"[A-Za-z][!-~]{1,99}", re.ASCII)
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,30}", re.ASCII)
_MOST = 120


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. It is answered by setting `variable` on `channel`; `caller` is the number as the dialplan keeps
    it, `line` and `home` what the exchange knows of it, `subject` what an outgoing call is about, all maybe empty."""

    call_id: str
    channel: str
    number: int
    what: str
    topic: str
    language: str
    caller: str
    line: str
    home: str
    subject: str
    values: Mapping[str, str]

    @property
    def variable(self) -> str:
        """The channel variable that takes the answer."""
        return f"ANSWER_{self.number}"


def ask_of(event: AmiEvent) -> Ask | None:
    """The question in a `UserEvent`; None when it has no number or no channel that could be answered, or two of them:
    a caller's name with a line break in it could name somebody else's channel."""
    fields = event.fields
    if any(not isinstance(fields.get(name), str) for name in ("channel", "id", "call", "userevent")):
        return None
    number, channel = event.text("id"), event.text("channel")
    if not _NUMBER.fullmatch(number) or not _CHANNEL.fullmatch(channel):
        return None
    words = {name: event.text(name)[:_MOST] for name in ("call", "what", "topic", "from", "line", "home", "subject")}
    return Ask(
        call_id=words["call"],
        channel=channel,
        number=int(number),
        what=words["what"],
        topic=words["topic"],
        language="en" if event.text("lang") == "en" else "zh",
        caller=words["from"],
        line=words["line"],
        home=words["home"],
        subject=words["subject"],
        values=_values(event.text("args")),
    )


def _values(args: str) -> Mapping[str, str]:
    values: dict[str, str] = {}
    for part in args[:1000].split("&")[:MOST_VALUES]:
        name, equals, value = part.partition("=")
        if equals and _NAME.fullmatch(name):
            values[name] = unquote(value, errors="replace")[:_MOST]
    return values
