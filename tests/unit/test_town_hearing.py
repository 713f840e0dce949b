"""What a telephone hears: a prompt is found when it was played, and not when another was."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from callcenter.town.hearing import RATE, listen, read_recording, tone_level

Samples = NDArray[np.float64]


def speech(seed: int, seconds: float) -> Samples:
    """Something with the spectrum and the pace of speech, different for each seed."""
    chance = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    pitch = 140 + 30 * np.interp(t, np.linspace(0, seconds, 12), chance.standard_normal(12))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = sum(chance.uniform(0.1, 1) * np.sin(k * phase + chance.uniform(0, 6)) for k in range(1, 16))
    pace = np.clip(np.interp(t, np.linspace(0, seconds, 24), chance.uniform(-0.3, 1, 24)), 0, None)
    return np.asarray(voice * pace * 1500)


def through_g711(sound: Samples) -> Samples:
    """A-law as on the line: compress, keep eight bits, expand."""
    scaled = np.clip(sound / 32768, -1, 1)
    a = 87.6
    size = np.abs(scaled)
    small = size < 1 / a
    packed = np.where(small, a * size, 1 + np.log(np.maximum(a * size, 1))) / (1 + np.log(a))
    packed = np.round(packed * 127) / 127 * (1 + np.log(a))
    opened = np.where(packed < 1, packed / a, np.exp(packed - 1) / a)
    return np.asarray(np.sign(scaled) * opened * 32768)


def received(*sounds: Samples, seed: int = 9) -> Samples:
    hiss = np.random.default_rng(seed).standard_normal(RATE) * 8
    return through_g711(np.concatenate([hiss, *sounds, hiss]))


@pytest.mark.parametrize("seconds", [0.6, 1.0, 2.4, 7.3])
def test_a_prompt_that_was_played_is_heard_through_g711(seconds: float) -> None:
    prompt = speech(1, seconds)

    heard = listen(received(prompt), prompt)

    assert heard
    assert heard.at == pytest.approx(1.0, abs=0.07)


@pytest.mark.parametrize("seed", range(2, 12))
def test_another_sentence_is_not_taken_for_the_prompt(seed: int) -> None:
    assert not listen(received(speech(seed, 5.0)), speech(1, 5.0))


def test_a_prompt_is_heard_although_the_jitter_buffer_dropped_and_repeated_packets() -> None:
    prompt = speech(1, 5.0)
    packet = RATE // 50
    worn = np.concatenate([prompt[: 90 * packet], prompt[91 * packet : 170 * packet], prompt[169 * packet :]])

    assert listen(received(worn), prompt)


def test_the_first_words_alone_are_not_the_prompt() -> None:
    prompt = speech(1, 6.0)

    assert not listen(received(prompt[: 3 * RATE]), prompt)


def test_two_prompts_with_the_same_beginning_are_told_apart() -> None:
    beginning = speech(1, 2.0)
    one, two = (np.concatenate([beginning, speech(seed, 4.0)]) for seed in (2, 3))

    assert listen(received(one), one)
    assert not listen(received(one), two)


def test_nothing_is_heard_in_silence_or_in_nothing_at_all(tmp_path: Path) -> None:
    prompt = speech(1, 2.0)

    assert not listen(np.zeros(5 * RATE), prompt)
    assert not listen(np.zeros(0), prompt)
    assert not listen(read_recording(tmp_path / "absent.sln16"), prompt)
    assert not listen(received(prompt), np.zeros(RATE))


def test_a_tone_is_known_by_its_frequency() -> None:
    tone = 5000 * np.sin(2 * np.pi * 730 * np.arange(RATE) / RATE)

    assert tone_level(received(tone), 730) > 0.8
    assert tone_level(received(tone), 890) < 0.2
    assert tone_level(received(speech(1, 3.0)), 730) < 0.6
