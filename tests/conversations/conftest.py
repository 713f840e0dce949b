"""One whole system for the stories of this folder: exchange, town, application. Each story begins with a quiet town."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from foundation.asterisk.provision import provision_asterisk
from tests.system import System, open_system


@pytest.fixture(scope="package")
def whole_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system that all stories share."""
    with open_system(tmp_path_factory.mktemp("system"), provision_asterisk()) as system:
        yield system


@pytest.fixture
def system(whole_system: System) -> Iterator[System]:
    """The shared system; afterwards every receiver is down."""
    yield whole_system
    whole_system.town.hang_up_all()
