"""The toy that stands in for a model, and the settings."""

from pathlib import Path

import pytest

from assistant.generator import tokens_of, toy
from assistant.settings import AssistantSettingsError, read_settings

RIVER = {
    "RIVER_URL": "http://river.test/",
    "RIVER_API_URL": "http://api.test",
    "RIVER_API_KEY": "key",
    "RIVER_SECRETS": "first,second",
}


async def test_same_question_has_the_same_answer() -> None:
    tokens = [token async for token in toy(1_000_000)("why?")]
    assert tokens == tokens_of("why?")
    assert len(tokens) > 50
    assert tokens != tokens_of("how?")


def test_settings_come_from_the_environment() -> None:
    settings = read_settings({**RIVER, "ASSISTANT_PORT": "80", "ASSISTANT_TOKENS_PER_S": "5"})
    assert (settings.river_url, settings.river_secret) == ("http://river.test", "first")
    assert (settings.port, settings.tokens_per_s) == (80, 5.0)


def test_settings_come_from_river_dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".river").mkdir()
    text = '{"url": "http://u", "api_url": "http://a", "api_key": "k", "secret": "s", "apps": []}'
    (tmp_path / ".river/dev.json").write_text(text)
    assert read_settings({}).river_api_url == "http://a"
    assert read_settings(RIVER).river_api_url == "http://api.test"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"RIVER_API_KEY": ""}, "RIVER_API_KEY"),
        ({"ASSISTANT_PORT": "eighty"}, "ASSISTANT_PORT"),
        ({"ASSISTANT_TOKENS_PER_S": "0"}, "ASSISTANT_TOKENS_PER_S"),
        ({"ASSISTANT_TOKENS_PER_S": "nan"}, "ASSISTANT_TOKENS_PER_S"),
    ],
)
def test_wrong_setting_is_named(
    wrong: dict[str, str], named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssistantSettingsError, match=named):
        read_settings({**RIVER, **wrong})
