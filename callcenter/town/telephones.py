"""The town as a test sees it: synchronous, every wait for a condition with a deadline.

town.phone("resident").dials("81890").hears("greeting").presses("2")
town.device("home-7").pressed()
town.seat("op1").answers().talks_with(town.device("home-7"))
"""

import asyncio
import random
import threading
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from callcenter.town import behaviour
from callcenter.town.behaviour import WhenRung
from callcenter.town.controller import TownController
from callcenter.town.diary import Call, Diary, Entry
from callcenter.town.directory import Directory, Telephone
from callcenter.town.errors import NotSeenError, TownError
from callcenter.town.hearing import read_wav
from callcenter.town.lines import Line
from callcenter.town.messages import HandsetMessage, TownWeb
from callcenter.town.network import NetworkSettings

T = TypeVar("T")

_ROUNDS = 15
"""So many seconds who is rung meanwhile is hung up too: a call back may come just then."""


class Phone:
    """One telephone. What is done without naming a call is done in its latest one."""

    def __init__(self, town: "Town", telephone: Telephone) -> None:
        self._town = town
        self.telephone = telephone
        self.number = telephone.number

    def __repr__(self) -> str:
        return f"<Phone {self.telephone.key} {self.number}>"

    # --- ringing others

    def dials(self, number: str, caller_number: str | None = None, caller_name: str = "", record: bool = True) -> Line:
        """Dial; does not wait. `caller_number` and `caller_name` are what the network shows, if not the truth."""
        call = self._town.run(
            self._town.controller.dial(
                self.number, number, caller_number=caller_number, caller_name=caller_name, record=record
            )
        )
        return Line(self._town, call)

    def pressed(self) -> Line:
        """A one-touch device's button is pressed: it dials its number (81891 unless the directory says else)."""
        return self.dials(self.telephone.dials or "81891")

    # --- being rung

    def waits_to_ring(self, deadline: float = 15.0, after: float | None = None) -> Line:
        """Wait until it rings (`after`: a wall-clock time; earlier rings do not count)."""

        def ringing() -> Call | None:
            for call in reversed(self._town.diary.calls(self.number)):
                if call.direction == "in" and call.is_ringing and (after is None or call.started_at > after):
                    return call
            return None

        return Line(self._town, self._town.diary.wait_for(ringing, deadline, f"{self.number} rings", self.number))

    def rings(self, since: float = 0.0) -> list[Call]:
        """All the times it was rung since that wall-clock time."""
        return [c for c in self.calls() if c.direction == "in" and c.started_at >= since]

    def answers(self, presses: str = "", within: float = 15.0) -> Line:
        """Wait until it rings, answer, and press."""
        return self.waits_to_ring(within).answers(presses)

    def when_rung(self, *behaviours: WhenRung) -> "Phone":
        """What it does at its next rings, one after another; the last one stays. Not for a ring under way."""
        self._town.run(self._set(behaviours))
        return self

    def answers_by_itself(self, after: float = 0.5, presses: str = "", press_after: float = 0.5) -> "Phone":
        """From now on it answers each call after so many seconds, and presses."""
        return self._does(WhenRung("answer", after=after, presses=presses, press_after=press_after))

    def voicemail(self) -> "Phone":
        """From now on, and for a ring under way, a voicemail answers, speaks, and nobody presses anything."""
        return self._does(behaviour.VOICEMAIL)

    def busy(self) -> "Phone":
        """From now on, and for a ring under way: 486."""
        return self._does(behaviour.BUSY)

    def declines(self) -> "Phone":
        """From now on, and for a ring under way: refused by its owner."""
        return self._does(behaviour.DECLINES)

    def unreachable(self) -> "Phone":
        """From now on, and for a ring under way: switched off."""
        return self._does(behaviour.UNREACHABLE)

    def rings_out(self) -> "Phone":
        """From now on it rings and nobody answers."""
        return self._does(behaviour.RINGS_OUT)

    def _does(self, what: WhenRung) -> "Phone":
        self.when_rung(what)
        for call in self.calls():
            if call.direction == "in" and call.is_ringing:
                self._town.start(self._town.controller.behave(call, what))
        return self

    async def _set(self, behaviours: Sequence[WhenRung]) -> None:
        self._town.controller.when_rung(self.number, *behaviours)

    # --- the latest call

    def line(self) -> Line:
        """Its latest call that is not over, else its latest call."""
        calls = self.calls()
        if not calls:
            raise NotSeenError(f"{self.number} has no call.\n{self._town.diary.tell()}")
        alive = [call for call in calls if not call.is_over]
        return Line(self._town, (alive or calls)[-1])

    def presses(self, keys: str, within: float = 10.0) -> Line:
        return self.line().presses(keys, within)

    def hears(self, prompt: str | Path, within: float = 15.0) -> Line:
        return self.line().hears(prompt, within)

    def hangs_up(self) -> Line:
        return self.line().hangs_up()

    def talks_with(self, other: "Line | Phone", within: float = 10.0) -> Line:
        return self.line().talks_with(other, within)

    # --- its diary

    def calls(self) -> list[Call]:
        return self._town.diary.calls(self.number)

    def records(self) -> list[Entry]:
        """What the diary says of this telephone."""
        return self._town.diary.entries(self.number)

    # --- its handset

    def messages(self) -> list[HandsetMessage]:
        """The SMS that came to this handset, oldest first."""
        return self._town.web.messages(self.number)

    def expect_sms(self, text: str, within: float = 10.0, since: float = 0.0) -> "Sms":
        """Wait for a message that contains this text and was not expected before."""
        return Sms(self, self._town.web.expect(self.number, text, within, since))

    def sends_sms(self, text: str) -> None:
        """Send a message to the centre."""
        self._town.web.reply(self.number, text)


class Sms:
    """A message that arrived on a handset."""

    def __init__(self, phone: Phone, message: HandsetMessage) -> None:
        self.phone = phone
        self.message = message

    def replies(self, text: str) -> "Sms":
        self.phone.sends_sms(text)
        return self


class Town:
    """The whole town, for tests: controls a running `Network` from a thread of its own.

    `prompts` is the folder of the exchange's prompts (`hears("greeting")`), `web` the base URL of the running
    application, for handsets and the movable clock. Use it as a context manager.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        home: Path,
        telephones: Iterable[Telephone] = (),
        prompts: Path | None = None,
        web: str | None = None,
    ) -> None:
        self.directory = Directory(telephones)
        self.diary = Diary(home / "diary.jsonl")
        self.recordings = home / "recordings"
        self.prompts = prompts
        self.web = TownWeb(web)
        self.clock = self.web.clock
        # Set to leave without putting the receivers down, as a controller that is killed does.
        self.leaves_calls_up = False
        self.settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="town", daemon=True)
        self.controller = TownController(settings, self.directory, self.diary)

    def __enter__(self) -> "Town":
        self._thread.start()
        try:
            self.run(self.controller.start())
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if not self.leaves_calls_up:
                self.run(self.controller.hang_up_all())
        finally:
            self._close()

    def _close(self) -> None:
        self.run(self.controller.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self.diary.close()
        self.web.close()

    def run(self, work: Coroutine[Any, Any, T], deadline: float = 30.0) -> T:
        """Run something of the controller's in its own thread and wait for the result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(deadline)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin something of the controller's without waiting for it."""
        self._loop.call_soon_threadsafe(self.controller._spawn, work)

    def phone(self, key_or_number: str) -> Phone:
        """A telephone by its key in the directory, or any number at all."""
        return Phone(self, self.directory.find(key_or_number))

    def device(self, key_or_number: str) -> Phone:
        """A one-touch device's line."""
        return self._of_kind(key_or_number, "device")

    def seat(self, name: str) -> Phone:
        """An operator's desk phone: `op1`, `op2`, ..."""
        if name not in self.settings.seats:
            raise TownError(f"There is no seat {name!r}; there are {', '.join(self.settings.seats) or 'none'}.")
        return Phone(self, Telephone(number=name, key=name, name=name, kind="seat"))

    def _of_kind(self, key_or_number: str, kind: str) -> Phone:
        telephone = self.directory.find(key_or_number)
        if self.directory.knows(key_or_number) and telephone.kind != kind:
            raise TownError(f"{key_or_number!r} is a {telephone.kind}, not a {kind}.")
        return Phone(self, telephone)

    def prompt(self, name: str | Path) -> Any:
        """A prompt's samples."""
        if isinstance(name, Path):
            return read_wav(name)
        if self.prompts is None:
            raise TownError(f"The town does not know where the exchange keeps its prompts, so not {name!r} either.")
        return read_wav(self.prompts / f"{name}.wav")

    def voice_file(self, name: str) -> Path:
        """The sound that the town's own telephones play: `voicemail`, `voice`, as a wav file for `hears`."""
        return self.recordings.parent / "sounds" / f"{name}.wav"

    def place_calls(
        self,
        calls: Sequence[tuple[str, str]],
        rate: float = 5.0,
        seed: int = 0,
        talk: tuple[float, float] = (1.0, 3.0),
        hang_up: bool = True,
    ) -> list[Line]:
        """Dial many: `(telephone, number)` pairs, `rate` a second with random gaps that `seed` fixes.

        Each caller hangs up `talk` (least, most) seconds after it was answered or, if nobody answers, after it
        dialled. Returns once all have dialled; then wait for `all_over`.
        """
        chance = random.Random(seed)  # noqa: S311  repeatable gaps, no secret
        lines: list[Line] = []

        async def one(phone: str, number: str, seconds: float) -> None:
            call = await self.controller.dial(phone, number, record=False)
            lines.append(Line(self, call))
            if hang_up:
                self.controller._spawn(self._talk_and_hang_up(call, seconds))

        async def every() -> None:
            dialling = []
            for phone, number in calls:
                dialling.append(asyncio.create_task(one(phone, number, chance.uniform(*talk))))
                await asyncio.sleep(chance.expovariate(rate))
            await asyncio.gather(*dialling)

        self.run(every(), deadline=60 + 5 * len(calls) / rate)
        return lines

    async def _talk_and_hang_up(self, call: Call, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.controller.hang_up(call)

    def all_over(self, lines: Iterable[Line], within: float = 60.0) -> None:
        """Wait until all these calls have ended."""
        waiting = list(lines)
        self.diary.wait_for(
            lambda: all(line.call.is_over for line in waiting) or None, within, f"{len(waiting)} calls end"
        )

    def hang_up_all(self) -> None:
        """Every receiver down, also of who is rung meanwhile, and wait until it is so."""
        for within in (*[1.0] * _ROUNDS, 5.0):
            self.run(self.controller.hang_up_all())
            try:
                self.diary.wait_for(
                    lambda: all(call.is_over for call in self.diary.calls()) or None, within,
                    "every call of the town ends",
                )  # fmt: skip
            except NotSeenError:
                if within > 1.0:
                    raise
            else:
                return

    def arrivals(self, number: str | None = None, since: float = 0.0) -> list[Call]:
        """The calls (to that number) that reached the exchange: each must be exactly one arrival there."""
        return [
            call
            for call in self.diary.calls()
            if call.direction == "out"
            and call.reached_exchange
            and (number is None or call.other == number)
            and call.started_at >= since
        ]
