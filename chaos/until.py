"""Waits until something is so, each with a limit."""

import asyncio
import time
from collections.abc import Callable, Collection

from publisher import FaultPublisher

LIVE_S_MAX = 60.0


async def until(is_so: Callable[[], bool], *, limit_s: float = LIVE_S_MAX) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: it was not, within the limit.
    """
    async with asyncio.timeout(limit_s):
        while not is_so():
            await asyncio.sleep(0.02)


async def until_live(publishers: Collection[FaultPublisher], behind: Callable[[], object]) -> float:
    """Seconds until every client has what was published after this was called.

    Only a new publication shows who is live: a client may not know yet that it was cut off.

    Args:
        publishers: those of the load, one or more.
        behind: the clients that lack something of what was accepted; empty or 0 if there are none.

    Raises:
        TimeoutError: nothing is accepted, or some are still behind.
    """
    began = time.monotonic()
    wanted = {one.channel: one.number + 2 for one in publishers}
    await until(lambda: all(one.number >= wanted[one.channel] for one in publishers))
    for publisher in publishers:
        publisher.pausing = True
    # The one that each may have under way.
    await asyncio.sleep(max(one.every_s for one in publishers))
    try:
        await until(lambda: not behind())
    except TimeoutError:
        raise TimeoutError(f"still behind: {behind()}") from None
    finally:
        for publisher in publishers:
            publisher.pausing = False
    return time.monotonic() - began
