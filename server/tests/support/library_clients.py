"""A client of each of River's libraries, asked and heard in the same words.

What one says is a list of words: `["event", CHANNEL, NAME, DATA]`, `["gap", CHANNEL]`,
`["refused", CODE]` for a channel, `["ended", CLOSE_CODE, CODE]`.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, cast

from river_realtime import Event, Gap, RiverError, Subscriber

DEADLINE_S = 60.0
LIBRARY = (Path(__file__).parents[3] / "clients" / "js" / "src" / "river.js").as_uri()
# Node 20 has a WebSocket only with a flag; later ones take the flag and need it no more.
NODE = ("node", "--experimental-websocket", "--no-warnings", "--input-type=module", "--eval")
SCRIPT = """
import { River } from "%s";
import { createInterface } from "node:readline";
const say = (...words) => console.log(JSON.stringify(words));
const { host, token, channels, history } = JSON.parse(process.argv[1]);
const options = { host, WebSocket, ...(token ? { token } : {}) };
const river = new River(options);
river.on("state", ({ state, code, error }) => {
  if (state === "closed" && code !== undefined) say("ended", code, error?.code ?? "closed");
});
const hear = (name, channel) => {
  channel.on("*", (data, { event }) => say("event", name, event, data));
  channel.on("river:gap", () => say("gap", name));
  channel.on("river:error", ({ code }) => say("refused", code));
};
hear("#user", river.me);
for (const name of channels) hear(name, river.subscribe(name, { history }));
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [channel, event, data, { isWithoutMe, ...more }] = JSON.parse(line);
    const exclude = isWithoutMe ? river.session : undefined;
    river.publish(channel, event, data, { ...more, exclude });
  })
  .on("close", () => process.exit());
"""
Words = list[object]


class LibraryClient(Protocol):
    """One that was opened."""

    async def until(self, *words: object) -> Words:
        """What it says next that begins with these words; what it says before is kept."""
        ...

    def has_said(self, *words: object) -> bool:
        """Whether something that begins so was not asked for yet."""
        ...


class _Heard:
    def __init__(self) -> None:
        self._heard: list[Words] = []
        self._news = asyncio.Condition()

    async def say(self, *words: object) -> None:
        async with self._news:
            self._heard.append(list(words))
            self._news.notify_all()

    async def until(self, *words: object) -> Words:
        async with asyncio.timeout(DEADLINE_S), self._news:
            await self._news.wait_for(lambda: self.has_said(*words))
            found = next(one for one in self._heard if one[: len(words)] == list(words))
            self._heard.remove(found)
            return found

    def has_said(self, *words: object) -> bool:
        return any(one[: len(words)] == list(words) for one in self._heard)


class Page(_Heard):
    """One of JavaScript, which may publish too."""

    def __init__(self, stdin: asyncio.StreamWriter) -> None:
        super().__init__()
        self._stdin = stdin

    def publish(self, channel: str, event: str, data: object, **options: object) -> None:
        """Publish; with `isWithoutMe` it does not get it itself."""
        self._stdin.write(json.dumps([channel, event, data, options]).encode() + b"\n")


@asynccontextmanager
async def javascript(url: str, token: str, *channels: str, history: int = 0) -> AsyncIterator[Page]:
    """One in a Node of its own. Without a token it is a guest."""
    options = {"host": url, "token": token, "channels": channels, "history": history}
    node = await asyncio.create_subprocess_exec(
        *NODE,
        SCRIPT % LIBRARY,
        json.dumps(options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    stdin, stdout = cast("asyncio.StreamWriter", node.stdin), node.stdout
    page = Page(stdin)

    async def read() -> None:
        assert stdout is not None
        async for line in stdout:
            await page.say(*json.loads(line))

    reading = asyncio.create_task(read())
    try:
        yield page
    finally:
        stdin.close()
        await asyncio.wait_for(node.wait(), DEADLINE_S)
        await reading


@asynccontextmanager
async def python(
    url: str, token: str, *channels: str, history: int = 0
) -> AsyncIterator[LibraryClient]:
    """One in this process."""
    heard = _Heard()
    subscriber = Subscriber(url, token, "#user", *channels, history=history)

    async def read() -> None:
        while True:
            try:
                delivery = await anext(subscriber)
            except RiverError as error:
                if error.status:
                    return await heard.say("ended", error.status, error.code)
                await heard.say("refused", error.code)
                continue
            except StopAsyncIteration:
                return None
            if isinstance(delivery, Event):
                await heard.say("event", delivery.channel, delivery.event, delivery.data)
            elif isinstance(delivery, Gap):
                await heard.say("gap", delivery.channel)

    async with subscriber:
        reading = asyncio.create_task(read())
        try:
            yield heard
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
