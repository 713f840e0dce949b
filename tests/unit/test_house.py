"""The rules of the house that no other tool holds. Each rule is a function that is also shown to find a breach."""

from __future__ import annotations

import ast
import ipaddress
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 400
# Files that may be longer, each with its reason. Empty is the goal.
LONG_FILES: dict[str, str] = {
    "tests/unit/test_bridge_traps.py": "the list of traps, each with its control; it is read as a list",
    "tests/unit/test_bridge_journal.py": "one reader's promises, each with its story",
}
MIGRATIONS = ROOT / "foundation" / "migrations" / "versions"  # written out by Alembic, read once
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".j2", ".conf", ".html", ".ts", ".mjs", ".css", ".json", ".lock", ".sh"}


def house_files(*folders: str) -> list[Path]:
    """What git has, or would take: neither what tools made nor what git is told to ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in sorted(set(listed.split("\0"))) if name and (ROOT / name).is_file()]


def python_files(*folders: str) -> list[Path]:
    return [file for file in house_files(*folders) if file.suffix == ".py"]


def text_files() -> list[Path]:
    named = {"Makefile", "run", ".npmrc", ".gitignore"}
    return [file for file in house_files() if file.suffix in TEXT or file.name in named]


def at(file: Path, line: int) -> str:
    return f"{file.relative_to(ROOT)}:{line}"


def sleeps(tree: ast.AST) -> Iterator[int]:
    """Lines that wait for a length of time: `sleep(…)` of anything but 0, and Playwright's `wait_for_timeout`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        gives_way = len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
        if called == "wait_for_timeout" or (called == "sleep" and not gives_way):
            yield node.lineno


def state_assignments(tree: ast.AST, within: str = "") -> Iterator[tuple[int, str]]:
    """Lines that assign to a ticket's `state`, each with the function around it. Tickets are called `…ticket`."""
    for node in ast.iter_child_nodes(tree):
        inside = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else within
        targets = getattr(node, "targets", []) if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(t, ast.Attribute) and t.attr == "state" and is_ticket(t.value) for t in targets):
            yield node.lineno, inside
        yield from state_assignments(node, inside)


def is_ticket(value: ast.expr) -> bool:
    return ast.unparse(value).lower().endswith("ticket")


def ticket_updates(tree: ast.AST) -> Iterator[int]:
    """Lines that change a ticket's state past its transition: `update(Ticket)….values(state=…)`."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and any(keyword.arg == "state" for keyword in node.keywords)):
            continue
        inner: ast.expr = node.func
        while isinstance(inner, ast.Attribute | ast.Call):
            called = inner.func if isinstance(inner, ast.Call) else None
            if isinstance(called, ast.Name) and called.id == "update" and isinstance(inner, ast.Call):
                if any(isinstance(table, ast.Name) and table.id == "Ticket" for table in inner.args):
                    yield node.lineno
                break
            inner = inner.func if isinstance(inner, ast.Call) else inner.value


def registry_hosts(text: str) -> list[str]:
    """Addresses of package registries and mirrors: whoever installs this has their own."""
    hosts = r"(?:deb|security|ftp|snapshot|registry|files|pypi|index|packages)\.[a-z0-9.-]+\.(?:org|com|net|io)"
    return re.findall(rf"\b{hosts}\b|\bpypi\.org\b|\bnpmjs\.(?:org|com)\b", text)


def secrets(text: str) -> list[str]:
    """What looks like a real key: private keys, and the tokens of well-known services."""
    kinds = (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        r"\bAC[0-9a-f]{32}\b",
        r"\bSK[0-9a-f]{32}\b",
        r"\bAKIA[0-9A-Z]{16}\b",
    )
    return [found for kind in kinds for found in re.findall(kind, text)]


def other_machines(text: str) -> list[str]:
    """IPv4 addresses that are neither this machine's own nor one of those set aside for examples."""
    found = []
    for candidate in re.findall(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]|\.\d)", text):
        try:
            address = ipaddress.ip_address(candidate)
        except ValueError:
            continue
        examples = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
        example = any(address in ipaddress.ip_network(network) for network in examples)
        if not (address.is_loopback or address.is_unspecified or example):
            found.append(candidate)
    return found


def test_no_test_waits_for_a_length_of_time() -> None:
    broken = [
        at(file, line)
        for file in python_files("tests")
        if file != ROOT / "tests" / "waiting.py"
        for line in sleeps(ast.parse(file.read_text("utf-8")))
    ]
    assert not broken, f"wait for a condition with tests.waiting, or move the clock: {broken}"


def test_no_file_is_longer_than_a_reader_bears() -> None:
    written = [f for f in text_files() if f.suffix in {".py", ".ts", ".css", ".j2"} and f.parent != MIGRATIONS]
    lengths = {str(f.relative_to(ROOT)): len(f.read_text("utf-8").splitlines()) for f in written}
    broken = {name: n for name, n in lengths.items() if n > LONGEST_FILE and name not in LONG_FILES}
    assert not broken, f"longer than {LONGEST_FILE} lines; ask what is hiding in them and split: {broken}"
    done = [name for name in LONG_FILES if lengths.get(name, 0) <= LONGEST_FILE]
    assert not done, f"no longer too long; take them off the list: {done}"


def test_only_the_transition_assigns_a_state() -> None:
    broken = [
        at(file, line)
        for file in python_files("dispatch")
        for line, function in state_assignments(ast.parse(file.read_text("utf-8")))
        if function != "change_state"
    ]
    assert not broken, (
        f"only `change_state` assigns a ticket's state, so that every change is checked and logged: {broken}"
    )


def test_no_statement_changes_a_tickets_state_past_its_transition() -> None:
    broken = [
        at(file, line)
        for file in python_files("dispatch", "callcenter")
        for line in ticket_updates(ast.parse(file.read_text("utf-8")))
    ]
    assert not broken, f"a ticket's state changes by `change_state` alone: {broken}"


def test_no_registry_is_named() -> None:
    broken = {str(f.relative_to(ROOT)): found for f in text_files() if (found := registry_hosts(f.read_text("utf-8")))}
    assert not broken, f"the machine's own settings say where packages come from: {broken}"


def test_no_secret_is_kept_here() -> None:
    broken = [str(f.relative_to(ROOT)) for f in text_files() if secrets(f.read_text("utf-8"))]
    assert not broken, f"secrets are made at the first start and live in the home: {broken}"


def test_tests_and_benchmarks_name_no_other_machine() -> None:
    broken = {
        str(f.relative_to(ROOT)): found
        for f in text_files()
        if f.is_relative_to(ROOT / "tests") or f.is_relative_to(ROOT / "bench")
        if f != Path(__file__).resolve() and (found := other_machines(f.read_text("utf-8")))
    }
    assert not broken, f"use loopback, or an address set aside for examples (192.0.2.x): {broken}"


def test_the_front_end_lock_names_no_address() -> None:
    lock = (ROOT / "package-lock.json").read_text("utf-8")
    assert '"integrity"' in lock
    assert '"resolved"' not in lock


@pytest.mark.parametrize(
    "breach",
    ["import time\ntime.sleep(1)", "async def t():\n    await asyncio.sleep(delay)", "page.wait_for_timeout(5)"],
)
def test_the_rule_on_waiting_finds_a_breach(breach: str) -> None:
    assert list(sleeps(ast.parse(breach))) == [2] or breach.startswith("page")
    assert list(sleeps(ast.parse(breach)))


def test_the_rule_on_waiting_lets_a_task_give_way() -> None:
    assert not list(sleeps(ast.parse("async def t():\n    await asyncio.sleep(0)")))


def test_the_rule_on_states_finds_a_breach_and_its_function() -> None:
    code = "def close(ticket):\n    if ticket:\n        ticket.state = 'closed'\n"
    assert list(state_assignments(ast.parse(code))) == [(3, "close")]
    assert list(state_assignments(ast.parse("self.ticket.state = 'closed'"))) == [(1, "")]
    assert not list(state_assignments(ast.parse("offer.state = 'won'")))


def test_the_rule_on_ticket_updates_finds_a_breach() -> None:
    assert list(ticket_updates(ast.parse("s.execute(update(Ticket).where(x).values(state='closed'))"))) == [1]
    assert not list(ticket_updates(ast.parse("s.execute(update(Offer).where(x).values(state='won'))")))
    assert not list(ticket_updates(ast.parse("s.execute(update(Ticket).where(x).values(note='n'))")))


def test_the_rule_on_registries_finds_a_breach() -> None:
    assert registry_hosts("see https://files." + "example.org/x and deb." + "example.net")
    assert not registry_hosts("callcenter.example.org, docs.python.org")


def test_the_rule_on_secrets_finds_a_breach() -> None:
    assert secrets("AC" + "0123456789abcdef" * 2)
    assert secrets("-----BEGIN RSA PRIVATE" + " KEY-----")


def test_the_rule_on_other_machines_finds_a_breach() -> None:
    assert other_machines("connect to 10.1.2.3 or 8.8.8.8") == ["10.1.2.3", "8.8.8.8"]
    assert not other_machines("127.0.0.1, 0.0.0.0, 192.0.2.7, version 1.2.3.4.5 and 999.1.1.1")
