"""One connection to a gateway by HTTP streaming, where no WebSocket comes through."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Self, cast

import httpx

from river_realtime.connection import API_ANSWERS, PASSING_STATUSES
from river_realtime.connection_state import ConnectionState
from river_realtime.errors import ConnectionLostError
from river_realtime.parsing import LACKS_MEMBERS, Object
from river_realtime.protocol import NotRiverError, read
from river_realtime.proxies import through
from river_realtime.retry import is_certificate_wrong
from river_realtime.stream_channels import StreamChannels
from river_realtime.values import Position

SILENCE_S_MAX = 40.0
"""The server sends a comment every 15 s."""
ANSWER_S_MAX = 10.0
TOGETHER_S = 0.02
"""Questions within so short a time are one request."""
WAITING_MAX = 100
"""So many messages wait here, the rest at the server."""
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
_NOT_AUTHENTICATED = 4401
_DATA = b"data: "


class StreamConnection(ConnectionState):
    """See `Connection`: the same, made of one request after the other.

    Whatever is asked (a channel, a token) begins another request. It takes over where the one
    before was read up to, and that one ends when it is answered: nobody leaves a presence channel.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        token: str,
        *,
        session_secret: str | None,
        user_position: Position | None,
    ) -> None:
        super().__init__()
        self._client = client
        self._token = token
        self._secret = session_secret
        self._channels = StreamChannels(user_position=user_position)
        self._messages = deque[Object]()
        self._asked = asyncio.Event()
        self._moved = asyncio.Event()
        self._response: httpx.Response | None = None
        """The one whose messages count."""
        self._following = asyncio.create_task(self._follow())
        self._following.add_done_callback(lambda _: self._moved.set())

    @classmethod
    async def open(
        cls,
        url: str,
        token: str,
        *,
        proxy: str | None,
        timeout_s: float,
        session_secret: str | None = None,
        user_position: Position | None = None,
    ) -> Self:
        """Begin a stream, and wait until the token is accepted.

        Args:
            url: the gateway's, for HTTP.
            token: the first one.
            proxy: what to connect through.
            timeout_s: how long that may take.
            session_secret: of the session that it continues.
            user_position: where the program stands in the channel of its user.

        Raises:
            ConnectionLostError: another attempt may succeed.
        """
        timeout = httpx.Timeout(timeout_s, read=SILENCE_S_MAX)
        client = httpx.AsyncClient(base_url=url, proxy=proxy, trust_env=False, timeout=timeout)
        connection = cls(client, token, session_secret=session_secret, user_position=user_position)
        silent = f"{url} sends nothing: streams may be kept back on the way"
        await connection.until_accepted(timeout_s, silent=silent)
        return connection

    async def authenticate(self, token: str) -> None:
        """Send a token; `expires_at` changes when the server has accepted it."""
        self._token = token
        self._asked.set()

    async def send(self, text: str) -> None:
        """Ask for a channel, or leave one."""
        message = cast("Object", json.loads(text))
        if message["type"] == "subscribe":
            answer = self._channels.subscribe(message)
        else:
            answer = self._channels.unsubscribe(message)
        if answer is not None:
            self._messages.append(answer)
            self._moved.set()
        self._asked.set()

    async def receive(self) -> Object:
        """The next message.

        Raises:
            ConnectionLostError: the stream has ended, or a message is not one of River's.
        """
        while not self._messages:
            if self._following.done():
                raise self._following.exception() or self.last_error
            self._moved.clear()
            await self._moved.wait()
        message = self._messages.popleft()
        self._moved.set()
        return message

    async def close(self) -> None:
        """Disconnect."""
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        await self._client.aclose()

    async def _follow(self) -> None:
        """Request after request, until one ends. Raises ConnectionLostError."""
        reading: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asked = asyncio.create_task(self._asked.wait())
        try:
            while True:
                self._asked.clear()
                response = await self._request()
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                self._response = response
                reading = asyncio.create_task(self._read(response))
                asked = asyncio.create_task(self._asked.wait())
                await asyncio.wait((reading, asked), return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    reading.result()
                    raise self.last_error
                # What it still brings is asked for again.
                self._response = None
                await asyncio.sleep(TOGETHER_S)
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise self._failed(error) from None
        finally:
            asked.cancel()
            reading.cancel()
            await asyncio.gather(reading, asked, return_exceptions=True)

    async def _request(self) -> httpx.Response:
        query, cursor = self._channels.request()
        headers = {
            "authorization": f"Bearer {self._token}",
            "last-event-id": cursor if self._secret is None else f"{cursor}.{self._secret}",
        }
        request = self._client.build_request("GET", f"/events?{query}", headers=headers)
        response = await self._client.send(request, stream=True)
        kind = response.headers.get("content-type", "")
        if response.status_code == HTTPStatus.OK and kind.startswith("text/event-stream"):
            return response
        async with asyncio.timeout(ANSWER_S_MAX):
            await response.aread()
        raise refusal_of(response, str(self._client.base_url))

    async def _read(self, response: httpx.Response) -> None:
        try:
            async for text in _events(response):
                if self._response is response:
                    self._take(text)
                    while len(self._messages) > WAITING_MAX:
                        self._moved.clear()
                        await self._moved.wait()
        except (NotRiverError, IndexError, *LACKS_MEMBERS) as error:
            reason = f"what answers does not speak River: {error}"
            raise ConnectionLostError(reason, is_wrong_address=True) from None
        finally:
            await response.aclose()

    def _take(self, text: str) -> None:
        message = read(text)
        if message["type"] == "bye" and "code" in message:
            code = cast("int", message["code"])
            raise ConnectionLostError(str(message["reason"]), code=code)
        for one in self._channels.receive(message):
            # A session goes on through all requests.
            if "channel" not in one and not (one["type"] == "welcome" and self.session):
                self.note(one)
            self._messages.append(one)
        self._secret = self._secret or self.session_secret
        self._moved.set()

    def _failed(self, error: Exception) -> ConnectionLostError:
        url = str(self._client.base_url)
        reason = f"cannot connect to {url}{through(url)}: {str(error) or type(error).__name__}"
        return ConnectionLostError(reason, is_wrong_address=is_certificate_wrong(error))


async def _events(response: httpx.Response) -> AsyncIterator[str]:
    """The data of each event, as River writes them: a line each."""
    rest = b""
    async for piece in response.aiter_bytes():
        *events, rest = (rest + piece).split(b"\n\n")
        if len(rest) > MESSAGE_BYTES_MAX:
            raise NotRiverError("a message without an end")
        for event in events:
            for line in event.split(b"\n"):
                if line.startswith(_DATA):
                    yield line.removeprefix(_DATA).decode()


def refusal_of(response: httpx.Response, url: str) -> ConnectionLostError:
    """What an answer means that is no stream."""
    try:
        error = cast("dict[str, object]", response.json()["error"])
        code, message = str(error["code"]), str(error["message"])
    except LACKS_MEMBERS:
        code, message = "", f"{url} answers {response.status_code}"
    status = response.status_code
    if status == HTTPStatus.UNAUTHORIZED:
        return ConnectionLostError(message, code=_NOT_AUTHENTICATED, error_code=code)
    if code == "not_found":
        message = API_ANSWERS
    is_final = status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in PASSING_STATUSES
    return ConnectionLostError(message, error_code=code, is_wrong_address=is_final)
