"""Ends a process that has stopped working, so that whoever keeps it running starts it anew.

To die is safe at any moment: what was acknowledged is committed, and what was not is told again. To live on without a
part is not: the lease would keep the exchange from driving the ladder itself.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

PATIENCE_S = 60
"""Longer than any single wait of a tick, each of which has a limit of its own."""


def end_process(reason: str) -> None:
    """End this process at once, with the reason and every thread's place in the log."""
    log.critical("%s; the process ends, to be started anew", reason)
    faulthandler.dump_traceback(file=sys.stderr)
    sys.stderr.flush()
    os._exit(1)


class Watchdog:
    """Calls `die` when `signs`, which grows with each sign of life, stands still for `patience` of its own beats.

    It counts beats of its own thread and not the clock, so that a process that was stopped for a while (a closed
    laptop, a paused machine) is given its time afterwards.
    """

    def __init__(
        self, signs: Callable[[], int], die: Callable[[str], None], *, patience: int = PATIENCE_S, beat_s: float = 1.0
    ) -> None:
        self._signs = signs
        self._die = die
        self._patience = patience
        self._beat_s = beat_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopping.set()

    def _watch(self) -> None:
        seen, silent = self._signs(), 0
        while not self._stopping.wait(self._beat_s):
            signs = self._signs()
            silent = 0 if signs != seen else silent + 1
            seen = signs
            if silent >= self._patience:
                self._die(f"no tick has come to its end for {silent * self._beat_s:.0f} seconds")
                return
