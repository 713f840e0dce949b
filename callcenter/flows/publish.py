"""``callcenter flows publish | back | versions``: the order is written down, the running application carries it out.

So it holds also when this command is killed; and what the exchange said of it is waited for and told.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING

from callcenter.flows.part import DONE, FAILED, Add
from callcenter.settings import Settings, load_settings
from foundation.errors import AppError

if TYPE_CHECKING:
    from callcenter.flows.desk import FlowDesk
    from foundation.database import Database

WAIT_S = 60.0
_LOOK_S = 0.2


def register(add: Add) -> None:
    """Add the three sub-commands."""
    publish = add("publish", _publish, "check the flows, compile them and put them into force")
    back = add("back", _back, "go back to the flows that were in force before the present ones")
    for parser in (publish, back):
        parser.add_argument("reason", help="why, for those who read the history")
        parser.add_argument(
            "--wait", type=float, default=WAIT_S, metavar="SECONDS", help="how long to wait for the end"
        )
    versions = add("versions", _versions, "say which version is in force, and who published what")
    versions.add_argument("--json", action="store_true", help="print it as JSON")


def _publish(arguments: argparse.Namespace) -> int:
    with _desk(arguments) as (_settings, database, desk):
        try:
            draft = desk.draft(_today())
            for finding in draft.findings:
                print(f"{'错误 error' if finding.level == 'error' else '提示 warning'} {finding}", file=sys.stderr)
            publication, version = desk.publish(arguments.reason, _actor(), _today())
        except AppError as error:
            return _said(error)
        print(f"版本 {version} 已登记，等待交换机装载 / version {version} is ordered; the exchange loads it now")
        return _wait(database, publication, arguments.wait)


def _back(arguments: argparse.Namespace) -> int:
    with _desk(arguments) as (_settings, database, desk):
        try:
            publication = desk.back(arguments.reason, _actor())
        except AppError as error:
            return _said(error)
        return _wait(database, publication, arguments.wait)


def _versions(arguments: argparse.Namespace) -> int:
    from dispatch.limits import LOCAL
    from ivr_flows import queries

    with _desk(arguments) as (_settings, database, _desk_of):
        with database.read() as session:
            current, rows, nodes = queries.current_version(session), queries.history(session), queries.nodes(session)
        if arguments.json:
            told = {
                "current": current,
                "publications": [
                    {"version": p.version, "how": p.kind, "state": p.state, "by": p.asked_by, "reason": p.reason,
                     "at": p.asked_at.isoformat(), "problem": p.problem}
                    for p in rows
                ],
                "nodes": {n.node: {"current": n.current, "loaded": n.loaded, "calls": n.calls, "waits_for": n.waits_for}
                          for n in nodes},
            }  # fmt: skip
            print(json.dumps(told, ensure_ascii=False))
            return DONE
        print(f"正在使用 In force: {current}{'（出厂 as delivered）' if current == 0 else ''}")
        for p in rows:
            at = p.asked_at.astimezone(LOCAL)
            print(f"  {p.version:>4}  {p.state:<9} {p.kind:<7} {at:%Y-%m-%d %H:%M}  {p.asked_by}  {p.reason}")
            if p.problem:
                print(f"        {p.problem}")
        for node in nodes:
            calls = ", ".join(f"{version}: {count}" for version, count in node.calls.items()) or "-"
            print(f"  {node.node}: {node.current}，通话 calls {calls}")
            if node.waits_for:
                print(f"        {node.waits_for}")
    return DONE


@contextmanager
def _desk(arguments: argparse.Namespace) -> Iterator[tuple[Settings, Database, FlowDesk]]:
    from callcenter.flows.desk import FlowDesk
    from foundation import migrations
    from foundation.clock import SystemClock
    from foundation.database import Database
    from foundation.writer import Writer

    settings = load_settings(getattr(arguments, "config", None), getattr(arguments, "home", None))
    settings.home.mkdir(parents=True, exist_ok=True)
    migrations.upgrade(settings.database_url)
    database = Database(settings.database_url)
    writer = Writer(database, SystemClock())
    try:
        yield (
            settings,
            database,
            FlowDesk(settings.home / "flows", settings.home / "prompts", settings.transfers, database, writer),
        )
    finally:
        writer.close()
        database.dispose()


def _wait(database: Database, publication_id: int, seconds: float) -> int:
    from ivr_flows import queries

    end = time.monotonic() + seconds
    while True:
        with database.read() as session:
            found = queries.publication(session, publication_id)
            nodes = queries.nodes(session)
        assert found is not None
        if found.state in ("current", "past"):
            print(f"版本 {found.version} 已生效 / version {found.version} is in force")
            return DONE
        if found.state in ("failed", "withdrawn"):
            print(
                f"没有生效，原来的不变：{found.problem} / not in force, nothing changed: {found.problem}",
                file=sys.stderr,
            )
            return FAILED
        if by_hand := next((node.waits_for for node in nodes if node.waits_for), ""):
            print(by_hand)
            return DONE
        if time.monotonic() > end:
            print(
                "还没有生效：应用或交换机没有运行；它们运行后会自动完成 / not in force yet: the application or the "
                "exchange is not running; once they are, it is completed by itself",
                file=sys.stderr,
            )
            return FAILED
        time.sleep(_LOOK_S)


def _said(error: AppError) -> int:
    print(f"{error.zh} / {error.en}", file=sys.stderr)
    return FAILED


def _today() -> date:
    from dispatch.limits import LOCAL

    return datetime.now(LOCAL).date()


def _actor() -> str:
    """Who is at the keyboard of this machine."""
    try:
        return f"cli:{getpass.getuser()}"[:60]
    except (KeyError, OSError):
        return "cli"
