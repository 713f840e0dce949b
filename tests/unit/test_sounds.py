"""What the telephone plays: there in both languages, made once, replaceable, and never in the exchange's way."""

import json
import re
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

import asterisk_conf
from foundation.asterisk.packages import Program
from ivr_flows import sounds as made
from ivr_flows.numbers_spoken import cardinal
from ivr_flows.prompts import prompts
from ivr_flows.sound import LOUDNESS, RATE, loudness, read_wav, trimmed
from ivr_flows.sounds import PromptError, install, number_words
from tests.unit.test_sound import tone, wav_of
from tests.unit.test_speech import called
from tests.unit.test_speech import speaker as speaker

NAMES = {prompt.name for prompt in prompts()}
WORDS = {language: set(number_words(language)) for language in ("zh", "en")}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Only three prompts and no numbers, for what does not depend on how many there are."""
    names = {"greeting", "calm", "queue-place"}
    monkeypatch.setattr(made, "prompts", lambda site=None: [p for p in prompts(site) if p.name in names])
    monkeypatch.setattr(made, "number_words", lambda language: {})
    return names


def put(tmp_path: Path, speaker: Program, **more: Path) -> Path:
    install(tmp_path / "sounds", tmp_path / "own", speaker, cache=more.get("cache", tmp_path / "cache"))
    return tmp_path / "sounds"


def names_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder))[:-4] for path in folder.rglob("*.wav")}


def test_every_prompt_number_and_tone_is_there_in_both_languages_ready_for_asterisk(
    tmp_path: Path, speaker: Program
) -> None:
    put(tmp_path, speaker)
    for language in ("zh", "en"):
        assert names_in(tmp_path / "sounds" / language) == NAMES | WORDS[language] | {"ringing", "beep"}
        for path in (tmp_path / "sounds" / language).rglob("*.wav"):
            with wave.open(str(path)) as file:
                assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
                assert file.getnframes() > RATE / 3


def test_every_sound_that_the_dialplan_plays_by_name_exists() -> None:
    text = "".join(path.read_text() for path in Path(asterisk_conf.__file__).parent.glob("*.j2"))
    played = set(re.findall(r"Playback\(([a-z][a-z0-9-]+)\)|Read\(\w+,([a-z][a-z0-9-]+),", text))
    assert {name for pair in played for name in pair if name} - NAMES - {"dial"} == set()
    assert len(played) >= 3


def test_a_second_time_nothing_is_spoken_again(tmp_path: Path, speaker: Program, few: set[str]) -> None:
    put(tmp_path, speaker)
    put(tmp_path, speaker)
    assert len(called(tmp_path)) == 2 * len(few)

    (tmp_path / "sounds/zh/calm.wav").unlink()
    put(tmp_path, speaker)
    assert (tmp_path / "sounds/zh/calm.wav").exists()
    assert len(called(tmp_path)) == 2 * len(few)


def test_another_home_on_the_same_machine_takes_what_was_spoken_before(
    tmp_path: Path, speaker: Program, few: set[str]
) -> None:
    put(tmp_path, speaker)
    install(tmp_path / "other", tmp_path / "own", speaker, cache=tmp_path / "cache")
    assert names_in(tmp_path / "other") == names_in(tmp_path / "sounds")
    assert len(called(tmp_path)) == 2 * len(few)


@pytest.mark.parametrize(("place", "language"), [("calm.wav", "zh"), ("zh/calm.wav", "zh"), ("en/calm.wav", "en")])
def test_a_recording_of_the_site_replaces_the_spoken_prompt_in_its_language_and_gives_way_when_removed(
    tmp_path: Path, speaker: Program, few: set[str], place: str, language: str
) -> None:
    own = tmp_path / "own" / place
    own.parent.mkdir(parents=True)
    own.write_bytes(wav_of(tone(3.0, 44100, 0.5), 44100))
    put(tmp_path, speaker)
    for each in ("zh", "en"):
        sound = read_wav((tmp_path / "sounds" / each / "calm.wav").read_bytes())
        assert (sound.size > 2 * RATE) == (each == language)
        assert loudness(trimmed(sound)) == pytest.approx(LOUDNESS, rel=0.06)

    own.unlink()
    put(tmp_path, speaker)
    assert read_wav((tmp_path / "sounds" / language / "calm.wav").read_bytes()).size < 2 * RATE


def test_the_recording_in_the_folder_of_the_language_goes_before_the_one_beside_it(
    tmp_path: Path, speaker: Program, few: set[str]
) -> None:
    (tmp_path / "own/zh").mkdir(parents=True)
    (tmp_path / "own/calm.wav").write_bytes(wav_of(tone(2.0)))
    (tmp_path / "own/zh/calm.wav").write_bytes(wav_of(tone(3.0)))
    put(tmp_path, speaker)
    assert read_wav((tmp_path / "sounds/zh/calm.wav").read_bytes()).size == pytest.approx(3 * RATE, abs=20)


def test_the_words_of_numbers_can_be_recorded_too(tmp_path: Path, speaker: Program) -> None:
    (tmp_path / "own/zh/digits").mkdir(parents=True)
    (tmp_path / "own/zh/digits/1.wav").write_bytes(wav_of(tone(0.9, loud=0.5)))
    put(tmp_path, speaker)
    assert read_wav((tmp_path / "sounds/zh/digits/1.wav").read_bytes()).size == pytest.approx(0.9 * RATE, abs=20)


@pytest.mark.parametrize("data", [b"ID3 this is no wav file", b""])
def test_a_broken_recording_is_named_and_the_prompt_is_spoken_meanwhile(
    tmp_path: Path, speaker: Program, few: set[str], data: bytes
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/calm.wav").write_bytes(data)
    with pytest.raises(PromptError, match=r"'calm' \(zh\).*16 bit PCM"):
        put(tmp_path, speaker)
    assert names_in(tmp_path / "sounds/zh") == few | {"ringing", "beep"}
    assert read_wav((tmp_path / "sounds/zh/calm.wav").read_bytes()).size


def test_a_broken_recording_does_not_take_the_place_of_the_good_one_before_it(
    tmp_path: Path, speaker: Program, few: set[str]
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/calm.wav").write_bytes(wav_of(tone(3.0)))
    put(tmp_path, speaker)
    good = (tmp_path / "sounds/zh/calm.wav").read_bytes()
    (tmp_path / "own/calm.wav").write_bytes(b"half a fil")
    with pytest.raises(PromptError):
        put(tmp_path, speaker)
    assert (tmp_path / "sounds/zh/calm.wav").read_bytes() == good


def test_a_recording_of_enormous_size_is_not_read(
    tmp_path: Path, speaker: Program, few: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "MOST_BYTES", 1000)
    (tmp_path / "own").mkdir()
    (tmp_path / "own/calm.wav").write_bytes(wav_of(tone(3.0)))
    with pytest.raises(PromptError, match="larger than"):
        put(tmp_path, speaker)
    assert (tmp_path / "sounds/zh/calm.wav").exists()


def test_without_a_working_voice_the_old_sounds_stay_and_the_tones_are_made(tmp_path: Path, few: set[str]) -> None:
    (tmp_path / "sounds/zh").mkdir(parents=True)
    (tmp_path / "sounds/zh/calm.wav").write_bytes(b"old")
    with pytest.raises(PromptError, match="espeak-ng failed"):
        put(tmp_path, Program(command=(sys.executable, "-c", "raise SystemExit(3)"), environment={}, version="x"))
    assert (tmp_path / "sounds/zh/calm.wav").read_bytes() == b"old"
    assert {"ringing", "beep"} <= names_in(tmp_path / "sounds/zh")


@pytest.mark.parametrize("index", ["", "[1]", '{"calm": 5}', "\0"])
def test_a_damaged_index_only_means_making_them_again(
    tmp_path: Path, speaker: Program, few: set[str], index: str
) -> None:
    (tmp_path / "sounds/zh").mkdir(parents=True)
    (tmp_path / "sounds/zh/made-from.json").write_text(index)
    put(tmp_path, speaker)
    assert set(json.loads((tmp_path / "sounds/zh/made-from.json").read_text())) == few | {"ringing", "beep"}


def test_a_site_s_own_text_is_spoken_and_a_broken_file_of_them_leaves_the_delivered_ones(
    tmp_path: Path, speaker: Program
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/prompts.yaml").write_text("our-own: {zh: 今天停水, en: No water today.}")
    put(tmp_path, speaker)
    assert any(line.endswith("jin1 tian1 ting2 shui3") for line in called(tmp_path))
    assert "our-own" in names_in(tmp_path / "sounds/zh")

    (tmp_path / "own/prompts.yaml").write_text("../../etc/passwd: {zh: 坏, en: bad}")
    with pytest.raises(PromptError, match="own texts"):
        install(tmp_path / "other", tmp_path / "own", speaker, cache=tmp_path / "cache")
    assert names_in(tmp_path / "other/zh") == NAMES | WORDS["zh"] | {"ringing", "beep"}


def asterisk_says(number: int, language: str) -> list[str]:
    """The files that Asterisk plays for a number, as its documentation of SayNumber tells them."""
    if number == 0:
        return ["0"]
    said: list[str] = []
    scales = ((10**8, "yi"), (10**4, "wan")) if language == "zh" else ((10**6, "million"), (10**3, "thousand"))
    for size, name in scales:
        if number >= size:
            said += [*asterisk_says(number // size, language), name]
            number %= size
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if number >= size:
            said += [str(number // size), name]
            number %= size
    if number >= (20 if language == "en" else 10):
        said.append(str(number // 10 * 10))
        number %= 10
    return said + ([str(number)] if number else [])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_word_that_a_number_is_put_together_of_exists(language: str) -> None:
    needed = {
        f"digits/{word}"
        for number in [*range(3000), 10**4, 123456, 10**7, 10**8]
        for word in asterisk_says(number, language)
    }
    assert needed - WORDS[language] == set()


def test_the_digit_one_is_yi_in_numbers_and_yao_in_telephone_numbers() -> None:
    words = number_words("zh")
    assert (words["digits/1"], words["spell/1"]) == ("一", "幺")
    assert words["digits/20"] == cardinal(20, "zh")
    assert np.all([words[f"spell/{n}"] for n in range(10)])
