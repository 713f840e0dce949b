"""The kinds of files that can be imported. The next one is a file beside these and a line here."""

from __future__ import annotations

from callcenter.files.frame import ImportKind
from callcenter.files.kinds.articles import ARTICLES
from callcenter.files.kinds.devices import DEVICES
from callcenter.files.kinds.people import PEOPLE
from callcenter.files.kinds.providers import PROVIDERS

KINDS: dict[str, ImportKind] = {
    kind.name: kind
    for kind in (
        PEOPLE,
        DEVICES,
        PROVIDERS,
        ARTICLES,
    )
}
"""By the name that the command line knows them by."""
