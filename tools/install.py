"""Makes the Python environment: `python3 tools/install.py .venv`.

Every package comes from requirements.lock with its checksum, the build backend included, and nothing else is
installed: pip is the one that Python brings. Runs before anything is installed, so it needs Python alone.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAY_EVERY = 20  # packages between two lines of progress


def main() -> int:
    target = Path(sys.argv[1])
    began = time.monotonic()
    print(f"Python packages: into {target}, about a minute", flush=True)
    if not works(target):
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=True).create(str(target))
    pip = [str(target / "bin" / "python"), "-m", "pip"]
    locked = ["install", "--no-input", "--progress-bar", "off", "--only-binary", ":all:", "--no-deps"]
    locked += ["--require-hashes", "--requirement", str(ROOT / "requirements.lock")]
    own = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    if not run_with_progress([*pip, *locked]) or subprocess.run([*pip, *own], check=False).returncode != 0:
        print("The Python packages could not be installed; pip's own words are above. Run make again.")
        return 1
    remove_leftovers(pip)
    print(f"Python packages: installed in {time.monotonic() - began:.0f} s", flush=True)
    return 0


def works(environment: Path) -> bool:
    """Whether there is an environment whose Python still starts (a system upgrade can take it away)."""
    python = environment / "bin" / "python"
    if not python.exists():
        return False
    asked = subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True, check=False)
    return asked.returncode == 0


def remove_leftovers(pip: list[str]) -> None:
    """Removes what an earlier lock had and this one has not, so that nothing leans on it unseen."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    wanted = {plain(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}
    wanted |= {"pip", "setuptools", "uv", "callcenter"}
    listed = subprocess.run([*pip, "list", "--format=json"], capture_output=True, text=True, check=True).stdout
    surplus = [entry["name"] for entry in json.loads(listed) if plain(entry["name"]) not in wanted]
    if surplus:
        subprocess.run([*pip, "uninstall", "--quiet", "--yes", *surplus], check=True)


def plain(name: str) -> str:
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def run_with_progress(command: list[str]) -> bool:
    """Runs pip; prints a count now and then, and what pip said only where it failed."""
    said: list[str] = []
    found = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            said.append(line)
            if line.startswith(("Collecting ", "Processing ")):
                found += 1
                if found % SAY_EVERY == 0:
                    print(f"  {found} packages fetched", flush=True)
            elif line.startswith("Installing collected"):
                print(f"  {found} packages fetched, installing them", flush=True)
    if pip.returncode != 0:
        sys.stdout.writelines(line for line in said[-30:])
    return pip.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
