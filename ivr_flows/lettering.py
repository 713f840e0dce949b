"""How wide a text will be, guessed: the reader's font is not known here, so a little more than most fonts take."""

from __future__ import annotations

import unicodedata

_WIDE = 1.02
_NARROW = {"i": 0.32, "l": 0.32, "j": 0.34, "t": 0.42, "f": 0.4, "r": 0.44, " ": 0.34, ".": 0.34, ",": 0.34, "'": 0.3}
_CAPITAL = 0.74
_BROAD = {"m": 0.92, "w": 0.86, "M": 0.94, "W": 1.0, "@": 1.0, "%": 0.9}
_OTHER = 0.62


def width(text: str, size: float) -> float:
    """The width of ``text`` in letters of ``size``, in the same unit."""
    return size * sum(_ems(letter) for letter in text)


def _ems(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WFA":
        return _WIDE
    return _NARROW.get(letter) or _BROAD.get(letter) or (_CAPITAL if letter.isupper() else _OTHER)


def fitted(text: str, size: float, room: float) -> str:
    """``text``, cut with an ellipsis where it is wider than ``room``."""
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, size: float, room: float, most: int) -> list[str]:
    """``text`` in at most ``most`` lines of ``room``, the last with an ellipsis where it does not fit. Chinese breaks
    anywhere but before a punctuation mark, other scripts between words."""
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if line and width((line + piece).rstrip(), size) > room:
            lines.append(line.rstrip())
            line = ""
        line += piece.lstrip() if not line else piece
    if line.strip():
        lines.append(line.rstrip())
    if len(lines) > most:
        lines = [*lines[: most - 1], "".join(_joined(lines[most - 1 :]))]
    return [fitted(line, size, room) for line in lines]


def _joined(lines: list[str]) -> list[str]:
    """The lines as one again; between words of Latin script there was a blank."""
    return [line if not line[-1:].isascii() or line is lines[-1] else line + " " for line in lines]


def _pieces(text: str) -> list[str]:
    """What must stay on one line: a Latin word with the blank after it, or a Chinese character with the punctuation
    after it."""
    pieces: list[str] = []
    word = ""
    for letter in text:
        wide = unicodedata.east_asian_width(letter) in "WF"
        if wide and unicodedata.category(letter).startswith("P") and (pieces or word):
            if word:
                word += letter
            else:
                pieces[-1] += letter
        elif wide:
            pieces += [word, letter] if word else [letter]
            word = ""
        else:
            word += letter
            if letter.isspace():
                pieces.append(word)
                word = ""
    return [*pieces, word] if word else pieces
