"""Prompts: what the telephone says, spoken by espeak-ng or replaced by a recording.

The files are 8 kHz, 16 bit, mono, as Asterisk plays them without conversion. No path of the dialplan depends on one
being there, so an error here must never keep the exchange from starting.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
import yaml
from pypinyin import Style, lazy_pinyin

from foundation.asterisk.packages import Program

RATE = 8000
"""Samples a second of every prompt."""

LOUDNESS = 0.1
"""Root mean square of a spoken prompt, full scale being 1: -20 dBFS, the level usual for telephone announcements."""

PEAK = 0.7
"""No sample goes above this; -3 dBFS leaves room for the codec."""

_MAKE = 1
"""Raised when the way prompts are made changes, so that old ones are made again."""

_ESPEAK = ("-v", "cmn-latn-pinyin", "-s", "140", "--stdout")
# The first packets of an answered call are often lost on the way.
_LEAD_IN = 0.3
_TAIL = 0.2

_HOTLINE = "81890"
# The pun is 拨一拨就灵; 1 is yāo in every other number (telephone usage).
_HOTLINE_PINYIN = "ba1 yi1 ba1 jiu3 ling2"
_DIGITS = ("ling2", "yao1", "er4", "san1", "si4", "wu3", "liu4", "qi1", "ba1", "jiu3")
_PAUSES = str.maketrans({"，": ",", "、": ",", "；": ",", "：": ",", "。": ".", "！": ".", "？": "."})

Samples = npt.NDArray[np.float64]


class PromptError(Exception):
    """Prompts that could not be made or taken over; the others are in place."""


@dataclass(frozen=True)
class Prompt:
    """One sentence. ``life_safety``: somebody in danger, or his helper, hears it."""

    name: str
    zh: str
    en: str
    life_safety: bool


def prompts() -> list[Prompt]:
    """All prompts of ``prompts.yaml``, in its order."""
    text = resources.files("ivr_flows").joinpath("prompts.yaml").read_text("utf-8")
    rows: Mapping[str, Mapping[str, Any]] = yaml.safe_load(text)
    return [
        Prompt(name, str(row["zh"]), str(row["en"]), bool(row.get("life_safety", False))) for name, row in rows.items()
    ]


def pinyin(text: str) -> str:
    """``text`` as tone-numbered pinyin for espeak-ng; digits one by one, 81890 in its own way."""
    words: list[str] = []
    for piece in re.split(rf"({_HOTLINE}|[0-9]+|[，、；：。！？])", text):
        if piece == _HOTLINE:
            words.append(_HOTLINE_PINYIN)
        elif piece.isascii() and piece.isdigit():
            words += [_DIGITS[int(digit)] for digit in piece]
        elif piece and piece in "，、；：。！？" and words:
            words[-1] += piece.translate(_PAUSES)
        else:
            words += lazy_pinyin(piece, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True)
    return " ".join(word for word in words if word.strip())


def install(target: Path, replacements: Path, espeak: Program) -> None:
    """Have every prompt in ``target``: the site's own recording from ``replacements``, else spoken by ``espeak``.

    What is there and made from the same source stays as it is. Raises PromptError, after everything else is in
    place, with a line for each prompt that failed; an older file of that name stays.
    """
    target.mkdir(parents=True, exist_ok=True)
    index = target / "made-from.json"
    made = _read_index(index)
    failed = []
    sources = {prompt.name: prompt for prompt in prompts()}
    for name in [*sources, "ringing"]:
        path = target / f"{name}.wav"
        try:
            own = _own_recording(replacements / f"{name}.wav")
            source = _source(own, sources.get(name), espeak)
            if path.exists() and made.get(name) == source:
                continue
            _write(path, _samples(own, sources.get(name), espeak))
            made[name] = source
        except (OSError, PromptError, subprocess.SubprocessError) as error:
            failed.append(f"Prompt '{name}': {error}")
    _replace(index, json.dumps(made, indent=1, sort_keys=True).encode())
    if failed:
        raise PromptError("\n".join(failed))


def _own_recording(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _source(own: bytes | None, prompt: Prompt | None, espeak: Program) -> str:
    """What the file depends on; another value means that it must be made again."""
    if own is not None:
        return "own " + hashlib.sha256(own).hexdigest()
    words = pinyin(prompt.zh) if prompt else "ringing"
    made_of = [str(_MAKE), *_ESPEAK, words, espeak.version if prompt else ""]
    return "made " + hashlib.sha256("\0".join(made_of).encode()).hexdigest()


def _samples(own: bytes | None, prompt: Prompt | None, espeak: Program) -> Samples:
    if own is not None:
        return read_wav(own)
    return ringing() if prompt is None else speak(pinyin(prompt.zh), espeak)


def speak(words: str, espeak: Program) -> Samples:
    """``words`` (pinyin) as samples at ``RATE``, at the usual loudness, with a little silence around."""
    done = subprocess.run(
        [*espeak.command, *_ESPEAK, words],
        env={**os.environ, **espeak.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    if done.returncode != 0:
        raise PromptError(f"espeak-ng failed: {done.stderr.decode('utf-8', 'replace').strip()[:200]}")
    voice = level(read_wav(done.stdout))
    return np.concatenate([np.zeros(int(RATE * _LEAD_IN)), voice, np.zeros(int(RATE * _TAIL))])


def ringing() -> Samples:
    """The Chinese ringing tone, 450 Hz, 1 s in 5 (GB/T 3380), quieter than speech: heard between two sentences."""
    beep = 0.1 * np.sin(2 * np.pi * 450 * np.arange(RATE) / RATE)
    return np.concatenate([beep, np.zeros(4 * RATE)])


def level(samples: Samples) -> Samples:
    """The same at ``LOUDNESS``, or as near as ``PEAK`` allows. Silence stays silence."""
    loudness = float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0
    if loudness == 0.0:
        return samples
    return samples * min(LOUDNESS / loudness, PEAK / float(np.abs(samples).max()))


def read_wav(data: bytes) -> Samples:
    """A 16 bit WAV file of any rate and channel count as mono samples at ``RATE``; PromptError when it is not one."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            # espeak-ng writes to a pipe, so its header names a length that is not true: take what is there.
            frames = file.readframes(len(data))
    except (wave.Error, EOFError) as error:
        raise PromptError(f"not a WAV file that can be read ({error}); give 16 bit PCM") from error
    if width != 2:
        raise PromptError(f"a WAV file of {8 * width} bit; give 16 bit PCM")
    whole = frames[: len(frames) // (2 * channels) * 2 * channels]
    samples = np.frombuffer(whole, dtype="<i2").reshape(-1, channels).mean(axis=1) / 32768
    if not samples.size:
        raise PromptError("a WAV file without sound")
    return samples if rate == RATE else np.asarray(soxr.resample(samples, rate, RATE), dtype=np.float64)


def _write(path: Path, samples: Samples) -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    _replace(path, buffer.getvalue())


def _replace(path: Path, data: bytes) -> None:
    """A telephone that plays the file meets the old one or the new one, never half of it."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)


def _read_index(path: Path) -> dict[str, str]:
    try:
        made = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(source) for name, source in made.items()} if isinstance(made, dict) else {}
