"""Whom the machine serves first, where not everything that wants to run can run at once (sched(7))."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

STANDS_BACK = 10
"""Nice value of what only stands for the outside world: beside one in earnest it gets a tenth of the time."""


def stand_back(pid: int, nice: int = STANDS_BACK) -> None:
    """Let the process `pid` and what it starts run only when others do not want to.

    Where the kernel shares time out by session (autogroup) a nice value counts only among the processes of one session,
    so `pid`'s whole session is told as well. A process that has ended, or a system without these things, is no error.
    """
    proc = Path(f"/proc/{pid}")
    with contextlib.suppress(OSError):
        for thread in (proc / "task").iterdir():
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, int(thread.name), nice)
    with contextlib.suppress(OSError):
        (proc / "autogroup").write_text(f"{nice}\n", "ascii")
