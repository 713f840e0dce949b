"""Sound as samples: equally loud, never too loud, and only real WAV files."""

import io
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_flows.sound import (
    LOUDNESS,
    MOST_SECONDS,
    PEAK,
    RATE,
    SoundError,
    level,
    loudness,
    read_wav,
    silence,
    trimmed,
    wav,
)


def wav_of(samples: np.ndarray, rate: int = 22050, channels: int = 1, width: int = 2) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def tone(seconds: float = 1.0, rate: int = 22050, loud: float = 0.02) -> np.ndarray:
    return loud * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)


@given(st.floats(0.001, 1.0), st.integers(100, 3400), st.floats(0.05, 2.0))
def test_sound_comes_out_at_one_loudness_and_never_too_loud(loud: float, hertz: int, seconds: float) -> None:
    samples = loud * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE + 0.1)
    out = level(samples)
    assert out.size == samples.size
    assert np.abs(out).max() <= PEAK + 1e-9
    assert loudness(out) == pytest.approx(LOUDNESS, rel=0.01)


@given(st.integers(0, 2**32 - 1), st.floats(1, 30))
def test_bursts_are_held_down_until_the_words_between_are_as_loud_as_anywhere(seed: int, burst: float) -> None:
    """Speech is quiet with peaks; taking the peaks as the measure would leave the words too quiet."""
    random = np.random.default_rng(seed)
    samples = 0.05 * random.standard_normal(2 * RATE)
    for at in random.integers(0, samples.size - 40, 10):
        samples[at : at + 40] *= burst
    out = level(samples)
    assert np.abs(out).max() <= PEAK + 1e-9
    assert loudness(out) == pytest.approx(LOUDNESS, rel=0.12)  # one decibel


def test_a_pause_between_two_words_does_not_make_them_louder() -> None:
    word = tone(1.0, RATE, 0.2)
    hiss = 0.001 * np.random.default_rng(1).standard_normal(3 * RATE)  # of the room it was recorded in
    apart = np.concatenate([word, hiss, word])
    assert loudness(apart) == pytest.approx(loudness(word), rel=0.15)
    assert np.sqrt(np.mean(apart**2)) < 0.7 * loudness(word)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(10), np.zeros(RATE)])
def test_silence_stays_silence(samples: np.ndarray) -> None:
    assert loudness(samples) == 0
    assert np.array_equal(level(samples), samples)
    assert trimmed(samples).size in (0, samples.size)


def test_the_silence_around_a_word_goes_and_that_inside_stays() -> None:
    word = np.concatenate([np.full(100, 0.5), silence(0.1), np.full(100, 0.5)])
    assert np.array_equal(trimmed(np.concatenate([silence(1), word, silence(1)])), word)


@given(st.integers(1, 5), st.sampled_from([8000, 16000, 22050, 44100, 48000]), st.sampled_from([1, 2]))
def test_any_pcm_recording_becomes_telephone_sound(tenths: int, rate: int, channels: int) -> None:
    samples = np.repeat(tone(tenths / 10, rate, 0.3), channels)
    out = read_wav(wav_of(samples, rate, channels))
    assert out.size == pytest.approx(tenths * RATE / 10, abs=12)
    assert read_wav(wav(out)) == pytest.approx(out, abs=1e-3)


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF", wav_of(np.zeros(0)), b"\0" * 100, b"ID3 an mp3", wav_of(tone(1), width=1), wav_of(tone(1))[:40]],
)
def test_what_is_no_wav_file_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(SoundError, match="WAV"):
        read_wav(data)


@given(st.binary(max_size=300))
def test_no_bytes_at_all_do_more_than_be_refused(data: bytes) -> None:
    for candidate in (data, wav_of(tone(0.1))[:30] + data, wav_of(tone(0.01)) + data):
        try:
            assert read_wav(candidate).size
        except SoundError:
            continue


def test_a_recording_that_nobody_would_listen_to_is_refused() -> None:
    with pytest.raises(SoundError, match="120 seconds"):
        read_wav(wav_of(np.zeros((MOST_SECONDS + 1) * RATE), RATE))
