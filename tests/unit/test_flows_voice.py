"""`callcenter flows say | approve`: heard or written, with what is read shown, and approvals by name only."""

import sys
from pathlib import Path

import pytest

from callcenter.cli import main
from callcenter.flows import voice
from foundation.asterisk import provision
from foundation.asterisk.packages import Program
from ivr_flows.approvals import lacking
from ivr_flows.sound import RATE, read_wav
from tests.unit.test_sound import tone, wav_of
from tests.unit.test_speech import called
from tests.unit.test_speech import speaker as speaker


@pytest.fixture(autouse=True)
def place(tmp_path: Path, speaker: Program, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, a voice that says a tone, and no player on the PATH."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALLCENTER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CALLCENTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(provision, "provision_espeak", lambda cache=None, say=print: speaker)
    monkeypatch.setattr(provision, "find_espeak", lambda cache=None: speaker)
    monkeypatch.setattr(voice, "PLAYERS", (("no-such-player", "-q"),))
    return tmp_path


def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    (tmp_path / "player.py").write_text(f"import sys, pathlib\n{code}")
    monkeypatch.setattr(voice, "PLAYERS", ((sys.executable, str(tmp_path / "player.py")),))


def test_a_text_is_played_and_what_is_read_is_shown(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    player(place, monkeypatch, "pathlib.Path('played').write_bytes(pathlib.Path(sys.argv[1]).read_bytes())")
    assert main(["flows", "say", "单师傅2分钟后到，请拨81890", "--name", "单师傅"]) == 0
    assert read_wav((place / "played").read_bytes()).size > RATE / 2
    assert "shan4 shi1 fu5 liang3 fen1 zhong1 hou4 dao4, qing3 bo1 ba1 yi1 ba1 jiu3 ling2" in capsys.readouterr().err
    assert [path.name for path in place.glob("*.wav")] == ["voice.wav"]  # the test's own


def test_without_a_player_it_says_so_and_writes_a_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flows", "say", "您好"]) == 0
    assert "no-such-player" in capsys.readouterr().err
    assert read_wav((place / "said.wav").read_bytes()).size


def test_a_player_that_finds_no_loudspeaker_leaves_a_file_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player(place, monkeypatch, "raise SystemExit(1)")
    assert main(["flows", "say", "--prompt", "calm"]) == 0
    assert read_wav((place / "calm.wav").read_bytes()).size


def test_a_prompt_is_written_in_its_language(place: Path) -> None:
    assert main(["flows", "say", "--prompt", "calm", "--lang", "en", "--out", "out.wav"]) == 0
    assert called(place)[-1].startswith("-v en-us")
    assert read_wav((place / "out.wav").read_bytes()).size


def test_the_site_s_recording_is_what_one_hears_of_a_prompt(place: Path) -> None:
    (place / "home/prompts").mkdir(parents=True)
    (place / "home/prompts/calm.wav").write_bytes(wav_of(tone(3.0, loud=0.3)))
    assert main(["flows", "say", "--prompt", "calm", "--out", "out.wav"]) == 0
    assert read_wav((place / "out.wav").read_bytes()).size == pytest.approx(3 * RATE, abs=20)
    assert called(place) == []


@pytest.mark.parametrize(
    "arguments",
    [["😀"], ["坏\x07"], ["好" * 301], ["--prompt", "no-such"], ["--prompt", "../../etc/passwd"]],
)
def test_what_cannot_be_said_ends_with_a_word_why(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["flows", "say", *arguments]) == 1
    told = capsys.readouterr().err
    assert told
    assert "Traceback" not in told
    assert called(place) == []


def test_a_folder_that_cannot_be_written_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flows", "say", "您好", "--out", str(place / "none/out.wav")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_what_is_not_approved_is_listed_and_goes_from_the_list_once_it_is(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["flows", "approve"]) == 1
    assert "calm (zh)" in capsys.readouterr().out
    (place / "home/prompts/zh").mkdir(parents=True)
    (place / "home/prompts/zh/calm.wav").write_bytes(wav_of(tone(2.0, loud=0.3)))
    assert main(["flows", "approve", "calm", "--by", "张小梅"]) == 0
    assert "calm (zh): 张小梅" in capsys.readouterr().out
    assert main(["flows", "approve"]) == 1
    assert "calm (zh)" not in capsys.readouterr().out


def test_approving_needs_a_name_and_a_recording_that_is_no_machine_s(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["flows", "approve", "calm"]) == 1
    assert "--by" in capsys.readouterr().err
    assert main(["flows", "approve", "calm", "--by", "张小梅"]) == 1
    assert "put the recording at" in capsys.readouterr().err

    assert main(["flows", "say", "--prompt", "calm", "--out", "machine.wav"]) == 0
    (place / "home/prompts/zh").mkdir(parents=True, exist_ok=True)
    (place / "machine.wav").rename(place / "home/prompts/zh/calm.wav")
    assert main(["flows", "approve", "calm", "--by", "张小梅"]) == 1
    assert "machine's own voice" in capsys.readouterr().err
    assert len(lacking(place / "home/prompts")) == len(lacking(place / "nothing-recorded"))
