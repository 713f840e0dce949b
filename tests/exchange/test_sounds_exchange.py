"""The sounds on the real exchange: the real voice says them, and Asterisk finds every file that a number needs."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from callcenter.exchange import Exchange
from callcenter.exchange.context import ami_secret
from foundation.asterisk.packages import Program
from ivr_flows.prompts import prompts
from ivr_flows.pronunciation import sounds_like
from ivr_flows.sound import LOUDNESS, PEAK, loudness, read_wav, trimmed
from ivr_flows.sounds import install
from ivr_flows.speech import VOICES, Voice, speak
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange

# Between them: a zero in the middle, teens, tens, hundreds, thousands and ten thousands.
NUMBERS = (0, 12, 105, 21_340)


@pytest.fixture(scope="module")
def spoken(espeak: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All sounds, made by the real voice with nothing kept from before; it says how long that took."""
    folder = tmp_path_factory.mktemp("spoken")
    for turn in ("first", "second"):
        begun = time.monotonic()
        install(folder / "sounds", folder / "own", espeak, cache=folder / "cache")
        print(f"{turn} start: {time.monotonic() - begun:.2f} s for {len(list(folder.glob('sounds/**/*.wav')))} sounds")
    return folder / "sounds"


def phonemes(text: str, espeak: Program) -> str:
    done = subprocess.run(
        [*espeak.command, *VOICES["zh"], "-q", "-x", sounds_like(text, "zh")],
        env={**os.environ, **espeak.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_voice_says_our_number_with_yi_and_others_with_yao(espeak: Program) -> None:
    yi, yao = phonemes("一", espeak), phonemes("幺", espeak)
    assert yi != yao
    assert yi.strip("_|'") in phonemes("81890", espeak)
    assert yao.strip("_|'") in phonemes("120", espeak)
    assert yao.strip("_|'") not in phonemes("81890", espeak)


def test_all_that_the_real_voice_says_is_equally_loud_and_long_enough_to_be_words(spoken: Path) -> None:
    words = [path for path in spoken.rglob("*.wav") if path.stem not in ("ringing", "beep")]
    assert len(words) > 2 * len(prompts())
    for path in words:
        sound = read_wav(path.read_bytes())
        assert loudness(trimmed(sound)) == pytest.approx(LOUDNESS, rel=0.12), path  # one decibel
        assert np.abs(sound).max() <= PEAK + 0.001
        assert sound.size > 800, path


def test_different_texts_sound_different(spoken: Path) -> None:
    digits = {path.read_bytes() for language in ("zh", "en") for path in (spoken / language / "spell").iterdir()}
    assert len(digits) == 20
    assert (spoken / "zh/digits/1.wav").read_bytes() != (spoken / "zh/spell/1.wav").read_bytes()
    assert (spoken / "zh/digits/5.wav").read_bytes() == (spoken / "zh/spell/5.wav").read_bytes()


def test_a_sentence_of_a_call_is_ready_within_the_time_a_caller_waits(espeak: Program, tmp_path: Path) -> None:
    voice = Voice(espeak, tmp_path / "cache")
    speak("预热", "zh", voice, tmp_path / "sounds")  # the dictionary is read once
    begun = time.monotonic()
    name = speak("单师傅已经接单，今天下午2点到2点30分上门，电话13800000000。", "zh", voice, tmp_path / "sounds")
    took = time.monotonic() - begun
    print(f"a sentence of a call: {1000 * took:.0f} ms")
    assert took < 2.5
    assert loudness(trimmed(read_wav((tmp_path / "sounds/zh" / f"{name}.wav").read_bytes()))) > LOUDNESS / 2


@pytest.mark.parametrize(("language", "other"), [("zh", "en"), ("en", "zh")])
def test_asterisk_finds_every_file_that_a_number_needs(exchange: Exchange, language: str, other: str) -> None:
    sounds = exchange.process.directories.sounds
    # Asterisk would take a file that it misses from English.
    with gone(sounds / other / "digits"):
        said = say(exchange, language, [f"SayNumber({number})" for number in NUMBERS])
        assert [line for line in said if "does not exist" in line] == []

        # And it would be noticed.
        with gone(sounds / language / "digits/hundred.wav"):
            said = say(exchange, language, ["SayNumber(105)"])
            assert [line for line in said if "digits/hundred" in line and "does not exist" in line]


@contextmanager
def gone(path: Path) -> Iterator[None]:
    aside = path.with_name(path.name + ".aside")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


def say(exchange: Exchange, language: str, steps: list[str]) -> list[str]:
    """What Asterisk logged while a channel of `language` did these steps to their end."""
    log = exchange.process.directories.log / "messages"
    before = log.stat().st_size
    context = f"say-{time.monotonic_ns()}"
    plan = ["Answer()", f"Set(CHANNEL(language)={language})", *steps, f"Set(DB(said/{context})=yes)", "Hangup()"]
    folder = exchange.process.directories.etc / "flows"
    folder.mkdir(exist_ok=True)
    file = folder / f"{context}.conf"
    file.write_text(f"[{context}]\nexten => s,1,NoOp()\n" + "".join(f" same => n,{step}\n" for step in plan))
    try:
        exchange.ask("dialplan reload")
    finally:
        file.unlink()
    originate(exchange, f"Local/s@{context}/n")

    wait_until(lambda: "yes" in exchange.ask(f"database get said {context}"), 60, "everything has been said")
    exchange.ask(f"database del said {context}")
    with log.open("rb") as file:
        file.seek(before)
        return file.read().decode("utf-8", "replace").splitlines()


def originate(exchange: Exchange, channel: str) -> None:
    """Have the exchange call `channel` and stay with it."""
    told = exchange.settings.exchange
    login = (
        f"Action: Login\r\nUsername: {told.ami_user}\r\nSecret: {ami_secret(exchange.settings)}\r\nEvents: off\r\n\r\n"
    )
    call = f"Action: Originate\r\nChannel: {channel}\r\nApplication: Wait\r\nData: 60\r\nAsync: true\r\n\r\n"
    with socket.create_connection((told.ami_host, told.ami_port), 5) as link, link.makefile("rb") as answers:
        link.sendall((login + call).encode())
        wait_until(lambda: b"Originate successfully queued" in answers.readline(), 10, "the exchange takes the call")
