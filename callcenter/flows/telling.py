"""Answers what a call asks in the middle of a flow: reads the database, has the sentence spoken, sets the variable.

A caller waits for it and the flow goes on without it, so whatever goes wrong here is silence, never an error; and a
crowd of questions is not queued up behind its own limits, since an answer that comes late is not read by anyone.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from callcenter.bridge.asking import Ask
from dispatch import tellings
from foundation.clock import Clock
from foundation.database import Database
from foundation.numbers import NumberPlan
from ivr_flows.numbers_spoken import Language

log = logging.getLogger(__name__)

AT_ONCE = 32
"""Questions answered at one time; more are left unanswered, and their callers go to a person."""

MOST_ANSWER = 400
_SOUND = re.compile(r"[a-z0-9/_-]{1,80}", re.ASCII)

Speak = Callable[[str, str], str]
"""`speak(text, language)`: the sound's name below the language's folder. Blocks; runs in a thread."""


@dataclass
class TellerCounters:
    """Figures of the questions, for /metrics."""

    asked: int = 0
    answered: int = 0
    failed: int = 0
    left: int = 0
    """Not answered, since too many came at once."""
    seconds: float = 0.0
    """How long the last answer took."""


@dataclass
class Teller:
    """`hear` takes a question in the event path; `set_var(channel, name, value)` brings the answer to the call."""

    database: Database
    clock: Clock
    plan: NumberPlan
    speak: Speak
    set_var: Callable[[str, str, str], Awaitable[None]]
    counters: TellerCounters = field(default_factory=TellerCounters)
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    def hear(self, ask: Ask) -> None:
        """Begin to answer; returns at once."""
        self.counters.asked += 1
        if len(self._running) >= AT_ONCE:
            self.counters.left += 1
            return
        task = asyncio.create_task(self._answer(ask), name=f"answer {ask.call_id}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def stop(self) -> None:
        """Answer nothing more."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _answer(self, ask: Ask) -> None:
        began = asyncio.get_running_loop().time()
        try:
            answer = await asyncio.to_thread(self.answer, ask)
            if answer:
                await self.set_var(ask.channel, ask.variable, answer)
                self.counters.answered += 1
        except Exception as error:
            self.counters.failed += 1
            log.warning("question %d of call %s was not answered: %r", ask.number, ask.call_id, error)
        self.counters.seconds = asyncio.get_running_loop().time() - began

    def answer(self, ask: Ask) -> str:
        """The value of the answer's variable; empty when there is no answer to give. Blocks."""
        number = self.plan.parse(ask.caller).e164
        with self.database.read() as session:
            if ask.what == "recognise":
                return tellings.recognise(session, number)
            if ask.what != "tell":
                return ""
            language: Language = "en" if ask.language == "en" else "zh"
            asker = tellings.Asker(number, ask.subject, language, self.clock.now(), self.plan)
            sentences = tellings.tell(session, ask.topic, asker)
        if sentences is None:
            return ""
        if not sentences:
            return "nothing"
        return _told([self.speak(sentence, ask.language) for sentence in sentences])


def _told(sounds: list[str]) -> str:
    """As many of the sounds, from the first on, as the answer holds; none that the dialplan would not take."""
    if any(not _SOUND.fullmatch(sound) for sound in sounds):
        raise ValueError(f"a sound's name has characters that the dialplan does not take: {sounds}")
    while len(answer := "told|" + "&".join(sounds)) > MOST_ANSWER:
        sounds = sounds[:-1]
    return answer
