"""What clients leave in memory that come and go, where the collector never runs.

    python attacks/leftovers.py --connections 200000

Each connects to a `river dev`, sends a token of a user of its own, subscribes to a channel of its
own, one of five with members, and is gone; the collector of that process is off from its start.
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

AT_ONCE = 20
LOOKS = 10
SETTINGS = {
    "RIVER_LOG_LEVEL": "error",
    "RIVER_CONNECT_RATE_PER_ADDRESS": "1000000",
    "RIVER_LEAVE_DELAY_S": "0",
    # Both are filled within the first looks.
    "RIVER_SESSION_HISTORY_BYTES": "1000000",
}
WITHOUT_COLLECTOR = "import gc\ngc.disable()\n"


async def come_and_go(url: str, numbers: range) -> None:
    """Some clients, one after the other."""
    for number in numbers:
        client = await _visit(url, number)
        await client.close()


async def _visit(url: str, number: int) -> Client:
    client = await opened(url)
    channel = f"presence-{number}" if number % 5 == 0 else f"c{number}"
    await client.send(type="auth", token=token(f"u{number}"))
    await client.send(type="subscribe", id=1, channel=channel)
    await client.until("subscribed")
    return client


async def measure(river: River, count: int) -> None:
    """Print how much memory there is after each tenth."""
    each = count // LOOKS
    for look in range(LOOKS):
        began_at = time.monotonic()
        first = look * each
        share = each // AT_ONCE
        parts = [range(first + one * share, first + (one + 1) * share) for one in range(AT_ONCE)]
        await asyncio.gather(*(come_and_go(river.url, part) for part in parts))
        rate = each / (time.monotonic() - began_at)
        # Channels linger for five seconds.
        await asyncio.sleep(6)
        size = river.memory_bytes() / MEBIBYTE
        print(f"{first + each:,} connections: {size:.1f} MiB, {rate:.0f} a second", flush=True)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=200_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        hook = Path(folder) / "hook"
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(WITHOUT_COLLECTOR, encoding="ascii")
        settings = {**KEYS, **SETTINGS, "PYTHONPATH": str(hook)}
        river = River("dev", settings=settings, folder=Path(folder))
        try:
            asyncio.run(measure(river, wanted.connections))
        finally:
            river.kill()


if __name__ == "__main__":
    main()
