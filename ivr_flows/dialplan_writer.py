"""Writes dialplan, and refuses to write anything that could be more than it looks like.

Whatever comes from a file, the settings or a database becomes a ``Safe`` text first, by one of the functions below,
each of which lets only its own form through; none of those forms holds a character that means something to Asterisk.
The words around them are constants of this program. A text that somebody wrote to be spoken never comes here at all:
prompts go by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_FORMS = {
    "name": r"[a-z][a-z0-9_]{1,30}",
    "sound": r"[a-z][a-z0-9-]{0,39}",
    "variable": r"[A-Z][A-Z0-9_]{0,30}",
    "literal": r"[A-Za-z0-9_]{1,40}",
    "key": r"[0-9*#]",
    "telephone number": r"\+?[0-9]{3,20}",
    "clock's zone": r"[A-Za-z0-9_+:/<>-]{1,60}",
}
# Asterisk reads a line of its files into 8192 bytes and cuts off the rest without a word.
_LONGEST = 4000


class Refused(Exception):
    """Something was to be written into the dialplan that does not have its form."""


class Safe(str):
    """A text of one of the forms above, or made of such. Nothing else goes into a line."""

    __slots__ = ()


def _formed(form: str, text: str) -> Safe:
    if not isinstance(text, str) or not re.fullmatch(_FORMS[form], text, re.ASCII):
        raise Refused(f"{text!r:.80} is no {form}; the form is {_FORMS[form]}")
    return Safe(text)


def name(text: str) -> Safe:
    """The name of a flow, a step, a calendar or a transfer, or a word from one of our own lists."""
    return _formed("name", text)


def sound(text: str) -> Safe:
    """A prompt's name."""
    return _formed("sound", text)


def variable(text: str) -> Safe:
    """A flow's variable, as the dialplan calls it: never a name of the core's."""
    return Safe("F_" + _formed("variable", text))


def literal(text: str) -> Safe:
    """A value that a variable is set to or compared with."""
    return _formed("literal", text)


def key(text: str) -> Safe:
    """A key of a telephone."""
    return _formed("key", text)


def keys(texts: Sequence[str]) -> Safe:
    """Several keys, as FILTER() takes them."""
    return Safe("".join(key(text) for text in texts))


def telephone_number(text: str) -> Safe:
    """A number that can be dialled."""
    return _formed("telephone number", text)


def zone(text: str) -> Safe:
    """A time zone, by its name or as a rule (``<+08>-8``)."""
    return _formed("clock's zone", text)


class Dialplan:
    """The text of a part of a dialplan, line by line."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._extension: Safe | None = None
        self._label = ""

    def text(self) -> str:
        """All that was written."""
        return "".join(f"{line}\n" for line in self._lines)

    def context(self, template: str, **values: Safe | int) -> None:
        """Begin a context."""
        self._lines.append(f"[{_filled(template, values)}]")
        self._extension = None

    def extension(self, template: str, **values: Safe | int) -> None:
        """Begin an extension of the context; the next line is its first."""
        self._extension, self._label = _filled(template, values), ""

    def label(self, label: str) -> None:
        """The next line can be gone to by this name within its extension."""
        self._label = f"({_filled(label, {})})"

    def does(self, template: str, **values: Safe | int) -> None:
        """One application with its arguments. ``template`` is a constant with ``%(name)s`` for each of ``values``."""
        text = _filled(template, values)
        if self._extension:
            self._lines.append(f"exten => {self._extension},1{self._label},{text}")
            self._extension = None
        else:
            self._lines.append(f" same => n{self._label},{text}")
        self._label = ""


def _filled(template: str, values: dict[str, Safe | int]) -> Safe:
    for value in values.values():
        if not isinstance(value, Safe) and type(value) is not int:
            raise Refused(f"{value!r:.80} was never looked at, so it does not go into the dialplan")
    text = template % values
    if len(text) > _LONGEST or not text.isascii() or not text.isprintable() or ";" in text:
        raise Refused(f"{text!r:.80} is too long for a line of the dialplan, or holds what ends one")
    return Safe(text)


def filled(template: str, **values: Safe | int) -> Safe:
    """A piece of a line, to be put into another."""
    return _filled(template, values)


def joined(between: str, texts: Sequence[Safe]) -> Safe:
    """Pieces of a line as one."""
    if not all(isinstance(text, Safe) for text in texts):
        raise Refused("a piece was never looked at, so it does not go into the dialplan")
    return Safe(between.join(texts))
