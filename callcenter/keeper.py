"""Keeps `callcenter serve` running in a process of its own: the telephone goes on while it starts anew."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

# Seconds until the next start, longer each time; one that lasted a minute begins again with the first.
BACK_OFF_S = (1, 2, 5, 10)
STEADY_S = 60.0
GENTLY_S = 10.0
LONGEST_LOG = 50_000_000
"""Bytes; a longer log is put aside, over the one put aside before."""


class Keeper:
    """Starts the application of one home, starts it again when it ends, and ends it. `deaths` counts its ends."""

    def __init__(self, home: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.log = home / "application.log"
        self.deaths = 0
        self._command = [sys.executable, "-m", "callcenter", "--home", str(home), "serve"]
        self._environment = {**os.environ, **environment}
        self._say = say

    def bury_orphan(self) -> int | None:
        """End the application that a killed `up` of this home left behind; its process id, None when there is none.

        The exchange writes its journal meanwhile, and the next application reads it.
        """
        pid = self.find()
        if pid is None:
            return None
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                # The handle cannot come to mean another process; that it means ours is asked once more.
                if self.find() == pid:
                    _end(handle)
            finally:
                os.close(handle)
        return pid

    def find(self) -> int | None:
        """The application of this home, whoever started it."""
        wanted = [os.fsencode(word) for word in self._command[1:]]
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                if (entry / "cmdline").read_bytes().split(b"\0")[1:-1] == wanted:
                    return int(entry.name)
        return None

    def keep(self, stopping: threading.Event) -> None:
        """Run until `stopping` is set, and end it then. For a thread of its own."""
        quick = 0
        while not stopping.is_set():
            began = time.monotonic()
            try:
                how = str(self._live_once(stopping))
            except OSError as error:
                how = str(error)  # out of memory or of files, for now: a keeper that gave up would be the end
            if stopping.is_set():
                return
            self.deaths += 1
            quick = 0 if time.monotonic() - began > STEADY_S else quick + 1
            wait = BACK_OFF_S[min(max(quick, 1), len(BACK_OFF_S)) - 1]
            self._say(
                f"应用已退出（{how}），{wait} 秒后重启，见 {self.log}\n"
                f"The application ended ({how}); it starts again in {wait} s, see its log"
            )
            stopping.wait(wait)

    def _live_once(self, stopping: threading.Event) -> int:
        """One life of the application, from its start to its end; its exit code."""
        self._keep_log_short()
        with self.log.open("ab") as output:
            process = self._start(output)
            while process.poll() is None and not stopping.wait(0.2):
                self._keep_log_short()
            return _end_child(process)

    def _keep_log_short(self) -> None:
        """Copied and emptied, not renamed: the application goes on writing into the same file, also when we are dead.

        A log that cannot be put aside is emptied all the same: the disk is needed for the calls.
        """
        with suppress(OSError):
            if self.log.stat().st_size <= LONGEST_LOG:
                return
            copy = self.log.with_suffix(".log.new")
            try:
                shutil.copyfile(self.log, copy)
                copy.replace(self.log.with_suffix(".log.1"))
            except OSError as error:
                with suppress(OSError):
                    copy.unlink()
                self._say(
                    f"日志放不下了，已清空 The log had grown long and could not be put aside ({error}): it was emptied"
                )
            os.truncate(self.log, 0)

    def log_end(self, lines: int = 15) -> str:
        """The last words of the application."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def _start(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self._environment,
            start_new_session=True,
        )  # fmt: skip


def _end_child(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GENTLY_S)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def _end(handle: int) -> None:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)
        if poll.poll(GENTLY_S * 1000):
            return
