"""`river webhooks`, against an API with a webhook that could not deliver everything."""

import json
from collections.abc import Iterator

import pytest
from api_server import KEY, serving
from click.testing import CliRunner
from dead_webhook import WEBHOOK, broker_with_dead_events

from riverd.auth.webhooks import endpoints_of, parse_webhooks
from riverd.commands.api_client import CallFailedError
from riverd.commands.cli import cli
from riverd.errors import SettingsError


@pytest.fixture
def url() -> Iterator[str]:
    endpoints = endpoints_of(parse_webhooks("X", json.dumps([WEBHOOK])))
    with serving(broker_with_dead_events, webhooks=lambda: endpoints) as api:
        yield f"http://127.0.0.1:{api.port}"


def said(url: str, *command: str) -> str:
    """What it prints; what it raises is `main`'s to show."""
    done = CliRunner().invoke(
        cli, ["webhooks", *command], env={"RIVER_API_URL": url, "RIVER_API_KEY": KEY}
    )
    if done.exception is not None:
        raise done.exception
    return done.output


def test_webhooks_are_listed_with_what_waits_and_what_failed(url: str) -> None:
    heads, row = said(url, "list").splitlines()
    assert heads.split()[:3] == ["WEBHOOK", "URL", "WAITING"]
    name, where, waiting, dead, *rest = row.split()
    assert (name, where, waiting, dead) == ("mine", "https://example.com/hook", "1", "2")
    assert " ".join(rest) == "never failed 3 times: status 500"
    assert json.loads(said(url, "list", "--json"))["webhooks"][0]["form"] == "river"


def test_dead_events_are_shown_and_replayed(url: str) -> None:
    _, first, second = said(url, "dead", "mine").splitlines()
    assert "channel_occupied" in first
    assert "status 500" in first
    assert second.split()[0] not in said(url, "dead", "mine", "--limit", "1")
    assert "again: 1" in said(url, "replay", "mine", "--id", first.split()[0])
    assert "again: 1" in said(url, "replay", "mine")
    assert said(url, "dead", "mine") == "nothing\n"


def test_a_test_is_sent_and_an_unknown_webhook_is_an_error(url: str) -> None:
    assert "on its way" in said(url, "test", "mine")
    for command in ("test", "dead", "replay"):
        with pytest.raises(CallFailedError, match="no webhook is called all@1"):
            said(url, command, "all@1")


@pytest.mark.parametrize(
    ("broker", "says"),
    [("memory://", "RIVER_BROKER"), ("redis://127.0.0.1:1", "there are no webhooks")],
)
def test_a_process_that_only_sends_needs_webhooks_and_a_broker(broker: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        said("", "run", "--broker", broker)
