"""Streams of the same channels and positions share bytes, whoever their users are."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from stream_client import EventReader, path_of, requested
from stream_site import WITH_USERS, Site, bearer

from riverd.channels.names import user_channel
from riverd.protocols.sse.records import KEPT_BYTES_MAX, rendered


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Return one where users have channels of their own."""
    site = Site(("*",), query_token=False, rules=WITH_USERS)
    await site.start()
    yield site
    await site.close()


async def test_event_is_rendered_once_for_users_with_positions_of_their_own(
    site: Site,
) -> None:
    users = [f"user-{number}" for number in range(3)]
    for number, user in enumerate(users):
        for _ in range(number):
            await site.publish(user_channel(user), "own")
    async with AsyncExitStack() as stack:
        streams: list[EventReader] = []
        for user in users:
            opened = requested(site.url, path_of("dogs"), headers=bearer(user))
            streams.append(await stack.enter_async_context(opened))
            for _ in range(2):
                await streams[-1].message("subscribed")
        rendered.cache_clear()
        await site.publish("dogs", 1)
        for number, stream in enumerate(streams):
            assert (await stream.message("event"))["data"] == 1
            assert stream.last_id.endswith(f".epoch:1,@epoch:{number}")
        assert rendered.cache_info().misses == 1


async def test_of_what_is_large_nothing_is_kept(site: Site) -> None:
    async with requested(site.url, path_of("dogs"), headers=bearer()) as stream:
        await stream.message("subscribed")
        rendered.cache_clear()
        large = "x" * KEPT_BYTES_MAX
        await site.publish("dogs", large)
        assert (await stream.message("event"))["data"] == large
        assert stream.last_id.endswith(".epoch:1,@epoch:0")
        assert rendered.cache_info().currsize == 0
