"""``callcenter export tickets|events|offers|call_backs|recordings FILE``. `command_frame` has the exit codes."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from callcenter.command_frame import DONE, CommandFrame
from callcenter.files.opening import actor, opened
from foundation.errors import AppError

if TYPE_CHECKING:
    from callcenter.command_frame import Subparsers

EXPORTS = ("tickets", "events", "offers", "call_backs", "recordings")

_FRAME = CommandFrame((AppError,))


def register(subparsers: Subparsers) -> None:
    """Add ``export`` with its sub-commands."""
    parser = subparsers.add_parser("export", help="write tickets, events, offers and more to a CSV or XLSX file")
    commands = parser.add_subparsers(metavar="WHAT", required=True)
    for name in EXPORTS:
        one = _FRAME.add(commands, name, _export, f"write {name.replace('_', ' ')} to a file")
        one.set_defaults(kind=name)
        one.add_argument("file", type=Path, help="what to write: .csv or .xlsx; - is CSV to the standard output")
        one.add_argument("--since", type=_day, metavar="DAY", help="from this local day on, 2026-11-01")
        one.add_argument("--until", type=_day, metavar="DAY", help="up to and with this local day")
        one.add_argument("--english", action="store_true", help="the header in English")
        one.add_argument("--json", action="store_true", help="say on the standard output what was written, as JSON")


def _export(arguments: argparse.Namespace) -> int:
    from callcenter.files import exports
    from callcenter.files.writing import csv_chunks, xlsx_file

    export, span = exports.EXPORTS[arguments.kind], exports.Span(arguments.since, arguments.until)
    to_output = str(arguments.file) == "-"
    form = "xlsx" if arguments.file.suffix.lower() == ".xlsx" else "csv"
    with opened(arguments) as (_settings, database, writer, _clock):
        writer.call(exports.note, export.name, span, form, actor=actor())
        rows = exports.Tally(exports.table(database, export, span, locale="en" if arguments.english else "zh_CN"))
        if to_output:
            for chunk in csv_chunks(rows):
                sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            return DONE
        # Half a file must not stand where a whole one is looked for.
        part = arguments.file.with_name(f".{arguments.file.name}.part")
        with part.open("wb") as file:
            if form == "xlsx":
                with xlsx_file(export.zh, rows) as made:
                    shutil.copyfileobj(made, file)
            else:
                file.writelines(csv_chunks(rows))
        part.replace(arguments.file)
    if arguments.json:
        print(json.dumps({"what": export.name, "file": str(arguments.file), "rows": rows.count}, ensure_ascii=False))
    else:
        print(f"{arguments.file}: {rows.count} 行 rows")
    return DONE


def _day(told: str) -> date:
    try:
        return date.fromisoformat(told)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{told!r} is no day; write it as 2026-11-01") from None
