"""Text to sound: each text once, within its time, and never half a file."""

import os
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from foundation.asterisk.packages import Program
from ivr_flows.pronunciation import UnspeakableError
from ivr_flows.sound import LOUDNESS, RATE, loudness, read_wav, trimmed
from ivr_flows.speech import SpeechError, Text, Voice, forget, speak
from tests.unit.test_sound import tone, wav_of


@pytest.fixture
def speaker(tmp_path: Path) -> Program:
    """A program that is called as espeak-ng is, and says a tone; it writes down what it was told to say."""
    (tmp_path / "voice.wav").write_bytes(wav_of(tone(0.6)))
    program = tmp_path / "speaker"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$*\" >>'{tmp_path}/called'\nexec cat '{tmp_path}/voice.wav'\n")
    program.chmod(0o700)
    return Program(command=(str(program),), environment={}, version="1.52")


def called(folder: Path) -> list[str]:
    return (folder / "called").read_text().splitlines() if (folder / "called").exists() else []


def test_a_text_is_spoken_once_and_then_taken_from_the_cache(tmp_path: Path, speaker: Program) -> None:
    text = Text("您好", "zh")
    first = Voice(speaker, tmp_path / "cache").wav(text)
    again = Voice(speaker, tmp_path / "cache").wav(text)
    assert first == again
    assert called(tmp_path) == ["-v cmn-latn-pinyin -s 140 -D -z --stdout nin2 hao3"]


@pytest.mark.parametrize("damage", [b"", b"RIFF", b"\0" * 5000])
def test_a_damaged_file_of_the_cache_is_made_again(tmp_path: Path, speaker: Program, damage: bytes) -> None:
    voice = Voice(speaker, tmp_path / "cache")
    good = voice.wav(Text("您好", "zh"))
    kept = tmp_path / "cache/speech" / f"{voice.mark(Text('您好', 'zh'))}.wav"
    kept.write_bytes(damage)
    assert voice.wav(Text("您好", "zh")) == good == kept.read_bytes()


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path: Path, speaker: Program) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert read_wav(Voice(speaker, tmp_path / "cache").wav(Text("您好", "zh"))).size > RATE / 2


def test_what_changes_the_sound_changes_its_mark(tmp_path: Path, speaker: Program) -> None:
    voice = Voice(speaker, tmp_path)
    newer = Program(speaker.command, "1.53", {})
    marks = [
        voice.mark(Text("您好", "zh")),
        voice.mark(Text("您好", "en")),
        voice.mark(Text("您好。", "zh")),
        voice.mark(Text("您好", "zh", pinyin="nin2 hao3")),
        voice.mark(Text("您好", "zh", piece=True)),
        voice.mark(Text("您好", "zh", names=("您好",))),
        Voice(newer, tmp_path).mark(Text("您好", "zh")),
    ]
    assert len(set(marks)) == len(marks)


def test_a_reading_that_was_written_down_is_what_is_said(tmp_path: Path, speaker: Program) -> None:
    Voice(speaker, tmp_path).made(Text("行长", "zh", pinyin="hang2 zhang3"))
    assert called(tmp_path)[0].endswith("--stdout hang2 zhang3")


def test_english_for_everybody_is_spoken_by_the_english_voice(tmp_path: Path, speaker: Program) -> None:
    Voice(speaker, tmp_path).made(Text("For English, press 2.", "zh"))
    assert called(tmp_path) == ["-v en-us -s 150 -D -z --stdout For English, press two."]


def test_a_sentence_begins_after_a_moment_and_a_piece_of_one_at_once(tmp_path: Path, speaker: Program) -> None:
    whole = read_wav(Voice(speaker, tmp_path).made(Text("您好", "zh")))
    piece = read_wav(Voice(speaker, tmp_path).made(Text("您好", "zh", piece=True)))
    assert np.abs(whole[: int(0.29 * RATE)]).max() == 0
    assert np.abs(piece[: int(0.02 * RATE)]).max() > 0.01
    assert loudness(trimmed(whole)) == pytest.approx(LOUDNESS, rel=0.06)


def test_a_sentence_of_a_call_is_made_once_under_a_name_the_telephone_can_play(
    tmp_path: Path, speaker: Program
) -> None:
    voice, sounds = Voice(speaker, tmp_path / "cache"), tmp_path / "sounds"
    name = speak("单师傅2分钟后到", "zh", voice, sounds, names=["单师傅"])
    assert speak("单师傅2分钟后到", "zh", voice, sounds, names=["单师傅"]) == name
    assert name.startswith("dyn/")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789/")
    with wave.open(str(sounds / "zh" / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
    assert [line.split("--stdout ")[1] for line in called(tmp_path)] == ["shan4 shi1 fu5 liang3 fen1 zhong1 hou4 dao4"]
    # It may name a person, so the cache that all homes share does not have it.
    assert not list((tmp_path / "cache").rglob("*.wav"))


@pytest.mark.parametrize("text", ["好" * 301, "坏\x00", "😀", ""])
def test_what_cannot_be_said_is_refused_before_anything_is_written(tmp_path: Path, speaker: Program, text: str) -> None:
    with pytest.raises(UnspeakableError):
        speak(text, "zh", Voice(speaker, tmp_path), tmp_path / "sounds")
    assert not (tmp_path / "sounds").exists()
    assert called(tmp_path) == []


def test_a_voice_that_hangs_is_given_up_in_time(tmp_path: Path) -> None:
    slow = Program((sys.executable, "-c", "import time; time.sleep(60)"), "1.52", {})
    begun = time.monotonic()
    with pytest.raises(SpeechError, match="could not be used"):
        speak("您好", "zh", Voice(slow, tmp_path), tmp_path / "sounds", within=0.3)
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    "code",
    ["raise SystemExit(3)", "print('no sound')", "pass"],
)
def test_a_voice_that_fails_says_so_and_leaves_nothing(tmp_path: Path, code: str) -> None:
    broken = Program((sys.executable, "-c", code), "1.52", {})
    with pytest.raises(SpeechError):
        speak("您好", "zh", Voice(broken, tmp_path), tmp_path / "sounds")
    assert not list(tmp_path.rglob("*.wav"))


def test_no_voice_at_all_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="could not be used"):
        Voice(Program((str(tmp_path / "none"),), "1.52", {}), tmp_path).made(Text("您好", "zh"))


def test_sentences_that_nobody_wanted_for_a_while_are_forgotten_and_prompts_never(
    tmp_path: Path, speaker: Program
) -> None:
    voice, sounds = Voice(speaker, tmp_path / "cache"), tmp_path / "sounds"
    old, new = (sounds / "zh" / f"{speak(text, 'zh', voice, sounds)}.wav" for text in ("旧的", "新的"))
    (sounds / "zh/greeting.wav").write_bytes(b"prompt")
    for path in (old, sounds / "zh/greeting.wav"):
        os.utime(path, (0, 0))
    assert forget(sounds) == 1
    assert (old.exists(), new.exists(), (sounds / "zh/greeting.wav").exists()) == (False, True, True)
