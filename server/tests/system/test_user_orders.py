"""Orders about users through two gateways, one API and a Redis, by both libraries for back ends."""

import asyncio
import json
import os
import subprocess
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from redis_server import RedisServer
from river_client import condition, member, metric, opened, token
from river_process import API_KEY, River, Start, ask

from proxy import Proxy
from river_realtime import River as BackEnd

ROOT = Path(__file__).parents[3]
SCRIPT = """
import { River } from "%s";
const river = new River({ url: process.env.URL, key: process.env.KEY });
const [order, ...given] = JSON.parse(process.env.ORDER);
console.log(JSON.stringify((await river[order](...given)) ?? null));
"""


@pytest.fixture
def broker(redis: RedisServer) -> dict[str, str]:
    assert redis.password is not None
    return {"RIVER_BROKER": redis.url, "RIVER_BROKER_PASSWORD": redis.password}


def by_node(api: River, order: str, *given: object) -> Any:
    """Have the library for Node do it."""
    script = SCRIPT % (ROOT / "clients" / "js" / "server" / "river.js").as_uri()
    environment = {"URL": api.api_url, "KEY": API_KEY, "ORDER": json.dumps([order, *given])}
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", script],
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(done.stdout)


def by_python(api: River, order: str, *given: Any) -> Any:
    """Have the library for Python do it."""
    with BackEnd(api.api_url, API_KEY) as river:
        return getattr(river, order)(*given)


async def refusal(gateway: River, proof: str) -> tuple[str, int]:
    """The code with which a token is refused, and that with which the connection is closed."""
    client = await opened(gateway.url)
    try:
        await client.send(type="auth", id=1, token=proof)
        error = await client.until("error")
        return error["code"], (await client.ends())[0]
    finally:
        await client.close()


@pytest.mark.parametrize("library", [by_node, by_python])
async def test_both_libraries_order_through_two_gateways(
    start: Start, broker: dict[str, str], library: Any
) -> None:
    one, other = start("gateway", settings=broker), start("gateway", settings=broker)
    api = start("api", settings=broker)
    # Revocations stay: the Redis is the same.
    user = f"github/17 {{ö}} {library.__name__}"
    now = int(time.time())
    old = token(user, iat=now - 60)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(member(gateway.url, old, "presence-dogs"))
            for gateway in (one, other)
        ]
        found = await asyncio.to_thread(library, api, "user", user)
        assert [one["channels"] for one in found["connections"]] == [["presence-dogs"]] * 2
        assert len({one["node"] for one in found["connections"]}) == 2
        assert found["unanswered"] == []
        await asyncio.to_thread(library, api, "remove", user, "presence-dogs")
        for client in clients:
            removed = await client.until("unsubscribed")
            assert (removed["channel"], removed["reason"]) == ("presence-dogs", "removed")
        await asyncio.to_thread(library, api, "revoke", user)
        for client in clients:
            assert (await client.ends())[0] == 4403
        for gateway in (one, other):
            assert await refusal(gateway, old) == ("token_revoked", 4401)
        await asyncio.to_thread(library, api, "block", "bob")
        assert await refusal(other, token("bob")) == ("user_blocked", 4403)
        await asyncio.to_thread(library, api, "unblock", "bob")
        await stack.enter_async_context(member(other.url, token("bob"), "dogs"))


async def test_an_order_reaches_a_gateway_that_was_cut_off_and_admits_nobody_meanwhile(
    start: Start, redis: RedisServer, broker: dict[str, str]
) -> None:
    proxy = Proxy(redis.port)
    proxy.start()
    try:
        cut_off = {**broker, "RIVER_BROKER": f"redis://127.0.0.1:{proxy.port}"}
        # The proxy is on this loop: it must turn while the gateway starts.
        settings = {**cut_off, "RIVER_NODE_NAME": "far"}
        gateway = await asyncio.to_thread(start, "gateway", settings=settings)
        api = start("api", settings=broker)
        proof = token("far ann", iat=int(time.time()) - 60)
        async with member(gateway.url, proof, "dogs") as ann:
            proxy.cut()
            url = f"{api.api_url}/users/far%20ann/disconnect"
            status, body = await asyncio.to_thread(
                ask, url, b'{"revoke":true}', key=API_KEY, method="POST"
            )
            answer = json.loads(body)
            assert (status, answer["reached"], answer["unanswered"]) == (200, 0, ["far"])
            # Longer than the node may be without the broker and still take tokens.
            await asyncio.sleep(6)
            late = await opened(gateway.url)
            await late.send(type="auth", id=1, token=proof)
            assert metric(gateway, "river_connections") == 2
            proxy.mend()
            assert (await ann.ends())[0] == 4403
            assert (await late.until("error"))["code"] == "token_revoked"
            assert (await late.ends())[0] == 4401
            await late.close()
        await condition(lambda: metric(gateway, "river_connections") == 0)
        await asyncio.to_thread(gateway.stop)
    finally:
        proxy.close()
