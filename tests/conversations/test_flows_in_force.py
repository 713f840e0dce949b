"""A centre changes what its telephone says: from a file to a caller's ear, with the application alive or not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib import resources

import pytest
from sqlalchemy import select

from dispatch import service_requests
from dispatch.service_requests import NewRequest
from dispatch.tables import Arrival
from foundation.clock import SystemClock
from foundation.writer import Writer
from tests.cast import PLUMBING
from tests.conversations.story import Story
from tests.system import System
from tests.waiting import wait_until

DELIVERED = resources.files("ivr_flows").joinpath("flows/hotline.yaml").read_text("utf-8")
HOTLINE = (
    DELIVERED.replace("start: incident_open", "start: who")
    + """
  who: {recognise: caller, ticket: mine, unknown: incident_open}
  mine: {tell: my_ticket, next: good_bye, nothing: incident_open, otherwise: not_now}
  not_now: {say: [our-own-sentence, cannot-tell-now], next: wait}
"""
)
CALLER = "13800000777"


def flows(system: System, *command: str) -> subprocess.CompletedProcess[str]:
    """`callcenter flows …` in this home."""
    return subprocess.run(
        [sys.executable, "-m", "callcenter", "--home", str(system.settings.home), "flows", *command],
        env=system.environment, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def in_force(system: System) -> int:
    return int(json.loads(flows(system, "versions", "--json").stdout)["current"])


def has_a_ticket(system: System) -> None:
    """Somebody has asked for a plumber, and nobody has been asked yet."""
    writer = Writer(system.database, SystemClock())
    try:
        new = NewRequest(
            item=PLUMBING, summary="水管漏水", caller=f"+86{CALLER}", caller_name="", community="330203001001",
            address="试验路 1 号",
        )  # fmt: skip
        writer.call(service_requests.open_request, new)
    finally:
        writer.close()


def test_a_changed_flow_is_heard_by_the_next_caller_and_a_step_back_undoes_it(quick_story: Story) -> None:
    system, town = quick_story.system, quick_story.town
    folder = system.settings.home / "flows"
    folder.mkdir(exist_ok=True)
    (folder / "hotline.yaml").write_text(HOTLINE.replace("next: good_bye, nothing", "next: nowhere, nothing"))
    refused = flows(system, "publish", "坏的")
    assert refused.returncode == 1
    assert "hotline.yaml" in refused.stderr
    assert in_force(system) == 0

    (folder / "hotline.yaml").write_text(HOTLINE)
    prompts = system.settings.home / "prompts"
    prompts.mkdir(exist_ok=True)
    (prompts / "prompts.yaml").write_text("our-own-sentence: {zh: 请稍等一会儿, en: One moment please}\n")
    done = flows(system, "publish", "先说工单进展")
    assert done.returncode == 0, done.stderr
    assert in_force(system) == 1
    spoken = system.settings.home / "exchange" / "sounds"
    for language in ("zh", "en"):
        assert (spoken / language / "our-own-sentence.wav").is_file(), "a new sentence is spoken before it is in force"

    quick_story.knows_texts("已登记")
    has_a_ticket(system)
    line = town.phone(CALLER).dials("81890").is_answered()
    dialled = time.monotonic()
    sounds = system.settings.home / "exchange" / "sounds" / "zh" / "dyn"
    (sentence,) = wait_until(
        lambda: list(sounds.glob("*.wav")) if sounds.is_dir() else None, 10, "the answer is spoken"
    )
    line.hears(sentence, within=10)
    assert time.monotonic() - dialled < 12
    line.ends(20)
    told = "ended"
    system.wait_for(
        lambda s: s.scalars(select(Arrival).where(Arrival.caller == f"+86{CALLER}", Arrival.state == told)).first(),
        20,
        "the call has its arrival",
    )

    system.kill_application()
    asked = flows(system, "back", "其实不要", "--wait", "1")
    assert asked.returncode == 1
    assert "not in force yet" in asked.stderr
    assert in_force(system) == 1
    system.start_application()
    wait_until(lambda: in_force(system) == 0 or None, 20, "the step back is completed by the next start")
    versions = json.loads(flows(system, "versions", "--json").stdout)
    assert [(p["version"], p["how"], p["state"]) for p in versions["publications"]] == [
        (0, "back", "current"),
        (1, "publish", "past"),
    ]


@pytest.fixture(autouse=True)
def _as_delivered(quick_system: System) -> object:
    """The other stories hear what was delivered."""
    yield
    (quick_system.settings.home / "flows" / "hotline.yaml").unlink(missing_ok=True)
    (quick_system.settings.home / "prompts" / "prompts.yaml").unlink(missing_ok=True)
