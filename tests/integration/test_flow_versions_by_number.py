"""A published version can be looked at by its number, whatever the site's files have become."""

from pathlib import Path

import pytest

from callcenter.flows.named import in_force, material
from callcenter.settings import Database as DatabaseSettings
from callcenter.settings import Settings, SettingsError
from foundation.database import Database
from foundation.writer import Work, Writer
from ivr_flows import publishing
from ivr_flows.comparing import compare
from ivr_flows.loading import sources
from ivr_flows.publishing import Made
from tests.integration.dispatch_support import START, HandClock


@pytest.fixture
def home(tmp_path: Path, sqlite_url: str) -> Settings:
    return Settings(home=tmp_path / "home", database=DatabaseSettings(url=sqlite_url))


def test_a_version_is_compared_with_the_draft(home: Settings, sqlite_url: str) -> None:
    assert in_force(home) == "shipped"
    with pytest.raises(SettingsError, match="no version 1"):
        material(home, "1")
    texts = {name: text.decode() for name, text in sources().items()}
    texts["hotline.yaml"] = texts["hotline.yaml"].replace("limit: 600", "limit: 500")
    database = Database(sqlite_url)
    writer = Writer(database, HandClock(START))
    try:

        def put_into_force(w: Work) -> None:
            publication = publishing.order(w, Made(1, texts, {"gas": "057400000001"}, [], "dialplan"), "trial")
            publishing.report(w, "node1", {1}, 0, {})
            publishing.settle(w, publication)
            publishing.report(w, "node1", {1}, 1, {})
            publishing.settle(w, publication)

        writer.call(put_into_force, actor="trial")
    finally:
        writer.close()
        database.dispose()
    assert in_force(home) == "1"
    changes = compare(material(home, "1").flow_set(), material(home).flow_set())
    assert [change.en for change in changes] == [
        "hotline.wait_night: limit was 500, is now 600",
        "transfer gas is gone",
    ]
