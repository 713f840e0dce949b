"""Text to sound, by espeak-ng: each text once, kept by its content.

What a flow says is spoken beforehand and kept in a cache that all homes of this machine share. What the application
says during a call (``speak``) may name persons: it is kept in the exchange's own folder only, and forgotten after a
while.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path

import numpy as np

from foundation.asterisk.packages import Program, default_cache
from ivr_flows.numbers_spoken import Language
from ivr_flows.pronunciation import is_chinese, sounds_like
from ivr_flows.sound import Samples, SoundError, level, read_wav, silence, trimmed, wav

VOICES: dict[Language, tuple[str, ...]] = {
    "zh": ("-v", "cmn-latn-pinyin", "-s", "140"),
    "en": ("-v", "en-us", "-s", "150"),
}
"""espeak-ng's options for each language. Slower than its own 175 words a minute: many listeners are old."""

DYNAMIC = "dyn"
"""The folder of the sentences made during calls, below the sounds of their language."""

KEPT_S = 7 * 86400.0
"""So long a sentence of a call is kept after it was last wanted."""

_MAKE = 1
"""Raised when the way sounds are made changes, so that old ones are made again."""
_TIMEOUT_S = 30.0
# The first packets of an answered call are often lost on the way.
_LEAD_IN_S = 0.3
_TAIL_S = 0.2
# Between two words of a number that is put together.
_GAP_S = 0.06


class SpeechError(Exception):
    """The voice could not be used; what it said of itself is in the text."""


@dataclass(frozen=True)
class Text:
    """One text to be said. ``pinyin`` replaces the reading of a Chinese one; a ``piece`` is played as part of a
    sentence, so it has no silence around it. ``names`` as in ``sounds_like``."""

    text: str
    language: Language
    pinyin: str = ""
    piece: bool = False
    names: tuple[str, ...] = ()

    @property
    def spoken_in(self) -> Language:
        """The voice: "For English, press 2" stands among the Chinese prompts, whose voice would spell it."""
        return self.language if self.pinyin or is_chinese(self.text) else "en"


class Voice:
    """espeak-ng with the sounds it has made before. ``cache`` None is the user's cache folder."""

    def __init__(self, espeak: Program, cache: Path | None = None) -> None:
        self._espeak = espeak
        self._kept = (cache or default_cache()) / "speech"
        self._reviewed = resources.files("ivr_flows").joinpath("pronunciation.yaml").read_bytes()
        self._dictionary = metadata.version("pypinyin")

    def mark(self, text: Text) -> str:
        """What the sound of ``text`` depends on, in one value (64 hexadecimal digits); costs next to nothing."""
        parts = [
            str(_MAKE),
            self._espeak.version,
            self._dictionary,
            *VOICES[text.language],
            hashlib.sha256(self._reviewed).hexdigest(),
            text.text,
            text.pinyin,
            str(text.piece),
            *text.names,
        ]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def wav(self, text: Text) -> bytes:
        """The sound of ``text`` as a file, out of the cache when it was made before.

        Raises UnspeakableError for a text that cannot be said, SpeechError when the voice fails.
        """
        kept = self._kept / f"{self.mark(text)}.wav"
        with contextlib.suppress(OSError, SoundError):
            data = kept.read_bytes()
            read_wav(data)
            return data
        data = self.made(text)
        with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_whole(kept, data)
        return data

    def made(self, text: Text, within: float = _TIMEOUT_S) -> bytes:
        """The sound of ``text``, made now and not kept; at most ``within`` seconds."""
        said = text.pinyin or sounds_like(text.text, text.spoken_in, text.names)
        samples = trimmed(spoken(said, text.spoken_in, self._espeak, within))
        if text.piece:
            return wav(np.concatenate([level(samples), silence(_GAP_S)]))
        return wav(np.concatenate([silence(_LEAD_IN_S), level(samples), silence(_TAIL_S)]))


def spoken(said: str, language: Language, espeak: Program, within: float = _TIMEOUT_S) -> Samples:
    """What ``sounds_like`` gave, as the voice says it."""
    try:
        done = subprocess.run(
            [*espeak.command, *VOICES[language], "-D", "-z", "--stdout", said],
            env={**os.environ, **espeak.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=within,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SpeechError(f"espeak-ng could not be used: {error}") from error
    if done.returncode != 0:
        raise SpeechError(f"espeak-ng failed: {done.stderr.decode('utf-8', 'replace').strip()[:200]}")
    try:
        return read_wav(done.stdout)
    except SoundError as error:
        raise SpeechError(f"espeak-ng gave {error}") from error


def speak(
    text: str,
    language: Language,
    voice: Voice,
    sounds: Path,
    *,
    names: Sequence[str] = (),
    within: float = 2.5,
) -> str:
    """Have ``text`` ready for the telephone; gives the sound's name, ``dyn/<64 hexadecimal digits>``.

    ``sounds`` is the exchange's folder of sounds. The same text is made once. Blocks for up to ``within`` seconds (some
    50 ms as a rule): call it from a thread. Raises UnspeakableError (more than 300 characters, control characters,
    nothing that can be said) and SpeechError.
    """
    wanted = Text(text, language, names=tuple(names))
    name = f"{DYNAMIC}/{voice.mark(wanted)}"
    path = sounds / language / f"{name}.wav"
    try:
        os.utime(path)
    except OSError:
        data = voice.made(wanted, within)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    return name


def forget(sounds: Path, older_than: float = KEPT_S) -> int:
    """Remove the sentences of calls that nobody wanted for so many seconds; gives how many."""
    until, gone = time.time() - older_than, 0
    for path in sounds.glob(f"*/{DYNAMIC}/*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < until:
                path.unlink()
                gone += 1
    return gone


def write_whole(path: Path, data: bytes) -> None:
    """A telephone that plays the file meets the old one or the new one, never half of it; two may write at once."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
