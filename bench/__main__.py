"""`python -m bench [name ...]`: run the benchmarks, print their tables, and write them into bench/README.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import articles, bridge_throughput, flows, growth, load, matching, press_to_screen, results, surge, tickets
from foundation.asterisk.provision import provision_asterisk


def main() -> int:
    """Run what was asked for. Ends with 1 when a goal was missed."""
    told = _arguments()
    benchmarks: dict[str, Callable[[Path], results.Section]] = {
        "bridge": partial(bridge_throughput.run, calls=told.calls, presses=told.calls // 50, pairs=told.pairs),
        "tickets": partial(tickets.run, per_block=told.tickets, blocks=told.pairs),
        "press": partial(press_to_screen.run, presses=told.presses),
        "load": partial(load.run, seconds=told.seconds),
        "flows": partial(flows.run, calls=told.flow_calls),
        "surge": partial(surge.run, requests=told.surge, providers=800, seeds=3),
        "growth": partial(growth.run, tickets=told.growth_tickets, pairs=told.growth_pairs, keep=told.growth_store),
        "articles": articles.run,
        "matching": partial(matching.run, matches=told.matches),
    }
    facts = results.machine(provision_asterisk().version)
    missed = []
    for name in benchmarks if "all" in told.names else told.names:
        began = time.monotonic()
        print(f"{name}: running …", flush=True)
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as folder:
            section = benchmarks[name](Path(folder))
        print(results.text(section, facts), flush=True)
        print(f"{name}: took {time.monotonic() - began:.0f} s", flush=True)
        if not told.dry:
            results.write(section, facts)
        if not section.met:
            missed.append(name)
    if missed:
        print(f"Goals missed: {', '.join(missed)}.")
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = ("all", "bridge", "tickets", "press", "load", "flows", "surge", "growth", "articles", "matching")
    parser.add_argument("names", nargs="*", choices=names, default="all", help=", ".join(names), metavar="NAME")
    parser.add_argument("--seconds", type=int, default=300, help="load: length of each run")
    parser.add_argument("--presses", type=int, default=200, help="press: pairs of presses")
    parser.add_argument("--calls", type=int, default=400, help="bridge: calls to record")
    parser.add_argument("--tickets", type=int, default=40, help="tickets: tickets of a block")
    parser.add_argument("--surge", type=int, default=3000, help="surge: requests that wait")
    parser.add_argument(
        "--growth-tickets", type=int, default=growth.LARGE, help="growth: tickets in the large database"
    )
    parser.add_argument("--growth-pairs", type=int, default=200, help="growth: pairs of each operation")
    parser.add_argument(
        "--growth-store", type=Path, help="growth: folder in which filled SQLite files stay and are used"
    )
    parser.add_argument("--flow-calls", type=int, default=1000, help="flows: calls of each run")
    parser.add_argument("--pairs", type=int, default=9, help="bridge and tickets: pairs measured")
    parser.add_argument("--matches", type=int, default=600, help="matching: matches in each size of register")
    parser.add_argument("--dry", action="store_true", help="do not write bench/README.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
