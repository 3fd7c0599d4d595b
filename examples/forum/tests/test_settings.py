"""Where the forum's settings come from, and what it says when one is missing."""

import json
from pathlib import Path

import pytest

from forum.settings import ForumSettingsError, read_settings

DEV = {
    "secret": "d" * 64,
    "api_key": "dev-key",
    "url": "http://127.0.0.1:8000",
    "api_url": "http://127.0.0.1:8001",
}
GIVEN = {
    "RIVER_URL": "http://r:1/",
    "RIVER_API_URL": "http://r:2",
    "RIVER_API_KEY": "k",
    "RIVER_SECRETS": "new, old",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def leave_dev_file(folder: Path, content: str) -> None:
    (folder / ".river").mkdir()
    (folder / ".river/dev.json").write_text(content)


def test_without_anything_the_forum_runs_by_itself() -> None:
    settings = read_settings([], {})
    assert settings.river is None
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)


def test_what_river_dev_left_is_found(folder: Path) -> None:
    leave_dev_file(folder, json.dumps(DEV))
    river = read_settings([], {}).river
    assert river is not None
    assert (river.url, river.api_key, river.secret) == (DEV["url"], "dev-key", "d" * 64)


def test_the_environment_goes_before_river_dev_and_flags_before_both(folder: Path) -> None:
    leave_dev_file(folder, json.dumps(DEV))
    river = read_settings(["--river-api-key", "flag"], GIVEN).river
    assert river is not None
    assert (river.url, river.api_key, river.secret) == ("http://r:1", "flag", "new")


def test_river_off_means_off_whatever_is_there(folder: Path) -> None:
    leave_dev_file(folder, json.dumps(DEV))
    assert read_settings([], GIVEN | {"RIVER": "off"}).river is None


@pytest.mark.parametrize("name", list(GIVEN))
def test_a_setting_that_is_missing_is_named(name: str) -> None:
    environment = {key: value for key, value in GIVEN.items() if key != name}
    with pytest.raises(ForumSettingsError, match=name):
        read_settings([], environment)


def test_river_on_does_not_go_without() -> None:
    with pytest.raises(ForumSettingsError, match="river dev"):
        read_settings(["--river", "on"], {})


def test_a_word_that_is_not_known_is_refused() -> None:
    with pytest.raises(ForumSettingsError, match="RIVER must be"):
        read_settings([], {"RIVER": "perhaps"})


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_broken_dev_file_is_named(folder: Path, content: str) -> None:
    leave_dev_file(folder, content)
    with pytest.raises(ForumSettingsError, match=r"dev\.json"):
        read_settings([], {})
