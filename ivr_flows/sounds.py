"""The files the telephone plays: each prompt in each language, the words of numbers, and two tones.

A site's own recording of the same name wins; everything else is spoken by espeak-ng. The files are 8 kHz, 16 bit, mono,
as Asterisk plays them without conversion, and equally loud. No path of the dialplan depends on one being there, so an
error here must never keep the exchange from starting.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from foundation.asterisk.packages import Program
from ivr_flows.model import FlowError
from ivr_flows.numbers_spoken import Language, cardinal, digits
from ivr_flows.prompts import FILE, Prompt, prompts
from ivr_flows.pronunciation import UnspeakableError
from ivr_flows.sound import SoundError, level, read_wav, silence, tone, wav
from ivr_flows.speech import SpeechError, Text, Voice, write_whole

MOST_BYTES = 30 * 2**20
"""Of one recording's file: two minutes as studios deliver them."""

INDEX = "made-from.json"
_HEADER_BYTES = 44
_TONES: dict[str, Callable[[], bytes]] = {
    # The Chinese ringing tone, 450 Hz, 1 s in 5 (GB/T 3380), quieter than speech: heard between two sentences.
    "ringing": lambda: wav(np.concatenate([tone(450, 1), silence(4)])),
    "beep": lambda: wav(np.concatenate([tone(1000, 0.4), silence(0.1)])),
}


class PromptError(Exception):
    """Sounds that could not be made or taken over; the others are in place."""


@dataclass(frozen=True)
class _Sound:
    """One file below the folder of its language: said, or a tone."""

    name: str
    language: Language
    text: Text | None


def install(
    sounds: Path,
    recordings: Path,
    espeak: Program,
    *,
    cache: Path | None = None,
) -> None:
    """Have every sound in ``sounds/zh`` and ``sounds/en``.

    ``recordings`` is the site's folder: its ``prompts.yaml`` with texts, ``<language>/<name>.wav``, and, for Chinese,
    ``<name>.wav``. What is there and made from the same source stays as it is; what was spoken once on this machine is
    taken from the cache. Raises PromptError, after everything else is in place, with a line for each that failed: a
    broken recording is spoken instead where no older file of that name stands.
    """
    failed: list[str] = []
    try:
        told = prompts(recordings / FILE)
    except (FlowError, OSError) as error:
        failed.append(f"The site's own texts are not used: {error}")
        told = prompts()
    voice = Voice(espeak, cache)
    for language in get_args(Language):
        failed += _install(language, sounds / language, recordings, told, voice)
    if failed:
        raise PromptError("\n".join(failed))


def _install(language: Language, target: Path, recordings: Path, told: list[Prompt], voice: Voice) -> list[str]:
    target.mkdir(parents=True, exist_ok=True)
    made = _read_index(target / INDEX)
    failed: list[str] = []
    wanted: list[tuple[_Sound, str, bytes | None]] = []
    for sound in _sounds(language, told):
        try:
            own = recording(recordings, language, sound.name)
        except (OSError, PromptError) as error:
            own = None
            failed.append(f"Prompt '{sound.name}' ({language}): {error}")
        source = _source(own, sound, voice)
        if made.get(sound.name) != source or not _is_whole(target / f"{sound.name}.wav"):
            wanted.append((sound, source, own))
    if not wanted:
        return failed

    # Most of the time is espeak-ng's, in processes of its own.
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="speech") as pool:
        done = pool.map(lambda row: _make(target, row[0], row[2], voice), wanted)
        for (sound, source, _), problem in zip(wanted, done, strict=True):
            if problem:
                failed.append(f"Prompt '{sound.name}' ({language}): {problem}")
            else:
                made[sound.name] = source
    write_whole(target / INDEX, json.dumps(made, indent=1, sort_keys=True).encode())
    return failed


def _make(target: Path, sound: _Sound, own: bytes | None, voice: Voice) -> str:
    """Write one file; gives what went wrong, empty when nothing did."""
    path = target / f"{sound.name}.wav"
    problem = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if own is not None:
            try:
                write_whole(path, wav(level(read_wav(own))))
                return ""
            except SoundError as error:
                problem = str(error)
                if path.exists():
                    return problem
        write_whole(path, voice.wav(sound.text) if sound.text else _TONES[sound.name]())
    except (OSError, SpeechError, UnspeakableError) as error:
        return f"{problem}; {error}" if problem else str(error)
    return problem


def recording(recordings: Path, language: Language, name: str) -> bytes | None:
    """The site's own recording of that name, or None. PromptError when the file is too large to be one."""
    for path in (recordings / language / f"{name}.wav", *([recordings / f"{name}.wav"] if language == "zh" else [])):
        if path.is_file():
            if path.stat().st_size > MOST_BYTES:
                raise PromptError(f"{path} is larger than {MOST_BYTES >> 20} MB; give at most two minutes")
            return path.read_bytes()
    return None


def _sounds(language: Language, told: list[Prompt]) -> Iterator[_Sound]:
    """All there are, what is heard in an emergency first."""
    for prompt in sorted(told, key=lambda prompt: not prompt.life_safety):
        yield _Sound(prompt.name, language, prompt.text(language))
    for name in _TONES:
        yield _Sound(name, language, None)
    for name, said in number_words(language).items():
        yield _Sound(name, language, Text(said, language, piece=True))


def number_words(language: Language) -> dict[str, str]:
    """The words of which Asterisk puts numbers together, by their file names (``main/say.c`` of Asterisk 22), and, as
    ``spell/0`` to ``spell/9``, the digits of a telephone number."""
    small = (*range(21), *range(30, 100, 10)) if language == "en" else (*range(11), *range(20, 100, 10))
    words = {f"digits/{value}": cardinal(value, language) for value in small}
    if language == "en":
        words |= {f"digits/{name}": name for name in ("hundred", "thousand", "million", "billion", "minus")}
    else:
        units = {"hundred": "百", "thousand": "千", "wan": "万", "yi": "亿", "minus": "负"}
        words |= {f"digits/{name}": said for name, said in units.items()}
    words |= {f"spell/{digit}": digits(str(digit), language) for digit in range(10)}
    return words


def _is_whole(path: Path) -> bool:
    """A power cut may leave a file without its content."""
    try:
        return path.stat().st_size > _HEADER_BYTES
    except OSError:
        return False


def _source(own: bytes | None, sound: _Sound, voice: Voice) -> str:
    """What the file depends on; another value means that it must be made again."""
    if own is not None:
        return "own " + hashlib.sha256(own).hexdigest()
    return "made " + (voice.mark(sound.text) if sound.text else "tone 1")


def _read_index(path: Path) -> dict[str, str]:
    try:
        made = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(source) for name, source in made.items()} if isinstance(made, dict) else {}
