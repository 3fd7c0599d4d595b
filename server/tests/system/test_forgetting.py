"""What is left of connections that are gone: nothing, soon."""

import gc
import time

from river_client import condition, opened, token
from river_process import SECRET

from riverd import app
from riverd.gateway.connection import Connection
from riverd.settings import load

PING_INTERVAL_S = 0.2
# Variables of loops that run on keep the last ones that they looked at.
KEPT_MAX = 2


def connections_in_memory() -> int:
    gc.collect()
    return sum(isinstance(one, Connection) for one in gc.get_objects())


async def test_connection_is_forgotten_whenever_its_token_would_have_run_out() -> None:
    settings = {"RIVER_SECRETS": SECRET, "RIVER_PING_INTERVAL_S": str(PING_INTERVAL_S)}
    gateway, node = app.build_gateway(app.Process(load(settings)))
    await node.start()
    sock = app.bound_socket("127.0.0.1", 0)
    await gateway.start(sock)
    url = f"ws://{app.address_of(sock)}/ws"
    proof = token(exp=int(time.time()) + 86_400)
    for _ in range(10):
        client = await opened(url, Authorization=f"Bearer {proof}")
        await client.until("authenticated")
        for renewal in range(10):
            await client.send(type="auth", id=renewal, token=token(exp=time.time() + 1e6 + renewal))
            await client.until("authenticated")
        await client.close()
    # The wheel still holds them until their next ping would have been due.
    await condition(lambda: connections_in_memory() <= KEPT_MAX)
    await gateway.close()
    await node.close()
