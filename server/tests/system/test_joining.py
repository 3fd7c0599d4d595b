"""A token that has the server subscribe its client to channels (contract, "Users")."""

import asyncio

import pytest
from river_client import Client, opened, token
from river_process import River, publish
from stream_client import path_of, requested


def joining(*channels: str, user: str = "ann") -> str:
    return token(user, river={"join": list(channels)})


async def authenticated(river: River, with_token: str, **fields: object) -> Client:
    client = await opened(river.url)
    await client.expect("welcome")
    await client.send(type="auth", token=with_token, **fields)
    await client.expect("authenticated")
    return client


async def test_client_gets_what_its_token_names_and_goes_on_from_its_positions(
    river: River,
) -> None:
    client = await authenticated(river, joining("join-a", "private-join"))
    told = [await client.expect("subscribed") for _ in range(2)]
    assert {one["channel"] for one in told} == {"join-a", "private-join"}
    await asyncio.to_thread(publish, river, "join-a")
    event = await client.expect("event")
    assert event["offset"] == 1
    await client.close()
    await asyncio.to_thread(publish, river, "join-a", 2)
    epoch = next(one["epoch"] for one in told if one["channel"] == "join-a")
    again = await authenticated(
        river, joining("join-a"), positions={"join-a": {"epoch": epoch, "offset": 1}}
    )
    assert (await again.expect("subscribed"))["recovered"] is True
    assert [(await again.expect("event"))["offset"] for _ in range(2)] == [2, 3]
    await again.close()


async def test_client_that_does_not_know_may_subscribe_itself(river: River) -> None:
    client = await authenticated(river, joining("presence-join"))
    await client.until("subscribed")
    await client.send(type="subscribe", id=7, channel="presence-join")
    told = await client.until("subscribed")
    assert (told["id"], told["presence"]["count"]) == (7, 1)
    await asyncio.to_thread(publish, river, "presence-join")
    assert (await client.until("event"))["offset"] == 1
    await client.close()


async def test_renewed_token_joins_what_it_adds_and_ends_what_it_leaves_out(river: River) -> None:
    client = await authenticated(river, joining("private-old"))
    await client.expect("subscribed")
    await client.send(type="auth", token=joining("private-new"))
    told = await client.until("unsubscribed")
    assert (told["channel"], told["reason"]) == ("private-old", "grant")
    assert (await client.until("subscribed"))["channel"] == "private-new"
    await client.close()


@pytest.mark.parametrize("channels", [["no spaces"], [""], ["a" * 165]])
async def test_name_that_is_none_refuses_the_token(river: River, channels: list[str]) -> None:
    client = await opened(river.url)
    await client.expect("welcome")
    await client.send(type="auth", token=joining(*channels))
    told = await client.expect("error")
    assert told["code"] == "token_invalid"
    assert "river.join" in told["message"]
    await client.close()


async def test_a_stream_has_the_channels_of_its_token_in_its_cursor(river: River) -> None:
    headers = {"authorization": f"Bearer {joining('join-stream')}"}
    async with requested(river.url, path_of(), headers=headers) as stream:
        told = {(await stream.message("subscribed"))["channel"] for _ in range(2)}
        assert told == {"join-stream", "#user"}
        cursor = stream.last_id
    await asyncio.to_thread(publish, river, "join-stream")
    headers["last-event-id"] = cursor
    async with requested(river.url, path_of(), headers=headers) as stream:
        assert (await stream.message("event"))["offset"] == 1
