"""``callcenter flows draw|compare``: pictures of flows, and what is different between two sets."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from callcenter.flows.part import DONE, WORDS, Add
from callcenter.settings import SettingsError, load_settings


def register(add: Add) -> None:
    """Add ``draw`` and ``compare``."""
    draw = add("draw", _draw, "draw flows as SVG")
    draw.add_argument("flow", nargs="*", metavar="FLOW", help="which; all when none is named")
    draw.add_argument(
        "--to", type=Path, metavar="FOLDER", help="one file for each flow; else one flow goes to the output"
    )
    draw.add_argument("--of", default="draft", metavar="FLOWS", help=WORDS)
    draw.add_argument("--against", metavar="FLOWS", help="mark what is new, changed or gone beside these flows")
    compare = add("compare", _compare, "say what is different between two sets of flows")
    compare.add_argument(
        "old", nargs="?", metavar="OLD", help="draft, shipped, a version or a folder; else what is in force"
    )
    compare.add_argument("new", nargs="?", default="draft", metavar="NEW", help="the same; else draft")
    compare.add_argument("--json", action="store_true", help="print the differences as JSON")


def _draw(arguments: argparse.Namespace) -> int:
    from callcenter.flows.named import material
    from ivr_flows.comparing import marked
    from ivr_flows.drawing import draw

    settings = load_settings(arguments.config, arguments.home)
    told = material(settings, arguments.of)
    flow_set = told.flow_set()
    names = arguments.flow or sorted(flow_set.flows)
    known = f"known are {', '.join(sorted(flow_set.flows))}"
    if unknown := [name for name in names if name not in flow_set.flows]:
        raise SettingsError(f"There is no flow {unknown[0]!r}; {known}.")
    if len(names) > 1 and arguments.to is None:
        raise SettingsError(f"Name one flow ({known}), or a folder by --to.")
    before = material(settings, arguments.against).flow_set() if arguments.against else None
    for name in names:
        flow, marks = flow_set.flows[name], None
        if before is not None:
            flow, marks = marked(before.flows.get(name), flow)
        picture = draw(flow_set, flow, told.words, marks)
        if arguments.to is None:
            print(picture, end="")
        else:
            arguments.to.mkdir(parents=True, exist_ok=True)
            (arguments.to / f"{name}.svg").write_text(picture, "utf-8")
            print(arguments.to / f"{name}.svg")
    return DONE


def _compare(arguments: argparse.Namespace) -> int:
    from callcenter.flows.named import in_force, material
    from ivr_flows.comparing import compare

    settings = load_settings(arguments.config, arguments.home)
    old = material(settings, arguments.old or in_force(settings))
    new = material(settings, arguments.new)
    changes = compare(old.flow_set(), new.flow_set(), old.words, new.words)
    if arguments.json:
        print(json.dumps([asdict(change) for change in changes], ensure_ascii=False))
        return DONE
    for change in changes:
        print({"added": "+", "removed": "-", "changed": "~"}[change.how], change)
    if not changes:
        print("没有不同 / nothing is different")
    return DONE
