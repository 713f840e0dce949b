"""Carry the brought packages to a machine without a network: one archive made here, taken there.

The archive holds the package files and a list with their checksums. The checksums find damage; they do not tell who
made the archive, so take one only from somebody you trust.
"""

import io
import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foundation.asterisk.apt import Deb, Say, architecture, is_whole
from foundation.asterisk.errors import PackageError
from foundation.asterisk.packages import Prefix, build_prefix, default_cache, locked, prefix_folder
from foundation.asterisk.provision import bring

CONTENTS = "bundle.json"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.~%_-]{0,200}")
_CONTENTS_LIMIT = 4_000_000


def make_bundle(
    file: Path,
    names: Sequence[str] = ("asterisk", "espeak-ng"),
    *,
    cache: Path | None = None,
    say: Say = print,
) -> None:
    """Write the packages of the prefixes ``names`` to ``file``; what is not here yet is brought first."""
    cache = cache or default_cache()
    prefixes = {name: bring(name, cache, say) for name in names}
    with locked(cache, say):
        files: dict[str, Path] = {}
        for prefix in prefixes.values():
            for deb in prefix.debs:
                path = cache / "debs" / prefix.suite / deb.file
                if not is_whole(path, deb):
                    raise PackageError(
                        f"{path} is no longer in the cache. Remove {prefix.root} and make the bundle again."
                    )
                files[deb.file] = path
        told = {
            "architecture": architecture(),
            "prefixes": {
                name: {"suite": p.suite, "debs": [vars(deb) for deb in p.debs]} for name, p in prefixes.items()
            },
        }
        part = file.with_name(f".{file.name}.part")
        try:
            with tarfile.open(part, "w") as archive:
                content = json.dumps(told, indent=1, sort_keys=True).encode()
                head = tarfile.TarInfo(CONTENTS)
                head.size = len(content)
                archive.addfile(head, io.BytesIO(content))
                for name, path in sorted(files.items()):
                    archive.add(path, f"debs/{name}", recursive=False)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    say(f"{file}: {len(files)} packages, {file.stat().st_size / 1e6:.0f} MB.")


def take_bundle(file: Path, *, cache: Path | None = None, say: Say = print) -> list[Prefix]:
    """Unpack the bundle ``file`` into the cache. Raises PackageError, with nothing changed, when it is not whole."""
    cache = cache or default_cache()
    with locked(cache, say):
        try:
            with (
                tarfile.open(file, "r:") as archive,
                tempfile.TemporaryDirectory(prefix=".bundle-", dir=cache) as folder,
            ):
                told = _contents(archive)
                wanted = {deb.file: deb for _, debs in told.values() for deb in debs}
                _extract(archive, wanted, Path(folder))
                return [_build(cache, name, suite, debs, Path(folder), say) for name, (suite, debs) in told.items()]
        except (tarfile.TarError, OSError, EOFError) as error:
            raise PackageError(f"{file} cannot be read as a bundle: {error}") from error


def _contents(archive: tarfile.TarFile) -> dict[str, tuple[str, list[Deb]]]:
    """The bundle's list, every name in it checked before it becomes a path."""
    head = archive.next()
    file = archive.extractfile(head) if head is not None and head.name == CONTENTS and head.isfile() else None
    if head is None or file is None or head.size > _CONTENTS_LIMIT:
        raise PackageError("This is not a bundle: its list of contents is missing.")
    try:
        told: dict[str, Any] = json.load(file)
        found = {
            name: (each["suite"], [Deb(str(d["file"]), int(d["size"]), str(d["sha256"])) for d in each["debs"]])
            for name, each in told["prefixes"].items()
        }
        made_for = told["architecture"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackageError("This is not a bundle: its list of contents cannot be read.") from error
    names = [*found, *(suite for suite, _ in found.values()), *(d.file for _, debs in found.values() for d in debs)]
    if not all(isinstance(name, str) and _PLAIN.fullmatch(name) for name in names):
        raise PackageError("This bundle names a file outside its own folder; it is not taken.")
    if made_for != architecture():
        raise PackageError(f"This bundle was made for {made_for}; this machine is {architecture()}.")
    return found


def _extract(archive: tarfile.TarFile, wanted: dict[str, Deb], folder: Path) -> None:
    """Copy the listed package files, as plain files under our own names; whatever else there is stays inside."""
    missing = dict(wanted)
    for member in archive:
        deb = missing.get(member.name.removeprefix("debs/"))
        if deb is None or member.name != f"debs/{deb.file}" or not member.isfile() or member.size != deb.size:
            continue
        source = archive.extractfile(member)
        assert source is not None
        with (folder / deb.file).open("wb") as target:
            shutil.copyfileobj(source, target)
        if not is_whole(folder / deb.file, deb):
            raise PackageError(f"{deb.file} in this bundle is damaged. Make the bundle again.")
        del missing[deb.file]
    if missing:
        raise PackageError(f"This bundle lacks {', '.join(sorted(missing)[:3])}. Make it again.")


def _build(cache: Path, name: str, suite: str, debs: list[Deb], folder: Path, say: Say) -> Prefix:
    ready = build_prefix(prefix_folder(cache, name), folder, debs, suite, say)
    kept = cache / "debs" / suite
    kept.mkdir(parents=True, exist_ok=True)
    for deb in debs:
        shutil.copyfile(folder / deb.file, kept / deb.file)
    return ready
