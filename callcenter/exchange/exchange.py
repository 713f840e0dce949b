"""Our exchange: one Asterisk, rendered from ``asterisk_conf/`` and the settings, in ``<home>/exchange``."""

import hashlib
import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from callcenter.exchange.ami import ami_answers
from callcenter.exchange.context import INSTALLED_DIRECTORIES, ami_secret, template_context
from callcenter.exchange.errors import ExchangeError
from callcenter.exchange.journal import restore_journal
from callcenter.settings import Settings
from foundation.asterisk.apt import Say
from foundation.asterisk.errors import AsteriskError
from foundation.asterisk.process import AsteriskProcess, Port
from foundation.asterisk.provision import (
    Asterisk,
    find_asterisk,
    find_espeak,
    provision_asterisk,
    provision_espeak,
)
from foundation.asterisk.render import render, rendered, write_whole
from ivr_flows import sounds

log = logging.getLogger(__name__)

TEMPLATES = "asterisk_conf"


@dataclass(frozen=True)
class ExchangeStatus:
    """What can be said of the exchange now. ``ami`` is why AMI does not answer, empty when it does."""

    mode: str
    node: str
    running: bool
    pid: int | None
    version: str
    calls: int | None
    ami: str
    # False: the settings or the templates have changed since it was started.
    configuration_current: bool


class Exchange:
    """Everything one does with the exchange. ``managed`` mode only, but for ``render`` and ``status``."""

    def __init__(
        self,
        settings: Settings,
        *,
        say: Say = log.info,
        cache: Path | None = None,
        asterisk: Asterisk | None = None,
    ) -> None:
        self.settings = settings
        self.root = settings.home / "exchange"
        self._say = say
        self._cache = cache
        self._asterisk = asterisk
        self._made: AsteriskProcess | None = None

    @property
    def process(self) -> AsteriskProcess:
        """The Asterisk behind it. Raises ExchangeError when none was brought yet."""
        if self._made is None:
            self._asterisk = self._asterisk or find_asterisk(self._cache)
            if self._asterisk is None:
                raise ExchangeError("There is no Asterisk here yet; 'callcenter exchange start' brings one.")
            self._made = AsteriskProcess(self._asterisk, self.root, self.ports(), self._before_start)
        return self._made

    @property
    def pid(self) -> int | None:
        """The process id of this home's Asterisk, also of one that an earlier run left, or None."""
        try:
            return self.process.pid
        except ExchangeError:
            return None

    def provision(self) -> Asterisk:
        """Have an Asterisk, downloading it when there is none; says what it downloads."""
        self._must_be_managed("brought")
        self._asterisk = self._asterisk or provision_asterisk(self._cache, self._say)
        return self._asterisk

    def ports(self) -> Sequence[Port]:
        """What it listens on."""
        told = self.settings.exchange
        return [
            Port(told.sip_port, "udp", told.bind, "exchange.sip_port"),
            Port(told.http_port, "tcp", told.bind, "exchange.http_port"),
            Port(told.ami_port, "tcp", told.ami_host, "exchange.ami_port"),
        ]

    def render(self, target: Path | None = None) -> list[Path]:
        """Write the configuration, to ``target`` or where it is used; gives the files that changed.

        For an existing exchange they go to ``<home>/exchange/install``, made for Debian's usual folders.
        """
        if self.settings.exchange.mode == "existing":
            folder, directories = target or self.root / "install", INSTALLED_DIRECTORIES
        else:
            own = self.process.directories
            own.make(self.process.asterisk.data)
            folder, directories = target or own.etc, own.as_text()
        return render(TEMPLATES, folder, template_context(self.settings, directories))

    def start(self) -> bool:
        """Have it running, fully booted and with the present configuration; True when it was started now.

        One that runs already is adopted, so calls go on. Only when its configuration has changed and no call is up
        it is started anew; with calls up, it stays as it is and this is said.
        """
        self._must_be_managed("started")
        self.provision()
        if self.pid is not None and not self._is_current():
            if self._calls():
                self._say("The exchange has calls up and an older configuration; restart it when they have ended.")
                return self.process.start()
            self._say("The configuration has changed; starting the exchange anew.")
            self.process.stop()
        self.render()
        voice_is_here = find_espeak(self._cache) is not None
        if voice_is_here:
            self.install_prompts()
        started = self.process.start()
        if not voice_is_here:
            # A telephone that is up without a voice is worth more than one that waits for a download.
            self.install_prompts()
        if started:
            write_whole(self.root / "started.json", json.dumps({"configuration": self._digest()}))
        return started

    def install_prompts(self) -> bool:
        """Have all prompts as they are written and recorded now; False, and a word why, when one could not be made.

        Calls that are up hear an old file or a new one, never half of one.
        """
        own = self.process.directories
        try:
            espeak = provision_espeak(self._cache, self._say)
            sounds.install(own.sounds, self.settings.home / "prompts", espeak, cache=self._cache)
        except sounds.PromptError as error:
            self._say(f"Not all prompts are as they should be; the exchange runs with the others.\n{error}")
            return False
        except Exception as error:
            # No path of a call needs a prompt, and every path needs the exchange.
            log.exception("prompts could not be made")
            self._say(f"The prompts could not be made ({error}); the exchange runs without them.")
            return False
        return True

    def stop(self, timeout: float = 10) -> bool:
        """End it, calls included; False when it was not running."""
        self._must_be_managed("stopped")
        return self.pid is not None and self.process.stop(timeout)

    def kill9(self) -> None:
        """End it as a crash would; for tests."""
        self.process.kill9()

    def watch(self, stopping: threading.Event) -> None:
        """Keep it running until ``stopping`` is set; leaves it running then. For a thread of its own."""
        self._must_be_managed("watched")
        self.process.watch(stopping, self._say)

    def ask(self, command: str) -> str:
        """The answer to a console command."""
        return self.process.ask(command)

    def status(self) -> ExchangeStatus:
        """How it is now."""
        told = self.settings.exchange
        managed = told.mode == "managed"
        pid = self.pid if managed else None
        ami = ami_answers(told, ami_secret(self.settings)) if pid or not managed else "the exchange is not running"
        known = find_asterisk(self._cache) if managed and self._asterisk is None else self._asterisk
        return ExchangeStatus(
            mode=told.mode,
            node=told.node,
            running=pid is not None if managed else not ami,
            pid=pid,
            version=known.version if known else "",
            calls=self._calls() if pid else None,
            ami=ami,
            configuration_current=self._is_current() if pid else True,
        )

    def _must_be_managed(self, what: str) -> None:
        if self.settings.exchange.mode != "managed":
            raise ExchangeError(
                f'The exchange is not ours (exchange.mode = "existing"), so it cannot be {what} here. '
                "Do it on its own machine."
            )

    def _before_start(self) -> None:
        own = self.process.directories
        if restored := restore_journal(own.journal, own.db / "astdb.sqlite3"):
            self._say(f"{restored} journal entries were put back into AstDB.")

    def _calls(self) -> int:
        """How many channels are up; 0 when it does not answer."""
        try:
            lines = self.process.ask("core show channels count", 5).splitlines()
        except AsteriskError:
            return 0
        return next((int(line.split()[0]) for line in lines if "active channel" in line), 0)

    def _is_current(self) -> bool:
        try:
            told = json.loads((self.root / "started.json").read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return bool(told.get("configuration") == self._digest())

    def _digest(self) -> str:
        """One value for what the settings and templates of now make, so that what runs can be compared."""
        context = template_context(self.settings, self.process.directories.as_text())
        texts = json.dumps(rendered(TEMPLATES, context), sort_keys=True)
        return hashlib.sha256((texts + str(self.process.asterisk.program)).encode()).hexdigest()
