"""One call of one telephone, as a test sees it: each step waits for a condition and returns the line."""

import itertools
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callcenter.town.ari import AriError
from callcenter.town.diary import Call
from callcenter.town.errors import NotSeenError
from callcenter.town.hearing import RATE, Heard, listen, read_recording, tone_level
from callcenter.town.network import TONES

if TYPE_CHECKING:
    from callcenter.town.telephones import Phone, Town

_TONES = itertools.cycle(TONES)


class Line:
    """One call of one telephone. Every method returns the line, so that a test reads as a story."""

    def __init__(self, town: "Town", call: Call) -> None:
        self._town = town
        self.call = call

    def __repr__(self) -> str:
        return f"<Line {self.call.phone} {self.call.direction} {self.call.other} {self.call.id}>"

    def is_answered(self, within: float = 10.0) -> "Line":
        """Wait until the call is up."""
        return self._wait(lambda: self.call.answered_at, within, "is answered")

    def is_ringing(self, within: float = 10.0) -> "Line":
        """Wait until the far end rings (or, for a call to this telephone, it rings here)."""
        return self._wait(lambda: self.call.ringing_at, within, "rings")

    def ends(self, within: float = 20.0) -> "Line":
        """Wait until the call is over, whoever ended it."""
        return self._wait(lambda: self.call.ended_at, within, "ends")

    def reaches_exchange(self, within: float = 5.0) -> "Line":
        """Wait until the exchange has answered the INVITE, if only by 100 Trying."""
        return self._wait(lambda: self.call.reached_exchange or None, within, "reaches the exchange")

    def presses(self, keys: str, within: float = 10.0) -> "Line":
        """Wait until the call is up, then press; `w` waits half a second."""
        self._is_controlled(within)
        self._do(self._town.controller.press(self.call, keys))
        return self

    def answers(self, presses: str = "") -> "Line":
        """Lift the receiver, and press when it is up."""
        self._do(self._town.controller.answer(self.call))
        self.is_answered()
        return self.presses(presses) if presses else self

    def speaks(self) -> "Line":
        """Say something (a voice without words, 8 s)."""
        self._is_controlled(10.0)
        self._do(self._town.controller.play(self.call, "sound:voice"))
        return self

    def hangs_up(self) -> "Line":
        self._do(self._town.controller.hang_up(self.call))
        return self._wait(lambda: self.call.ended_at, 10.0, "hangs up")

    def refuses(self, cause: int = 21) -> "Line":
        """Refuse a call that rings: Q.850 cause 21 declined, 17 busy, 20 not reached."""
        self._do(self._town.controller.hang_up(self.call, cause))
        return self._wait(lambda: self.call.ended_at, 10.0, "refuses")

    def hears(self, prompt: str | Path, within: float = 15.0) -> "Line":
        """Wait until the prompt (a name of the exchange's, or a wav file) was heard in this call."""
        heard = self.listens_for(prompt, within)
        if not heard:
            raise NotSeenError(
                f"{self.call.phone} does not hear {str(prompt)!r} within {within:g} s (best: {heard.share:.0%} "
                f"of it, in {len(self.recording()) / RATE:.1f} s of sound).\n"
                f"{self._town.diary.tell(self.call.phone)}"
            )
        return self

    def has_heard(self, prompt: str | Path) -> bool:
        """Whether the prompt is in what was received up to now. Sound arrives up to a second late on disk."""
        return bool(listen(self.recording(), self._town.prompt(prompt)))

    def listens_for(self, prompt: str | Path, within: float) -> Heard:
        """Like `hears`, but tells how much was heard instead of raising."""
        wanted = self._town.prompt(prompt)
        end = time.monotonic() + within
        while True:
            over, late = self.call.is_over, time.monotonic() > end
            heard = listen(self.recording(), wanted)
            if heard or late or (over and self._recording_closed()):
                return heard
            threading.Event().wait(0.2)

    def recording(self) -> Any:
        """The samples that this telephone received in this call, 8 kHz."""
        return read_recording(self._path())

    def talks_with(self, other: "Line | Phone", within: float = 10.0) -> "Line":
        """Both lines are up and sound passes both ways: each plays a tone of its own that the other receives."""
        far = other if isinstance(other, Line) else other.line()
        for near, away in ((self, far), (far, self)):
            near._is_controlled(within)
            away._is_controlled(within)
            near._is_received_by(away, within)
        return self

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self._town.run(work)
        except AriError as error:
            raise NotSeenError(
                f"{self.call.phone} cannot do that in this call ({error}).\n{self._town.diary.tell(self.call.phone)}"
            ) from error

    def _is_received_by(self, other: "Line", within: float) -> None:
        hertz = next(_TONES)
        before = len(other.recording())
        self._do(self._town.controller.play(self.call, f"sound:tone-{hertz}"))
        end = time.monotonic() + within
        while tone_level(other.recording()[before:], hertz) < 0.6:
            if time.monotonic() > end or other.call.is_over:
                raise NotSeenError(
                    f"{other.call.phone} does not hear what {self.call.phone} says (a tone of {hertz} Hz) within "
                    f"{within:g} s.\n{self._town.diary.tell()}"
                )
            threading.Event().wait(0.1)

    def _path(self) -> Path:
        return self._town.recordings / f"{self.call.id}.sln16"

    def _recording_closed(self) -> bool:
        # The last buffer is written when the channel goes; allow the writer a moment after the end.
        return self.call.ended_at is not None and time.time() - self.call.ended_at > 1.0

    def _is_controlled(self, within: float) -> None:
        def up() -> bool | None:
            if self.call.is_over:
                raise NotSeenError(
                    f"The call of {self.call.phone} is over before it could go on.\n"
                    f"{self._town.diary.tell(self.call.phone)}"
                )
            return (self.call.answered_at is not None and self.call.controlled) or None

        self._wait(up, within, "is answered")

    def _wait(self, find: Callable[[], object], within: float, what: str) -> "Line":
        self._town.diary.wait_for(find, within, f"{self.call.phone} {what}", self.call.phone)
        return self
