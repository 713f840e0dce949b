"""Settings: file, environment, and what is said when one of them is wrong."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from callcenter.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def _clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder and no variable of ours."""
    monkeypatch.chdir(tmp_path)
    import os

    for name in list(os.environ):
        if name.upper().startswith("CALLCENTER_"):
            monkeypatch.delenv(name)


def written(text: str) -> Settings:
    Path("callcenter.toml").write_text(text, "utf-8")
    return load_settings()


def complaint(text: str = "") -> str:
    with pytest.raises(SettingsError) as caught:
        written(text)
    return str(caught.value)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.home == tmp_path / "var"
    assert settings.database_url == f"sqlite:///{tmp_path}/var/callcenter.sqlite3"
    assert settings.exchange.sip_port == 5060
    assert settings.seats.names == ("op1", "op2", "op3", "op4")
    assert settings.town.enabled is False


def test_the_environment_goes_before_the_file_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_EXCHANGE__SIP_PORT", "5070")
    settings = written('[exchange]\nsip_port = 5080\nnode = "north"\n')
    assert settings.exchange.sip_port == 5070
    assert settings.exchange.node == "north"


def test_lists_are_written_with_commas_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_NUMBERS__HOTLINES", "12345, 96345")
    monkeypatch.setenv("CALLCENTER_SEATS__NAMES", "2")
    settings = load_settings()
    assert settings.numbers.hotlines == ("12345", "96345")
    assert settings.seats.names == ("op1", "op2")


def test_the_home_and_the_file_can_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.toml").write_text("[http]\nport = 8100\n")
    monkeypatch.setenv("CALLCENTER_CONFIG", str(tmp_path / "other.toml"))
    monkeypatch.setenv("CALLCENTER_HOME", "elsewhere")
    settings = load_settings()
    assert settings.http.port == 8100
    assert settings.home == tmp_path / "elsewhere"
    assert load_settings(home=tmp_path / "third").home == tmp_path / "third"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[exchange]\n\nsip_port = 70000\n", ["line 3, exchange.sip_port", "1 to 65535"]),
        ("[exchange]\nsip_port = true\n", ["line 2, exchange.sip_port", "1 to 65535"]),
        ("[exchange]\nsip_prt = 5060\n", ["line 2, exchange.sip_prt", "no such key", "sip_port"]),
        ("[exchnge]\nsip_port = 5060\n", ["line 1, exchnge", "no such section", "exchange"]),
        ('[exchange]\nmode = "ours"\n', ["line 2, exchange.mode", "'managed' or 'existing'"]),
        ("exchange = 3\n", ["line 1, exchange", "section"]),
        ("# one\nexchange.node = 'a b'\n", ["line 2, exchange.node", "letters, digits"]),
        ("[trunk]\nhost = 'a;b'\n", ["line 2, trunk.host", "host name"]),
        ('[trunk]\nmode = "registration"\n', ["line 1, trunk", "username and password"]),
        ('[numbers]\nhotlines = ["81890", "81890"]\n', ["line 2, numbers.hotlines", "twice"]),
        ('[numbers]\none_touch = "81890"\n', ["line 1, numbers", "different numbers"]),
        ("[seats]\nnames = 0\n", ["line 2, seats.names", "1 to 200"]),
        ('[seats]\nnames = ["op1", "op;2"]\n', ["line 2, seats.names", "letters, digits"]),
        ("[town]\nmovable_clock = true\n", ["line 1, town", "enabled = true"]),
        ('home = "x"\n', ["line 1, home", "CALLCENTER_HOME"]),
    ],
)
def test_a_wrong_key_is_named_with_its_line_and_what_is_allowed(text: str, said: list[str]) -> None:
    told = complaint(text)
    assert told.startswith("callcenter.toml")
    for part in said:
        assert part in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[exchange]\nsip_port =\n", ["line 2", "exchange.sip_port", "not TOML"]),
        ('[http]\nport = 8000\nhost = "a\n', ["line 3", "http.host", "not TOML"]),
        ("[exchange\n", ["line 1", "not TOML"]),
        ("[http]\nport = 1\nport = 2\n", ["line 3", "http.port", "not TOML"]),
    ],
)
def test_a_file_that_is_no_toml_is_told_by_line(text: str, said: list[str]) -> None:
    told = complaint(text)
    for part in said:
        assert part in told


def test_a_file_that_is_no_text_is_told_by_line() -> None:
    Path("callcenter.toml").write_bytes(b"[http]\nhost = '\xff'\n")
    with pytest.raises(SettingsError, match=r"line 2: .*UTF-8"):
        load_settings()


def test_all_mistakes_are_told_at_once() -> None:
    told = complaint("[http]\nport = 0\n[exchange]\nsip_port = 0\n")
    assert "line 2, http.port" in told
    assert "line 4, exchange.sip_port" in told


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CALLCENTER_EXCHANGE__SIP_PORT", "many", "1 to 65535"),
        ("CALLCENTER_EXCHANGE__SIPPORT", "5060", "no such key. Allowed: mode, node"),
        ("CALLCENTER_EXCHNGE__SIP_PORT", "5060", "no section 'exchnge'. Allowed: http"),
        ("CALLCENTER_EXCHANGE", "{}", "name one key"),
        ("CALLCENTER_TOWN__ENABLED", "perhaps", "boolean"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert f"environment variable {variable}" in str(caught.value)
    assert said in str(caught.value)


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: there is no such file"):
        load_settings(tmp_path / "none.toml")


def test_secrets_are_never_shown() -> None:
    settings = written('[trunk]\nmode = "registration"\nusername = "u"\npassword = "hush-hush"\n')
    assert "hush" not in repr(settings)
    assert "hush" not in complaint('[trunk]\nmode = 4\npassword = "hush-hush"\nport = "hush-hush"\n')


def test_settings_cannot_be_changed() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.http.port = 1  # type: ignore[misc]


def test_the_desks_hours_are_read_and_hours_that_make_no_sense_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "callcenter.toml"
    file.write_text('[calendar]\nhours = ["09:00-17:00"]\nclosed = ["2026-08-18"]\nworkdays = [2026-10-03]\n')
    told = load_settings(file, tmp_path).calendar.working_time
    assert told.day == timedelta(hours=8)
    assert told.is_holiday(date(2026, 8, 18))
    assert told.is_workday(date(2026, 10, 3))
    monkeypatch.setenv("CALLCENTER_CALENDAR__HOURS", "08:00-11:00, 12:00-18:00")
    assert load_settings(file, tmp_path).calendar.working_time.day == timedelta(hours=9)
    for wrong in ("12:00-11:00", "08:00", "08:00-11:00,10:00-12:00", "99:00-12:00"):
        monkeypatch.setenv("CALLCENTER_CALENDAR__HOURS", wrong)
        with pytest.raises(SettingsError, match=r"(?i)calendar"):
            load_settings(file, tmp_path)
