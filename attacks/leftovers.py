"""What clients leave in memory that come and go, where the collector never runs.

    python attacks/leftovers.py --connections 200000 --together 2000

Each connects to a `river dev`, sends a token of a user of its own, subscribes to a channel of its
own, one of five with members, and is gone with all those that came together. The collector of that
process is off from its start. The longest turn of its loop is in time on the processor, so that it
does not matter how busy the machine is.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "server" / "tests" / "support"))

from river_client import Client, opened, token
from river_process import KEYS, MEBIBYTE, River

AT_ONCE = 50
LOOKS = 20
SETTINGS = {
    "RIVER_LOG_LEVEL": "error",
    "RIVER_CONNECT_RATE_PER_ADDRESS": "1000000",
    "RIVER_MAX_CONNECTIONS_PER_ADDRESS": "1000000",
    "RIVER_LEAVE_DELAY_S": "0",
    # The broker keeps the epoch of a channel that was visited for so long.
    "RIVER_HISTORY_TTL_S": "5",
    # It is filled within the first looks.
    "RIVER_SESSION_HISTORY_BYTES": "1000000",
}
HOOK = """
import asyncio, gc, os, threading, time
gc.disable()
gc.collect = lambda generation=2: 0
gc.freeze = gc.unfreeze = lambda: None

def watch(loop):
    longest, before = 0.0, time.thread_time()

    def look():
        nonlocal longest, before
        now = time.thread_time()
        if now - before > longest:
            longest = now - before
            with open(os.environ["LONGEST_TURN"], "w") as file:
                file.write(str(longest))
        before = time.thread_time()
        loop.call_later(0.001, look)

    look()

def find():
    loops = []
    while not loops:
        time.sleep(1)
        found = [one for one in gc.get_objects() if isinstance(one, asyncio.AbstractEventLoop)]
        loops = [one for one in found if one.is_running()]
    loops[0].call_soon_threadsafe(watch, loops[0])

threading.Thread(target=find, daemon=True).start()
"""
"""Two looks are one turn apart at least, and so a little too long where they are two."""


async def come(url: str, numbers: range) -> list[Client]:
    """Some clients, a few of them at a time."""
    waiting = iter(numbers)

    async def some() -> list[Client]:
        return [await _in_the_end(url, number) for number in waiting]

    found = await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return [client for clients in found for client in clients]


async def _in_the_end(url: str, number: int) -> Client:
    """A client that comes again when it is sent away: the machine may be busy with others."""
    while True:
        try:
            return await _visit(url, number)
        except (EOFError, OSError):
            await asyncio.sleep(1)


async def _visit(url: str, number: int) -> Client:
    client = await opened(url)
    channel = f"presence-{number}" if number % 5 == 0 else f"c{number}"
    await client.send(type="auth", token=token(f"u{number}"))
    await client.send(type="subscribe", id=1, channel=channel)
    await client.until("subscribed")
    return client


async def measure(river: River, count: int, *, together: int, longest: Path) -> None:
    """Print how much memory there is after each part."""
    gone, each = 0, count // LOOKS
    for look in range(1, LOOKS + 1):
        began_at = time.monotonic()
        while gone < look * each:
            clients = await come(river.url, range(gone, min(look * each, gone + together)))
            gone += len(clients)
            await asyncio.gather(*(client.close() for client in clients))
        rate = each / (time.monotonic() - began_at)
        # Channels linger for five seconds.
        await asyncio.sleep(6)
        size = river.memory_bytes() / MEBIBYTE
        turn_ms = float(await asyncio.to_thread(longest.read_text) or 0) * 1000
        print(
            f"{gone:,} connections: {size:.1f} MiB, {rate:.0f} a second, "
            f"longest turn so far {turn_ms:.1f} ms",
            flush=True,
        )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=200_000)
    parser.add_argument("--together", type=int, default=2_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        hook, longest = Path(folder) / "hook", Path(folder) / "longest"
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(HOOK, encoding="ascii")
        settings = {**KEYS, **SETTINGS, "PYTHONPATH": str(hook), "LONGEST_TURN": str(longest)}
        river = River("dev", settings=settings, folder=Path(folder))
        try:
            work = measure(river, wanted.connections, together=wanted.together, longest=longest)
            asyncio.run(work)
        finally:
            river.kill()


if __name__ == "__main__":
    main()
