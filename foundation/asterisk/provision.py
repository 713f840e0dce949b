"""Find Asterisk and espeak-ng on this machine, or bring them privately.

Order: a new enough one on the PATH; the one brought before; the distribution's own package where new enough; the
package of Debian's development suite.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from foundation.asterisk.apt import Apt, Say
from foundation.asterisk.errors import PackageError
from foundation.asterisk.packages import Prefix, Program, build_prefix, default_cache, locked, prefix_folder

MINIMUM_ASTERISK = (22,)
# The version that the tests passed with. Another one is used, with a warning.
TESTED_ASTERISK = "22.10.1"
# 1.51 spells Chinese characters out instead of reading them.
MINIMUM_ESPEAK = (1, 52)
NEWEST_SUITE = "sid"
_MINIMUM = {"asterisk": MINIMUM_ASTERISK, "espeak-ng": MINIMUM_ESPEAK}

# Where distributions and a build from source put the modules, seen from the folder above sbin.
_MODULE_FOLDERS = ("lib/*/asterisk/modules", "lib64/asterisk/modules", "lib/asterisk/modules")


@dataclass(frozen=True)
class Asterisk:
    """An Asterisk that can be run: its program, its modules, its shared data (documentation and so on)."""

    program: Program
    modules: Path
    data: Path

    @property
    def version(self) -> str:
        """``22.10.1``"""
        return self.program.version

    @property
    def warning(self) -> str | None:
        """What to tell when this is not the version that the tests passed with."""
        if self.version == TESTED_ASTERISK:
            return None
        return f"This is Asterisk {self.version}; the tests passed with {TESTED_ASTERISK}."


def version_numbers(text: str) -> tuple[int, ...]:
    """``Asterisk certified-22.8-cert1`` -> (22, 8); ``1:22.10.1~dfsg-1`` -> (22, 10, 1); nothing found -> ()."""
    match = re.search(r"(?:^|[^0-9.])(\d+(?:\.\d+)+)(?![0-9]*:)", " " + re.sub(r"\b\d+:", "", text))
    return tuple(map(int, match[1].split("."))) if match else ()


def choose(minimum: tuple[int, ...], *, on_path: str | None, brought: str | None, distribution: str | None) -> str:
    """Which one to take, of the versions that were found: ``path``, ``brought``, ``distribution`` or ``newest``."""
    for name, version in (("path", on_path), ("brought", brought), ("distribution", distribution)):
        if version is not None and version_numbers(version) >= minimum:
            return name
    return "newest"


def find_asterisk(cache: Path | None = None) -> Asterisk | None:
    """A usable Asterisk that is here already, from the PATH or brought before; nothing is downloaded."""
    if (found := shutil.which("asterisk")) and (ours := _asterisk_on_path(Path(found))):
        return ours
    prefix = Prefix.load(prefix_folder(cache or default_cache(), "asterisk"))
    return _asterisk_in(prefix) if prefix else None


def provision_asterisk(cache: Path | None = None, say: Say = print) -> Asterisk:
    """A usable Asterisk, brought when there is none. Raises PackageError with the remedy."""
    cache = cache or default_cache()
    found = find_asterisk(cache) or _asterisk_in(bring("asterisk", cache, say))
    if found.warning:
        say(found.warning)
    return found


def find_espeak(cache: Path | None = None) -> Program | None:
    """A usable espeak-ng that is here already."""
    if found := shutil.which("espeak-ng"):
        version = ".".join(map(str, version_numbers(_output([found, "--version"]))))
        if version_numbers(version) >= MINIMUM_ESPEAK:
            return Program((found,), version)
    prefix = Prefix.load(prefix_folder(cache or default_cache(), "espeak-ng"))
    return _espeak_in(prefix) if prefix else None


def provision_espeak(cache: Path | None = None, say: Say = print) -> Program:
    """A usable espeak-ng, brought when there is none. Raises PackageError with the remedy."""
    cache = cache or default_cache()
    return find_espeak(cache) or _espeak_in(bring("espeak-ng", cache, say))


def bring(package: str, cache: Path, say: Say) -> Prefix:
    """The private prefix of ``package`` (``asterisk`` or ``espeak-ng``), made when there is none."""
    target = prefix_folder(cache, package)
    if (ready := Prefix.load(target)) is not None:
        return ready
    minimum = _MINIMUM[package]
    wanted = f"{package} {'.'.join(map(str, minimum))} or later"
    with locked(cache, say) as lock:
        if (ready := Prefix.load(target)) is not None:
            return ready
        say(f"Bringing {wanted} privately into {cache}.")
        suite: str | None = None
        apt = Apt.open(None, cache, say, lock)
        if choose(minimum, on_path=None, brought=None, distribution=apt.available(package)) == "newest":
            suite = NEWEST_SUITE
            apt = Apt.open(suite, cache, say, lock)
        offered = apt.available(package)
        if offered is None or version_numbers(offered) < minimum:
            raise PackageError(
                f"Neither this release nor {NEWEST_SUITE} has {wanted}. "
                "Install it so that it is on the PATH, or take a bundle made on another machine."
            )
        debs = apt.resolve([package])
        return build_prefix(target, apt.download(debs), debs, suite or "own", say)


def _asterisk_on_path(program: Path) -> Asterisk | None:
    numbers = version_numbers(_output([str(program), "-V"]))
    if numbers < MINIMUM_ASTERISK:
        return None
    above = program.resolve().parent.parent
    modules = next((f for pattern in _MODULE_FOLDERS for f in sorted(above.glob(pattern))), None)
    data = next((d for d in (above / "share/asterisk", Path("/var/lib/asterisk")) if d.is_dir()), None)
    if modules is None or data is None:
        return None
    return Asterisk(Program((str(program),), ".".join(map(str, numbers))), modules, data)


def _asterisk_in(prefix: Prefix) -> Asterisk:
    program = prefix.program("usr/sbin/asterisk", package="asterisk")
    version = ".".join(map(str, version_numbers(program.version)))
    return Asterisk(
        Program(program.command, version, program.environment),
        prefix.library_folders[0] / "asterisk/modules",
        prefix.root / "usr/share/asterisk",
    )


def _espeak_in(prefix: Prefix) -> Program:
    libraries = prefix.library_folders[0]
    return prefix.program(
        "usr/bin/espeak-ng",
        package="espeak-ng",
        libraries=["pulseaudio"],
        environment={"ESPEAK_DATA_PATH": str(libraries)},
    )


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
