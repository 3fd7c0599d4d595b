"""A gateway's clock: what it holds of connections that are gone, and what it survives."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from river_client import condition, opened, token, visitor
from river_process import SECRET

from riverd.auth.session_secrets import SessionSecrets
from riverd.channels.rules import ChannelRules
from riverd.gateway.connection import Connection
from riverd.gateway.gateway import Gateway
from riverd.model.claims import Claims
from riverd.model.replies import ErrorReply, Reply
from riverd.protocols.native.protocol import Native, NativePath
from riverd.service import composition as app
from riverd.service import sockets
from riverd.service.environment import load
from riverd.service.process import Process

PING_INTERVAL_S = 0.2
# Variables of loops that run on keep the last ones that they looked at.
KEPT_MAX = 2


@asynccontextmanager
async def gateway_here(**settings: str) -> AsyncIterator[tuple[Gateway, str]]:
    """A gateway in this process, and its URL."""
    chosen = load({"RIVER_SECRETS": SECRET, **settings})
    gateway, node = app.build_gateway(Process(chosen))
    await node.start()
    sock = sockets.bound_socket("127.0.0.1", 0)
    await gateway.start(sock)
    yield gateway, f"ws://{sockets.address_of(sock)}/ws"
    await gateway.close()
    await node.close()


def connections_in_memory() -> int:
    gc.collect()
    return sum(issubclass(type(one), Connection) for one in gc.get_objects())


async def test_connection_is_forgotten_whenever_its_token_would_have_run_out() -> None:
    async with gateway_here(RIVER_PING_INTERVAL_S=str(PING_INTERVAL_S)) as (_, url):
        proof = token(exp=int(time.time()) + 86_400)
        for _ in range(10):
            client = await opened(url, Authorization=f"Bearer {proof}")
            await client.until("authenticated")
            for number in range(10):
                longer = token(exp=time.time() + 1e6 + number)
                await client.send(type="auth", id=number, token=longer)
                await client.until("authenticated")
            await client.close()
        # The wheel still holds them until their next ping would have been due.
        await condition(lambda: connections_in_memory() <= KEPT_MAX)


class Broken(Native):
    """Cannot say that a token has expired: a fault of ours, which nobody knows yet."""

    @staticmethod
    def encode(reply: Reply) -> bytes:
        if isinstance(reply, ErrorReply):
            raise ZeroDivisionError
        return Native.encode(reply)


async def test_fault_with_one_connection_does_not_stop_the_clock_for_the_others() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: told.append(context.get("exception"))
    )
    async with gateway_here(RIVER_AUTH_TIMEOUT_S="1") as (gateway, url):
        rules = ChannelRules(history_size=100, history_ttl_s=300)
        gateway._paths = [NativePath(Broken(rules, SessionSecrets(["s" * 32])))]
        gateway._verify = lambda _, now: Claims("ann", expires_at=now + 0.5)
        async with visitor(url, Authorization="Bearer anything") as first:
            await first.until("authenticated")
            await condition(lambda: bool(told))
            async with visitor(url) as second:
                assert (await second.ends())[0] == 4408
        assert isinstance(told[0], ZeroDivisionError)
