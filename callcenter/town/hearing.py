"""Was this prompt really in what the telephone received? Pure arithmetic on samples.

The prompt is cut into pieces of one second; each piece is looked for in the recording by normalised
cross-correlation (FFT). The pieces must lie at one distance from each other, as in the prompt, give or take the
60 ms by which a jitter buffer may shift them. A single piece proves nothing, for prompts share words (likeness up
to 0.89 measured between ours), so three quarters of the pieces must be found together: of one of our prompts another
holds a third at most.
"""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

RATE = 8000
_PIECE = RATE
_SHIFT = RATE * 60 // 1000
_ALIKE = 0.55
_ENOUGH = 0.75


@dataclass(frozen=True)
class Heard:
    """`share` of the prompt's pieces that were found, the first of them `at` seconds into the recording."""

    share: float
    at: float

    def __bool__(self) -> bool:
        return self.share >= _ENOUGH


def read_wav(path: Path) -> Samples:
    """A mono 16-bit file at 8 kHz, as every prompt is."""
    with wave.open(str(path), "rb") as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            raise ValueError(f"{path} is not 8 kHz, 16 bit, mono")
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)


def read_recording(path: Path) -> Samples:
    """What a telephone received (signed linear at 16 kHz), at 8 kHz. An absent file is silence."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return np.zeros(0)
    wide = np.frombuffer(data[: len(data) // 4 * 4], dtype="<i2").astype(np.float64)
    return np.asarray((wide[0::2] + wide[1::2]) / 2)


def correlate(recording: Samples, piece: Samples) -> Samples:
    """Normalised cross-correlation (-1 to 1) of the piece with each place of the recording."""
    length = len(piece)
    if len(recording) < length or not np.any(piece):
        return np.zeros(0)
    template = piece - piece.mean()
    size = 1 << int(np.ceil(np.log2(len(recording) + length)))
    product = np.fft.irfft(np.fft.rfft(recording, size) * np.conj(np.fft.rfft(template, size)), size)
    places = len(recording) - length + 1
    sums = np.concatenate([[0.0], np.cumsum(recording)])
    squares = np.concatenate([[0.0], np.cumsum(recording**2)])
    mean = (sums[length:] - sums[:-length]) / length
    energy = np.maximum(squares[length:] - squares[:-length] - length * mean**2, 0.0)
    scale = np.sqrt(energy * float(np.dot(template, template)))
    # A place that is all but silent would divide by nearly nothing.
    quiet = energy < 1e-4 * float(np.dot(template, template))
    return np.asarray(np.where(quiet, 0.0, product[:places] / np.where(quiet, 1.0, scale)))


def pieces_of(prompt: Samples) -> list[tuple[int, Samples]]:
    """The prompt's pieces with their places, without those in which hardly anything is said."""
    pieces = [(at, prompt[at : at + _PIECE]) for at in range(0, max(1, len(prompt) - _PIECE // 2), _PIECE)]
    loudest = max((float(np.mean(piece**2)) for _, piece in pieces if len(piece)), default=0.0)
    return [(at, piece) for at, piece in pieces if len(piece) and float(np.mean(piece**2)) > 0.05 * loudest > 0]


def listen(recording: Samples, prompt: Samples) -> Heard:
    """How much of the prompt is in the recording, in its order."""
    pieces = pieces_of(prompt)
    if not pieces:
        return Heard(0.0, 0.0)
    likeness = [(at, correlate(recording, piece)) for at, piece in pieces]
    best = Heard(0.0, 0.0)
    for at, places in likeness:
        if len(places) == 0:
            continue
        found = int(np.argmax(places))
        if places[found] < _ALIKE:
            continue
        start = found - at
        together = sum(_near(other, start + other_at) for other_at, other in likeness)
        best = max(best, Heard(together / len(pieces), start / RATE), key=lambda heard: heard.share)
    return best


def _near(places: Samples, expected: int) -> bool:
    around = places[max(0, expected - _SHIFT) : max(0, expected + _SHIFT + 1)]
    return len(around) > 0 and float(np.max(around)) >= _ALIKE


def tone_level(recording: Samples, hertz: float) -> float:
    """The share (0 to 1) of the energy of its clearest 200 ms that lies at this frequency."""
    length = RATE // 5
    best = 0.0
    wave_ = np.exp(-2j * np.pi * hertz * np.arange(length) / RATE)
    for at in range(0, len(recording) - length + 1, length // 2):
        window = recording[at : at + length]
        energy = float(np.dot(window, window))
        if energy > length * 100.0:
            best = max(best, 2 * float(abs(np.dot(window, wave_))) ** 2 / (length * energy))
    return best
