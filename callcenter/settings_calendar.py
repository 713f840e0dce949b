"""The section ``calendar``: when the desks work that get matters from the centre."""

from datetime import date, time
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from callcenter.settings_file import Section
from foundation.calendar import WorkingTime


def _as_list(value: Any) -> Any:
    """In an environment variable a list is written with commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Span = Annotated[str, Field(pattern=r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$")]
Days = Annotated[tuple[date, ...], NoDecode, BeforeValidator(_as_list)]


class Calendar(Section):
    """When the desks work that get matters from the centre; limits in working hours and days are counted by it.

    ``hours``: the spans of a working day. ``closed`` and ``workdays``: dates that differ from the country's calendar.
    """

    hours: Annotated[tuple[Span, ...], NoDecode, BeforeValidator(_as_list)] = ("08:30-12:00", "13:30-17:30")
    closed: Days = ()
    workdays: Days = ()

    @property
    def working_time(self) -> WorkingTime:
        """The same as the domain takes it."""
        spans = (span.split("-") for span in self.hours)
        hours = tuple((time.fromisoformat(first), time.fromisoformat(last)) for first, last in spans)
        return WorkingTime(hours, frozenset(self.closed), frozenset(self.workdays))

    @model_validator(mode="after")
    def _makes_sense(self) -> "Calendar":
        self.working_time  # noqa: B018 - it refuses what makes no sense
        return self
