"""What the telephone says: read right, at the right loudness, replaceable, and never in the exchange's way."""

import io
import json
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.asterisk.packages import Program
from ivr_flows import prompts
from ivr_flows.prompts import LOUDNESS, PEAK, RATE, PromptError, install, level, pinyin, read_wav

NAMES = [
    "greeting",
    "please-wait",
    "calm",
    "press-1-to-take",
    "already-taken",
    "caller-gone",
    "busy-goodbye",
]


def wav(samples: np.ndarray, rate: int = 22050, channels: int = 1, width: int = 2) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def tone(seconds: float = 1.0, rate: int = 22050, loud: float = 0.02) -> np.ndarray:
    return loud * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)


@pytest.fixture
def speaker(tmp_path: Path) -> Program:
    """A program that is called as espeak-ng is, and says a tone; it counts how often it was called."""
    (tmp_path / "voice.wav").write_bytes(wav(tone()))
    code = (
        f"import sys,pathlib; p=pathlib.Path({str(tmp_path)!r});"
        "open(p/'called','a').write(sys.argv[-1]+'\\n'); sys.stdout.buffer.write((p/'voice.wav').read_bytes())"
    )
    return Program(command=(sys.executable, "-c", code), environment={}, version="1.52")


def test_every_prompt_has_both_languages_and_the_dialplan_s_names() -> None:
    assert [prompt.name for prompt in prompts.prompts()] == NAMES
    assert all(prompt.zh and prompt.en for prompt in prompts.prompts())
    assert {p.name for p in prompts.prompts() if not p.life_safety} == {"greeting", "please-wait", "busy-goodbye"}


def test_every_prompt_that_the_dialplan_plays_exists() -> None:
    folder = Path(prompts.__file__).parent.parent / "asterisk_conf"
    text = "".join(path.read_text() for path in folder.glob("_*.j2"))
    assert {name for name in NAMES if name in text} | {"calm", "please-wait"} == set(NAMES)


def test_the_hotline_is_read_so_that_the_pun_is_heard_and_other_numbers_as_telephone_numbers() -> None:
    assert pinyin("请拨81890。") == "qing3 bo1 ba1 yi1 ba1 jiu3 ling2."
    assert pinyin("120") == "yao1 er4 ling2"


@given(st.text(alphabet="0123456789", min_size=1, max_size=12).filter(lambda digits: "81890" not in digits))
def test_every_other_number_is_read_digit_by_digit(digits: str) -> None:
    assert len(pinyin(digits).split()) == len(digits)
    assert "yi1" not in pinyin(digits)


@given(st.floats(0.0001, 1.0), st.integers(100, 4000))
def test_speech_comes_out_at_one_loudness_and_never_too_loud(loud: float, hertz: int) -> None:
    samples = loud * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE + 0.1)
    out = level(samples)
    assert np.abs(out).max() <= PEAK + 1e-9
    assert np.sqrt(np.mean(out**2)) == pytest.approx(LOUDNESS, rel=0.01)


def test_what_is_made_is_what_asterisk_plays_without_conversion(tmp_path: Path, speaker: Program) -> None:
    install(tmp_path / "zh", tmp_path / "own", speaker)

    for name in [*NAMES, "ringing"]:
        with wave.open(str(tmp_path / "zh" / f"{name}.wav")) as file:
            assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
            assert file.getnframes() > RATE


def test_a_second_time_nothing_is_spoken_again(tmp_path: Path, speaker: Program) -> None:
    install(tmp_path / "zh", tmp_path / "own", speaker)
    install(tmp_path / "zh", tmp_path / "own", speaker)
    assert len((tmp_path / "called").read_text().splitlines()) == len(NAMES)

    (tmp_path / "zh/calm.wav").unlink()
    install(tmp_path / "zh", tmp_path / "own", speaker)
    assert (tmp_path / "zh/calm.wav").exists()


def test_a_recording_of_the_site_replaces_the_spoken_prompt_and_gives_way_when_removed(
    tmp_path: Path, speaker: Program
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "calm.wav").write_bytes(wav(tone(3.0, rate=44100, loud=0.5), rate=44100))
    install(tmp_path / "zh", own, speaker)
    assert len(read_wav((tmp_path / "zh/calm.wav").read_bytes())) == pytest.approx(3 * RATE, abs=10)

    (own / "calm.wav").unlink()
    install(tmp_path / "zh", own, speaker)
    assert len(read_wav((tmp_path / "zh/calm.wav").read_bytes())) < 2 * RATE


def test_a_broken_recording_is_named_and_all_other_prompts_are_there(tmp_path: Path, speaker: Program) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "calm.wav").write_bytes(b"ID3 this is no wav file")
    with pytest.raises(PromptError, match=r"'calm'.*16 bit PCM"):
        install(tmp_path / "zh", own, speaker)
    assert {path.stem for path in (tmp_path / "zh").glob("*.wav")} == {*NAMES, "ringing"} - {"calm"}


def test_without_a_working_voice_the_old_prompts_stay_and_the_ringing_tone_is_made(tmp_path: Path) -> None:
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh/calm.wav").write_bytes(b"old")
    with pytest.raises(PromptError, match="espeak-ng failed"):
        install(
            tmp_path / "zh",
            tmp_path / "own",
            Program(command=(sys.executable, "-c", "raise SystemExit(3)"), environment={}, version="x"),
        )
    assert (tmp_path / "zh/calm.wav").read_bytes() == b"old"
    assert (tmp_path / "zh/ringing.wav").exists()


@pytest.mark.parametrize("index", ["", "[1]", '{"calm": 5}', "\0"])
def test_a_damaged_index_only_means_making_them_again(tmp_path: Path, speaker: Program, index: str) -> None:
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh/made-from.json").write_text(index)
    install(tmp_path / "zh", tmp_path / "own", speaker)
    assert set(json.loads((tmp_path / "zh/made-from.json").read_text())) == {*NAMES, "ringing"}


@pytest.mark.parametrize("data", [b"", b"RIFF", wav(np.zeros(0)), b"\0" * 100])
def test_what_is_no_wav_file_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(PromptError):
        read_wav(data)
