"""A presence channel with thousands of members: what a join costs, and that nobody is lost."""

import asyncio
import json
import resource
from collections import Counter
from collections.abc import Iterator

import pytest
from river_client import TEXT, Client, frame, member, request, token
from river_process import API_KEY, River, Start, address, ask

CHANNEL = "presence-crowd"
CROWD = 3_000
WAVE = 200
# One message: `{"type":"joined","channel":"presence-crowd","user":"user-2999"}` and its frame.
JOIN_BYTES_MAX = 100
LISTED_MAX = 100


@pytest.fixture
def river(start: Start) -> River:
    """Return a server that pings nobody while this lasts."""
    return start(settings={"RIVER_PING_INTERVAL_S": "600"})


class Somebody(asyncio.Protocol):
    """A member who does not care what is said, and comes again when asked to."""

    def __init__(self, url: str, user: str) -> None:
        self._url = url
        self._user = user
        self._transport: asyncio.Transport | None = None
        self._gone = False

    async def come(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, *address(self._url))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        bearer = f"Bearer {token(self._user)}"
        wanted = json.dumps({"type": "subscribe", "channel": CHANNEL}).encode()
        transport.write(request(Authorization=bearer) + frame(TEXT, wanted))

    def data_received(self, data: bytes) -> None:
        if b'"type":"bye"' in data and self._transport is not None and not self._gone:
            self._transport.abort()
            loop = asyncio.get_running_loop()
            loop.call_later(0.5, lambda: loop.create_task(self.come()))

    def go(self) -> None:
        assert self._transport is not None
        self._gone = True
        self._transport.abort()


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    """Let this process open as many files as the crowd has connections."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < CROWD + 500:
        pytest.skip(f"the system lets a process open {before[1]} files only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], CROWD + 500), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def told_of(watcher: Client, kind: str, count: int) -> Counter[str]:
    """Listen until so many have joined or left: how often each was told of."""
    users: Counter[str] = Counter()
    while users.total() < count:
        users[(await watcher.expect(kind))["user"]] += 1
    return users


async def test_crowd_comes_and_goes_at_a_small_message_each(river: River) -> None:
    crowd = [Somebody(river.url, f"user-{number}") for number in range(CROWD)]
    everyone = Counter(f"user-{number}" for number in range(CROWD))
    async with member(river.url, token("watcher"), CHANNEL) as watcher:
        before, joined = watcher.received_bytes, Counter[str]()
        for start in range(0, CROWD, WAVE):
            await asyncio.gather(*(one.come() for one in crowd[start : start + WAVE]))
            joined += await told_of(watcher, "joined", WAVE)
        assert joined == everyone
        assert watcher.received_bytes - before <= CROWD * JOIN_BYTES_MAX
        await late_joiner_is_shown_some_and_told_how_many(river)
        assert (await watcher.expect("joined"))["user"] == "late"
        assert (await watcher.expect("left"))["user"] == "late"
        status, text = ask(f"{river.api_url}/channels/{CHANNEL}", key=API_KEY)
        assert status == 200
        assert json.loads(text)["users"] == CROWD + 1
        for one in crowd:
            one.go()
        assert await told_of(watcher, "left", CROWD) == everyone
        await watcher.send(type="presence", id=1, channel=CHANNEL)
        told = await watcher.expect("presence")
        assert (told["count"], told["members"]) == (1, [{"user": "watcher"}])


async def late_joiner_is_shown_some_and_told_how_many(river: River) -> None:
    async with member(river.url, token("late")) as late:
        before = late.received_bytes
        await late.send(type="subscribe", id=1, channel=CHANNEL)
        presence = (await late.expect("subscribed"))["presence"]
        assert presence["count"] == CROWD + 2
        assert len(presence["members"]) == LISTED_MAX
        assert late.received_bytes - before <= LISTED_MAX * JOIN_BYTES_MAX
