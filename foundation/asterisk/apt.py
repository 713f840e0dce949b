"""apt on private state: the lists, the choice and the download of packages, without root and without installing.

apt itself checks every signature and checksum; nothing here switches that off.
"""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from foundation.asterisk.apt_sources import AptSource, machine_sources, sources_for
from foundation.asterisk.errors import PackageError

Say = Callable[[str], None]
_URI_LINE = re.compile(r"^'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) SHA256:(?P<sha256>[0-9a-f]{64})$")


@dataclass(frozen=True)
class Deb:
    """One package file that apt has chosen, with the size and checksum from the signed index."""

    file: str
    size: int
    sha256: str


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
    return run_tool(["dpkg", "--print-architecture"], "ask dpkg for the architecture").strip()


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


def run_tool(command: Sequence[str], what: str) -> str:
    """What the command printed; PackageError naming ``what`` when it fails."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=_environment(), check=False
    )
    if done.returncode != 0:
        raise PackageError(f"Could not {what}: {_last_lines(done.stderr)}")
    return done.stdout
