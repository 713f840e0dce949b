"""Life-safety prompts must be a person's voice, and a named person has listened to each and approved it.

The approvals stand in ``<home>/prompts/approvals.yaml``, beside the recordings: who, when, of which file, and the
sentence it was to say. Whatever changes afterwards, the file or the sentence, takes the approval away.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import get_args

import yaml

from foundation.asterisk.render import write_whole
from ivr_flows.document import parse
from ivr_flows.model import FlowError
from ivr_flows.numbers_spoken import Language
from ivr_flows.prompts import FILE as TEXTS
from ivr_flows.prompts import Prompt, prompts
from ivr_flows.pronunciation import UnspeakableError
from ivr_flows.sound import RATE, SoundError, loudness, read_wav
from ivr_flows.sounds import PromptError, recording
from ivr_flows.speech import SpeechError, Voice

FILE = "approvals.yaml"
LONGEST_NAME = 60
# A sentence takes longer, and a microphone that was off is quieter than -50 dBFS.
_SHORTEST_S = 0.5
_QUIETEST = 10 ** (-50 / 20)


class ApprovalRefusedError(Exception):
    """This cannot be approved now. The text says why and what to do."""


@dataclass(frozen=True)
class Approval:
    """``by`` has heard the recording of that content say ``text``. ``at`` is the moment, with its zone."""

    by: str
    at: str
    sha256: str
    text: str


@dataclass(frozen=True)
class Lacking:
    """A life-safety prompt that is not an approved human recording, and why, for the screens in two languages."""

    name: str
    language: Language
    code: str
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.name} ({self.language}): {self.en}"


def lacking(recordings: Path) -> list[Lacking]:
    """What is still missing for the life-safety prompts, in their order; empty when all is well. ``recordings`` is the
    site's folder, ``<home>/prompts``.

    Never raises for what stands in the folder: what cannot be read is not approved.
    """
    approvals = _read(recordings / FILE)
    found = []
    for prompt in _life_safety(recordings):
        for language in get_args(Language):
            if reason := _reason(recordings, prompt, language, approvals.get((prompt.name, language))):
                code, zh, en = reason
                found.append(Lacking(prompt.name, language, code, zh, en))
    return found


def unapproved(recordings: Path) -> set[str]:
    """The names in ``lacking``, for the check."""
    return {row.name for row in lacking(recordings)}


def summary(rows: list[Lacking]) -> tuple[str, str]:
    """One line of all of them, in Chinese and in English; empty when nothing is missing."""
    if not rows:
        return "", ""
    names = ", ".join(f"{row.name} ({row.language})" for row in rows)
    zh = f"{len(rows)} 条生命安全提示音还不是经批准的真人录音：{names}"
    return zh, f"{len(rows)} life-safety prompts are not approved human recordings yet: {names}"


def approve(
    recordings: Path, name: str, language: Language, by: str, now: datetime, voice: Voice | None = None
) -> Approval:
    """Write down that ``by``, a person's full name, has heard the recording of ``name`` and found it right.

    ``voice`` is the machine's, if there is one here: its own sound handed in as a recording is refused.
    Raises ApprovalRefusedError when there is no such life-safety prompt, no usable recording, or no name.
    """
    person = " ".join(by.split())
    if not 2 <= len(person) <= LONGEST_NAME or not person.isprintable() or sum(map(str.isalpha, person)) < 2:
        raise ApprovalRefusedError(f"Give the full name of the person who listened, 2 to {LONGEST_NAME} characters.")
    prompt = next((prompt for prompt in _life_safety(recordings) if prompt.name == name), None)
    if prompt is None:
        names = ", ".join(prompt.name for prompt in _life_safety(recordings))
        raise ApprovalRefusedError(f"There is no life-safety prompt {name[:60]!r}; there are {names}.")
    data = _recorded(recordings, prompt, language)
    if voice is not None and _is_spoken_by(voice, prompt, language, data):
        raise ApprovalRefusedError("This is the machine's own voice; a person must record it.")
    approval = Approval(person, now.isoformat(timespec="seconds"), _digest(data), prompt.text(language).text)
    with _alone(recordings):
        kept = {**_read(recordings / FILE), (name, language): approval}
        rows: dict[str, dict[str, dict[str, str]]] = {}
        for (prompt_name, prompt_language), row in sorted(kept.items()):
            rows.setdefault(prompt_name, {})[prompt_language] = vars(row)
        write_whole(recordings / FILE, yaml.safe_dump(rows, allow_unicode=True, sort_keys=False, width=1000))
    return approval


def _life_safety(folder: Path) -> list[Prompt]:
    try:
        told = prompts(folder / TEXTS)
    except (FlowError, OSError):
        told = prompts()
    return [prompt for prompt in told if prompt.life_safety]


def _recorded(folder: Path, prompt: Prompt, language: Language) -> bytes:
    """The recording, when it can be one of a sentence."""
    place = f"{folder / language / prompt.name}.wav"
    try:
        data = recording(folder, language, prompt.name)
        if data is None:
            raise ApprovalRefusedError(f"It is still spoken by the machine; put the recording at {place}.")
        samples = read_wav(data)
    except (SoundError, PromptError, OSError) as error:
        raise ApprovalRefusedError(f"The recording {place} cannot be used: {error}.") from error
    if samples.size < _SHORTEST_S * RATE or loudness(samples) < _QUIETEST:
        raise ApprovalRefusedError(f"The recording {place} is too short or too quiet to say anything; record it again.")
    return data


def _is_spoken_by(voice: Voice, prompt: Prompt, language: Language, data: bytes) -> bool:
    try:
        return voice.wav(prompt.text(language)) == data
    except (SpeechError, UnspeakableError):
        return False


def _reason(folder: Path, prompt: Prompt, language: Language, approval: Approval | None) -> tuple[str, str, str] | None:
    try:
        data = recording(folder, language, prompt.name)
    except (OSError, PromptError) as error:
        return "broken", f"录音无法读取：{error}", f"its recording cannot be read: {error}"
    if data is None:
        return "not_recorded", "还是机器合成音，请真人录音", "spoken by the machine, not yet recorded by a person"
    if approval is None:
        return "not_approved", "有录音，还没有人批准", "recorded, and not yet approved by a named person"
    if approval.sha256 != _digest(data):
        return "recording_changed", "批准后换了录音，请重新批准", "the recording was changed after it was approved"
    if approval.text != prompt.text(language).text:
        return "text_changed", "批准后改了文字，请重新录音和批准", "its sentence was changed after it was approved"
    return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(path: Path) -> Mapping[tuple[str, str], Approval]:
    """What is approved. A row that is not whole, and a file that cannot be read, approve nothing."""
    found: dict[tuple[str, str], Approval] = {}
    try:
        rows = parse(path.read_bytes(), str(path)).plain()
    except (FlowError, OSError):
        return found
    for name, languages in rows.items() if isinstance(rows, dict) else ():
        for language, row in languages.items() if isinstance(languages, dict) else ():
            values = (
                {key: value for key, value in row.items() if isinstance(value, str)} if isinstance(row, dict) else {}
            )
            if set(values) == {"by", "at", "sha256", "text"} and values["by"].strip():
                found[str(name), str(language)] = Approval(**values)
    return found


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two who approve at once lose nothing of each other."""
    with (folder / f".{FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
