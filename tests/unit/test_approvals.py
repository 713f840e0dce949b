"""A life-safety prompt counts only as a recording that a named person approved, and only as long as nothing changes."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import yaml

from foundation.asterisk.packages import Program
from ivr_flows.approvals import ApprovalRefusedError, approve, lacking, summary, unapproved
from ivr_flows.prompts import prompts
from ivr_flows.speech import Voice
from tests.unit.test_sound import tone, wav_of
from tests.unit.test_speech import speaker as speaker

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LIFE_SAFETY = [prompt.name for prompt in prompts() if prompt.life_safety]


def record(folder: Path, name: str, language: str = "zh", seconds: float = 2.0) -> Path:
    path = folder / language / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav_of(tone(seconds, loud=0.3)))
    return path


def why(folder: Path, name: str = "calm", language: str = "zh") -> str:
    return next((row.code for row in lacking(folder) if (row.name, row.language) == (name, language)), "")


def test_until_anything_is_recorded_every_life_safety_prompt_is_missing_in_both_languages(tmp_path: Path) -> None:
    rows = lacking(tmp_path)
    assert [(row.name, row.language) for row in rows] == [(name, lang) for name in LIFE_SAFETY for lang in ("zh", "en")]
    assert {row.code for row in rows} == {"not_recorded"}
    assert all(row.zh and row.en for row in rows)
    assert unapproved(tmp_path) == set(LIFE_SAFETY)
    zh, en = summary(rows)
    assert "calm (zh)" in zh
    assert "calm (en)" in en


def test_when_all_are_recorded_and_approved_nothing_is_missing(tmp_path: Path) -> None:
    for name in LIFE_SAFETY:
        for language in ("zh", "en"):
            record(tmp_path, name, language)
            approve(tmp_path, name, language, "张小梅", NOW)
    assert lacking(tmp_path) == []
    assert unapproved(tmp_path) == set()
    assert summary([]) == ("", "")


def test_an_approval_says_who_when_and_what(tmp_path: Path) -> None:
    record(tmp_path, "calm")
    assert why(tmp_path) == "not_approved"
    done = approve(tmp_path, "calm", "zh", "  张 小梅 ", NOW)
    assert (done.by, done.at) == ("张 小梅", "2026-11-23T08:00:00+00:00")
    assert why(tmp_path) == ""
    assert why(tmp_path, language="en") == "not_recorded"
    told = yaml.safe_load((tmp_path / "approvals.yaml").read_text())
    assert told["calm"]["zh"]["by"] == "张 小梅"
    assert told["calm"]["zh"]["text"] == next(prompt.zh for prompt in prompts() if prompt.name == "calm")


def test_a_changed_recording_loses_its_approval_and_the_old_one_has_it_again(tmp_path: Path) -> None:
    path = record(tmp_path, "calm")
    approve(tmp_path, "calm", "zh", "张小梅", NOW)
    before = path.read_bytes()
    path.write_bytes(before[:-2] + b"\1\0")  # one sample
    assert why(tmp_path) == "recording_changed"
    path.write_bytes(before)
    assert why(tmp_path) == ""
    path.unlink()
    assert why(tmp_path) == "not_recorded"


def test_the_recording_that_is_played_is_the_one_that_counts(tmp_path: Path) -> None:
    """The folder of the language goes before the file beside it, also here."""
    (tmp_path / "calm.wav").write_bytes(wav_of(tone(2.0, loud=0.3)))
    approve(tmp_path, "calm", "zh", "张小梅", NOW)
    assert why(tmp_path) == ""
    record(tmp_path, "calm", seconds=3.0)
    assert why(tmp_path) == "recording_changed"


def test_a_changed_sentence_takes_the_approval_away(tmp_path: Path) -> None:
    record(tmp_path, "calm")
    approve(tmp_path, "calm", "zh", "张小梅", NOW)
    (tmp_path / "prompts.yaml").write_text("calm: {zh: 别急，马上接通。, en: Keep calm.}")
    assert why(tmp_path) == "text_changed"


def test_a_prompt_that_the_site_marks_as_life_safety_is_asked_for_too(tmp_path: Path) -> None:
    (tmp_path / "prompts.yaml").write_text("flood: {zh: 请上楼。, en: Go upstairs., life_safety: true}")
    assert why(tmp_path, "flood") == "not_recorded"


@pytest.mark.parametrize(
    "data",
    [b"", b"no sound", wav_of(np.zeros(44100)), wav_of(tone(0.2, loud=0.5)), wav_of(tone(2.0, loud=0.0001))],
    ids=["empty", "no wav", "silence", "too short", "too quiet"],
)
def test_what_cannot_be_a_spoken_sentence_is_not_approved(tmp_path: Path, data: bytes) -> None:
    record(tmp_path, "calm").write_bytes(data)
    with pytest.raises(ApprovalRefusedError, match=r"cannot be used|too short or too quiet"):
        approve(tmp_path, "calm", "zh", "张小梅", NOW)
    assert not (tmp_path / "approvals.yaml").exists()


def test_the_machine_s_own_voice_is_no_human_recording(tmp_path: Path, speaker: Program) -> None:
    voice = Voice(speaker, tmp_path / "cache")
    prompt = next(prompt for prompt in prompts() if prompt.name == "calm")
    record(tmp_path, "calm").write_bytes(voice.wav(prompt.text("zh")))
    with pytest.raises(ApprovalRefusedError, match="machine's own voice"):
        approve(tmp_path, "calm", "zh", "张小梅", NOW, voice)
    record(tmp_path, "calm")
    assert approve(tmp_path, "calm", "zh", "张小梅", NOW, voice)


def test_nothing_is_approved_without_a_recording(tmp_path: Path) -> None:
    with pytest.raises(ApprovalRefusedError, match=r"put the recording at .*zh/calm\.wav"):
        approve(tmp_path, "calm", "zh", "张小梅", NOW)


@pytest.mark.parametrize("name", ["greeting", "no-such", "../../etc/passwd", "\x1b[2J", "x" * 500])
def test_only_life_safety_prompts_are_approved(tmp_path: Path, name: str) -> None:
    with pytest.raises(ApprovalRefusedError, match=r"no life-safety prompt.*calm") as refused:
        approve(tmp_path, name, "zh", "张小梅", NOW)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("by", ["", " ", "张", "12", "x" * 61, "a\x00b", "a\u202eb", "--"])
def test_an_approval_needs_a_person_s_name(tmp_path: Path, by: str) -> None:
    record(tmp_path, "calm")
    with pytest.raises(ApprovalRefusedError, match="full name"):
        approve(tmp_path, "calm", "zh", by, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1",
        "calm: yes",
        "calm: {zh: [1]}",
        "calm: {zh: {by: A, sha256: x}}",
        "calm: {zh: {by: ' ', at: x, sha256: x, text: x}}",
        "calm: &a {zh: *a}",
        "!!python/object:os.system {}",
        "\0",
        "calm: {zh: {by: A, at: x, sha256: x, text: x, more: x}}",
    ],
)
def test_a_damaged_file_approves_nothing_and_breaks_nothing(tmp_path: Path, text: str) -> None:
    record(tmp_path, "calm")
    (tmp_path / "approvals.yaml").write_text(text)
    assert why(tmp_path) in ("not_approved", "recording_changed")
    approve(tmp_path, "calm", "zh", "张小梅", NOW)
    assert why(tmp_path) == ""


def test_a_name_like_yaml_stays_a_name(tmp_path: Path) -> None:
    record(tmp_path, "calm")
    approve(tmp_path, "calm", "zh", "& *Ann: !!x #", NOW)
    assert why(tmp_path) == ""


def test_two_who_approve_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    for name in LIFE_SAFETY:
        record(tmp_path, name)
    people = [threading.Thread(target=approve, args=(tmp_path, name, "zh", "张小梅", NOW)) for name in LIFE_SAFETY]
    for person in people:
        person.start()
    for person in people:
        person.join(20)
    assert {row.language for row in lacking(tmp_path)} == {"en"}
