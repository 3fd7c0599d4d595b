"""Nothing follows a close frame, also where so many end that they are taken out later."""

from contextlib import AsyncExitStack

import pytest
from river_client import condition, member, token
from stream_client import path_of, requested
from stream_site import Site, bearer

from riverd.errors import Reason
from riverd.gateway.departures import ENDED_AT_ONCE

LEAVING = ENDED_AT_ONCE + 20


@pytest.mark.parametrize("is_at_once", [False, True])
async def test_nothing_is_written_after_a_close_frame(
    is_at_once: bool,  # noqa: FBT001  a case
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site(("*",), query_token=False)
    # However slow the machine is: all of it is one moment.
    monkeypatch.setattr(site.gateway._departures, "_clock", lambda: 1.0)
    await site.start()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(member(site.url, token(f"u{number}"), "dogs"))
            for number in range(LEAVING)
        ]
        for one in list(site.gateway.connections):
            if is_at_once:
                # As after what is no frame: the output ends with the close frame.
                one._close_at_once(Reason.TOO_LARGE, "")  # type: ignore[union-attr]
            else:
                one.session.close(Reason.DISCONNECTED, "")
        assert len(site.node.sessions) == LEAVING - ENDED_AT_ONCE
        await site.publish("dogs", 1)
        received: list[bytes] = []
        for client in clients:
            await client.until_end()
            received += client.texts()
        assert received == []
    await site.close()


async def test_streams_that_end_together_are_taken_out_in_portions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site(("*",), query_token=False)
    monkeypatch.setattr(site.gateway._departures, "_clock", lambda: 1.0)
    await site.start()
    async with AsyncExitStack() as stack:
        for number in range(LEAVING):
            stream = requested(site.url, path_of("dogs"), headers=bearer(f"u{number}"))
            await stack.enter_async_context(stream)
        assert site.gateway.streams is not None
        for one in list(site.gateway.streams.open):
            one.session.close(Reason.DISCONNECTED, "")
        assert len(site.node.sessions) == LEAVING - ENDED_AT_ONCE
        await site.publish("dogs", 1)
        await condition(lambda: not site.node.sessions)
    await site.close()
