"""What stands for the outside world leaves the machine to the centre."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from foundation.priority import STANDS_BACK, stand_back


def test_a_process_its_threads_and_its_session_stand_back() -> None:
    program = "import threading, sys; threading.Thread(target=sys.stdin.read).start(); print(flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        threads = [int(thread.name) for thread in Path(f"/proc/{process.pid}/task").iterdir()]
        assert len(threads) == 2
        stand_back(process.pid)
        assert {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads} == {STANDS_BACK}
        group = Path(f"/proc/{process.pid}/autogroup")
        if group.exists() and group.read_text().strip():
            assert group.read_text().endswith(f"nice {STANDS_BACK}\n")
        process.communicate()


def test_one_that_has_ended_is_no_error() -> None:
    with subprocess.Popen(["/bin/true"]) as process:
        process.wait()
    stand_back(process.pid)
