"""Settings that are wrong or missing, and commands that are: one clear line, exit code 2."""

import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from river_client import visitor
from river_process import API_KEY, KEYS, SECRET, Start, run, run_all

from riverd.service.settings import describe


class Wrong(NamedTuple):
    """A command that does not start, and what its complaint names."""

    names: str
    command: str
    settings: Mapping[str, str]


WITH_PASSWORD = "redis://:a-password@127.0.0.1"
NO_SECRETS = {"RIVER_SECRETS": ""}
TOO_SHORT = (Path(__file__).parent / "a_secret_that_is_too_short.txt").as_uri()
SETTINGS = [
    Wrong("RIVER_SECRETS", "gateway", {"RIVER_SECRETS": ""}),
    Wrong("RIVER_SECRETS", "api", {"RIVER_SECRETS": ""}),
    Wrong("RIVER_API_KEYS", "api", {"RIVER_API_KEYS": ""}),
    Wrong("RIVER_SECRETS", "gateway", {"RIVER_SECRETS": "too-short"}),
    Wrong("RIVER_SECRETS", "dev", {"RIVER_SECRETS": f"{SECRET},too-short"}),
    Wrong("RIVER_SECRETS", "gateway", {"RIVER_SECRETS": "\udcff" * 40}),
    Wrong("RIVER_API_KEYS", "api", {"RIVER_API_KEYS": f"{API_KEY},too-short"}),
    Wrong(
        "RIVER_PORT=eighty: write a whole number from 0 to 65,535",
        "gateway",
        {"RIVER_PORT": "eighty"},
    ),
    Wrong("RIVER_PORT", "gateway", {"RIVER_PORT": "80\n80"}),
    Wrong("RIVER_API_PORT", "api", {"RIVER_API_PORT": "65536"}),
    Wrong("RIVER_PORT", "gateway --port -1", {}),
    Wrong("RIVER_HOST", "gateway", {"RIVER_HOST": "no-such-host.invalid"}),
    Wrong("RIVER_BROKER", "gateway", {"RIVER_BROKER": "carrier-pigeon://x"}),
    Wrong("RIVER_BROKER", "dev", {"RIVER_BROKER": "redis://:a-password@"}),
    Wrong("RIVER_BROKER", "gateway", {"RIVER_BROKER": WITH_PASSWORD, "RIVER_BROKER_PASSWORD": "x"}),
    Wrong("RIVER_SECRETS", "gateway", {"RIVER_SECRETS_FROM": "file:///nowhere"}),
    Wrong("RIVER_SECRETS_FROM", "gateway", {**NO_SECRETS, "RIVER_SECRETS_FROM": "secrets.txt"}),
    Wrong("RIVER_SECRETS_FROM", "api", {**NO_SECRETS, "RIVER_SECRETS_FROM": "file:///nowhere"}),
    Wrong("RIVER_SECRETS_FROM", "api", {**NO_SECRETS, "RIVER_SECRETS_FROM": "file:///a%00b"}),
    Wrong("RIVER_SECRETS_FROM", "gateway", {**NO_SECRETS, "RIVER_SECRETS_FROM": SECRET}),
    Wrong(
        "RIVER_SECRETS_FROM", "gateway", {**NO_SECRETS, "RIVER_SECRETS_FROM": "file:///dev/null"}
    ),
    Wrong("RIVER_SECRETS_FROM", "gateway", {**NO_SECRETS, "RIVER_SECRETS_FROM": TOO_SHORT}),
    Wrong("RIVER_API_KEYS_FROM", "api", {"RIVER_API_KEYS": "", "RIVER_API_KEYS_FROM": TOO_SHORT}),
    Wrong("RIVER_API_KEYS", "api", {"RIVER_API_KEYS_FROM": TOO_SHORT}),
    Wrong(
        "RIVER_BROKER_PASSWORD_FROM", "gateway", {"RIVER_BROKER_PASSWORD_FROM": "file:///nowhere"}
    ),
    Wrong("write a number from 0.1 to 86,400", "gateway", {"RIVER_SECRETS_REFRESH_S": "0"}),
    Wrong("write at most 256 characters", "gateway", {"RIVER_NODE_NAME": "n" * 257}),
    Wrong("RIVER_WORKERS", "gateway --workers 2", {}),
    Wrong("RIVER_READ_KEYS: one of them is in RIVER_API_KEYS", "api", {"RIVER_READ_KEYS": API_KEY}),
    Wrong("RIVER_SECRETS: one of them is an API key", "api", {"RIVER_API_KEYS": SECRET}),
    Wrong("RIVER_SECRETS: one of them is an API key", "gateway", {"RIVER_READ_KEYS": SECRET}),
    Wrong("RIVER_AUTH_TIMEOUT_S", "gateway", {"RIVER_AUTH_TIMEOUT_S": "0"}),
    Wrong("RIVER_PING_INTERVAL_S", "gateway", {"RIVER_PING_INTERVAL_S": "nan"}),
    Wrong("a number above 0, up to 1,000,000", "gateway", {"RIVER_CLIENT_RATE": "inf"}),
    Wrong("RIVER_HISTORY_SIZE", "gateway", {"RIVER_HISTORY_SIZE": "1.5"}),
    Wrong("write debug or error or info", "gateway", {"RIVER_LOG_LEVEL": "loud"}),
    Wrong("RIVER_JWKS_URL", "gateway", {"RIVER_JWKS_URL": "ftp://x/keys"}),
    Wrong("RIVER_JWKS_URL", "gateway", {"RIVER_JWKS_URL": "https://"}),
    Wrong("https://a.example", "gateway", {"RIVER_ALLOWED_ORIGINS": "a.example"}),
]
USAGES = [
    Wrong("Usage", "", {}),
    Wrong("bogus", "bogus", {}),
    Wrong("--bogus", "gateway --bogus", {}),
    Wrong("extra", "gateway extra", {}),
    Wrong("--user", "token", {}),
    Wrong("soon", "token --user ann --ttl soon", {}),
    Wrong("--info", "token --user ann --info 7", {}),
    Wrong("sub", "token --user=", {}),
    Wrong("channel", "publish a#channel post 1", {}),
    Wrong("event", f"publish dogs {'x' * 129} 1", {}),
    Wrong("JSON", "publish dogs post nothing", {}),
    Wrong("JSON", "publish dogs post \udcff", {}),
    Wrong("JSON", f"publish dogs post {'[' * 100_000}", {}),
    Wrong("channel", "subscribe a#channel", {}),
    Wrong("--history", "subscribe dogs --history -1", {}),
    Wrong("--history", "subscribe dogs --history 1001", {}),
    Wrong("nowhere is not an http(s) URL", "publish dogs post 1 --api-url nowhere", {}),
]
HELP = [Wrong("", f"{kind} --help", {}) for kind in ("gateway", "api", "dev")]
LISTS = [Wrong("", f"{group} --help".strip(), {}) for group in ("", "deploy", "destroy")]
DEFAULTS = [
    "RIVER_SECRETS; default: none",
    "RIVER_BROKER; default: memory://",
    "RIVER_PORT; default: 8000",
    "RIVER_API_PORT; default: 8001",
    "RIVER_AUTH_TIMEOUT_S; default: 15",
    "RIVER_HISTORY_SIZE; default: 100",
    "RIVER_HISTORY_TTL_S; default: 300",
    "RIVER_ALLOWED_ORIGINS; default: *",
    "RIVER_DRAIN_S; default: 30",
]

Outcomes = Mapping[str, tuple[int, str, str]]


def named(wrong: Wrong) -> str:
    return ascii(f"{wrong.command[:40]} {wrong.settings or ''}")


@pytest.fixture(scope="module")
def taken_port() -> Iterator[int]:
    """Return a port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


@pytest.fixture(scope="module")
def taken(taken_port: int) -> list[Wrong]:
    """Return commands that want it."""
    port = str(taken_port)
    return [
        Wrong("RIVER_PORT", "gateway", {"RIVER_PORT": port}),
        Wrong("RIVER_API_PORT", "api", {"RIVER_API_PORT": port}),
        Wrong("RIVER_API_PORT", "dev", {"RIVER_PORT": "0", "RIVER_API_PORT": port}),
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wrong")


@pytest.fixture(scope="module")
def outcomes(folder: Path, taken: list[Wrong]) -> Outcomes:
    """Run all commands of this module, and return how each ended."""
    every = [*SETTINGS, *USAGES, *HELP, *LISTS, *taken]
    commands = [(wrong.command.split(), {**KEYS, **wrong.settings}) for wrong in every]
    return dict(zip(map(named, every), run_all(commands, folder=folder), strict=True))


@pytest.mark.parametrize("wrong", SETTINGS, ids=named)
def test_wrong_setting_is_told_in_one_line_that_names_it(wrong: Wrong, outcomes: Outcomes) -> None:
    code, out, complaint = outcomes[named(wrong)]
    assert code == 2
    assert not out
    assert complaint.startswith("river: ")
    assert len(complaint.splitlines()) == 1
    assert wrong.names in complaint
    assert not any(
        secret in complaint for secret in (SECRET, API_KEY, "too-short", "a-password", "few-bytes")
    )


@pytest.mark.parametrize("wrong", USAGES, ids=named)
def test_wrong_usage_is_told_and_ends_with_2(wrong: Wrong, outcomes: Outcomes) -> None:
    code, out, complaint = outcomes[named(wrong)]
    assert code == 2
    assert not out
    assert wrong.names in complaint
    assert "Traceback" not in complaint


def test_port_in_use_is_told_by_the_name_of_its_setting(
    taken: list[Wrong], taken_port: int, outcomes: Outcomes, folder: Path
) -> None:
    for wrong in taken:
        code, out, complaint = outcomes[named(wrong)]
        assert (code, out) == (2, "")
        why = f"cannot listen on 127.0.0.1:{taken_port}: Address already in use"
        cure = f"Stop what is there (another River?), or choose a port with {wrong.names}"
        assert complaint == f"river: {wrong.names}: {why}. {cure}"
    # What did not start has not made itself at home.
    assert not list(folder.iterdir())


@pytest.mark.parametrize("wanted", HELP, ids=named)
def test_help_lists_every_setting_with_its_default(wanted: Wrong, outcomes: Outcomes) -> None:
    code, out, complaint = outcomes[named(wanted)]
    assert (code, complaint) == (0, "")
    text = " ".join(out.split())
    for setting in describe():
        assert f"{setting.flag} " in text
        assert f"[{setting.variable}; default: " in text
    for default in DEFAULTS:
        assert f"[{default}]" in text
    first, _, others = out.partition("All others:")
    assert first.count("RIVER_") >= 10
    assert "--allowed-origins" in first
    assert "--help" in others


@pytest.mark.parametrize("wanted", LISTS, ids=named)
def test_no_command_is_described_by_half_a_sentence(wanted: Wrong, outcomes: Outcomes) -> None:
    code, out, complaint = outcomes[named(wanted)]
    assert (code, complaint) == (0, "")
    listed = re.findall(r"^  [a-z]+ {2,}.*$", out, re.MULTILINE)
    assert listed
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def test_command_itself_tells_its_version_and_what_it_misses(tmp_path: Path) -> None:
    code, out, _ = run("--version", folder=tmp_path)
    assert (code, out.split()[:2]) == (0, ["river,", "version"])
    code, out, complaint = run("gateway", folder=tmp_path)
    assert (code, out) == (2, "")
    assert complaint.startswith("river: RIVER_SECRETS is missing")


async def test_flag_wins_over_the_environment(start: Start) -> None:
    settings = {"RIVER_AUTH_TIMEOUT_S": "9", "RIVER_CLIENT_RATE": ""}
    river = start("gateway", "--auth-timeout-s", "7", settings=settings)
    async with visitor(river.url) as client:
        assert (await client.expect("welcome"))["auth_timeout_s"] == 7
    # And it may open as many files as the system lets it.
    soft, hard = river.file_limits()
    assert soft == hard


def test_oddities_of_the_environment_are_noted_at_the_start(start: Start) -> None:
    odd = {"RIVER_API_PORT": "tcp://10.0.0.1:8001", "RIVER_JWKS_URL": "http://id.invalid/keys"}
    river = start("gateway", settings=odd)
    assert river.event("setting_ignored")["name"] == "RIVER_API_PORT"
    assert "https://" in river.event("public_keys_in_clear")["text"]


def test_rules_and_windows_that_were_hardly_meant_are_noted_at_the_start(start: Start) -> None:
    rules = (
        '[{"match": "presence-*", "access": "guest"}, {"match": "*"},'
        ' {"match": "room-*", "history_bytes": 9}]'
    )
    river = start("gateway", settings={"RIVER_CHANNEL_RULES": rules, "RIVER_HISTORY_BYTES": "7"})
    never = river.event("rule_never_decides")
    assert (never["rule"], never["first"]) == ("3 (room-*)", "2 (*)")
    assert river.event("guests_are_no_members")["rules"] == ["rule 1 (presence-*)"]
    small = river.event("history_too_small")
    assert small["settings"] == ["RIVER_HISTORY_BYTES 7", "rule 3 (room-*): history_bytes 9"]
    assert "65536" in small["text"]


def test_a_window_that_is_to_keep_nothing_is_not_noted(start: Start) -> None:
    rules = '[{"match": "room-*", "history_bytes": 0}, {"match": "*", "history_bytes": 65536}]'
    river = start("gateway", settings={"RIVER_CHANNEL_RULES": rules, "RIVER_HISTORY_BYTES": "0"})
    river.stop()
    assert not {"rule_never_decides", "history_too_small"} & {one["event"] for one in river.log()}


def test_a_setting_that_is_probably_misspelt_is_noted(start: Start) -> None:
    named_alike = {"RIVER_HISTROY_SIZE": "7", "RIVER_API_KEY": "a-key", "RIVER_DOMAIN": "x"}
    river = start("gateway", "--drain-s", "0", settings=named_alike)
    noted = river.event("setting_unknown")
    assert (noted["name"], noted["meant"]) == ("RIVER_HISTROY_SIZE", "RIVER_HISTORY_SIZE")
    river.stop()
    assert river.stderr.text.count("setting_unknown") == 1
