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
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from foundation.asterisk.apt_sources import AptSource, machine_sources, sources_for
from foundation.asterisk.errors import PackageError

Say = Callable[[str], None]
MANIFEST = "packages.json"
_URI_LINE = re.compile(r"^'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) SHA256:(?P<sha256>[0-9a-f]{64})$")


@dataclass(frozen=True)
class Program:
    """A program that can be run: ``subprocess.run([*command, ...], env={**os.environ, **environment})``."""

    command: tuple[str, ...]
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Deb:
    """One package file that apt has chosen, with the size and checksum from the signed index."""

    file: str
    size: int
    sha256: str


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
        _run(["dpkg", "-x", str(path), str(part)], f"unpack {deb.file}")
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


@dataclass(frozen=True)
class Apt:
    """apt on private state for one suite. Made by ``open``, which has fetched the lists."""

    state: Path
    debs: Path
    say: Say
    lock: int

    @classmethod
    def open(cls, suite: str | None, cache: Path, say: Say, lock: int, *, beside_installed: bool = False) -> "Apt":
        """Fetch the package lists of ``suite`` from the first of the machine's mirrors that has it."""
        if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
            raise PackageError(
                "This machine has no apt, so nothing can be brought privately. Install Asterisk 22 or later and "
                "espeak-ng 1.52 or later so that they are on the PATH, or take a bundle made on another machine."
            )
        name = suite or "own"
        choices = sources_for(suite, machine_sources(), _codename())
        if not choices:
            raise PackageError(
                "No source of the distribution itself was found in /etc/apt/sources.list or sources.list.d. "
                "Add the distribution's mirror there, or take a bundle made on another machine."
            )
        debs = cache / "debs" / name
        state = cache / "apt" / name
        (debs / "partial").mkdir(parents=True, exist_ok=True)
        apt = cls(state, debs, say, lock)
        told = ""
        for sources in choices:
            apt._write(sources, Path("/var/lib/dpkg/status") if beside_installed else state / "status")
            say(f"Reading the package lists of {suite or 'this release'} from {sources[0].uri}.")
            done = apt._apt("apt-get", "update", "-q")
            if done.returncode == 0:
                return apt
            told = _last_lines(done.stderr)
        raise PackageError(
            f"The package lists of {suite or 'this release'} could not be read: {told}\n"
            "Look at the network, at the proxy in /etc/apt/apt.conf.d and at the mirror in /etc/apt, then start "
            "again; or take a bundle made on another machine."
        )

    def available(self, package: str) -> str | None:
        """The version of ``package`` that this suite has, or None."""
        lines = self._apt("apt-cache", "madison", package).stdout.splitlines()
        return lines[0].split("|")[1].strip() if lines and lines[0].count("|") >= 2 else None

    def resolve(self, packages: Sequence[str]) -> list[Deb]:
        """What has to be downloaded for ``packages`` on a machine where nothing is installed."""
        with tempfile.TemporaryDirectory(dir=self.state) as empty:
            Path(empty, "partial").mkdir()
            done = self._apt(
                "apt-get", "install", "-qq", "--print-uris", "-o", f"Dir::Cache::archives={empty}", *packages
            )
        matches = [m for line in done.stdout.splitlines() if (m := _URI_LINE.match(line))]
        if done.returncode != 0:
            raise PackageError(f"{', '.join(packages)} cannot be brought: {_last_lines(done.stderr)}")
        if not matches:
            raise PackageError(f"{', '.join(packages)} and all that belongs to it is installed on this machine.")
        return [Deb(m["file"], int(m["size"]), m["sha256"]) for m in matches]

    def download(self, debs: Sequence[Deb]) -> Path:
        """Bring the files of ``debs``; what is there already and whole is not brought again. Gives their folder."""
        missing = [deb for deb in debs if not is_whole(self.debs / deb.file, deb)]
        for deb in missing:
            # apt takes a file of the right size for the right one, so a damaged one must go first.
            (self.debs / deb.file).unlink(missing_ok=True)
        total = sum(deb.size for deb in missing)
        if not missing:
            return self.debs
        self.say(f"Downloading {len(missing)} packages, {total / 1e6:.0f} MB.")
        names = [_exact(deb.file) for deb in debs]
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                self._command("apt-get", "install", "-q", "-y", "--download-only", *names),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=_environment(),
                pass_fds=(self.lock,),
            )
            self._show_progress(process, missing, total)
            errors.seek(0)
            if process.returncode != 0:
                raise PackageError(
                    f"The download stopped: {_last_lines(errors.read())}\nStart again: what has arrived is kept."
                )
        return self.debs

    def _show_progress(self, process: "subprocess.Popen[bytes]", missing: Sequence[Deb], total: int) -> None:
        shown = time.monotonic()
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
            if time.monotonic() - shown >= 5:
                shown = time.monotonic()
                here = sum(_size(self.debs / d.file) or _size(self.debs / "partial" / d.file) for d in missing)
                self.say(f"  {here / 1e6:.0f} of {total / 1e6:.0f} MB")

    def _write(self, sources: Sequence[AptSource], status: Path) -> None:
        for folder in ("lists/partial", "cache", "log"):
            (self.state / folder).mkdir(parents=True, exist_ok=True)
        (self.state / "status").write_text("")
        lines = []
        for number, source in enumerate(sources):
            signed_by = source.signed_by
            if "BEGIN PGP" in signed_by:
                key = self.state / f"key-{number}.asc"
                key.write_text(signed_by.strip() + "\n")
                signed_by = str(key)
            option = f"[signed-by={signed_by}] " if signed_by else ""
            lines.append(f"deb {option}{source.uri} {source.suite} {' '.join(source.components)}\n")
        (self.state / "sources.list").write_text("".join(lines))
        (self.state / "apt.conf").write_text(
            _APT_CONF.format(state=self.state, status=status, debs=self.debs, arch=architecture())
        )

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [program, "-c", str(self.state / "apt.conf"), *arguments]

    def _apt(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self._command(program, *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=_environment(),
            pass_fds=(self.lock,),
            check=False,
        )


# The machine's hooks (which may empty the real archive folder, or want root) are not ours to run, and other
# architectures not ours to fetch. "Error-Mode any" makes a list that failed an error, not a warning.
_APT_CONF = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Post-Invoke;
#clear APT::Architectures;
#clear APT::Default-Release;
APT::Architectures {{ "{arch}"; }};
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
Acquire::ForceHash "SHA256";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Debug::NoLocking "true";
Dir::Etc::SourceList "{state}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "{state}/lists";
Dir::State::status "{status}";
Dir::State::extended_states "{state}/extended_states";
Dir::Cache "{state}/cache";
Dir::Cache::archives "{debs}";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Log "{state}/log";
"""


def architecture() -> str:
    """Debian's name of this machine's architecture (``amd64``, ``arm64``), or the kernel's without dpkg."""
    if shutil.which("dpkg") is None:
        return platform.machine()
    return _run(["dpkg", "--print-architecture"], "ask dpkg for the architecture").strip()


def _exact(file: str) -> str:
    """``asterisk_1%3a22.10.1_amd64.deb`` -> ``asterisk:amd64=1:22.10.1``: what was resolved, not something newer."""
    package, version, arch = file.removesuffix(".deb").split("_")
    name = package if arch == "all" else f"{package}:{arch}"
    return f"{name}={version.replace('%3a', ':')}"


def _codename() -> str:
    with contextlib.suppress(OSError):
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    return ""


def is_whole(path: Path, deb: Deb) -> bool:
    """Whether the file at ``path`` is exactly the package ``deb``."""
    if _size(path) != deb.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == deb.sha256


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _last_lines(text: str) -> str:
    """What a person needs of apt's complaint: its errors, at most three."""
    lines = [line for line in text.splitlines() if line.startswith(("E:", "W:"))] or text.splitlines()
    return " ".join(lines[:3]) or "no reason was given"


def _run(command: Sequence[str], what: str) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=_environment(), check=False
    )
    if done.returncode != 0:
        raise PackageError(f"Could not {what}: {_last_lines(done.stderr)}")
    return done.stdout
