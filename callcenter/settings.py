"""All settings: ``callcenter.toml``, overridden by ``CALLCENTER_<SECTION>__<KEY>``; all state under one home.

The file is looked for at ``CALLCENTER_CONFIG``, else ``./callcenter.toml``; without one the defaults hold. The home
is ``CALLCENTER_HOME``, else ``./var``. Relative paths and the home are taken from the current folder.

Whatever is wrong ends in one SettingsError that names the key, where it stands and what is allowed. Secrets are
never part of a message.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, PydanticBaseSettingsSource
from pydantic_settings import SettingsConfigDict as SettingsConfig

from callcenter.settings_calendar import Calendar
from callcenter.settings_file import Section, SettingsError, line_of, parse, read

__all__ = ["Settings", "SettingsError", "load_settings"]

ENV_PREFIX = "CALLCENTER_"
DEFAULT_FILE = "callcenter.toml"
# Variables of the same prefix that are no settings.
_PLACES = {"CALLCENTER_HOME", "CALLCENTER_CONFIG", "CALLCENTER_CACHE"}


def _as_port(value: Any) -> int:
    """``true`` would pass as 1 otherwise."""
    text = "" if isinstance(value, bool) else str(value).strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise ValueError("must be a port number, 1 to 65535")
    return int(text)


def _as_list(value: Any) -> Any:
    """In an environment variable a list is written with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _as_seats(value: Any) -> Any:
    """``4`` means op1 to op4."""
    if isinstance(value, str) and value.strip().isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= 200:
            raise ValueError("must be 1 to 200 seats")
        return [f"op{number}" for number in range(1, value + 1)]
    return _as_list(value)


def _different(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) != len(value):
        raise ValueError("must not name the same one twice")
    return value


Port = Annotated[int, BeforeValidator(_as_port)]
Digits = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,39}$")]
# A host name or an address; nothing that could end a line or begin an option in a configuration file.
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]
Seats = Annotated[
    tuple[Name, ...], NoDecode, BeforeValidator(_as_seats), AfterValidator(_different), Field(min_length=1)
]
Numbers = Annotated[
    tuple[Digits, ...], NoDecode, BeforeValidator(_as_list), AfterValidator(_different), Field(min_length=1)
]
Networks = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[0-9A-Fa-f.:]{2,45}(/[0-9.]{1,15})?$")], ...],
    NoDecode,
    BeforeValidator(_as_list),
    Field(min_length=1),
]


class Http(Section):
    """The pages. ``public_base_url`` is what links in messages begin with; empty: made from host and port."""

    host: Host = "127.0.0.1"
    port: Port = 8000
    public_base_url: Annotated[str, Field(pattern=r"^(https?://[^\s]+[^/\s])?$")] = ""

    @property
    def base_url(self) -> str:
        """What links begin with, without a slash at the end."""
        return self.public_base_url or f"http://{self.host}:{self.port}"


class Database(Section):
    """``url`` empty: SQLite in the home. Else ``postgresql+psycopg://…``."""

    url: Annotated[str, Field(pattern=r"^$|^sqlite:///|^postgresql(\+psycopg)?://")] = ""


class Exchange(Section):
    """The telephone exchange.

    ``managed``: ours, on this machine, speaking AMI with this machine only, at ``ami_host``. ``existing``: a city's or
    a carrier's Asterisk, into which the rendered files are put by hand; we only speak AMI with it, at ``ami_host``,
    over TLS where the network is not our own (``ami_tls``, usually with ``ami_port`` 5039).
    ``ami_secret`` empty: one is made at the first start. ``ami_ca``: the certificate that signs the existing one's,
    empty for the machine's own authorities. ``ami_permit``: the networks from which it takes AMI.
    ``tls_certificate``: its own certificate with the key, a path on its machine.
    """

    mode: Literal["managed", "existing"] = "managed"
    node: Name = "node1"
    bind: Host = "127.0.0.1"
    sip_port: Port = 5060
    http_port: Port = 8088
    ami_host: Host = "127.0.0.1"
    ami_port: Port = 5038
    ami_user: Name = "bridge"
    ami_secret: SecretStr = SecretStr("")
    ami_tls: bool = False
    ami_ca: str = ""
    ami_permit: Networks = ("127.0.0.1/255.255.255.255",)
    tls_certificate: Annotated[str, Field(pattern=r"^(/[^;\n]*)?$")] = ""
    rtp_start: Port = 10000
    rtp_end: Port = 10999

    @model_validator(mode="after")
    def _tls_has_its_certificate(self) -> "Exchange":
        if self.ami_tls and self.ami_port == 5038:
            raise ValueError("ami_tls needs another ami_port than 5038, which stays the plain one; 5039 is usual")
        if self.ami_tls and not self.tls_certificate:
            raise ValueError("ami_tls needs tls_certificate, the path of certificate and key on the exchange's machine")
        return self

    @model_validator(mode="after")
    def _rtp_range(self) -> "Exchange":
        if self.rtp_end < self.rtp_start + 99:
            raise ValueError("rtp_end must be at least 99 above rtp_start: each call takes two ports")
        return self


class Trunk(Section):
    """The line to the telephone network, by its address or by registering with user name and password."""

    mode: Literal["address", "registration"] = "address"
    host: Host = "127.0.0.1"
    port: Port = 5066
    username: Annotated[str, Field(pattern=r"^[A-Za-z0-9+._@-]{0,80}$")] = ""
    password: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _registration_is_whole(self) -> "Trunk":
        if self.mode == "registration" and not (self.username and self.password.get_secret_value()):
            raise ValueError('mode "registration" needs username and password')
        return self


class NumberPlan(Section):
    """The numbers that this centre answers, and how numbers are written here."""

    hotlines: Numbers = ("81890", "96345")
    one_touch: Digits = "81891"
    receiver: Digits = "81892"
    area_code: Digits = "574"
    country: Digits = "86"

    @model_validator(mode="after")
    def _no_number_twice(self) -> "NumberPlan":
        if len({*self.hotlines, self.one_touch, self.receiver}) != len(self.hotlines) + 2:
            raise ValueError("hotlines, one_touch and receiver must be different numbers")
        return self


class SeatPlan(Section):
    """The operators' telephones: how many (op1, op2, …), or their names."""

    names: Seats = ("op1", "op2", "op3", "op4")


Seconds = Annotated[int, Field(ge=1, le=600)]


class Ladder(Section):
    """How long an emergency stays on each rung, in seconds; changed for trials only.

    ``lease_seconds``: an application that has not said for so long that it lives counts as dead.
    ``attempt_gap_seconds``: one person is not rung again for the same call within this time.
    ``short_talk_seconds``: a talk shorter than this, ended by the telephone of the person who took the call, is an
    accident, and the ladder goes on.
    """

    rung_seconds: Seconds = 20
    attempt_gap_seconds: Seconds = 40
    lease_seconds: Seconds = 10
    short_talk_seconds: Seconds = 4


class Recordings(Section):
    """Recording of calls; how many days a recording is kept, one of an emergency longer.

    No law names the days; the defaults are ours: half a year, and three years.
    """

    enabled: bool = True
    keep_days: Annotated[int, Field(ge=1, le=36500)] = 180
    emergency_keep_days: Annotated[int, Field(ge=1, le=36500)] = 1095


TransferName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,30}$")]
Transfer = Annotated[str, Field(pattern=r"^\+?[0-9]{3,20}$")]
Transfers = dict[TransferName, Transfer]
"""The numbers that a flow may put a caller through to, by the names that flows call them by."""


class Town(Section):
    """The demo's telephone network. The clock can be moved only where it is on."""

    enabled: bool = False
    sip_port: Port = 5066
    ari_port: Port = 8089
    rtp_start: Port = 20000
    rtp_end: Port = 20999
    movable_clock: bool = False

    @model_validator(mode="after")
    def _clock_needs_town(self) -> "Town":
        if self.movable_clock and not self.enabled:
            raise ValueError("movable_clock needs enabled = true: a real service's clock cannot be moved")
        return self


class _Variables(EnvSettingsSource):
    """The environment without the home, which is a place and was decided before."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if name in SECTIONS}


class Settings(BaseSettings):
    """Everything, validated and unchangeable. Made by ``load_settings``, then passed to whoever needs it."""

    model_config = SettingsConfig(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, env_ignore_empty=False
    )

    home: Path
    http: Http = Http()
    database: Database = Database()
    exchange: Exchange = Exchange()
    trunk: Trunk = Trunk()
    numbers: NumberPlan = NumberPlan()
    seats: SeatPlan = SeatPlan()
    ladder: Ladder = Ladder()
    recordings: Recordings = Recordings()
    calendar: Calendar = Calendar()
    transfers: Transfers = Field(default_factory=dict)
    town: Town = Town()

    @property
    def database_url(self) -> str:
        """The database's address; by default the file ``callcenter.sqlite3`` in the home."""
        url = self.database.url or f"sqlite:///{self.home / 'callcenter.sqlite3'}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)  # the one driver that is installed

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file, whose values arrive as the initial ones."""
        return _Variables(settings_cls), init_settings


SECTIONS = tuple(name for name in Settings.model_fields if name != "home")


def load_settings(config: Path | None = None, home: Path | None = None) -> Settings:
    """Read and check all settings.

    ``config`` and ``home`` go before the variables of that name. A file that was named must be there; the default one
    need not. Raises SettingsError.
    """
    named = config or (Path(told) if (told := os.environ.get("CALLCENTER_CONFIG")) else None)
    path = named or Path(DEFAULT_FILE)
    text = read(path, must_exist=named is not None)
    values = parse(text, path)
    _check_variables()
    if "home" in values:
        raise SettingsError(
            f"{_place(text, path, ('home',))}: the home is not set in the file; use the variable CALLCENTER_HOME."
        )
    chosen = home or Path(os.environ.get("CALLCENTER_HOME") or "var")
    values["home"] = chosen.expanduser().absolute()
    try:
        return Settings(**values)
    except ValidationError as error:
        _refuse(error, text, path)


def _check_variables() -> None:
    """A variable whose section nobody knows would be passed over in silence: refuse it."""
    for variable in sorted(os.environ):
        if not variable.upper().startswith(ENV_PREFIX) or variable in _PLACES:
            continue
        section, separator, key = variable[len(ENV_PREFIX) :].lower().partition("__")
        if separator and section not in SECTIONS:
            raise SettingsError(
                f"environment variable {variable}: there is no section {section!r}. Allowed: {', '.join(SECTIONS)}."
            )
        if section in SECTIONS and not key:
            raise SettingsError(
                f"environment variable {variable}: name one key, {ENV_PREFIX}{section.upper()}__<KEY>. "
                f"Allowed: {', '.join(_keys(section))}."
            )


def _refuse(error: ValidationError, text: str, path: Path) -> NoReturn:
    """Say all that is wrong, one line each."""
    told = []
    for detail in error.errors(include_url=False, include_input=False):
        place = tuple(str(part) for part in detail["loc"])
        told.append(f"{_place(text, path, place)}: {_allowed(detail, place)}")
    raise SettingsError("\n".join(told)) from None


def _place(text: str, path: Path, place: tuple[str, ...]) -> str:
    """``callcenter.toml, line 7, exchange.sip_port`` or ``environment variable CALLCENTER_EXCHANGE__SIP_PORT``."""
    variable = ENV_PREFIX + "__".join(place[:2]).upper()
    if len(place) >= 2:
        for name in os.environ:
            if name.upper() == variable:
                return f"environment variable {name}"
    line = line_of(text, place[:2])
    return f"{path}{f', line {line}' if line else ''}, {'.'.join(place)}"


def _allowed(detail: ErrorDetails, place: tuple[str, ...]) -> str:
    """What is wrong and what is allowed, in plain words."""
    if detail["type"] == "extra_forbidden":
        known = SECTIONS if len(place) == 1 else _keys(place[0])
        return f"there is no such {'section' if len(place) == 1 else 'key'}. Allowed: {', '.join(known)}."
    if detail["type"] in {"model_type", "model_attributes_type"}:
        return f"this is a section. Allowed keys: {', '.join(_keys(place[0]))}."
    message = detail["msg"].removeprefix("Value error, ")
    context = detail.get("ctx", {})
    if detail["type"] == "string_pattern_mismatch":
        message = _PATTERNS.get(context.get("pattern", ""), message)
    return message[0].lower() + message[1:] + "."


_PATTERNS = {
    r"^[0-9]{1,20}$": "must be a text of 1 to 20 digits",
    r"^[A-Za-z0-9][A-Za-z0-9-]{0,39}$": "must be 1 to 40 letters, digits or '-', not beginning with '-'",
    r"^[A-Za-z0-9.:_-]{1,253}$": "must be a host name or an address",
    r"^(https?://[^\s]+[^/\s])?$": "must begin with http:// or https:// and not end with '/'",
    r"^$|^sqlite:///|^postgresql(\+psycopg)?://": "must begin with sqlite:/// or postgresql+psycopg://",
    r"^[0-9A-Fa-f.:]{2,45}(/[0-9.]{1,15})?$": "must be an address or a network such as 10.0.0.0/255.255.255.0",
    r"^(/[^;\n]*)?$": "must be a full path, without ';'",
    r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$": "must be a span such as 08:30-12:00",
    r"^[a-z][a-z0-9_]{1,30}$": "must be a name of 2 to 31 small letters, digits or '_', beginning with a letter",
    r"^\+?[0-9]{3,20}$": "must be a text of 3 to 20 digits, perhaps with a leading '+'",
    r"^[A-Za-z0-9+._@-]{0,80}$": "must be at most 80 letters, digits or any of + . _ @ -",
}


def _keys(section: str) -> list[str]:
    kind = Settings.model_fields[section].annotation if section in SECTIONS else None
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []
