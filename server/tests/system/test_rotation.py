"""Secrets, keys and the broker's password change while everything runs: nobody is dropped."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aws_server import Aws, moto
from redis_server import RedisServer, running
from river_client import Client, condition, member, token, visitor
from river_process import API_KEY, SECRET, River, Start, ask

from riverd.auth.tokens import Verifier

NEXT_SECRET = "the-secret-that-comes-next-0123456789-abcdef"
NEXT_KEY = "the-key-that-comes-next"
NO_KEYS = {"RIVER_SECRETS": "", "RIVER_API_KEYS": "", "RIVER_SECRETS_REFRESH_S": "0.1"}


class Kept:
    """The three files from which servers read what is secret."""

    def __init__(self, folder: Path, password: str) -> None:
        self.secrets = folder / "secrets"
        self.keys = folder / "keys"
        self.password = folder / "password"
        self.write(self.secrets, SECRET)
        self.write(self.keys, API_KEY)
        self.write(self.password, password)

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            **NO_KEYS,
            "RIVER_SECRETS_FROM": self.secrets.as_uri(),
            "RIVER_API_KEYS_FROM": self.keys.as_uri(),
            "RIVER_BROKER_PASSWORD_FROM": self.password.as_uri(),
        }

    @staticmethod
    def write(path: Path, text: str) -> None:
        """Put it there in one step: nobody reads half of it."""
        fresh = path.with_suffix(".new")
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.rename(path)


@pytest.fixture
def kept(tmp_path: Path, redis: RedisServer) -> Kept:
    assert redis.password is not None
    return Kept(tmp_path, redis.password)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with moto() as server:
        yield server


def status(api: River, key: str) -> int:
    """What a key gets."""
    return ask(f"{api.api_url}/channels", key=key)[0]


async def hear(api: River, key: str, *clients: Client) -> None:
    """What is published is heard by those who were not dropped."""
    message = {"channel": "dogs", "event": "post", "data": 1}
    told = await asyncio.to_thread(ask, f"{api.api_url}/publish", message, key=key)
    assert told[0] == 200
    for client in clients:
        await client.expect("event")


async def is_let_in(gateway: River, proof: str) -> bool:
    async with visitor(gateway.url, Authorization=f"Bearer {proof}") as client:
        await client.expect("welcome")
        return (await client.next())["type"] == "authenticated"


async def comes_in(gateway: River, proof: str, *, wanted: bool) -> None:
    """Wait until a token is good, or is no more."""
    async with asyncio.timeout(60):
        while await is_let_in(gateway, proof) is not wanted:
            await asyncio.sleep(0.05)


async def test_nobody_is_dropped_while_secrets_and_keys_are_rotated(
    start: Start, redis: RedisServer, kept: Kept
) -> None:
    settings = {**kept.settings, "RIVER_BROKER": redis.url}
    gateway, api = start("gateway", settings=settings), start("api", settings=settings)
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(member(gateway.url, token("old"), "dogs"))
        assert not await is_let_in(gateway, token(secret=NEXT_SECRET))
        kept.write(kept.secrets, f"{NEXT_SECRET},{SECRET}")
        kept.write(kept.keys, f"{NEXT_KEY},{API_KEY}")
        await comes_in(gateway, token(secret=NEXT_SECRET), wanted=True)
        await condition(lambda: status(api, NEXT_KEY) == 200)
        proof = token("new", secret=NEXT_SECRET)
        new = await stack.enter_async_context(member(gateway.url, proof, "dogs"))
        # Both are good as long as both stand there, for those who hold one and for newcomers.
        assert await is_let_in(gateway, token())
        await hear(api, API_KEY, old, new)
        await hear(api, NEXT_KEY, old, new)
        await old.send(type="auth", id=9, token=token("old"))
        await old.expect("authenticated")
        # The API signs with the new one.
        _, told = ask(f"{api.api_url}/tokens", {"user": "ann"}, key=NEXT_KEY)
        assert Verifier([NEXT_SECRET]).verify(json.loads(told)["token"], time.time()).user == "ann"
        kept.write(kept.secrets, NEXT_SECRET)
        kept.write(kept.keys, NEXT_KEY)
        await comes_in(gateway, token(), wanted=False)
        await condition(lambda: status(api, API_KEY) == 401)
        # Who came in with a secret that has gone stays, until it must show a token again.
        await hear(api, NEXT_KEY, old, new)
        await old.send(type="auth", id=10, token=token("old"))
        assert (await old.expect("error"))["code"] == "token_invalid"
        assert (await old.ends())[0] == 4401
        await hear(api, NEXT_KEY, new)
    for server in (gateway, api):
        renewed = [line["setting"] for line in server.log() if line["event"] == "secrets_renewed"]
        # The API reads two files, and which one first is chance.
        assert "secrets" in renewed
        assert not any(one in server.stderr.text for one in (NEXT_SECRET, NEXT_KEY))


async def test_source_that_is_away_or_spoilt_later_leaves_what_was_there(
    start: Start, redis: RedisServer, kept: Kept
) -> None:
    gateway = start("gateway", settings={**kept.settings, "RIVER_BROKER": redis.url})
    kept.secrets.unlink()
    told = await asyncio.to_thread(gateway.event, "secrets_kept")
    assert (told["level"], told["setting"]) == ("warning", "secrets")
    assert told["error"] == "No such file or directory"
    assert await is_let_in(gateway, token())
    kept.write(kept.secrets, "short")
    await asyncio.to_thread(
        gateway.stderr.wait_for, lambda line: "a secret is shorter than 32 bytes" in line
    )
    assert await is_let_in(gateway, token())
    kept.write(kept.secrets, NEXT_SECRET)
    await comes_in(gateway, token(secret=NEXT_SECRET), wanted=True)


async def test_brokers_password_is_followed_without_a_restart(start: Start, tmp_path: Path) -> None:
    with running(requirepass="the first, password") as server:
        kept = Kept(tmp_path, "the first, password")
        settings = {**kept.settings, "RIVER_BROKER": server.url}
        gateway, api = start("gateway", settings=settings), start("api", settings=settings)
        async with member(gateway.url, token(), "dogs") as client:
            await hear(api, API_KEY, client)
            kept.write(kept.password, "the second")
            for one in (gateway, api):
                await asyncio.to_thread(one.event, "secrets_renewed")
            with server.client() as beside:
                # The next connections need the second, and there are no others.
                beside.config_set("requirepass", "the second")
                beside.client_kill_filter(skipme=True, _type="normal")
                beside.client_kill_filter(skipme=True, _type="pubsub")
            await condition(lambda: ask(f"{api.api_url}/readyz")[0] == 200)
            await condition(lambda: status(api, API_KEY) == 200)
            await hear(api, API_KEY, client)


async def test_rotation_in_secrets_manager_reaches_what_runs(
    start: Start, redis: RedisServer, aws: Aws
) -> None:
    with aws.secrets() as beside:
        for name, text in (("tokens", SECRET), ("keys", API_KEY), ("broker", redis.password)):
            beside.create_secret(Name=f"river/{name}", SecretString=text)
        settings = {
            **NO_KEYS,
            **aws.environment,
            "RIVER_SECRETS_FROM": "aws-secretsmanager:river/tokens",
            "RIVER_API_KEYS_FROM": "aws-secretsmanager:river/keys",
            "RIVER_BROKER_PASSWORD_FROM": "aws-secretsmanager:river/broker",
            "RIVER_BROKER": redis.url,
        }
        gateway, api = start("gateway", settings=settings), start("api", settings=settings)
        async with member(gateway.url, token("old"), "dogs") as old:
            beside.put_secret_value(SecretId="river/tokens", SecretString=NEXT_SECRET)
            beside.put_secret_value(SecretId="river/keys", SecretString=NEXT_KEY)
            await comes_in(gateway, token(secret=NEXT_SECRET), wanted=True)
            await condition(lambda: status(api, NEXT_KEY) == 200)
            # The ones before are good for a day.
            assert await is_let_in(gateway, token())
            await hear(api, API_KEY, old)


async def test_a_source_of_which_somebody_has_the_newest_is_read_before_its_time(
    start: Start, redis: RedisServer, kept: Kept
) -> None:
    settings = {**kept.settings, "RIVER_SECRETS_REFRESH_S": "3600", "RIVER_BROKER": redis.url}
    gateway = start("gateway", settings=settings)
    kept.write(kept.secrets, f"{NEXT_SECRET},{SECRET}")
    await comes_in(gateway, token(secret=NEXT_SECRET), wanted=True)
