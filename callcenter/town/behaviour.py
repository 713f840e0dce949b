"""What a telephone of the town does by itself when it is rung."""

from dataclasses import dataclass
from typing import Literal

Does = Literal["ring", "answer", "busy", "decline", "voicemail", "unreachable"]

# Q.850 causes, which the channel driver turns into 486 Busy Here, 403 Forbidden and 480 Temporarily Unavailable.
CAUSES: dict[str, int] = {"busy": 17, "decline": 21, "unreachable": 20}


@dataclass(frozen=True)
class WhenRung:
    """`does` after `after` seconds of ringing; an answerer presses `presses` once `press_after` seconds have passed.

    `hangs_up_after` counts from the answer; None: it stays until the other side hangs up.
    """

    does: Does = "ring"
    after: float = 0.0
    presses: str = ""
    press_after: float = 0.5
    hangs_up_after: float | None = None


RINGS_OUT = WhenRung()
BUSY = WhenRung("busy")
DECLINES = WhenRung("decline")
UNREACHABLE = WhenRung("unreachable")
VOICEMAIL = WhenRung("voicemail", after=1.0, hangs_up_after=20.0)
