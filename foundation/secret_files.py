"""Secrets that are made at the first start: one file each, readable by its owner only, never logged."""

import os
import re
import secrets
import tempfile
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


def secret(folder: Path, name: str, size: int = 32) -> str:
    """The secret ``name`` of ``folder``, made now from ``size`` random bytes when there is none: letters, digits, ``-``
    and ``_``, 43 of them for 32 bytes.

    Two who ask at once get the same one. Raises ValueError for a name that is no plain file name or a file that is
    empty.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a secret")
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, draft = tempfile.mkstemp(prefix=f".{name}.", dir=folder)  # mode 0600
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(size) + "\n")
                file.flush()
                os.fsync(file.fileno())
            # A link fails when the name is taken: the first one stays.
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    kept = path.read_text("utf-8").strip()
    if not kept:
        raise ValueError(f"The secret file {path} is empty. Remove it; a new one is made at the next start.")
    return kept
