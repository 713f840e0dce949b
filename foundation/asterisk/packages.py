"""Unpack Debian packages with all they need into a private folder, without root and without installing them.

apt resolves and downloads, on state of its own and from the machine's own mirror, checking signatures as always;
``dpkg`` unpacks. A program of the folder runs through the folder's own loader, so its C library may be newer
than the machine's. The result is kept in a cache that several homes share:

    <cache>/prefixes/<name>-<architecture>/   one unpacked tree, complete (it appears by one rename)
    <cache>/debs/<suite>/                     the downloaded packages, for the next prefix and for bundles
    <cache>/apt/<suite>/                      apt's lists
"""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from foundation.asterisk.apt import Apt, Deb, architecture, is_whole, run_tool
from foundation.asterisk.apt import Say as Say
from foundation.asterisk.errors import PackageError

MANIFEST = "packages.json"


@dataclass(frozen=True)
class Program:
    """A program that can be run: ``subprocess.run([*command, ...], env={**os.environ, **environment})``."""

    command: tuple[str, ...]
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Prefix:
    """A folder with unpacked packages. ``versions`` maps each package's name to its version."""

    root: Path
    suite: str
    architecture: str
    versions: Mapping[str, str]
    debs: tuple[Deb, ...]

    @property
    def library_folders(self) -> list[Path]:
        """Where this architecture's libraries are, in the merged layout and in the older one."""
        found = sorted(self.root.glob("usr/lib/*-linux-gnu*")) + sorted(self.root.glob("lib/*-linux-gnu*"))
        triplet = found[0].name if found else "none"
        return [self.root / "usr/lib" / triplet, self.root / "lib" / triplet]

    @property
    def loader(self) -> Path:
        """The dynamic loader that belongs to this folder's C library."""
        for folder in self.library_folders:
            for pattern in ("ld-linux*.so.*", "ld64.so.*"):
                found = sorted(folder.glob(pattern))
                if found:
                    return found[0]
        raise PackageError(f"{self.root} has no dynamic loader. Remove that folder and start again.")

    def program(
        self,
        path: str,
        *,
        package: str,
        libraries: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        through_loader: bool = True,
    ) -> Program:
        """The command of the program at ``path`` (``usr/sbin/asterisk``) of ``package``.

        ``libraries`` are more folders below the usual one (``pulseaudio``). A program that starts itself again, as
        browsers do, would miss the loader: for one of the machine's own release ``through_loader=False`` runs it
        by its own path, with the libraries named in the environment (see ``beside_installed`` of ``unpack``).
        """
        folders = self.library_folders
        searched = ":".join(map(str, [*folders, *(folders[0] / name for name in libraries)]))
        around = dict(environment or {})
        command: tuple[str, ...]
        if through_loader:
            command = (str(self.loader), "--library-path", searched, str(self.root / path))
        else:
            command = (str(self.root / path),)
            around["LD_LIBRARY_PATH"] = searched
        return Program(command, self.versions.get(package, ""), around)

    @classmethod
    def load(cls, root: Path) -> "Prefix | None":
        """The finished prefix at ``root``, or None when there is none (a half one never has its manifest)."""
        try:
            told = json.loads((root / MANIFEST).read_text("utf-8"))
            return cls(
                root,
                told["suite"],
                told["architecture"],
                told["versions"],
                tuple(Deb(**deb) for deb in told["debs"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None


def default_cache() -> Path:
    """``CALLCENTER_CACHE``, else ``callcenter`` in the user's cache folder."""
    if told := os.environ.get("CALLCENTER_CACHE"):
        return Path(told).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG rule: a relative path there is to be ignored.
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "callcenter"


def prefix_folder(cache: Path, name: str) -> Path:
    """Where the prefix of that name stands, or would stand, on this machine."""
    return cache / "prefixes" / f"{name}-{architecture()}"


def unpack(
    packages: Sequence[str],
    *,
    name: str,
    suite: str | None = None,
    beside_installed: bool = False,
    cache: Path | None = None,
    say: Say = print,
) -> Prefix:
    """Bring ``packages`` and all they depend on into the prefix ``name``; at once when it is there already.

    ``suite`` None is the machine's own release. ``beside_installed`` brings only what this machine has not installed,
    for programs that run on its own C library; without it the prefix is complete in itself. Two processes
    may ask at once: one brings, the other waits.
    Raises PackageError with the remedy when apt, the network or the package is missing.
    """
    cache = cache or default_cache()
    target = prefix_folder(cache, name)
    if (ready := Prefix.load(target)) is not None:
        return ready
    with locked(cache, say) as lock:
        if (ready := Prefix.load(target)) is not None:
            return ready
        apt = Apt.open(suite, cache, say, lock, beside_installed=beside_installed)
        debs = apt.resolve(packages)
        folder = apt.download(debs)
        return build_prefix(target, folder, debs, suite or "own", say)


@contextlib.contextmanager
def locked(cache: Path, say: Say) -> Iterator[int]:
    """Hold the cache's lock; gives its descriptor, which children inherit so that they hold it too."""
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(cache / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another process is bringing packages into {cache}; waiting for it.")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def build_prefix(target: Path, folder: Path, debs: Sequence[Deb], suite: str, say: Say) -> Prefix:
    """Unpack the files of ``debs`` from ``folder`` and let the whole appear at ``target``. Needs the lock."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # What an interrupted run left here is nobody's: we hold the lock.
    for left in target.parent.glob(f".{target.name}.*"):
        shutil.rmtree(left, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    say(f"Unpacking {len(debs)} packages into {target}.")
    versions = {}
    for deb in debs:
        path = folder / deb.file
        if not is_whole(path, deb):
            raise PackageError(f"{path} is damaged. Remove it and start again.")
        run_tool(["dpkg", "-x", str(path), str(part)], f"unpack {deb.file}")
        package, version, _ = deb.file.removesuffix(".deb").split("_")
        versions[package] = version.replace("%3a", ":")
    _drop_special_bits(part)
    told = {
        "suite": suite,
        "architecture": architecture(),
        "versions": versions,
        "debs": [vars(deb) for deb in debs],
    }
    (part / MANIFEST).write_text(json.dumps(told, indent=1, sort_keys=True), "utf-8")
    part.chmod(0o755)
    if target.exists():
        shutil.rmtree(target)
    part.rename(target)
    ready = Prefix.load(target)
    assert ready is not None
    return ready


def _drop_special_bits(root: Path) -> None:
    """Take set-user and set-group bits away: unpacked by root they would be real, in a folder nobody audits."""
    for folder, _, files in os.walk(root):
        for name in files:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if mode & 0o6000 and not path.is_symlink():
                path.chmod(mode & 0o1777)
