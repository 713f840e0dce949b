"""``callcenter import people|devices|providers|articles FILE``, ``import template``, ``import list``.

`command_frame` has the exit codes. A file with a fault is not imported: the faults are printed by row, and the command
ends with 1. An import is carried out by the running service; where none runs, by the command itself. Either may be
killed: the next run with the same file, or the service at its start, goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callcenter.command_frame import DONE, FAILED, CommandFrame, say
from callcenter.files.opening import actor, opened
from foundation.errors import AppError

if TYPE_CHECKING:
    from callcenter.command_frame import Subparsers
    from callcenter.files.checking import Checked
    from callcenter.files.frame import Fault
    from callcenter.files.room import ImportRoom
    from callcenter.settings import Settings
    from dispatch.import_tables import FileImport
    from foundation.database import Database

KINDS = ("people", "devices", "providers", "articles")
TAKEN_WITHIN_S = 3.0
"""The running service looks for work each second."""
_LOOK_S = 0.2
_WORD_EACH_S = 1.0

_FRAME = CommandFrame((AppError,))


def register(subparsers: Subparsers) -> None:
    """Add ``import`` with its sub-commands."""
    parser = subparsers.add_parser("import", help="take people, devices, providers or articles in from a file")
    commands = parser.add_subparsers(metavar="WHAT", required=True)
    for name in KINDS:
        one = _FRAME.add(commands, name, _import, f"take {name} in from a CSV or XLSX file")
        one.set_defaults(kind=name)
        also = "; or a folder of Markdown files, or one" if name == "articles" else ""
        told = f"CSV (UTF-8 or GB18030) or XLSX, with the header of the template{also}"
        one.add_argument("file", type=Path, help=told)
        one.add_argument("--dry-run", action="store_true", help="only look, and say what would happen")
        one.add_argument("--json", action="store_true", help="print the result as JSON")
    template = _FRAME.add(commands, "template", _template, "write the file to fill in")
    template.add_argument("kind", choices=KINDS)
    template.add_argument("file", type=Path, help="what to write; .xlsx comes with explanations, .csv is the header")
    listed = _FRAME.add(commands, "list", _list, "show the last imports and how far they are")
    listed.add_argument("--json", action="store_true", help="print them as JSON")


def _import(arguments: argparse.Namespace) -> int:
    from callcenter.files.room import kind_of

    content, names, unread = _content(arguments)
    arguments.names = names
    with _room(arguments) as (_settings, database, room):
        found = _with(unread, room.check(kind_of(arguments.kind), content))
        if arguments.dry_run or not found.sound:
            _tell_check(arguments, found)
            return DONE if found.sound else FAILED
        say(f"{len(found.records)} 条记录 records: {_fates(found)}")
        import_id = _order(database, room, found, arguments.file.name, content)
        row = _follow(database, room, import_id)
        _tell_end(arguments, row)
        return DONE if row.state == "done" and not row.left_out else FAILED


def _content(arguments: argparse.Namespace) -> tuple[bytes, dict[int, str], Sequence[Fault]]:
    """The file's bytes, one more than are read of any; of a folder, which file a row is, and which are unreadable."""
    from callcenter.files.bounds import MOST_BYTES

    path: Path = arguments.file
    if arguments.kind == "articles":
        from callcenter.files import guides

        if guides.are_guides(path):
            read = guides.read_guides(path)
            return read.content, read.names, read.faults
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1), {}, ()


def _with(unread: Sequence[Fault], found: Checked) -> Checked:
    """What was found, and the files that could not be read at all."""
    if not unread:
        return found
    of_table = found.faults if found.rows else ()  # an empty table is only what they leave
    return replace(
        found, faults=(*unread, *of_table), faults_total=len(unread) + (found.faults_total if found.rows else 0)
    )


def _order(database: Database, room: ImportRoom, found: Checked, name: str, content: bytes) -> int:
    """The id of this file's import: the one that is under way already, or a new one."""
    from dispatch import imports

    with database.read() as session:
        other = imports.under_way(session, found.kind.name, found.sha256)
    if other is not None:
        say(f"同一个文件正在导入，已到第 {other.position} 条 / this file is being imported, so far {other.position}")
        return other.id
    import_id = room.bring(found, name, content, actor())
    room.order(import_id, actor())
    return import_id


def _follow(database: Database, room: ImportRoom, import_id: int) -> FileImport:
    """Wait for the import's end, telling how far it is; carry it out here when nobody else does."""
    from dispatch import imports

    end, told, at = time.monotonic() + TAKEN_WITHIN_S, -1, ""
    next_word = 0.0
    while True:
        with database.read() as session:
            row = imports.find(session, import_id)
        assert row is not None
        if row.ended_at is not None:
            return row
        if (row.position, row.state) != (told, at):
            told, at, end = row.position, row.state, time.monotonic() + TAKEN_WITHIN_S
            if time.monotonic() >= next_word:
                next_word = time.monotonic() + _WORD_EACH_S
                say(f"  {row.position} / {row.records}")
        if time.monotonic() > end:
            # Nobody has moved it: there is no service, or it died, and then the lease must run out first.
            if room.carry_out(import_id):
                continue
            end = time.monotonic() + TAKEN_WITHIN_S
        time.sleep(_LOOK_S)


def _template(arguments: argparse.Namespace) -> int:
    from callcenter.files import template
    from callcenter.files.room import kind_of

    kind = kind_of(arguments.kind)
    make = template.as_xlsx if arguments.file.suffix.lower() == ".xlsx" else template.as_csv
    arguments.file.write_bytes(make(kind))
    print(f"{arguments.file}: {len(kind.columns)} 列 columns")
    return DONE


def _list(arguments: argparse.Namespace) -> int:
    from dispatch import imports

    with _room(arguments) as (_settings, database, _), database.read() as session:
        rows = imports.recent(session)
    if arguments.json:
        print(json.dumps([_as_json(row) for row in rows], ensure_ascii=False))
        return DONE
    for row in rows:
        print(
            f"{row.id:>6}  {row.kind:<10} {row.state:<10} {row.position}/{row.records}  {row.asked_by}  {row.file_name}"
        )
    return DONE


def _tell_check(arguments: argparse.Namespace, found: Checked) -> None:
    if arguments.json:
        told = {"kind": found.kind.name, "file": arguments.file.name, "encoding": found.encoding, "rows": found.rows,
                "records": len(found.records), **found.fates, "faults_total": found.faults_total,
                "faults": [asdict(fault) for fault in found.faults]}  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))
        return
    for fault in found.faults:
        print(_line(found, asdict(fault), arguments.names))
    if found.sound:
        size = f"{found.encoding}, {found.rows} 行 rows, {len(found.records)} 条 records"
        print(f"可以导入 / ready: {size}: {_fates(found)}")
        return
    more = found.faults_total - len(found.faults)
    if more:
        print(f"…… 还有 {more} 处 / and {more} more")
    print(f"有 {found.faults_total} 处错误，什么也没有写入 / {found.faults_total} faults, nothing was written")


def _tell_end(arguments: argparse.Namespace, row: FileImport) -> None:
    if arguments.json:
        print(json.dumps(_as_json(row), ensure_ascii=False))
        return
    for fault in row.faults:
        print(f"第 {fault['row']} 行 row {fault['row']} {fault['value']}: {fault['zh']} / {fault['en']}")
    if row.problem:
        print(row.problem, file=sys.stderr)
    print(
        f"{row.state}: 新增 added {row.added}, 更新 changed {row.changed}, 未变 same {row.same}, "
        f"未写入 left out {row.left_out}"
    )


def _line(found: Checked, fault: dict[str, Any], names: Mapping[int, str]) -> str:
    where = f"第 {fault['row']} 行 row {fault['row']}" if fault["row"] else "文件 file"
    where = names.get(fault["row"], where)
    columns = {column.key: column.zh for column in found.kind.columns}
    column = f" {columns[fault['column']]} {fault['column']}" if fault["column"] in columns else ""
    value = f" “{fault['value']}”" if fault["value"] else ""
    return f"{where}{column}{value}: {fault['zh']} / {fault['en']}"


def _fates(found: Checked) -> str:
    f = found.fates
    return f"新增 added {f['added']}, 更新 changed {f['changed']}, 未变 same {f['same']}"


def _as_json(row: FileImport) -> dict[str, Any]:
    names = ("id", "kind", "file_name", "state", "records", "position", "added", "changed", "same", "left_out",
             "faults", "problem", "asked_by")  # fmt: skip
    return {name: getattr(row, name) for name in names} | {"asked_at": row.asked_at.isoformat()}


@contextmanager
def _room(arguments: argparse.Namespace) -> Iterator[tuple[Settings, Database, ImportRoom]]:
    from callcenter.files.room import ImportRoom
    from foundation.numbers import NumberPlan

    with opened(arguments) as (settings, database, writer, clock):
        plan = NumberPlan(settings.numbers.country, settings.numbers.area_code)
        yield settings, database, ImportRoom(database, writer, clock, plan)
