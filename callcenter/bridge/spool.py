"""The journal's step files (docs/telephone.md, "Journal"): written before AstDB, so they hold what AstDB may lack.

A hangup can stop the dialplan between the two writes, and a killed exchange loses the last second of AstDB. Only
where the exchange runs on this machine is there a folder; elsewhere all this is empty.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable
from pathlib import Path

from dispatch.journal import MAX_RECORD

log = logging.getLogger(__name__)

NAME = re.compile(r"[A-Za-z0-9.-]{1,150}", re.ASCII)
"""A call id or a step as the dialplan makes them; anything else never becomes part of a path."""
_SETTLED = 5.0
"""Seconds after which a file is certainly written and its AstDB entry would be there."""


class Spool:
    """The folder `<spool>/journal`, or none."""

    def __init__(self, spool: Path | None) -> None:
        self._folder = None if spool is None else spool / "journal"

    def left_behind(self) -> dict[tuple[str, str], str]:
        """(call id, step) -> record of every file that has lain there for some seconds."""
        if self._folder is None or not self._folder.is_dir():
            return {}
        found: dict[tuple[str, str], str] = {}
        for file in self._folder.iterdir():
            call_id, mark, step = file.name.partition("~")
            try:
                old = time.time() - file.stat().st_mtime > _SETTLED
            except OSError:
                continue  # just removed
            if mark and old and (record := self.read(call_id, step)):
                found[call_id, step] = record
        return found

    def read(self, call_id: str, step: str) -> str:
        """The record of one step, or the empty string when there is none."""
        file = self._file(call_id, step)
        if file is None:
            return ""
        try:
            with file.open(encoding="utf-8", errors="replace") as text:
                return text.read(MAX_RECORD + 1).strip("\r\n")
        except OSError:
            return ""

    def remove(self, steps: Iterable[tuple[str, str]]) -> int:
        """Remove the files of these steps; those not there are no failure. Returns how many could not be removed."""
        failures = 0
        for call_id, step in steps:
            file = self._file(call_id, step)
            if file is None:
                continue
            try:
                file.unlink(missing_ok=True)
            except OSError:
                failures += 1
                log.exception("The journal file of step %s of call %s cannot be removed", step, call_id)
        return failures

    def _file(self, call_id: str, step: str) -> Path | None:
        if self._folder is None or not (NAME.fullmatch(call_id) and NAME.fullmatch(step)):
            return None
        return self._folder / f"{call_id}~{step}"
