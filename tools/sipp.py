"""Finds or brings sipp, which the load benchmark calls with; without it the benchmark's own telephones call."""

from __future__ import annotations

import shutil

from foundation.asterisk.errors import PackageError
from foundation.asterisk.packages import Prefix, Program, Say, default_cache, prefix_folder, unpack


def find_sipp() -> Program | None:
    """A sipp that is here already; nothing is downloaded."""
    if found := shutil.which("sipp"):
        return Program((found,), "")
    prefix = Prefix.load(prefix_folder(default_cache(), "sipp"))
    return prefix.program("usr/bin/sipp", package="sip-tester") if prefix else None


def bring_sipp(say: Say = print) -> Program | None:
    """A sipp, or None with a word about why there is none."""
    if found := find_sipp():
        return found
    try:
        return unpack(["sip-tester"], name="sipp", say=say).program("usr/bin/sipp", package="sip-tester")
    except PackageError as error:
        say(f"sipp could not be brought ({error}); the town's telephones are used instead.")
        return None
