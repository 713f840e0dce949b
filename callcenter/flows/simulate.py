"""``callcenter flows simulate``: walk through a flow at the terminal, as the caller hears it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from callcenter.flows.part import DONE, FAILED, WORDS, Add
from callcenter.settings import SettingsError, load_settings
from ivr_flows.kinds.tell import TELLINGS
from ivr_flows.model import FlowSet, Step
from ivr_flows.simulator import follow
from ivr_flows.step_words import KIND_WORDS
from ivr_flows.walks import Event, HangUp, Inputs, Key, Place, Silence, Speech, Walk, WalkError

HELP = """\
键 keys: 0-9 * #    空行或 - empty or -: 不按键 no key    x: 挂机 hang up
s: 说话 speak (留言 voice message)    a: 有人接听 a seat answers (排队 queue)"""

_DEEDS = ("-", "x", "s", "a")

_ENDS = {
    "caller": "来电人挂机 / the caller hung up",
    "hung_up": "通话结束 / we hung up",
    "answered": "话务员接听 / a seat answered",
    "emergency": "转入紧急求助 / the emergency ladder takes over",
    "returned": "回到求助 / back to the emergency ladder",
}

_ASKED = ("recognise", "tell", "transfer")
"""Kinds whose outcome a person at the terminal is asked for; the rest is known or can be given by an option."""

_SPEAKING = ("say", "tell", "callback", "voice_message", "hang_up")
"""Kinds that only speak: keys typed before are lost."""


def register(add: Add) -> None:
    """Add ``simulate``."""
    command = add("simulate", _simulate, "walk through a flow at the terminal, by the keys you type")
    command.add_argument("flow", metavar="FLOW")
    command.add_argument("--of", default="draft", metavar="FLOWS", help=WORDS)
    command.add_argument("--now", metavar="TIME", help="the time by the office's clock, such as 2026-12-01T23:00")
    command.add_argument("--keys", metavar="KEYS", help="what is typed, such as 1,2,-,#: - no key, x hang up, s speak")
    command.add_argument(
        "--outcome",
        action="append",
        default=[],
        metavar="STEP=EDGE",
        help="a step's way out, such as orders=nothing",
    )
    command.add_argument("--number", default="13800000000", help="the caller's number; empty: withheld")
    command.add_argument("--set", action="append", default=[], metavar="VAR=VALUE", help="a variable of the call")
    for count in ("waiting", "free", "incidents"):
        command.add_argument(f"--{count}", type=int, default=1 if count == "free" else 0, metavar="N")
    command.add_argument("--json", action="store_true", help="print the walk as JSON; needs --keys")


def _simulate(arguments: argparse.Namespace) -> int:
    from callcenter.flows.named import material  # the database's library is heavy; other commands do not need it

    told = material(load_settings(arguments.config, arguments.home), arguments.of)
    flow_set = told.flow_set()
    if arguments.flow not in flow_set.flows:
        raise SettingsError(f"There is no flow {arguments.flow!r}; known are {', '.join(sorted(flow_set.flows))}.")
    inputs = Inputs(
        forced=_forced(arguments.outcome, arguments.flow),
        now=_now(arguments.now, flow_set),
        number=arguments.number,
        counts={count: getattr(arguments, count) for count in ("waiting", "free", "incidents")},
        variables=_pairs(arguments.set, "--set"),
    )
    typed = _listed(arguments.keys) if arguments.keys is not None else None
    if arguments.json and typed is None:
        raise SettingsError("--json prints a walk that needs nobody at the terminal: give its keys by --keys.")
    terminal = _Terminal(inputs, told.words, typed, quiet=arguments.json)
    try:
        walked = follow(flow_set, arguments.flow, inputs, terminal)
    except WalkError as error:
        print(error, file=sys.stderr)
        return FAILED
    if arguments.json:
        print(json.dumps(_row(walked), ensure_ascii=False))
    else:
        _summary(walked)
    return DONE


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if wrong := [text for text, (_, sign, _) in zip(given, pairs, strict=True) if not sign]:
        raise SettingsError(f"{option} {wrong[0]}: write NAME=VALUE.")
    return {name: value for name, _, value in pairs}


def _forced(given: Sequence[str], flow: str) -> dict[str, str]:
    """A step is named with its flow, or alone for the flow one begins in."""
    pairs = _pairs(given, "--outcome")
    return {name if "." in name else f"{flow}.{name}": edge for name, edge in pairs.items()}


def _now(text: str | None, flow_set: FlowSet) -> datetime:
    """The time, without a zone by the clock of the calendars."""
    zones = sorted({calendar.timezone for calendar in flow_set.calendars.values()})
    zone = ZoneInfo(zones[0] if zones else "UTC")
    if text is None:
        return datetime.now(zone)
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"--now {text}: write a time such as 2026-12-01T23:00.") from None
    if told.tzinfo is None and len(zones) > 1:
        raise SettingsError(f"--now {text}: the calendars have several time zones; add one, such as +08:00.")
    return told if told.tzinfo else told.replace(tzinfo=zone)


def _listed(keys: str) -> list[str]:
    tokens = keys.split(",") if keys else []
    for token in tokens:
        if token not in _DEEDS and not _all_keys(token):
            raise SettingsError(f"--keys: {token!r} is neither keys (0-9 * #) nor - (no key), x, s or a.")
    return tokens


def _all_keys(token: str) -> bool:
    return bool(token) and set(token) <= set("0123456789*#")


class _Terminal:
    """Shows what the caller hears, and takes what he does from a list or from the keyboard."""

    def __init__(
        self, inputs: Inputs, words: Mapping[str, tuple[str, str]], typed: list[str] | None, *, quiet: bool
    ) -> None:
        self._forced = inputs.forced
        self._words = words
        self._typed = typed
        self._quiet = quiet
        self._tokens: Iterator[str] = iter(())
        self._waiting: list[str] = []

    def begins(self, place: Place, step: Step) -> None:
        if step.kind in _SPEAKING:
            self._waiting = []
        zh, en = KIND_WORDS[step.kind]
        self._say(f"{place}  [{zh} {en}]")

    def hears(self, place: Place, said: Sequence[str], language: str) -> None:
        for name in said:
            zh, en = self._in_words(name)
            self._say(f"    “{zh}”" if language == "zh" else f"    “{en}”")
            self._say(f"     {en}" if language == "zh" else f"     {zh}")

    def _in_words(self, name: str) -> tuple[str, str]:
        """A prompt's sentence; of what is told or a variable, what it is."""
        how, _, what = name.partition(":")
        if how == "tell":
            zh, _, en = TELLINGS[what].partition(" / ")
            return f"（{zh}）", f"({en})"
        return (what, what) if what else self._words.get(name, (name, name))

    def outcome(self, place: Place, step: Step, natural: str | None) -> str | None:
        forced = self._forced.get(str(place))
        if forced:
            return forced
        if step.kind == "queue":
            return self._waits(step)
        if self._typed is not None or step.kind not in _ASKED:
            return None
        choices = [*step.edges]
        while True:
            answer = self._ask(f"{'/'.join(choices)} [{natural}]")
            if answer is None or answer in ("", *choices):
                return answer or None

    def _waits(self, step: Step) -> str | None:
        """A key that leads nowhere does nothing while one waits."""
        while True:
            deed = self._waiting.pop(0) if self._waiting else self._next("排队 waiting")[0]
            if deed == "a":
                return "answered"
            if deed in ("-", "x") or deed in step.edges:
                self._waiting = [deed]
                return None

    def event(self, place: Place, step: Step) -> Event:
        if not self._waiting:
            self._waiting = self._next("按键 keys")
        deed = self._waiting.pop(0)
        others: dict[str, Event] = {"-": Silence(), "x": HangUp(), "s": Speech()}
        return others.get(deed) or Key(deed)

    def _next(self, asked: str) -> list[str]:
        """What the caller does next: one of - x s a, or keys one after the other."""
        while True:
            token = self._token(asked)
            if token in _DEEDS:
                return [token]
            if _all_keys(token):
                return [*token]
            self._say(HELP)

    def _token(self, asked: str) -> str:
        if self._typed is not None:
            token = self._typed.pop(0) if self._typed else "x"
            self._say(f"  > {token}")
            return token
        line = self._ask(asked)
        return "x" if line is None else line or "-"

    def _ask(self, asked: str) -> str | None:
        try:
            return input(f"  {asked} > ").strip()
        except EOFError:
            print()
            return None

    def _say(self, text: str) -> None:
        if not self._quiet:
            print(text)


def _row(walked: Walk) -> dict[str, object]:
    return {
        "path": [str(place) for place in walked.path],
        "said": walked.said,
        "journal": [{"s": step, **fields} for step, fields in walked.journal],
        "variables": walked.variables,
        "language": walked.language,
        "answer": walked.answer,
        "end": walked.end,
    }


def _summary(walked: Walk) -> None:
    print(f"\n{_ENDS[walked.end]}")
    for step, fields in walked.journal:
        told = " ".join(f"{name}={value}" for name, value in fields.items())
        print(f"  记录 journal: {step} {told}".rstrip())
