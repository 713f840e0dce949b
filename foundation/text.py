"""Outside text made safe to keep: folded, without control characters, of bounded length."""

from __future__ import annotations

import unicodedata

_KEPT_CONTROLS = {"\n", "\t"}


def clean(text: str, limit: int) -> str:
    """`text` without control characters, lone surrogates and outer blanks, at most `limit` characters.

    Newlines and tabs stay (notes have several lines); everything of Unicode category C (control, format, private
    use, surrogate) goes, since it can hide or reorder what an operator reads.
    """
    if text.isprintable():  # the usual case, a hundred times faster: nothing of category C, no line breaks
        return text.strip()[:limit]
    kept = (c for c in text if c in _KEPT_CONTROLS or not unicodedata.category(c).startswith("C"))
    return "".join(kept).strip()[:limit].rstrip()


def one_line(text: str, limit: int) -> str:
    """`clean`, with every run of white space folded to one blank."""
    if text.isprintable() and "  " not in text:  # the usual case: the only white space is single blanks
        return text.strip()[:limit].rstrip()
    return " ".join(clean(" ".join(text.split()), len(text)).split())[:limit].rstrip()


def fold(text: str) -> str:
    """NFKC: full-width digits and letters become the plain ones; outer blanks go."""
    return unicodedata.normalize("NFKC", text).strip()
