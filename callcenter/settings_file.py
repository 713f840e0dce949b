"""The settings' file as text: read it, parse it, and find the line on which a key stands."""

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of the file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SettingsError(Exception):
    """A setting cannot be used; the text names the key, its place and what is allowed."""


def read(path: Path, *, must_exist: bool) -> str:
    """The file's text; empty when it is not there and need not be."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        if must_exist:
            raise SettingsError(f"{path}: there is no such file. Look at CALLCENTER_CONFIG.") from None
        return ""
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}, line {line}: the file must be UTF-8 text.") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}).") from None


def parse(text: str, path: Path) -> dict[str, Any]:
    """The file's values. Raises SettingsError with the line and the key that is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        number = int(found[1]) if found else text.count("\n") + 1
        lines = text.splitlines()
        line = lines[number - 1] if number <= len(lines) else ""
        key = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        section = next((s for s in reversed([header(one) for one in lines[:number]]) if s), "")
        name = ".".join(filter(None, [section, key[1] if key else ""]))
        raise SettingsError(
            f"{path}, line {number}{f', {name}' if name else ''}: this is not TOML ({error}). "
            'Allowed is key = value, texts in quotation marks: host = "127.0.0.1".'
        ) from None


def line_of(text: str, place: tuple[str, ...]) -> int | None:
    """The line where the key stands, or that of its section when the whole section is meant."""
    section = ""
    fallback = None
    for number, line in enumerate(text.splitlines(), 1):
        if (found := header(line)) is not None:
            section = found
            if found == place[0]:
                fallback = fallback or number
            continue
        key = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if key is None:
            continue
        full = ".".join(filter(None, [section, key[1].replace('"', "").replace("'", "")]))
        if full == ".".join(place):
            return number
        if full == place[0]:
            fallback = fallback or number  # exchange = { … }
    return fallback


def header(line: str) -> str | None:
    """The section that begins on this line, if one does."""
    found = re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line)
    return found[1].replace('"', "").replace("'", "") if found else None
