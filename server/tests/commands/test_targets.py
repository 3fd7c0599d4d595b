"""Which publish API a command speaks to: flags, environment, profiles."""

from pathlib import Path

import pytest

from riverd.commands.api_client import ApiTarget
from riverd.commands.subscribe import websocket_url
from riverd.commands.targets import profiles_file, target_of
from riverd.errors import SettingsError

KEY = "key-of-the-tests-0123"
GOOD = f'[prod]\nurl = "https://api.example.com"\nkey = "{KEY}"\n[empty]\n'


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("RIVER_API_KEYS", "RIVER_API_KEYS_FROM", "RIVER_API_PORT"):
        monkeypatch.delenv(name, raising=False)


def keep(text: str, mode: int = 0o600) -> None:
    path = profiles_file()
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def test_profile_has_url_and_key() -> None:
    keep(GOOD)
    assert target_of(None, None, profile="prod") == ApiTarget("https://api.example.com", KEY)


@pytest.mark.parametrize(
    ("text", "mode", "name", "why"),
    [
        (GOOD, 0o640, "prod", "chmod 600"),
        (GOOD, 0o604, "prod", "chmod 600"),
        (GOOD, 0o600, "test", "there is empty, prod"),
        (GOOD, 0o600, "empty", "missing required field `url`"),
        ("prod = 1", 0o600, "prod", "url and key"),
        ("[prod", 0o600, "prod", "profiles.toml"),
        ("\udcff", 0o600, "prod", "profiles.toml"),
    ],
)
def test_profile_that_cannot_be_used_is_an_error_with_its_cure(
    text: str, mode: int, name: str, why: str
) -> None:
    path = profiles_file()
    path.parent.mkdir()
    path.write_bytes(text.encode(errors="surrogateescape"))
    path.chmod(mode)
    with pytest.raises(SettingsError, match=why) as caught:
        target_of(None, None, profile=name)
    assert KEY not in str(caught.value)


def test_missing_file_of_profiles_is_named() -> None:
    with pytest.raises(SettingsError, match=r"profiles\.toml: No such file"):
        target_of(None, None, profile="prod")


@pytest.mark.parametrize(("url", "key"), [("http://x", None), (None, KEY)])
def test_key_of_one_deployment_is_not_sent_to_another(url: str | None, key: str | None) -> None:
    keep(GOOD)
    with pytest.raises(SettingsError, match="give one of both"):
        target_of(url, key, profile="prod")


def test_without_a_profile_flags_come_before_the_servers_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RIVER_API_KEYS", f"{KEY},other-key-of-the-tests")
    monkeypatch.setenv("RIVER_API_PORT", "9001")
    assert target_of(None, None, profile=None) == ApiTarget("http://127.0.0.1:9001", KEY)
    assert target_of("http://x", "k", profile=None) == ApiTarget("http://x", "k")


def test_missing_key_is_an_error_that_says_where_it_may_come_from() -> None:
    with pytest.raises(SettingsError, match=r"RIVER_API_KEYS.*--profile.*river dev"):
        target_of("http://x", None, profile=None)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("rt.example.com", "ws://rt.example.com/ws"),
        ("https://example.com", "wss://example.com/ws"),
        ("wss://example.com/", "wss://example.com/ws"),
        ("wss://example.com/rt", "wss://example.com/rt/ws"),
        ("https://example.com/rt/", "wss://example.com/rt/ws"),
        ("ws://127.0.0.1:8000/rt/ws", "ws://127.0.0.1:8000/rt/ws"),
    ],
)
def test_a_gateways_address_may_have_a_prefix(given: str, url: str) -> None:
    assert websocket_url(given) == url
