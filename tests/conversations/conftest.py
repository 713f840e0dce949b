"""Whole systems for the stories of this folder, and the watch that each story is held to in the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from foundation.asterisk.provision import provision_asterisk
from tests.conversations.story import FAILED, Story
from tests.system import System, free_settings, open_system

QUICK_LADDER = {"rung_seconds": 4, "attempt_gap_seconds": 8, "lease_seconds": 4, "short_talk_seconds": 2}
"""For trials: a rung of 4 s instead of 20, the rest in proportion."""


@pytest.fixture(scope="package")
def whole_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system of the stories that happen in one working life of the application; its clock is moved ahead."""
    with open_system(tmp_path_factory.mktemp("system"), provision_asterisk()) as system:
        yield system


@pytest.fixture(scope="package")
def quick_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system of the stories in which the application is stopped, frozen or killed; its ladder is quick."""
    folder = tmp_path_factory.mktemp("quick")
    settings = free_settings(folder, rtp=30400, ladder=QUICK_LADDER)
    with open_system(folder, provision_asterisk(), slot=1, settings=settings) as system:
        yield system


@pytest.fixture
def story(whole_system: System, request: pytest.FixtureRequest) -> Iterator[Story]:
    """A story in the shared system; what happened that it does not name fails it."""
    yield from Story(whole_system).watched(request.node)


@pytest.fixture
def quick_story(quick_system: System, request: pytest.FixtureRequest) -> Iterator[Story]:
    """A story in which the application may be dead for a while. It begins with the application running."""
    if quick_system.process is None:
        quick_system.start_application()
    yield from Story(quick_system).watched(request.node)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Remember whether the story itself failed, for the check that follows it."""
    report = yield
    if call.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
def system(whole_system: System) -> Iterator[System]:
    """The shared system without the watch; afterwards every receiver is down."""
    yield whole_system
    whole_system.town.hang_up_all()
