"""Check a configuration by really loading it: a throwaway exchange on free ports, asked what it made of it.

It never touches the running exchange, nor the carrier: its trunk points at this machine, for a second registration
would take the real line away.
"""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from callcenter.exchange.context import template_context
from callcenter.settings import Settings
from foundation.asterisk.errors import AsteriskError
from foundation.asterisk.process import AsteriskProcess, free_port
from foundation.asterisk.provision import Asterisk
from foundation.asterisk.render import render

QUEUES = ("service", "emergency")
CONTEXTS = ("from-trunk", "from-seats", "service", "emergency", "leg", "leg-join", "ring-back", "journal")
_LOADED = re.compile(r"^\s*(?:load|require)\s*=>?\s*(\S+)", re.MULTILINE)
# "[2026-11-23 12:00:00.000] ERROR[123]: file.c:12 function: text"
_LOG_LINE = re.compile(r"\b(?P<level>ERROR|WARNING)\[\d+\](?:\[C-\w+\])?:? (?P<text>.*)")


@dataclass(frozen=True)
class CheckReport:
    """``problems`` make the configuration unfit to run; ``warnings`` are what Asterisk remarked beside them."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def check_exchange(settings: Settings, asterisk: Asterisk, templates: str) -> CheckReport:
    """Load the rendered configuration in a throwaway Asterisk and compare what it has with what was meant."""
    with tempfile.TemporaryDirectory(prefix="exchange-check-") as folder:
        trial = _harmless(settings, Path(folder))
        process = AsteriskProcess(asterisk, Path(folder) / "exchange")
        process.directories.make(asterisk.data)
        render(templates, process.directories.etc, template_context(trial, process.directories.as_text()))
        try:
            process.start(timeout=60)
            problems = [*_missing_modules(process), *_missing_parts(process, trial)]
        except AsteriskError as error:
            return CheckReport((str(error),), ())
        finally:
            process.stop()
        errors, warnings = _logged(process.directories.log / "messages")
        return CheckReport((*problems, *errors), warnings)


def _harmless(settings: Settings, home: Path) -> Settings:
    """The same settings on free ports of this machine, in another home, with a trunk that leads nowhere."""
    exchange = settings.exchange.model_copy(
        update={
            "bind": "127.0.0.1",
            "ami_host": "127.0.0.1",
            "ami_tls": False,
            "sip_port": free_port("udp"),
            "http_port": free_port(),
            "ami_port": free_port(),
        }
    )
    trunk = settings.trunk.model_copy(update={"host": "127.0.0.1", "port": free_port("udp")})
    return settings.model_copy(update={"home": home, "exchange": exchange, "trunk": trunk})


def _missing_modules(process: AsteriskProcess) -> Iterator[str]:
    wanted = _LOADED.findall((process.directories.etc / "modules.conf").read_text("utf-8"))
    states = {line.split()[0]: line for line in process.ask("module show").splitlines() if ".so" in line}
    for name in wanted:
        if " Running" not in states.get(name, "").replace("Not Running", ""):
            yield f"The module {name} is not running."


def _missing_parts(process: AsteriskProcess, settings: Settings) -> Iterator[str]:
    queues = process.ask("queue show")
    for queue in QUEUES:
        if not re.search(rf"^{re.escape(queue)}\s+has ", queues, re.MULTILINE):
            yield f"There is no queue {queue!r}."
    endpoints = process.ask("pjsip show endpoints")
    for endpoint in (*settings.seats.names, "trunk"):
        if not re.search(rf"Endpoint:\s+{re.escape(endpoint)}[/\s]", endpoints):
            yield f"There is no telephone or line {endpoint!r}."
    for context in CONTEXTS:
        if f"Context '{context}'" not in process.ask(f"dialplan show {context}"):
            yield f"The dialplan has no context {context!r}."
    if settings.exchange.ami_user not in process.ask("manager show users"):
        yield f"AMI has no user {settings.exchange.ami_user!r}."


def _logged(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Errors and warnings of the log, each text once."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ("It wrote no log; logger.conf must name 'messages'.",), ()
    found = [match for line in lines if (match := _LOG_LINE.search(line))]
    errors = dict.fromkeys(f"Asterisk: {m['text']}" for m in found if m["level"] == "ERROR")
    warnings = dict.fromkeys(m["text"] for m in found if m["level"] == "WARNING")
    return tuple(errors), tuple(warnings)
