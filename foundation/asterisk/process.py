"""One Asterisk, run from one folder: started, adopted, watched, stopped.

Asterisk is started in a session of its own and outlives the program that started it: telephones go on while we are
dead. Whoever starts next adopts it. What is running is never taken from a pid file but from the process table:
the process whose command line names this folder's configuration is this folder's Asterisk.
"""

import contextlib
import fcntl
import hashlib
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from foundation.asterisk.apt import Say
from foundation.asterisk.errors import AsteriskError, PortInUseError
from foundation.asterisk.provision import Asterisk
from foundation.priority import stand_back

# A unix socket's path has 108 bytes with its final NUL; Asterisk itself cuts a longer one without a word.
_SOCKET_LIMIT = 107
_BACK_OFF = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
# Running this long means that the last start was a good one.
_STEADY_AFTER = 60.0
_HEALTH_EVERY = 15.0
# So many questions without an answer (5 s each) and it is taken for frozen.
_HEALTH_MISSES = 4


@dataclass(frozen=True)
class Port:
    """A port that this Asterisk will listen on; ``setting`` is what a person changes to choose another."""

    number: int
    protocol: str
    address: str
    setting: str


@dataclass(frozen=True)
class Directories:
    """Asterisk's folders, all inside one; handed to templates as ``dirs`` by ``as_text``."""

    etc: Path
    modules: Path
    data: Path
    varlib: Path
    db: Path
    spool: Path
    run: Path
    log: Path
    keys: Path
    agi: Path
    sounds: Path
    journal: Path

    @classmethod
    def inside(cls, root: Path, modules: Path) -> "Directories":
        """The layout below ``root``; only the socket's folder goes elsewhere when ``root`` is too long for it."""
        root = root.absolute()
        run = root / "run"
        if len(os.fsencode(run / "asterisk.ctl")) > _SOCKET_LIMIT:
            name = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
            run = Path(tempfile.gettempdir()) / f"callcenter-{os.getuid()}-{name}"
        return cls(
            etc=root / "etc",
            modules=modules,
            data=root / "data",
            varlib=root / "lib",
            db=root / "lib",
            spool=root / "spool",
            run=run,
            log=root / "log",
            keys=root / "lib/keys",
            agi=root / "lib/agi-bin",
            sounds=root / "sounds",
            journal=root / "spool/journal",
        )

    def as_text(self) -> dict[str, str]:
        """The paths as plain strings."""
        return {name: str(path) for name, path in asdict(self).items()}

    def make(self, shared_data: Path) -> None:
        """Make the folders, with links to the shared data (``documentation`` and so on), sounds being our own."""
        self.etc.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, path in asdict(self).items():
            if name != "modules":
                path.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = self.run.lstat()
        if found.st_uid != os.getuid() or self.run.is_symlink() or found.st_mode & 0o077:
            # It may stand in the common temporary folder, where anybody can have made it first.
            raise AsteriskError(
                f"{self.run} must be a folder that only you can open. Remove it, or run 'chmod 700' on it."
            )
        links = {"sounds": self.sounds}
        links |= {entry.name: entry for entry in shared_data.iterdir() if entry.name != "sounds"}
        for name, goal in links.items():
            link = self.data / name
            if link.is_symlink() and link.readlink() == goal:
                continue
            with contextlib.suppress(FileNotFoundError):
                link.unlink()
            link.symlink_to(goal)


@dataclass
class AsteriskProcess:
    """The Asterisk of one folder. Its configuration must be in ``directories.etc`` before ``start``.

    ``before_start`` runs under the start's lock, when it is certain that no Asterisk of this folder runs. One that
    ``stands_back`` leaves the machine to all others.
    """

    asterisk: Asterisk
    root: Path
    ports: Sequence[Port] = ()
    before_start: Callable[[], None] = lambda: None
    stands_back: bool = False
    directories: Directories = field(init=False)
    _child: "subprocess.Popen[bytes] | None" = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.root = self.root.absolute()
        self.directories = Directories.inside(self.root, self.asterisk.modules)

    @property
    def configuration(self) -> Path:
        """The asterisk.conf that names this Asterisk in the process table."""
        return self.directories.etc / "asterisk.conf"

    @property
    def _stopped(self) -> Path:
        """There while it was stopped on purpose, by whichever program."""
        return self.root / "stopped"

    @property
    def pid(self) -> int | None:
        """The process id of this folder's Asterisk, whoever started it, or None."""
        if self._child is not None:
            if self._child.poll() is None:
                return self._child.pid  # its command line may not be readable yet
            self._child = None
        return find_process(self.configuration)

    def start(self, timeout: float = 60) -> bool:
        """Have it running and fully booted; True when started now, False when a running one was adopted.

        One that runs but does not answer is ended first. Raises PortInUseError, or AsteriskError with the end of
        its log when it does not come up within ``timeout`` seconds.
        """
        self.directories.make(self.asterisk.data)
        with self._lock():
            self._stopped.unlink(missing_ok=True)
            if self.pid is not None:
                if self._wait_ready(10):
                    return False
                self._end(0)
            for port in self.ports:
                check_port_free(port)
            self.before_start()
            self._spawn()
            if not self._wait_ready(timeout):
                running = self.pid is not None
                self._end(0)
                raise AsteriskError(
                    f"Asterisk {'did not come up within %.0f s' % timeout if running else 'ended while starting'}. "  # noqa: UP031
                    f"The end of its log:\n{self.log_end()}"
                )
            return True

    def stop(self, timeout: float = 10) -> bool:
        """End it, gently for ``timeout`` seconds, then by force; False when it was not running."""
        if not self.root.exists():
            return False
        with self._lock():
            self._stopped.touch()
            return self._end(timeout)

    def kill9(self) -> None:
        """End it as a crash would; for tests."""
        self._end(0)

    def ask(self, command: str, timeout: float = 10) -> str:
        """The answer to a console command (``core show uptime``). Raises AsteriskError when there is none."""
        try:
            done = subprocess.run(
                [*self.asterisk.program.command, "-C", str(self.configuration), "-rx", command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                env={**os.environ, **self.asterisk.program.environment},
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise AsteriskError(f"Asterisk did not answer '{command}' within {timeout:.0f} s.") from error
        if done.returncode != 0:
            raise AsteriskError(f"Asterisk is not running, so it cannot be asked '{command}'.")
        return done.stdout.decode("utf-8", "replace")

    def watch(self, stopping: threading.Event, say: Say = print) -> None:
        """Keep it running until ``stopping`` is set: restart it when it ends or freezes, more slowly each time.

        One that somebody has stopped stays stopped until it is started again. Does not stop it at the end. Meant for
        a thread of its own.
        """
        failures = 0
        while not stopping.is_set():
            began = time.monotonic()
            what = "has ended; starting it again"
            try:
                self._watch_one(stopping, say)
            except (AsteriskError, OSError) as error:
                # Out of memory or of files, for now: if the watcher gave up, nobody would restart the telephone.
                what = f"cannot be watched ({error}); looking again"
            if stopping.is_set():
                return
            if self._stopped.exists():
                stopping.wait(0.5)
                continue
            if time.monotonic() - began > _STEADY_AFTER:
                failures = 0
            delay = _BACK_OFF[min(failures, len(_BACK_OFF) - 1)]
            failures += 1
            say(f"Asterisk {what} in {delay:.0f} s.")
            if stopping.wait(delay):
                return
            try:
                if self.start():
                    say(f"Asterisk runs again, process {self.pid}.")
            except (AsteriskError, OSError) as error:
                say(f"Asterisk could not be started: {error}")

    def log_end(self, lines: int = 15) -> str:
        """The last lines of what it wrote to its console and its log."""
        end: list[str] = []
        for name in ("console", "messages"):
            with contextlib.suppress(OSError), (self.directories.log / name).open(errors="replace") as file:
                end += deque(file, lines)
        return "".join(end).strip() or "(nothing was written)"

    def _watch_one(self, stopping: threading.Event, say: Say) -> None:
        """Return when the running process has ended, was found frozen and ended, or ``stopping`` is set."""
        pid = self.pid
        if pid is None:
            return
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            misses, asked = 0, time.monotonic()
            while not stopping.is_set():
                if poll.poll(200):
                    return
                if time.monotonic() - asked < _HEALTH_EVERY:
                    continue
                misses = 0 if self._answers(5) else misses + 1
                asked = time.monotonic()
                if misses >= _HEALTH_MISSES:
                    say(f"Asterisk, process {pid}, no longer answers; ending it.")
                    with self._lock():
                        self._end(2)
                    return
        finally:
            os.close(handle)

    def _spawn(self) -> None:
        log = self.directories.log / "console"
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [*self.asterisk.program.command, "-f", "-C", str(self.configuration)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.root,
                env={**os.environ, **self.asterisk.program.environment},
                start_new_session=True,
            )
        if self.stands_back:
            stand_back(self._child.pid)

    def _wait_ready(self, timeout: float) -> bool:
        """Wait until it says that it is fully booted; False when it ends before, or time is up."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            if self.pid is None:
                return False
            if (self.directories.run / "asterisk.ctl").exists() and self._answers(
                left, "core waitfullybooted", "fully booted"
            ):
                return True
            time.sleep(0.05)
        return False

    def _answers(self, timeout: float, command: str = "core show uptime", expected: str = "uptime") -> bool:
        """Whether the answer holds ``expected``: one that ends in mid-question gives an empty one, and no error."""
        try:
            return expected in self.ask(command, timeout)
        except AsteriskError:
            return False

    def _end(self, gently: float) -> bool:
        pid = self.pid
        if pid is None:
            return False
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        try:
            # The handle cannot come to mean another process; that it means ours is asked once more.
            if self.pid != pid:
                return False
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            for number, wait in ((signal.SIGTERM, gently), (signal.SIGKILL, 10.0)):
                if number is signal.SIGTERM and not gently:
                    continue
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, number)
                if poll.poll(wait * 1000):
                    break
            else:
                raise AsteriskError(f"Asterisk, process {pid}, could not be ended.")
        finally:
            os.close(handle)
        if self._child is not None:
            self._child.poll()
        return True

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Two who start or stop at once do so one after the other; Asterisk itself does not inherit it."""
        with (self.root / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def find_process(configuration: Path) -> int | None:
    """The Asterisk that was started with this asterisk.conf, found in the process table; consoles do not count."""
    wanted = os.fsencode(configuration)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            # A process that has ended but was not waited for has an empty command line.
            if wanted in words and words[words.index(wanted) - 1] == b"-C" and b"-f" in words:
                return int(entry.name)
    return None


def check_port_free(port: Port) -> None:
    """Raise PortInUseError when the port cannot be bound now."""
    kind = socket.SOCK_DGRAM if port.protocol == "udp" else socket.SOCK_STREAM
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if port.protocol == "tcp":
            # As Asterisk does: connections of an earlier run that linger are no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.address, port.number))
        except OSError as error:
            if isinstance(error, PermissionError) or error.errno in {13, 98}:
                raise PortInUseError(port.number, port.protocol, port.address, port.setting) from error
            raise AsteriskError(
                f"The address {port.address} cannot be used on this machine ({error.strerror}). "
                f"Look at the setting exchange.bind."
            ) from error


def free_port(protocol: str = "tcp", address: str = "127.0.0.1") -> int:
    """A port that is free now, chosen by the system; for trials and tests."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
