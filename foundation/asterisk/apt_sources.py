"""The machine's own apt sources: which mirror it uses and which keys it trusts.

Both forms are read: one line per source (``sources.list``) and deb822 stanzas (``*.sources``). Pure functions,
except ``machine_sources`` which reads the files.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# Names by which Debian's own archive calls its suites beside the code name.
_MOVING_SUITES = frozenset({"stable", "oldstable", "oldoldstable", "testing", "unstable", "sid"})
_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)$")


@dataclass(frozen=True)
class AptSource:
    """One binary package source. ``signed_by`` is empty, a path, or a whole armoured key block."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""


def parse_one_line(text: str) -> list[AptSource]:
    """Read the one-line form; comments, source packages and disabled lines are passed over."""
    found = []
    for line in text.splitlines():
        match = _ONE_LINE.match(line.split("#", 1)[0].strip())
        if match is None:
            continue
        options = dict(part.split("=", 1) for part in (match["options"] or "").split() if "=" in part)
        found.append(
            AptSource(match["uri"], match["suite"], tuple(match["components"].split()), options.get("signed-by", ""))
        )
    return found


def parse_deb822(text: str) -> list[AptSource]:
    """Read the stanza form; a stanza gives one source for each address and suite."""
    found = []
    for stanza in _stanzas(text):
        if "deb" not in stanza.get("types", "").split():
            continue
        if stanza.get("enabled", "yes").strip().lower() in {"no", "false", "0", "off"}:
            continue
        components = tuple(stanza.get("components", "").split())
        found += [
            AptSource(uri, suite, components, stanza.get("signed-by", "").strip())
            for uri in stanza.get("uris", "").split()
            for suite in stanza.get("suites", "").split()
        ]
    return found


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    stanza: dict[str, str] = {}
    field = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if stanza:
                yield stanza
            stanza, field = {}, ""
        elif line[0].isspace() and field:
            # In a key block a lone dot stands for an empty line.
            content = line.strip()
            stanza[field] += "\n" + ("" if content == "." else content)
        elif ":" in line:
            name, value = line.split(":", 1)
            field = name.strip().lower()
            stanza[field] = value.strip()


def machine_sources(root: Path = Path("/")) -> list[AptSource]:
    """All sources of this machine, in apt's own order of reading. Unreadable files are passed over."""
    apt = root / "etc/apt"
    parts = sorted((apt / "sources.list.d").glob("*")) if (apt / "sources.list.d").is_dir() else []
    found: list[AptSource] = []
    for path in [apt / "sources.list", *parts]:
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue
        if path.suffix == ".sources":
            found += parse_deb822(text)
        elif path.suffix == ".list":
            found += parse_one_line(text)
    return found


def distribution_sources(sources: Iterable[AptSource], codename: str) -> list[AptSource]:
    """The sources of the distribution itself, best first; none of a third party's.

    A source belongs to the distribution when it has the component ``main`` and a suite of the running release.
    Others may look the same, so those with the distribution's own keyring or the usual path come first, and only
    those that share the best one's keys are kept.
    """

    def strangeness(source: AptSource) -> tuple[bool, bool, bool]:
        return (
            "debian-archive" not in source.signed_by and "ubuntu-archive" not in source.signed_by,
            urlsplit(source.uri).path.rstrip("/") not in {"/debian", "/ubuntu"},
            source.suite.endswith("-security"),
        )

    own = [
        source
        for source in sources
        if "main" in source.components
        and not source.uri.startswith("cdrom:")
        and (source.suite.split("-")[0] == codename or source.suite.split("-")[0] in _MOVING_SUITES)
    ]
    own.sort(key=strangeness)
    return [source for source in own if source.signed_by == own[0].signed_by]


def sources_for(suite: str | None, sources: Iterable[AptSource], codename: str) -> list[list[AptSource]]:
    """The lists of sources to try, one after the other, for the packages of a suite.

    ``None`` is the running release with its updates; another suite of the same archive (``sid``) is looked for
    at each of the release's mirrors, under the same keys.
    """
    own = distribution_sources(sources, codename)
    if suite is None:
        return [own] if own else []
    mirrors = dict.fromkeys((s.uri, s.signed_by) for s in own if not s.suite.endswith("-security"))
    return [[AptSource(uri, suite, ("main",), signed_by)] for uri, signed_by in mirrors]
