"""Says what a make target needs: `python3 tools/needs.py build|run|test|bench`.

Before anything starts it names, with the command that helps, what is missing and cannot be brought (it ends with 1),
and what will be downloaded, with sizes. It downloads nothing itself and prints nothing when all is there. It runs
before anything is installed: the standard library only, and syntax that an old Python still reads, to tell it so.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)

# Sizes in MB of what is downloaded, measured on Debian 12, amd64.
PYTHON_PACKAGES = 235
FRONT_END_PACKAGES = 45
ASTERISK = 82
ESPEAK = 14
CHROMIUM_PRIVATE = 233
CHROMIUM_BY_APT = 113
CJK_FONT = 57
SIPP_PRIVATE = 20
UNPACKED = 4  # an unpacked package takes up to so many times its download


def main() -> int:
    goal = sys.argv[1] if len(sys.argv) > 1 else "build"
    missing = unbringable()
    if missing:
        print("This cannot start yet:\n")
        for what, remedy in missing:
            print("  " + what + "\n      " + remedy)
        return 1
    sys.path.insert(0, str(ROOT))
    downloads = wanted(goal)
    if not downloads:
        return 0
    without_apt = [name for name, _, where in downloads if where == ""]
    if without_apt and not (shutil.which("apt-get") and shutil.which("dpkg")):
        print("This cannot start yet: the following is not here, and without apt it cannot be brought.\n")
        for name in without_apt:
            print("  " + name + "\n      install it with your system's package manager, so that it is on the PATH")
        return 1
    return announce(goal, downloads)


def unbringable() -> list[tuple[str, str]]:
    """What nobody but the owner of the machine can bring, each with the command that does."""
    missing = []
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(str(part) for part in sys.version_info[:3])
        missing.append(
            (
                "Python 3.11 or later is needed; " + sys.executable + " is " + found,
                "apt-get install python3 python3-venv   (Debian 12 or later), or: make PYTHON=/path/to/python3.11 ...",
            )
        )
    elif importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        missing.append(("Python's venv module is needed", "apt-get install python3-venv"))
    if shutil.which("git") is None:
        missing.append(("git is needed", "apt-get install git"))
    if os.name != "posix":
        missing.append(("a Unix-like system is needed", "use Debian 12 or later"))
    return missing


def wanted(goal: str) -> list[tuple[str, int, str]]:
    """What `goal` needs and does not find: its name, its MB, and where it comes from ("" is Debian's packages)."""
    downloads = []
    if older(ROOT / ".venv" / ".installed", ROOT / "requirements.lock"):
        downloads.append(("Python packages", PYTHON_PACKAGES, "from pip's index into .venv"))
    if older(ROOT / "node_modules" / ".package-lock.json", ROOT / "package-lock.json"):
        downloads.append(("front-end packages", FRONT_END_PACKAGES, "from npm's registry into node_modules"))
    if goal == "build":
        return downloads
    from foundation.asterisk.provision import find_asterisk, find_espeak

    if find_asterisk() is None:
        downloads.append(("Asterisk 22, the telephone exchange", ASTERISK, ""))
    if find_espeak() is None:
        downloads.append(("espeak-ng 1.52, the voice", ESPEAK, ""))
    if goal in ("test", "bench"):
        from tools.chromium import cjk_font_is_here, find_chromium

        if find_chromium() is None:
            by_apt = os.geteuid() == 0
            size = CHROMIUM_BY_APT if by_apt else CHROMIUM_PRIVATE
            downloads.append(("Chromium, for the browser tests", size, ""))
        if not cjk_font_is_here():
            downloads.append(("a Chinese font, for the browser tests", CJK_FONT, ""))
    if goal == "bench":
        from tools.sipp import find_sipp

        if find_sipp() is None:
            downloads.append(("sipp, for the load benchmark", SIPP_PRIVATE, ""))
    return downloads


def older(made: Path, source: Path) -> bool:
    """Whether `made` is not there or older than its source, as make would judge."""
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime


def announce(goal: str, downloads: list[tuple[str, int, str]]) -> int:
    from foundation.asterisk.packages import default_cache

    total = sum(size for _, size, _ in downloads)
    debian = "from Debian's packages into " + str(default_cache())
    as_root = "with apt-get install, on this machine"
    print("`make " + goal + "` needs the following, which is not here yet and will be downloaded now:\n")
    for name, size, where in downloads:
        for_all = os.geteuid() == 0 and ("Chromium" in name or "font" in name)
        source = where or (as_root if for_all else debian)
        print(f"  {name:<40}{size:>4} MB   {source}")
    print(f"  {'in all at most':<40}{total:>4} MB\n")
    free = shutil.disk_usage(str(ROOT)).free // 1000000
    if free < total * UNPACKED:
        print("It needs about " + str(total * UNPACKED) + " MB of disk; only " + str(free) + " MB are free.")
        print("      make room, then run make again")
        return 1
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
