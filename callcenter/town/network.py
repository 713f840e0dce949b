"""The town's own Asterisk: its files, its start and its stop.

Everything stands in one folder; secrets and ports are made once and kept in `network.json`, readable by the
owner only, so that the process that runs the Asterisk and the one that controls it agree.
"""

import json
import os
import secrets
import shutil
import wave
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from callcenter.town.errors import TownError
from foundation.asterisk.process import AsteriskProcess, Port
from foundation.asterisk.provision import Asterisk
from foundation.asterisk.render import render

APPLICATION = "town"
# Frequencies (Hz) by which one telephone knows another's sound: no harmonics of each other, nor DTMF or ring tones.
TONES = (530, 610, 730, 890, 1030, 1130, 1270, 1570, 1730, 1910)


@dataclass(frozen=True)
class Trunk:
    """How the exchange is reached: at `host`:`port` (`address`), or where it registers (`registration`)."""

    port: int
    host: str = "127.0.0.1"
    mode: Literal["address", "registration"] = "address"
    username: str = ""
    password: str = ""

    @property
    def endpoint(self) -> str:
        return self.username if self.mode == "registration" else "exchange"


@dataclass(frozen=True)
class NetworkSettings:
    """All that the town's Asterisk is made from. `seats` maps a seat's name to its password at the exchange."""

    trunk: Trunk
    sip_port: int
    ari_port: int
    trace_port: int
    rtp_start: int
    rtp_end: int
    seats: Mapping[str, str] = field(default_factory=dict)
    bind: str = "127.0.0.1"
    ari_user: str = "controller"
    ari_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    # A line on which nothing at all is heard for this long is dead: the far exchange was killed.
    rtp_timeout: int = 30

    def save(self, home: Path) -> None:
        """Write `network.json` for the controller of another process."""
        home.mkdir(parents=True, exist_ok=True)
        path = home / "network.json"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file, indent=1)

    @classmethod
    def load(cls, home: Path) -> "NetworkSettings":
        path = home / "network.json"
        try:
            values: dict[str, Any] = json.loads(path.read_text())
            return cls(**{**values, "trunk": Trunk(**values["trunk"])})
        except FileNotFoundError:
            raise TownError(f"There is no town at {home}: start it first.") from None
        except (ValueError, TypeError, KeyError) as error:
            raise TownError(f"{path} cannot be read ({error}). Remove it and start the town again.") from None


class Network:
    """The town's Asterisk in the folder `home`.

    One that `stands_back` leaves the machine to exchange and application, as the telephone network does that it stands
    for, which is elsewhere.
    """

    def __init__(self, home: Path, asterisk: Asterisk, settings: NetworkSettings, *, stands_back: bool = False) -> None:
        self.home = home.absolute()
        self.settings = settings
        self.process = AsteriskProcess(
            asterisk,
            self.home,
            ports=[
                Port(settings.sip_port, "udp", settings.bind, "town.sip_port"),
                Port(settings.ari_port, "tcp", settings.bind, "town.ari_port"),
            ],
            before_start=self._prepare,
            stands_back=stands_back,
        )

    @property
    def recordings(self) -> Path:
        return self.home / "recordings"

    def _prepare(self) -> None:
        """Write the configuration and the voices; what earlier telephones heard goes."""
        shutil.rmtree(self.recordings, ignore_errors=True)
        self.recordings.mkdir()
        _write_voices(self.process.directories.sounds / "en")
        render("callcenter.town.conf", self.process.directories.etc, self._context())
        self.settings.save(self.home)

    def _context(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "dirs": {**self.process.directories.as_text(), "recordings": str(self.recordings)},
            "bind": settings.bind,
            "sip_port": settings.sip_port,
            "ari_port": settings.ari_port,
            "ari_user": settings.ari_user,
            "ari_secret": settings.ari_secret,
            "trace_port": settings.trace_port,
            "rtp_start": settings.rtp_start,
            "rtp_end": settings.rtp_end,
            "rtp_timeout": settings.rtp_timeout,
            "trunk": {**asdict(settings.trunk), "endpoint": settings.trunk.endpoint},
            "seats": [{"name": name, "secret": secret} for name, secret in settings.seats.items()],
            "application": APPLICATION,
        }

    def start(self) -> None:
        """Have it running; an already running one of this folder is taken over. Raises `AsteriskError`."""
        self.process.start()

    def stop(self) -> None:
        """End it."""
        self.process.stop()

    def log_end(self) -> str:
        """The end of its log, for an error message."""
        return self.process.log_end()


def _write_voices(folder: Path) -> None:
    """A voicemail's greeting and a person's voice: not words, but sounds with the pace of speech.

    Signed linear, 8 kHz. What matters is that something that is not a person answers and speaks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rate = 8000
    t = np.arange(rate * 2) / rate
    for hertz in TONES:
        (folder / f"tone-{hertz}.sln").write_bytes((9000 * np.sin(2 * np.pi * hertz * t)).astype("<i2").tobytes())
    for name, pitch, seconds, beep in (("voicemail", 210.0, 4.0, True), ("voice", 140.0, 8.0, False)):
        t = np.arange(int(rate * seconds)) / rate
        glide = pitch * (1 + 0.12 * np.sin(2 * np.pi * 0.7 * t))
        phase = 2 * np.pi * np.cumsum(glide) / rate
        tone = sum(np.sin(k * phase) / k for k in range(1, 9))
        syllables = np.clip(np.sin(2 * np.pi * 2.1 * t), 0, None) ** 0.6
        sound = 0.15 * tone * syllables
        if beep:
            sound = np.concatenate([sound, 0.4 * np.sin(2 * np.pi * 1000 * np.arange(rate // 2) / rate)])
        samples = (np.clip(sound, -1, 1) * 32000).astype("<i2").tobytes()
        (folder / f"{name}.sln").write_bytes(samples)
        with wave.open(str(folder.parent / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", ""))
            file.writeframes(samples)
