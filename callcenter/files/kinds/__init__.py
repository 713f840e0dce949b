"""The kinds of files that can be imported. The next one is a file beside these and a line here."""

from __future__ import annotations

from callcenter.files.frame import ImportKind

KINDS: dict[str, ImportKind] = {kind.name: kind for kind in ()}
"""By the name that the command line knows them by."""
