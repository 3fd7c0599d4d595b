"""Which flags are secret, and what is left of a command without them."""

from collections.abc import Iterator

import click
import pytest

from riverd.commands.cli import cli
from riverd.commands.secret_flags import without_secrets

SECRET_FLAGS = {
    "--api-key",
    "--api-keys",
    "--apps",
    "--broker-password",
    "--key",
    "--read-keys",
    "--secret",
    "--secrets",
    "--token",
    "--webhooks",
}


def flags_of(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each flag of a command and of the commands in it, with their names."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from flags_of(inner, *path, name)
    for option in command.params:
        yield from ((path, flag) for flag in option.opts)


def test_every_secret_flag_of_every_command_is_moved() -> None:
    secret = [(path, flag) for path, flag in flags_of(cli) if flag in SECRET_FLAGS]
    assert {flag for _, flag in secret} == SECRET_FLAGS
    for path, flag in secret:
        left, moved = without_secrets([*path, flag, "x"])
        assert (left, list(moved.values())) == ([*path], ["x"]), (path, flag)


@pytest.mark.parametrize(
    ("given", "left", "moved"),
    [
        ("gateway --secrets a,b --port 1", "gateway --port 1", {"RIVER_SECRETS": "a,b"}),
        ("api --api-keys=k", "api", {"RIVER_API_KEYS": "k"}),
        ("dev --broker-password p", "dev", {"RIVER_BROKER_PASSWORD": "p"}),
        ("api --broker redis://:p@h", "api", {"RIVER_BROKER": "redis://:p@h"}),
        ("subscribe dogs --token t", "subscribe dogs", {"RIVER_TOKEN": "t"}),
        ("publish dogs post 1 --key k", "publish dogs post 1", {"RIVER_API_KEY": "k"}),
        (
            "webhooks run --webhooks [] --broker h",
            "webhooks run --broker h",
            {"RIVER_WEBHOOKS": "[]"},
        ),
        ("history --key=k dogs", "history dogs", {"RIVER_API_KEY": "k"}),
        ("doctor --token=t", "doctor", {"RIVER_TOKEN": "t"}),
        ("bench --secret s --api-key k", "bench", {"RIVER_SECRETS": "s", "RIVER_API_KEYS": "k"}),
    ],
)
def test_a_secret_flag_becomes_a_variable(given: str, left: str, moved: dict[str, str]) -> None:
    assert without_secrets(given.split()) == (left.split(), moved)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "gateway --port 1",
        "api --broker redis://h",
        "gateway --secrets",
        "gateway --secrets=",
        "gateway --token t",
        "publish dogs --token 1",
        "api --secrets-from file:///x",
    ],
)
def test_what_is_not_secret_or_not_a_flag_of_this_command_stays(given: str) -> None:
    assert without_secrets(given.split()) == (given.split(), {})
