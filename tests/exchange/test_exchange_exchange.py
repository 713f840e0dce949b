"""Our exchange as a whole: rendered, started, adopted, checked; its journal carried over a kill."""

import argparse
import json
import socket
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from callcenter.exchange import Exchange
from callcenter.exchange.ami import ami_answers
from callcenter.exchange.check import check_exchange
from callcenter.exchange.commands import register
from callcenter.exchange.context import ami_secret, template_context
from callcenter.exchange.errors import ExchangeError
from callcenter.exchange.journal import restore_journal
from foundation.asterisk.errors import PortInUseError, RenderError
from foundation.asterisk.provision import Asterisk
from foundation.asterisk.render import render, rendered
from tests.exchange.conftest import MakeExchange, MakeSettings
from tests.waiting import wait_until

pytestmark = pytest.mark.exchange


def test_a_running_exchange_has_its_queues_seats_and_trunk(exchange: Exchange) -> None:
    queues = exchange.ask("queue show")
    assert "service has" in queues
    assert "emergency has" in queues
    endpoints = exchange.ask("pjsip show endpoints")
    for name in ("op1", "op4", "trunk"):
        assert f"Endpoint:  {name}" in endpoints
    status = exchange.status()
    assert status.running
    assert status.ami == ""
    assert status.calls == 0
    assert status.configuration_current
    assert status.version.startswith("22.")


def test_secrets_are_the_owners_only_and_stay_the_same(exchange: Exchange) -> None:
    folder = exchange.settings.home / "secrets"
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(before) >= {"ami", "seat-op1", "seat-op4"}
    assert len(set(before.values())) == len(before)
    assert all(path.stat().st_mode & 0o077 == 0 for path in [folder, *folder.iterdir()])
    written = [path for path in (exchange.root / "etc").iterdir() if before["ami"].strip() in path.read_text()]
    assert written
    assert all(path.stat().st_mode & 0o077 == 0 for path in [exchange.root / "etc", *written])
    exchange.render()
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_starting_again_changes_nothing_and_cuts_nothing(exchange: Exchange) -> None:
    pid = exchange.pid
    assert exchange.render() == []
    assert Exchange(exchange.settings, say=print).start() is False
    assert exchange.pid == pid


def test_a_wrong_ami_secret_is_told(exchange: Exchange) -> None:
    told = exchange.settings.exchange
    assert ami_answers(told, ami_secret(exchange.settings)) == ""
    assert "refuses the sign-in" in ami_answers(told, "wrong")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        gone = told.model_copy(update={"ami_port": silent.getsockname()[1]})
        assert "does not answer" in ami_answers(gone, "any")


def test_two_exchanges_run_side_by_side(exchange: Exchange, make_exchange: MakeExchange) -> None:
    other = make_exchange(seats=2, exchange={"node": "node2"})
    assert other.start() is True
    try:
        assert other.pid != exchange.pid
        assert "op3" not in other.ask("pjsip show endpoints")
        assert "op3" in exchange.ask("pjsip show endpoints")
    finally:
        other.stop()
    assert exchange.status().running


def test_changed_settings_take_effect_at_the_next_start(make_exchange: MakeExchange) -> None:
    first = make_exchange(seats=1)
    first.start()
    pid = first.pid
    seats = first.settings.seats.model_copy(update={"names": ("op1", "op2")})
    changed = make_exchange(first.settings.model_copy(update={"seats": seats}))
    assert changed.status().configuration_current is False
    assert changed.start() is True
    assert changed.pid != pid
    assert "op2" in changed.ask("pjsip show endpoints")
    changed.stop()


def test_a_taken_sip_port_is_named_with_its_setting(make_exchange: MakeExchange) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        number = holder.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"Port {number}/udp.*exchange\.sip_port"):
            make_exchange(exchange={"sip_port": number}).start()


def test_without_a_voice_the_exchange_starts_all_the_same(
    make_exchange: MakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object) -> None:
        raise RuntimeError("no voice here")

    monkeypatch.setattr("callcenter.exchange.exchange.provision_espeak", nothing)
    exchange = make_exchange(seats=1)
    assert exchange.start() is True
    exchange.stop()


# ---- the journal ---------------------------------------------------------------------------------------------------


def test_steps_that_only_the_files_know_are_in_astdb_after_a_kill(make_exchange: MakeExchange) -> None:
    exchange = make_exchange(seats=1)
    exchange.start()
    exchange.ask("database put journal/node1-1.1 001 kept")
    said: list[str] = []
    stopping = threading.Event()
    exchange._say = said.append
    exchange.kill9()
    spool = exchange.root / "spool/journal"
    (spool / "node1-1.1~001").write_text("another\n")
    (spool / "node1-1.1~002").write_text("s=queued&t=1.5&queue=emergency\n")
    (spool / "node1-1.2~seat-op1.17-001").write_text("s=tried&who=seat-op1\n")
    watcher = threading.Thread(target=exchange.watch, args=(stopping,))
    watcher.start()
    try:
        wait_until(lambda: any("runs again" in text for text in said), 30, "the exchange runs again")
        assert "Value: s=queued&t=1.5&queue=emergency" in exchange.ask("database get journal/node1-1.1 002")
        assert "Value: s=tried&who=seat-op1" in exchange.ask("database get journal/node1-1.2 seat-op1.17-001")
        assert any("journal entries were put back" in text for text in said)
        assert len(list(spool.iterdir())) == 3, "only the application removes a file, after its commit"
    finally:
        stopping.set()
        watcher.join(30)
        exchange.stop()


def test_astdb_is_believed_before_a_file(tmp_path: Path) -> None:
    spool, astdb = tmp_path / "journal", tmp_path / "astdb.sqlite3"
    spool.mkdir()
    (spool / "a-1~001").write_text("from the file\n")
    (spool / "a-1~002").write_text("only in the file\n")
    (spool / "a-1~003").write_text("")
    (spool / "strange name").write_text("x")
    with closing(sqlite3.connect(astdb)) as database:
        database.execute("CREATE TABLE astdb(key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key))")
        database.execute("INSERT INTO astdb VALUES ('/journal/a-1/001', 'from AstDB')")
        database.commit()
        assert restore_journal(spool, astdb) == 1
        assert restore_journal(spool, astdb) == 0
        assert dict(database.execute("SELECT key, value FROM astdb").fetchall()) == {
            "/journal/a-1/001": "from AstDB",
            "/journal/a-1/002": "only in the file",
        }


def test_the_very_first_start_has_neither_spool_nor_astdb(tmp_path: Path) -> None:
    assert restore_journal(tmp_path / "none", tmp_path / "astdb.sqlite3") == 0
    assert not (tmp_path / "astdb.sqlite3").exists()


# ---- rendering and checking ----------------------------------------------------------------------------------------


def test_a_value_that_would_add_a_line_is_refused_by_name(make_settings: MakeSettings, tmp_path: Path) -> None:
    context = template_context(make_settings(), {"etc": str(tmp_path)})
    for value, reason in (("x\npermit=0.0.0.0/0", "line break"), ("x\x00", "control"), ("x ; y", "comment")):
        with pytest.raises(RenderError, match=rf"seats\[0\]\.secret .*{reason}"):
            rendered("asterisk_conf", {**context, "seats": [{"name": "op1", "number": "1", "secret": value}]})


def test_a_carriers_password_with_a_semicolon_arrives_whole(make_exchange: MakeExchange) -> None:
    exchange = make_exchange(
        trunk={"mode": "registration", "host": "127.0.0.1", "port": 9, "username": "u", "password": "a;b\\c"}
    )
    exchange.start()
    assert "a;b\\c" in exchange.ask("pjsip show auth trunk")
    assert "trunk" in exchange.ask("pjsip show registrations")
    exchange.stop()


def test_rendering_leaves_no_old_file_and_touches_nothing_unchanged(
    tmp_path: Path, make_settings: MakeSettings
) -> None:
    context = template_context(make_settings(), dict.fromkeys(_DIRECTORIES, "/x"))
    (tmp_path / "old.conf").write_text("")
    assert len(render("asterisk_conf", tmp_path, context)) > 5
    assert not (tmp_path / "old.conf").exists()
    assert render("asterisk_conf", tmp_path, context) == []


_DIRECTORIES = ["etc", "modules", "data", "varlib", "db", "spool", "run", "log", "keys", "agi", "sounds", "journal"]


def test_the_shipped_configuration_passes_its_check(make_settings: MakeSettings, exchange_prefix: Asterisk) -> None:
    report = check_exchange(make_settings(), exchange_prefix, "asterisk_conf")
    assert report.problems == ()
    assert report.warnings == ()


@pytest.mark.parametrize(
    ("file", "change", "problem"),
    [
        ("queues.conf", lambda text: text.replace("[emergency]", "[urgent]"), "no queue 'emergency'"),
        ("modules.conf", lambda text: text + "\nload = app_of_nobody.so\n", "app_of_nobody.so is not running"),
        ("extensions.conf", lambda text: text.replace("[from-trunk]", "[from-nowhere]"), "no context 'from-trunk'"),
        ("pjsip.conf", lambda text: text.replace("[op1](seat)", "[op9](seat)"), "no telephone or line 'op1'"),
    ],
)
def test_a_broken_configuration_does_not_pass(
    make_settings: MakeSettings,
    exchange_prefix: Asterisk,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    change: Callable[[str], str],
    problem: str,
) -> None:
    def broken(package: str, target: Path, context: dict[str, object]) -> list[Path]:
        paths = render(package, target, context)
        text = (target / file).read_text()
        assert change(text) != text
        (target / file).write_text(change(text))
        return paths

    monkeypatch.setattr("callcenter.exchange.check.render", broken)
    report = check_exchange(make_settings(seats=1), exchange_prefix, "asterisk_conf")
    assert any(problem in told for told in report.problems), report


# ---- an exchange that is not ours ----------------------------------------------------------------------------------


def test_an_existing_exchange_is_asked_by_ami_and_never_started(
    exchange: Exchange, make_settings: MakeSettings
) -> None:
    ours = exchange.settings.exchange
    settings = make_settings(
        exchange={"mode": "existing", "ami_port": ours.ami_port, "ami_secret": ami_secret(exchange.settings)}
    )
    other = Exchange(settings, say=print)
    assert other.status().running
    assert other.status().pid is None
    for act in (other.start, other.stop, other.provision):
        with pytest.raises(ExchangeError, match="not ours"):
            act()
    written = other.render()
    assert settings.home / "exchange/install/pjsip.conf" in written
    assert "/etc/asterisk" in (settings.home / "exchange/install/asterisk.conf").read_text()


# ---- the command line ----------------------------------------------------------------------------------------------


def command(*words: str, home: Path) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["exchange", *words])
    arguments.home = home
    return int(arguments.run(arguments))


def test_the_commands_start_tell_and_stop(
    tmp_path: Path,
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ports = make_settings().exchange
    for key in ("sip_port", "http_port", "ami_port"):
        monkeypatch.setenv(f"CALLCENTER_EXCHANGE__{key.upper()}", str(getattr(ports, key)))
    assert command("status", home=tmp_path) == 3
    assert command("start", home=tmp_path) == 0
    capsys.readouterr()
    try:
        assert command("status", "--json", home=tmp_path) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["running"] is True
        assert told["configuration_current"] is True
        assert command("start", home=tmp_path) == 0
        assert f"ran already, process {told['pid']}" in capsys.readouterr().out
    finally:
        assert command("stop", home=tmp_path) == 0
    assert command("status", home=tmp_path) == 3


def test_wrong_settings_end_with_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLCENTER_EXCHANGE__SIP_PORT", "no")
    assert command("start", home=tmp_path) == 2
    assert "CALLCENTER_EXCHANGE__SIP_PORT" in capsys.readouterr().err
