"""Everything that the steps of `river verify` share: the deployment, its channels, the history."""

import asyncio
import secrets
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from riverd.commands.api_client import ApiTarget, CallFailedError, call
from riverd.commands.verify.history import Attempt, Fate, RunHistory

EVENT = "verify"
GATEWAY_TIMEOUT = 504
REQUESTS_MAX = 16
TRIES_S_MAX = 20.0
PAUSE_S = 0.25
_TOKEN_TTL_S = 3_600


class _Token(msgspec.Struct):
    token: str


class _Accepted(msgspec.Struct):
    epoch: str
    offset: int


class Scene:
    """A deployment and what has been done to it so far.

    `gateway` is a WebSocket's URL. Channels have names that nobody else uses: `name` makes them.
    """

    def __init__(self, gateway: str, api: ApiTarget) -> None:
        self.gateway = gateway
        self.api = api
        self.history = RunHistory()
        self.mark = secrets.token_hex(4)
        # Requests of many publishers at once: each has a thread while it waits for its answer.
        self._threads = ThreadPoolExecutor(REQUESTS_MAX, "river-verify")
        self._publications = 0

    def name(self, what: str) -> str:
        """A channel's name, or a user's."""
        return f"verify-{self.mark}-{what}"

    async def ask(self, request: str, body: object = None, **query: object) -> bytes:
        """The API's answer.

        Raises:
            CallFailedError: it is not a 200.
        """
        encoded = None if body is None else msgspec.json.encode(body)
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: call(self.api, request, query=query, body=encoded)
        )

    async def token(self, user: str, channels: Iterable[str]) -> str:
        """A token for a user of ours, from the API.

        Raises:
            CallFailedError: it makes none.
        """
        wanted = {"user": user, "ttl_s": _TOKEN_TTL_S, "subscribe": list(channels)}
        answer = await self.ask("POST /tokens", wanted)
        return msgspec.json.decode(answer, type=_Token).token

    async def publish(self, channel: str) -> Attempt:
        """Publish a numbered event, again and again with one id until its fate is known."""
        self._publications += 1
        key = f"{self.mark}-{self._publications}"
        message = {"channel": channel, "event": EVENT, "data": key, "id": key}
        begin_s = time.monotonic()
        sent = Attempt(key, channel, begin_s, begin_s, Fate.UNKNOWN)
        while sent.outcome is Fate.UNKNOWN and time.monotonic() - begin_s < TRIES_S_MAX:
            sent = await self._try(message, sent)
            if sent.outcome is Fate.UNKNOWN:
                await asyncio.sleep(PAUSE_S)
        self.history.sent.append(sent)
        return sent

    async def repeat(self, sent: Attempt) -> Attempt:
        """The same with the same id: it is promised to be one publication."""
        message = {"channel": sent.channel, "event": EVENT, "data": sent.key, "id": sent.key}
        again = await self._try(message, sent)
        self.history.sent.append(again)
        return again

    def close(self) -> None:
        """Wait for no request any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _try(self, message: dict[str, str], sent: Attempt) -> Attempt:
        position = None
        try:
            accepted = msgspec.json.decode(await self.ask("POST /publish", message), type=_Accepted)
        except CallFailedError as error:
            # Without an answer, or with 504, it may have been accepted (contract, "Publishing").
            known = error.status is not None and error.status != GATEWAY_TIMEOUT
            outcome = Fate.REFUSED if known else Fate.UNKNOWN
        else:
            outcome, position = Fate.ACCEPTED, (accepted.epoch, accepted.offset)
        return Attempt(
            sent.key, sent.channel, sent.begin_s, time.monotonic(), outcome, position=position
        )
