"""Finds or brings the Chromium that the browser tests drive, and a font that has Chinese.

Order: the PATH; one that Playwright installed; `apt-get install` as root; Debian's packages unpacked into the
cache that homes share, for an ordinary user.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from foundation.asterisk.errors import PackageError
from foundation.asterisk.packages import Prefix, Program, Say, default_cache, prefix_folder, unpack

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLAYWRIGHT_FOLDERS = ("chromium-*/chrome-linux*/chrome",)
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
# Parts of the file names of fonts that have all of Chinese.
CJK_FONTS = ("cjk", "wqy", "notosanssc", "sourcehansans", "droidsansfallback", "uming", "ukai")

# Headless, quiet, and talking to nobody but the pages it is told to open; the microphone is a machine's.
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)


def find_chromium() -> Program | None:
    """A Chromium that is here already; nothing is downloaded."""
    for name in NAMES:
        if found := shutil.which(name):
            return Program((found,), "")
    for folder in playwright_folders():
        for pattern in PLAYWRIGHT_FOLDERS:
            for found_path in sorted(folder.glob(pattern), reverse=True):
                return Program((str(found_path),), "")
    prefix = Prefix.load(prefix_folder(default_cache(), "chromium"))
    return unpacked(prefix) if prefix else None


def bring_chromium(say: Say = print) -> Program:
    """A Chromium that starts. Raises PackageError with the remedy."""
    program = find_chromium()
    if program is None and os.geteuid() == 0:
        apt_install("chromium", say)
        program = find_chromium()
    if program is None:
        program = unpacked(unpack(["chromium"], name="chromium", say=say))
    return program


def bring_cjk_font(say: Say = print) -> None:
    """Sees to it that Chinese is drawn as characters, not as boxes."""
    if cjk_font_is_here():
        return
    if os.geteuid() == 0:
        apt_install("fonts-noto-cjk", say)
    else:
        unpack(["fonts-noto-cjk"], name="fonts-noto-cjk", say=say)


def cjk_font_is_here() -> bool:
    """Whether the machine, or our cache, has a font with Chinese."""
    folders = [Path(folder).expanduser() for folder in FONT_FOLDERS]
    folders.append(prefix_folder(default_cache(), "fonts-noto-cjk"))
    for folder in folders:
        for _, _, files in os.walk(folder):
            if any(part in file.lower() for file in files for part in CJK_FONTS):
                return True
    return False


def environment(program: Program, folder: Path) -> dict[str, str]:
    """What Chromium is started with; `folder` is the caller's own, for the font settings."""
    told = {**os.environ, **program.environment}
    told["FONTCONFIG_FILE"] = str(font_settings(folder))
    return told


def flags(program: Program) -> list[str]:
    """The flags to start it with. Its sandbox is on wherever the machine lets it be: never as root, and not
    where the kernel or a container forbids an ordinary user to make one."""
    if os.geteuid() == 0:
        return [*FLAGS, "--no-sandbox"]
    with tempfile.TemporaryDirectory() as folder:
        if starts(program, list(FLAGS), Path(folder)):
            return list(FLAGS)
    return [*FLAGS, "--no-sandbox"]


def starts(program: Program, arguments: list[str], folder: Path) -> bool:
    """Whether this Chromium shows an empty page."""
    command = [*program.command, *arguments, f"--user-data-dir={folder / 'profile'}", "--dump-dom", "about:blank"]
    try:
        shown = subprocess.run(
            command, env=environment(program, folder), capture_output=True, text=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return shown.returncode == 0 and "<html>" in shown.stdout


def unpacked(prefix: Prefix) -> Program:
    """The Chromium in our cache. It starts itself again under the name the kernel gives, so it runs with the
    folder's libraries, not through the folder's loader; it is of the machine's own release, so both fit."""
    program = prefix.root / "usr/lib/chromium/chromium"
    libraries = ":".join(str(folder) for folder in prefix.library_folders)
    return Program((str(program),), prefix.versions.get("chromium", ""), {"LD_LIBRARY_PATH": libraries})


def font_settings(folder: Path) -> Path:
    """A fontconfig file: the machine's own settings where it has any, and our cache's Chinese font."""
    ours = prefix_folder(default_cache(), "fonts-noto-cjk") / "usr/share/fonts"
    chromium = prefix_folder(default_cache(), "chromium") / "usr/share/fonts"
    lines = ["<?xml version='1.0'?>", "<!DOCTYPE fontconfig SYSTEM 'urn:fontconfig:fonts.dtd'>", "<fontconfig>"]
    lines += ["<include ignore_missing='yes'>/etc/fonts/fonts.conf</include>"]
    lines += [f"<dir>{path}</dir>" for path in ("/usr/share/fonts", ours, chromium)]
    lines += [f"<cachedir>{folder / 'fontconfig'}</cachedir>", "</fontconfig>"]
    settings = folder / "fonts.conf"
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return settings


def playwright_folders() -> list[Path]:
    told = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    return [Path(told)] if told and told != "0" else [Path.home() / ".cache" / "ms-playwright"]


def apt_install(package: str, say: Say) -> None:
    """Installs a package on this machine, as root. Raises PackageError with apt's words."""
    say(f"Installing {package} with apt-get.")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "--no-install-recommends", package])
    for step in steps:
        done = subprocess.run(step, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0 and "install" in step:
            words = "\n".join(done.stderr.strip().splitlines()[-5:])
            raise PackageError(f"{package} could not be installed:\n{words}\nRun it by hand: {' '.join(step)}")
