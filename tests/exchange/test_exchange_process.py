"""One Asterisk process: started, adopted, watched, ended, on a configuration of a few lines."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from foundation.asterisk.errors import AsteriskError, PortInUseError
from foundation.asterisk.process import AsteriskProcess, Port, find_process, free_port
from foundation.asterisk.provision import Asterisk
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

MakeProcess = Callable[..., AsteriskProcess]


@pytest.fixture
def make_process(exchange_prefix: Asterisk, tmp_path: Path) -> Iterator[MakeProcess]:
    made: list[AsteriskProcess] = []

    def make(name: str = "pbx", ami_port: int | None = None, modules: str = "autoload = no") -> AsteriskProcess:
        number = ami_port or free_port()
        port = Port(number, "tcp", "127.0.0.1", "exchange.ami_port")
        process = AsteriskProcess(exchange_prefix, tmp_path / name, [port])
        own = process.directories
        own.make(exchange_prefix.data)
        folders = "\n".join(
            f"{key} => {path}"
            for key, path in {
                "astetcdir": own.etc,
                "astmoddir": own.modules,
                "astdatadir": own.data,
                "astvarlibdir": own.varlib,
                "astdbdir": own.db,
                "astspooldir": own.spool,
                "astrundir": own.run,
                "astlogdir": own.log,
                "astkeydir": own.keys,
                "astagidir": own.agi,
            }.items()
        )
        (own.etc / "asterisk.conf").write_text(f"[directories]\n{folders}\n")
        (own.etc / "modules.conf").write_text(f"[modules]\n{modules}\n")
        (own.etc / "logger.conf").write_text("[logfiles]\nmessages => notice,warning,error\n")
        (own.etc / "manager.conf").write_text(f"[general]\nenabled = yes\nbindaddr = 127.0.0.1\nport = {number}\n")
        made.append(process)
        return process

    yield make
    for process in made:
        process.stop(timeout=1)


def test_it_is_fully_booted_when_start_returns_and_gone_when_stop_returns(make_process: MakeProcess) -> None:
    process = make_process()
    assert process.start() is True
    pid = process.pid
    assert pid is not None
    assert "System uptime" in process.ask("core show uptime")
    with socket.create_connection(("127.0.0.1", process.ports[0].number), 5) as link:
        assert link.recv(100).startswith(b"Asterisk Call Manager/")
    assert process.stop() is True
    assert process.pid is None
    assert not Path(f"/proc/{pid}").exists()
    assert process.stop() is False


def test_a_second_start_adopts_the_running_one(make_process: MakeProcess, exchange_prefix: Asterisk) -> None:
    first = make_process()
    first.start()
    second = AsteriskProcess(exchange_prefix, first.root)
    assert second.start() is False
    assert second.pid == first.pid
    assert second.stop() is True
    assert first.pid is None


def test_one_left_by_a_killed_supervisor_is_adopted_not_doubled(
    make_process: MakeProcess, exchange_prefix: Asterisk
) -> None:
    process = make_process()
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from foundation.asterisk.process import AsteriskProcess\n"
        "from foundation.asterisk.provision import Asterisk\n"
        "from foundation.asterisk.packages import Program\n"
        "a = Asterisk(Program(tuple(sys.argv[4:]), 'x'), Path(sys.argv[2]), Path(sys.argv[3]))\n"
        "AsteriskProcess(a, Path(sys.argv[1])).start()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    told = exchange_prefix
    supervisor = subprocess.run(
        [sys.executable, "-c", program, str(process.root), str(told.modules), str(told.data), *told.program.command],
        check=False,
    )
    assert supervisor.returncode == -signal.SIGKILL
    left = process.pid
    assert left is not None
    assert process.start() is False
    assert process.pid == left


def test_two_who_start_at_once_get_one_asterisk(make_process: MakeProcess, exchange_prefix: Asterisk) -> None:
    process = make_process()
    answers: list[bool] = []
    both = [AsteriskProcess(exchange_prefix, process.root) for _ in range(2)]
    threads = [threading.Thread(target=lambda p=p: answers.append(p.start())) for p in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [False, True]


def test_a_frozen_one_is_replaced(make_process: MakeProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    process = make_process()
    process.start()
    frozen = process.pid
    assert frozen is not None
    os.kill(frozen, signal.SIGSTOP)
    ready = AsteriskProcess._wait_ready
    monkeypatch.setattr(AsteriskProcess, "_wait_ready", lambda self, limit: ready(self, min(limit, 2)))
    assert process.start() is True
    assert process.pid not in {None, frozen}


def test_a_stale_pid_file_of_another_process_harms_nobody(make_process: MakeProcess) -> None:
    process = make_process()
    (process.directories.run / "asterisk.pid").write_text(f"{os.getpid()}\n")
    assert process.pid is None
    assert process.stop() is False
    assert process.start() is True


def test_a_port_in_use_names_the_port_and_the_setting(make_process: MakeProcess) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        number = holder.getsockname()[1]
        process = make_process(ami_port=number)
        with pytest.raises(PortInUseError, match=rf"Port {number}/tcp on 127.0.0.1.*exchange\.ami_port") as caught:
            process.start()
    assert caught.value.port == number
    assert process.pid is None


def test_one_that_cannot_start_shows_the_end_of_its_log(make_process: MakeProcess) -> None:
    process = make_process(modules="autoload = no\nrequire = app_of_nobody.so")
    with pytest.raises(AsteriskError, match=r"ended while starting(.|\n)*app_of_nobody"):
        process.start()
    assert process.pid is None


def test_a_watched_one_comes_back_after_a_kill(make_process: MakeProcess) -> None:
    process = make_process()
    process.start()
    first = process.pid
    said: list[str] = []
    stopping = threading.Event()
    watcher = threading.Thread(target=process.watch, args=(stopping, said.append))
    watcher.start()
    try:
        process.kill9()
        wait_until(lambda: any("runs again" in text for text in said), 20, "it runs again")
        assert process.pid not in {None, first}
        assert "System uptime" in process.ask("core show uptime")
    finally:
        stopping.set()
        watcher.join(20)
    assert process.pid is not None, "watching ends, the exchange goes on"


def test_a_watcher_that_is_out_of_files_for_a_while_says_so_and_goes_on(
    make_process: MakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foundation.asterisk.process._BACK_OFF", (0.01,))
    process = make_process()
    process.start()
    first = process.pid
    said: list[str] = []

    def out_of_files(_pid: int) -> int:
        raise OSError(24, "Too many open files")

    stopping = threading.Event()
    watcher = threading.Thread(target=process.watch, args=(stopping, said.append))
    with monkeypatch.context() as full:
        full.setattr("os.pidfd_open", out_of_files)
        watcher.start()
        wait_until(lambda: sum("Too many open files" in text for text in said) >= 2, 10, "it says so, again and again")
    try:
        assert process.pid == first, "what runs is left alone"
        os.kill(first or 0, signal.SIGKILL)
        wait_until(lambda: process.pid not in {None, first}, 20, "it runs again")
    finally:
        stopping.set()
        watcher.join(20)


def test_a_watched_one_that_somebody_stopped_stays_stopped_until_it_is_started(
    make_process: MakeProcess, exchange_prefix: Asterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foundation.asterisk.process._BACK_OFF", (0.0,))  # a restart would be at once
    process = make_process()
    process.start()
    somebody = AsteriskProcess(exchange_prefix, process.root)
    rounds: list[int | None] = []
    watch_one = process._watch_one
    monkeypatch.setattr(process, "_watch_one", lambda *given: rounds.append(process.pid) or watch_one(*given))
    stopping = threading.Event()
    watcher = threading.Thread(target=process.watch, args=(stopping, print))
    watcher.start()
    try:
        wait_until(lambda: rounds, 10, "the watcher watches")
        somebody.stop()
        wait_until(lambda: rounds[-2:] == [None, None], 10, "the watcher has seen it gone, twice")
        assert process.pid is None
        assert somebody.start() is True
        watched = somebody.pid
        wait_until(lambda: rounds[-1] == watched, 10, "the watcher watches the new one")
        somebody.kill9()
        wait_until(lambda: process.pid not in {None, watched}, 10, "it runs again")
    finally:
        stopping.set()
        watcher.join(20)


def test_two_side_by_side_know_nothing_of_each_other(make_process: MakeProcess) -> None:
    one, other = make_process("one"), make_process("one-more")
    one.start()
    other.start()
    assert one.pid != other.pid
    one.stop()
    assert one.pid is None
    assert "System uptime" in other.ask("core show uptime")


def test_a_home_too_long_for_a_socket_works(make_process: MakeProcess) -> None:
    process = make_process("a-very-long-name/" * 8 + "pbx")
    assert len(str(process.root)) > 108
    process.start()
    assert "System uptime" in process.ask("core show uptime")
    assert process.directories.run.stat().st_mode & 0o077 == 0


def test_a_socket_folder_that_others_can_open_is_refused(make_process: MakeProcess) -> None:
    process = make_process()
    process.directories.run.chmod(0o777)
    with pytest.raises(AsteriskError, match="only you can open"):
        process.start()


def test_a_console_is_not_taken_for_the_exchange(tmp_path: Path) -> None:
    configuration = tmp_path / "asterisk.conf"
    console = subprocess.Popen(
        [sys.executable, "-c", "input()", "-C", str(configuration), "-rx"], stdin=subprocess.PIPE
    )
    try:
        assert find_process(configuration) is None
    finally:
        console.communicate(b"\n")
