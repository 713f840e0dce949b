"""``callcenter flows say | approve``: hear what the telephone says, and vouch for the recordings that lives hang on."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from callcenter.flows.part import DONE, FAILED, Add
from callcenter.settings import load_settings

if TYPE_CHECKING:
    from ivr_flows.numbers_spoken import Language

PLAYERS = (("aplay", "-q"), ("paplay",), ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"))
"""Programs that play a WAV file, in the order in which they are tried."""


def register(add: Add) -> None:
    """Add the two sub-commands."""
    say = add("say", _say, "play a text or a prompt as the telephone says it, or write it to a file")
    what = say.add_mutually_exclusive_group(required=True)
    what.add_argument("text", nargs="?", help="what to say")
    what.add_argument("--prompt", metavar="NAME", help="a prompt: the site's recording when there is one")
    say.add_argument("--lang", choices=("zh", "en"), default="zh", help="the language (default: zh)")
    say.add_argument("--name", action="append", default=[], metavar="PERSON", help="a person's name in the text")
    say.add_argument("--out", type=Path, metavar="FILE", help="write it to FILE instead of playing it")
    approve = add("approve", _approve, "say which life-safety prompts are not approved recordings, or approve one")
    approve.add_argument("prompt", nargs="?", metavar="NAME", help="the prompt; without it, what is missing is listed")
    approve.add_argument("--by", metavar="'FULL NAME'", help="the person who listened to it and found it right")
    approve.add_argument("--lang", choices=("zh", "en"), default="zh", help="the recording's language (default: zh)")


def _say(arguments: argparse.Namespace) -> int:
    from ivr_flows.model import FlowError
    from ivr_flows.pronunciation import UnspeakableError
    from ivr_flows.sounds import PromptError
    from ivr_flows.speech import SpeechError

    try:
        data = _sound(arguments)
    except (UnspeakableError, SpeechError, PromptError, FlowError) as error:
        print(error, file=sys.stderr)
        return FAILED
    if arguments.out is not None:
        arguments.out.write_bytes(data)
        _tell(f"已写入 {arguments.out} / written to {arguments.out}")
        return DONE
    return _play(data, f"{arguments.prompt or 'said'}.wav")


def _sound(arguments: argparse.Namespace) -> bytes:
    """What is to be heard, as a file's content."""
    from foundation.asterisk.provision import provision_espeak
    from ivr_flows.prompts import FILE, prompts
    from ivr_flows.pronunciation import sounds_like
    from ivr_flows.sound import level, read_wav, wav
    from ivr_flows.sounds import PromptError, recording
    from ivr_flows.speech import Text, Voice

    language: Language = arguments.lang
    text = Text(arguments.text or "", language, names=tuple(arguments.name))
    if arguments.prompt is not None:
        folder = _recordings(arguments)
        found = {prompt.name: prompt for prompt in prompts(folder / FILE)}.get(arguments.prompt)
        if found is None:
            raise PromptError(f"There is no prompt {arguments.prompt[:60]!r}; prompts.yaml has their names.")
        if (own := recording(folder, language, found.name)) is not None:
            _tell("这是自己的录音 / this is the site's own recording")
            return wav(level(read_wav(own)))
        text = found.text(language)
    _tell(f"读作 / read as: {text.pinyin or sounds_like(text.text, text.spoken_in, text.names)}")
    # Not kept: who tries a sentence may try one about a person.
    return Voice(provision_espeak(say=_tell)).made(text)


def _play(data: bytes, name: str) -> int:
    player = next((row for row in PLAYERS if shutil.which(row[0])), None)
    if player is not None:
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            file.write(data)
            file.flush()
            if subprocess.run([*player, file.name], stdin=subprocess.DEVNULL, check=False).returncode == 0:
                return DONE
        _tell(f"{player[0]} 放不出声音 / {player[0]} could not play it")
    else:
        names = ", ".join(row[0] for row in PLAYERS)
        _tell(f"这台机器没有播放程序（{names}） / this machine has none of {names}")
    Path(name).write_bytes(data)
    _tell(f"已写入 {name} / written to {name}")
    return DONE


def _approve(arguments: argparse.Namespace) -> int:
    from foundation.asterisk.provision import find_espeak
    from ivr_flows.approvals import ApprovalRefusedError, approve, lacking
    from ivr_flows.speech import Voice

    recordings = _recordings(arguments)
    if arguments.prompt is None:
        rows = lacking(recordings)
        for row in rows:
            print(f"{row.name} ({row.language}): {row.zh} / {row.en}")
        if not rows:
            print("生命安全提示音都是经批准的真人录音 / every life-safety prompt is an approved human recording")
        return FAILED if rows else DONE
    if not arguments.by:
        _tell("请写明谁听过并批准：--by '全名' / say who listened to it and approves it: --by 'full name'")
        return FAILED
    espeak = find_espeak()
    voice = Voice(espeak) if espeak else None
    now = datetime.now().astimezone()
    try:
        done = approve(recordings, arguments.prompt, arguments.lang, arguments.by, now, voice)
    except ApprovalRefusedError as error:
        _tell(str(error))
        return FAILED
    print(f"{arguments.prompt} ({arguments.lang}): {done.by}, {done.at}")
    print(f"  {done.text}")
    return DONE


def _recordings(arguments: argparse.Namespace) -> Path:
    return load_settings(getattr(arguments, "config", None), getattr(arguments, "home", None)).home / "prompts"


def _tell(text: str) -> None:
    """Beside the result, so that a script can read the result alone."""
    print(text, file=sys.stderr, flush=True)
