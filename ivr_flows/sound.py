"""Sound as samples: reading and writing WAV files, and making everything that is played equally loud."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
import numpy.typing as npt
import soxr

RATE = 8000
"""Samples a second of everything the telephone plays."""

LOUDNESS = 0.1
"""Of every prompt, full scale being 1: -20 dBFS, the level usual for telephone announcements."""

PEAK = 0.7
"""No sample goes above this; -3 dBFS leaves room for the codec."""

MOST_SECONDS = 120
"""Of one recording. A longer one is a mistake: nobody listens to it."""

# ITU-R BS.1770: blocks of 400 ms, three quarters overlapping; what lies 10 dB under the mean of the rest is a pause.
# Its weighting of frequencies is left out: a telephone line passes only those for which it is nearly flat.
_BLOCK = int(0.4 * RATE)
_STEP = _BLOCK // 4
_SILENCE = 10 ** (-70 / 20)
_PAUSE = 10 ** (-10 / 20)
_ROUNDS = 8
_NEAR = 0.01
# Of the limiter, on each side of a peak: 5 ms.
_SWAY = RATE // 200
# Quieter than this beside the loudest sample is the silence around a word.
_AROUND = 0.01

Samples = npt.NDArray[np.float64]


class SoundError(Exception):
    """A file that is no sound we can play. The text says what it must be."""


def loudness(samples: Samples) -> float:
    """How loud it is while something is said (root mean square, gated), full scale being 1; silence is 0."""
    if samples.size <= _BLOCK:
        blocks = samples[np.newaxis, :]
    else:
        blocks = np.lib.stride_tricks.sliding_window_view(samples, _BLOCK)[::_STEP]
    power = np.mean(blocks**2, axis=1) if samples.size else np.zeros(1)
    heard = power[power > _SILENCE**2]
    if not heard.size:
        return 0.0
    return float(np.sqrt(np.mean(heard[heard >= np.mean(heard) * _PAUSE**2])))


def level(samples: Samples) -> Samples:
    """The same at ``LOUDNESS``, or as near as ``PEAK`` allows. Silence stays silence."""
    # Holding the peaks down takes a little of the loudness, which the next round gives back.
    for _ in range(_ROUNDS):
        found, peak = loudness(samples), np.abs(samples).max(initial=0.0)
        if found == 0.0 or (abs(found / LOUDNESS - 1) < _NEAR and peak <= PEAK):
            return samples
        samples = _limited(samples * (LOUDNESS / found))
    return samples


def _limited(samples: Samples) -> Samples:
    """No sample above ``PEAK``: the loudness around a peak falls and rises again smoothly, so that nothing crackles."""
    if np.abs(samples).max() <= PEAK:
        return samples
    reach = np.pad(np.minimum(1.0, PEAK / np.maximum(np.abs(samples), PEAK)), _SWAY, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(reach, 2 * _SWAY + 1).min(axis=1)
    swaying = np.pad(lowest, _SWAY, mode="edge")
    return np.asarray(samples * np.convolve(swaying, np.full(2 * _SWAY + 1, 1 / (2 * _SWAY + 1)), mode="valid"))


def trimmed(samples: Samples) -> Samples:
    """Without the silence before and behind it, so that words can be put together to a sentence."""
    heard = np.flatnonzero(np.abs(samples) > _AROUND * np.abs(samples).max(initial=0.0))
    return samples[heard[0] : heard[-1] + 1] if heard.size else samples


def silence(seconds: float) -> Samples:
    """Nothing, for so long."""
    return np.zeros(int(RATE * seconds))


def tone(hertz: float, seconds: float) -> Samples:
    """A tone, quieter than speech."""
    return np.asarray(0.1 * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE), dtype=np.float64)


def read_wav(data: bytes) -> Samples:
    """A 16 bit WAV file of any rate and channel count as mono samples at ``RATE``; SoundError when it is not one."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            # espeak-ng writes to a pipe, so its header names a length that is not true: take what is there.
            frames = file.readframes(len(data))
    except (wave.Error, EOFError, RuntimeError, ValueError, struct.error) as error:
        raise SoundError(f"not a WAV file that can be read ({error}); give 16 bit PCM") from error
    if width != 2 or not rate or not channels:
        raise SoundError(f"a WAV file of {8 * width} bit; give 16 bit PCM")
    whole = frames[: len(frames) // (2 * channels) * 2 * channels]
    samples = np.frombuffer(whole, dtype="<i2").reshape(-1, channels).mean(axis=1) / 32768
    if not samples.size:
        raise SoundError("a WAV file without sound")
    if samples.size > MOST_SECONDS * rate:
        raise SoundError(f"a recording of more than {MOST_SECONDS} seconds")
    return samples if rate == RATE else np.asarray(soxr.resample(samples, rate, RATE), dtype=np.float64)


def wav(samples: Samples) -> bytes:
    """The file that Asterisk plays without conversion: 8 kHz, 16 bit, mono."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()
