"""With CI set, a test that did not run is a failure; without it, it is told and passes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BY_ITSELF = "import pytest\n\ndef test_a():\n    pytest.skip('no browser')\n\ndef test_b():\n    pass\n"
WHOLE_FILE = "import pytest\npytest.importorskip('no_such_module')\n"
EXPECTED_FAILURE = "import pytest\n\n@pytest.mark.xfail(strict=True)\ndef test_a():\n    assert False\n"


def run(folder: Path, code: str, ci: str) -> subprocess.CompletedProcess[str]:
    file = folder / "test_inner.py"
    file.write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml"), str(file)]
    told = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, "-p", "no:cacheprovider"], cwd=ROOT, env=told, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("code", [BY_ITSELF, WHOLE_FILE])
def test_a_skipped_test_fails_the_run_of_a_machine(tmp_path: Path, code: str) -> None:
    done = run(tmp_path, code, ci="true")
    assert done.returncode not in (0, 5), done.stdout
    assert "no test may be skipped" in done.stdout


def test_a_person_may_leave_a_test_out(tmp_path: Path) -> None:
    done = run(tmp_path, BY_ITSELF, ci="")
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped" in done.stdout


def test_an_expected_failure_is_not_a_skip(tmp_path: Path) -> None:
    assert run(tmp_path, EXPECTED_FAILURE, ci="true").returncode == 0


def test_the_long_trials_run_only_when_asked_for(tmp_path: Path) -> None:
    code = "import pytest\n\n@pytest.mark.soak\ndef test_long():\n    assert False\n\ndef test_short():\n    pass\n"
    done = run(tmp_path, code, ci="true")
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 deselected" in done.stdout
