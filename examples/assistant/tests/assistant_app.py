"""The app on a port of its own, before a real River, with a generator that a test dictates to."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import uvicorn
from forum_processes import RiverProcess, free_port, run_river
from forum_wire import Wire, wire_to

from assistant.app import create_app
from assistant.settings import AssistantSettings

START_S = 30.0


@dataclass(slots=True)
class Dictation:
    """A generator: each of its answers is what the test dictates."""

    _begun: Event = field(default_factory=Event)
    _loop: asyncio.AbstractEventLoop | None = None
    _tokens: asyncio.Queue[str | Exception | None] = field(default_factory=asyncio.Queue)

    async def generate(self, question: str) -> AsyncIterator[str]:
        """Write until the test says that it is all."""
        assert question
        self._loop = asyncio.get_running_loop()
        self._tokens = asyncio.Queue()
        self._begun.set()
        try:
            while (token := await self._tokens.get()) is not None:
                if isinstance(token, Exception):
                    raise token
                yield token
        finally:
            self._begun.clear()

    def write(self, *tokens: str | Exception | None) -> None:
        """Have these written; None is the end of the answer, and so is an error."""
        assert self._begun.wait(START_S)
        assert self._loop is not None
        for token in tokens:
            self._loop.call_soon_threadsafe(self._tokens.put_nowait, token)


@dataclass(frozen=True, slots=True)
class Assistant:
    """The app as a browser reaches it, whose wire to River can be cut."""

    url: str
    dictation: Dictation
    to_river: Wire


@contextmanager
def run_assistant(folder: Path) -> Iterator[Assistant]:
    """Run River and the app until the end of the block."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with run_river(folder, RIVER_ALLOWED_ORIGINS=url) as river, wire_to(river.port) as wire:
        dictation = Dictation()
        with _serving(_settings(river, wire, port), dictation):
            yield Assistant(url, dictation, wire)


def _settings(river: RiverProcess, wire: Wire, port: int) -> AssistantSettings:
    kept = json.loads((river.folder / ".river/dev.json").read_text())
    return AssistantSettings(
        river_url=f"http://127.0.0.1:{wire.port}",
        river_api_url=kept["api_url"],
        river_api_key=kept["api_key"],
        river_secret=kept["secret"],
        port=port,
    )


@contextmanager
def _serving(settings: AssistantSettings, dictation: Dictation) -> Iterator[None]:
    app = create_app(settings, dictation.generate)
    config = uvicorn.Config(app, port=settings.port, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(START_S)
