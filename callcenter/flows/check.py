"""``callcenter flows check|schema``: what is wrong in the flows, and what an editor needs to help with writing them."""

import argparse
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime

from callcenter.flows.part import DONE, FAILED, Add
from callcenter.settings import load_settings
from ivr_flows.model import LANGUAGES, Finding, FlowError


def register(add: Add) -> None:
    """Add ``check`` and ``schema``."""
    check = add("check", _check, "say what is wrong in the flows of <home>/flows and the shipped ones")
    check.add_argument(
        "flows", nargs="?", default="draft", metavar="FLOWS", help="draft, shipped, a version or a folder"
    )
    check.add_argument("--json", action="store_true", help="print the findings as JSON")
    add("schema", _schema, "print the JSON Schema of a flow's file, for editors")


def _check(arguments: argparse.Namespace) -> int:
    from callcenter.flows.named import PROMPTS, material
    from ivr_flows.approvals import unapproved
    from ivr_flows.check import errors, examine

    settings = load_settings(arguments.config, arguments.home)
    try:
        told = material(settings, arguments.flows)
    except FlowError as error:  # the site's own prompts
        findings = list(error.findings)
    else:
        heard = {prompt.name: LANGUAGES for prompt in told.prompts}
        lacking = unapproved(settings.home / PROMPTS)
        _, findings = examine(told.texts, told.transfers, heard, lacking, datetime.now(UTC).date())
        findings = [replace(found, path=told.place(found.path)) for found in findings]
    wrong = errors(findings)
    if arguments.json:
        print(json.dumps([asdict(found) for found in findings], ensure_ascii=False))
    else:
        for found in findings:
            print(line(found))
        warnings = len(findings) - len(wrong)
        print(f"{len(wrong)} 个错误，{warnings} 个提醒 / {len(wrong)} errors, {warnings} warnings")
    return FAILED if wrong else DONE


def _schema(_arguments: argparse.Namespace) -> int:
    from ivr_flows.schema import schema

    print(json.dumps(schema(), ensure_ascii=False, indent=1))
    return DONE


def line(found: Finding) -> str:
    """A finding as compilers write them, so that editors can jump there."""
    step = f"{found.step}: " if found.step else ""
    level = "提醒 warning: " if found.level == "warning" else ""
    return f"{found.path}:{found.line}: {step}{level}{found.zh} / {found.en}"
