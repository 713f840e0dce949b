"""The flows in use: the shipped ones, each replaced by a site's own file of the same name.

A site's folder (``<home>/flows``) holds ``<flow>.yaml`` and, if it has its own hours, ``calendars.yaml``. A shipped
sub-flow that nothing calls any more is left out: it was there for the shipped flow that the site has replaced.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import resources
from pathlib import Path

from ivr_flows.calendars import read_calendars
from ivr_flows.document import MOST_BYTES
from ivr_flows.kinds.values import TRANSFER_NAME, Wrong
from ivr_flows.model import Calendar, Finding, Flow, FlowError, FlowSet
from ivr_flows.reading import read_flow

CALENDARS = "calendars.yaml"
MOST_FLOWS = 300


def sources(own: Path | None = None) -> dict[str, bytes]:
    """The files' contents by their names (``hotline.yaml``), a site's own before the shipped; the names in ``own`` are
    shown with that folder. Raises OSError when a file of ``own`` cannot be read."""
    package = resources.files("ivr_flows")
    texts = {CALENDARS: package.joinpath(CALENDARS).read_bytes()}
    for file in sorted(package.joinpath("flows").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            texts[file.name] = file.read_bytes()
    if own is not None and own.is_dir():
        names = set()
        for path in sorted(own.glob("*.yaml")):
            with path.open("rb") as opened:
                # One byte too many is enough to be refused.
                texts[path.name] = opened.read(MOST_BYTES + 1)
            names.add(path.name)
        return _without_unused(texts, names)
    return texts


def _without_unused(texts: dict[str, bytes], own: Collection[str]) -> dict[str, bytes]:
    """``texts`` without the shipped sub-flows that nothing calls; all of them while a file cannot be read."""
    if len(texts) > MOST_FLOWS:
        return texts
    try:
        flows = {path: read_flow(text, path) for path, text in texts.items() if path != CALENDARS}
    except FlowError:
        return texts
    while True:
        steps = [step for flow in flows.values() for step in flow.steps.values()]
        called = {step.options["flow"] for step in steps if step.kind == "flow"}
        unused = [
            path
            for path, flow in flows.items()
            if path not in own and flow.name not in called and any(step.kind == "back" for step in flow.steps.values())
        ]
        if not unused:
            return {path: text for path, text in texts.items() if path == CALENDARS or path in flows}
        for path in unused:
            del flows[path]


def read_set(texts: Mapping[str, str | bytes], transfers: Mapping[str, str]) -> FlowSet:
    """The flows in ``texts`` (file name -> content), with the numbers that a ``transfer`` may use.

    Raises FlowError with everything that is wrong in every file, and nothing else. What lies between the files is
    judged by ``check``.
    """
    findings: list[Finding] = []
    flows: dict[str, Flow] = {}
    calendars: dict[str, Calendar] = {}
    if len(texts) > MOST_FLOWS:
        zh, en = f"流程太多，最多{MOST_FLOWS}个", f"too many flows, at most {MOST_FLOWS}"
        raise FlowError([Finding("error", "too_many_flows", "flows", 1, "", zh, en)])
    for name in transfers:
        try:
            TRANSFER_NAME.read(name)
        except Wrong as wrong:
            findings.append(Finding("error", "transfer_name", "[transfers]", 1, "", wrong.zh, wrong.en))
    for path, text in texts.items():
        try:
            if path == CALENDARS:
                calendars = read_calendars(text, path)
            else:
                flow = read_flow(text, path)
                flows[flow.name] = flow
        except FlowError as error:
            findings += error.findings
    if findings:
        raise FlowError(findings)
    return FlowSet(flows, calendars, dict(transfers))


def load(own: Path | None = None, transfers: Mapping[str, str] | None = None) -> FlowSet:
    """The flows in use. Raises FlowError, or OSError when a file of ``own`` cannot be read."""
    return read_set(sources(own), transfers or {})


def shipped() -> FlowSet:
    """The flows as they come, without a site's own."""
    return load()
