"""`callcenter flows`: what is printed, and the exit code."""

import json
from pathlib import Path

import pytest

from callcenter.cli import main
from ivr_flows.loading import sources
from ivr_flows.schema import schema

BROKEN = """\
flow: mine
title: {zh: 我, en: Mine}
kind: call
operator: wait
start: ask
steps:
  ask: {menu: greeting, keys: {"1": nowhere}, otherwise: wait}
  wait: {queue: service, otherwise: wait_again}
  wait_again: {queue: service, otherwise: bye}
  bye: {hang_up: good-bye}
"""


class Ran:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CALLCENTER_CONFIG", "CALLCENTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def put(home: Path, name: str, text: str) -> Path:
    path = home / "flows" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], home: Path, *words: str) -> Ran:
    code = main(["--home", str(home), "flows", *words])
    told = capsys.readouterr()
    return Ran(code, told.out, told.err)


def test_the_shipped_flows_pass_their_check(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, home, "check")
    assert ran.code == 0
    assert ran.out.splitlines()[-1].endswith("warnings")
    assert "0 errors" in ran.out


def test_an_error_is_said_with_file_line_and_step_in_both_languages(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(home, "mine.yaml", BROKEN)
    ran = run(capsys, home, "check")
    assert ran.code == 1
    [line] = [line for line in ran.out.splitlines() if line.startswith(f"{path}:")]
    assert line.startswith(f"{path}:7: ask: 1 指向没有的步骤 nowhere")
    assert " / 1 leads to nowhere, which is no step" in line


def test_findings_can_be_read_by_a_program(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(home, "mine.yaml", BROKEN)
    ran = run(capsys, home, "check", "--json")
    found = [row for row in json.loads(ran.out) if row["level"] == "error"]
    assert ran.code == 1
    assert [(row["line"], row["step"], row["code"]) for row in found] == [(7, "ask", "unknown_step")]


def test_approvals_are_looked_for_beside_the_sites_recordings(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def unapproved(folder: Path) -> set[str]:
        asked.append(folder)
        return {"press-1-to-take"}

    monkeypatch.setattr("ivr_flows.approvals.unapproved", unapproved)
    ran = run(capsys, home, "check")
    assert asked == [home / "prompts"]
    assert "press-1-to-take 没有经人批准的录音" in ran.out
    assert "0 errors, 1 warnings" in ran.out


def test_sentences_of_the_sites_own_that_are_wrong_are_findings_too(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "prompts").mkdir(parents=True)
    (home / "prompts" / "prompts.yaml").write_text("greeting: {zh: 您好}\n", "utf-8")
    ran = run(capsys, home, "check", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)[0]["path"].endswith("prompts.yaml")


def test_a_folder_can_be_checked_before_it_is_used(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.yaml").write_text(BROKEN, "utf-8")
    assert run(capsys, home, "check", str(tmp_path / "new")).code == 1
    assert run(capsys, home, "check", "shipped").code == 0


def test_flows_that_nobody_knows_are_a_wrong_command(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["check", "nothing-here"], ["check", "77"], ["simulate", "nope", "--keys", "1"], ["draw", "nope"]):
        ran = run(capsys, home, *words)
        assert ran.code == 2, words
        assert ran.err
        assert not ran.out
    assert not (home / "callcenter.sqlite3").exists(), "looking for a version makes no database"


def test_the_schema_is_printed_for_editors(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(run(capsys, home, "schema").out) == schema()


def test_a_walk_shows_what_is_heard_in_both_languages(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, home, "simulate", "hotline", "--now", "2026-12-01T23:00", "--keys", "7,1")
    assert ran.code == 0
    assert "您好" in ran.out
    assert "Hello, this is 81890" in ran.out
    assert "callback flow=hotline step=call_me_back number=13800000000" in ran.out


def test_the_time_chooses_day_or_night(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = {}
    for now in ("2026-12-01T17:59:59", "2026-12-01T18:00:00", "2026-12-01T10:00:00+00:00", "2026-10-01T12:00"):
        row = json.loads(run(capsys, home, "simulate", "hotline", "--now", now, "--keys", "a", "--json").out)
        paths[now] = "hotline.night" in row["path"]
        assert row["end"] == "answered"
    assert list(paths.values()) == [False, True, True, True]


def test_the_keyboard_is_asked_where_no_keys_are_given(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = iter(["provider", "what?", "1", "nothing", "x"])
    monkeypatch.setattr("builtins.input", lambda _asked: next(lines))
    ran = run(capsys, home, "simulate", "provider_line")
    assert ran.code == 0
    assert "provider_line.no_orders" in ran.out
    assert "空行" in ran.out, "a line that is no key is answered by what may be typed"
    assert "来电人挂机" in ran.out


def test_the_end_of_the_input_is_a_caller_who_hangs_up(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(_asked: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", ended)
    assert "来电人挂机" in run(capsys, home, "simulate", "contact").out


def test_keys_typed_ahead_are_lost_while_something_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "simulate",
        "hotline",
        "--now",
        "2026-12-01T10:00",
        "--incidents",
        "1",
        "--outcome",
        "incident.hear=nothing",
    )
    row = json.loads(run(capsys, home, *words, "--keys", "21,a", "--json").out)
    assert row["language"] == "en"
    assert row["end"] == "answered", "1, typed ahead of what the next step says, calls nobody back"


@pytest.mark.parametrize(
    "words", [["--keys", "q"], ["--keys", "1", "--now", "noon"], ["--keys", "1", "--set", "X"], ["--json"]]
)
def test_what_cannot_be_meant_is_refused(home: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    ran = run(capsys, home, "simulate", "hotline", *words)
    assert ran.code == 2
    assert ran.err


def test_every_flow_is_drawn_into_a_folder_and_one_to_the_output(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run(capsys, home, "draw", "--to", str(tmp_path / "pictures"))
    assert ran.code == 0
    drawn = {path.stem for path in (tmp_path / "pictures").glob("*.svg")}
    assert {f"{name}.yaml" for name in drawn} == {name for name in sources() if name != "calendars.yaml"}
    alone = run(capsys, home, "draw", "hotline")
    assert alone.out == (tmp_path / "pictures" / "hotline.svg").read_text("utf-8")


def test_a_drawing_against_the_shipped_flows_marks_the_sites_own(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = sources()["hotline.yaml"].decode().replace("limit: 600", "limit: 500")
    put(home, "hotline.yaml", own)
    assert "修改 changed" in run(capsys, home, "draw", "hotline", "--against", "shipped").out
    assert "修改 changed" not in run(capsys, home, "draw", "hotline").out


def test_a_draft_is_compared_with_what_is_in_force(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing is different" in run(capsys, home, "compare").out
    put(home, "hotline.yaml", sources()["hotline.yaml"].decode().replace("limit: 600", "limit: 500"))
    ran = run(capsys, home, "compare")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "~ hotline.wait_night：limit 由 600 改为 500 / hotline.wait_night: limit was 600, is now 500"
    ]
    assert [row["step"] for row in json.loads(run(capsys, home, "compare", "--json").out)] == ["wait_night"]


def test_a_broken_draft_is_said_and_not_drawn(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(home, "mine.yaml", BROKEN)
    for words in (["draw", "hotline"], ["compare"], ["simulate", "hotline", "--keys", "1"]):
        ran = run(capsys, home, *words)
        assert (ran.code, ran.out) == (1, ""), words
        assert "mine.yaml:7" in ran.err
