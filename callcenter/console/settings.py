"""What the console is told by the house."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class ConsoleSettings:
    """`secret` signs the session cookies (32 characters or more, from the home's secrets).

    `secure` says that the pages are served over TLS, so cookies must not travel without it. `zone` is the site's time
    zone, `shift_hours` how long a sign-in lasts, `hotline` the number on the sign-in page.
    """

    secret: str
    secure: bool = False
    zone: str = "Asia/Shanghai"
    shift_hours: float = 12
    hotline: str = "81890"

    def __post_init__(self) -> None:
        if len(self.secret) < 32:
            raise ValueError("the console's secret needs 32 characters or more: whoever guesses it is signed in")

    @property
    def zone_info(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.zone)
