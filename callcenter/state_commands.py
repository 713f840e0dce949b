"""``callcenter states``: what may become of a ticket, drawn."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def register(subparsers: Subparsers) -> None:
    """Add ``states``."""
    parser = subparsers.add_parser("states", help="draw the states of tickets, and what may follow what, as SVG")
    parser.add_argument("--to", type=Path, metavar="FILE", help="write it there; else to the output")
    parser.set_defaults(run=_draw)


def _draw(arguments: argparse.Namespace) -> int:
    from dispatch.state_drawing import draw  # the domain is heavy; other commands do not need it

    picture = draw()
    if arguments.to is None:
        print(picture, end="")
    else:
        arguments.to.write_text(picture, "utf-8")
        print(arguments.to)
    return 0
