"""Render a package's ``*.j2`` files into a configuration folder.

Values are checked before any template sees them: none may end its line or begin a comment, so a template can write
``{{ name }}`` plainly and no setting can add a line to a configuration.
"""

import contextlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, TemplateError, Undefined

from foundation.asterisk.errors import RenderError

SUFFIX = ".j2"


class Verbatim(str):
    """Text that its maker has already made safe for a configuration file; it is not checked again."""

    __slots__ = ()


def check_value(value: str, name: str) -> str:
    """``value`` itself when it may stand in a configuration line; else RenderError naming ``name``."""
    if any(ord(c) < 32 or ord(c) == 127 or c in "\u0085\u2028\u2029" for c in value):
        raise RenderError(f"{name} contains a line break or another control character; remove it.")
    if ";" in value:
        raise RenderError(f"{name} contains ';', which begins a comment in Asterisk's files; remove it.")
    return value


def escape_semicolons(value: str, name: str) -> Verbatim:
    """A secret given by others may hold ``;``: written as Asterisk reads it. Control characters stay refused."""
    check_value(value.replace(";", ""), name)
    return Verbatim(value.replace(";", "\\;"))


def check_context(value: Any, name: str = "") -> None:
    """Check every string inside ``value``, naming a bad one by its path (``trunk.password``)."""
    if isinstance(value, Verbatim):
        return
    if isinstance(value, str):
        check_value(value, name)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            check_context(inner, f"{name}.{key}".lstrip("."))
    elif isinstance(value, Sequence):
        for number, inner in enumerate(value):
            check_context(inner, f"{name}[{number}]")


class _ConfigurationFiles(Environment):
    """``{{ dirs.keys }}`` means the entry named so, not a dictionary's own method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """An entry of a mapping before anything else."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def _plain(value: Any) -> Any:
    """Only texts and numbers belong into a configuration; anything else is a slip of the template."""
    if isinstance(value, str | int | float | Undefined):
        return value
    raise RenderError(f"A template writes a {type(value).__name__} where a text or a number belongs.")


def rendered(package: str, context: Mapping[str, Any]) -> dict[str, str]:
    """The text of every template of ``package`` by its file name without ``.j2``."""
    check_context(context)
    folder = resources.files(package)
    sources = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(SUFFIX)}
    if not sources:
        raise RenderError(f"The package {package} holds no templates; the installation is damaged.")
    environment = _ConfigurationFiles(
        loader=FunctionLoader(sources.get),
        undefined=StrictUndefined,
        finalize=_plain,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["conf"] = lambda value, name="a value": check_value(str(value), name)
    texts = {}
    for name in sorted(sources):
        # A name with a leading underscore is only included by others.
        if name.startswith("_"):
            continue
        try:
            texts[name.removesuffix(SUFFIX)] = environment.get_template(name).render(context)
        except TemplateError as error:
            raise RenderError(f"{package}/{name}: {error}") from error
    return texts


def render(package: str, target: Path, context: Mapping[str, Any]) -> list[Path]:
    """Write the rendered files into ``target``; gives the paths of those that changed.

    Each file appears whole and is readable by its owner only, for it may hold secrets. ``*.conf`` files in
    ``target`` that no template made are removed: an old one would still be read.
    """
    texts = rendered(package, context)
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    changed = []
    for name, text in texts.items():
        path = target / name
        if not path.exists() or path.read_text("utf-8") != text:
            write_whole(path, text)
            changed.append(path)
    for path in target.glob("*.conf"):
        if path.name not in texts:
            path.unlink()
            changed.append(path)
    return changed


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` so that a reader, or a crash, meets the old file or the new one; mode 0600."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
