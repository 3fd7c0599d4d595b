"""Where a subscriber's tokens come from: a text, or a function of the program."""

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import cast

from river_realtime.errors import ConnectionLostError, UsageError

Token = str | Callable[[], str] | Callable[[], Awaitable[str]]

RENEW_AT = 0.8
RENEW_S_WRONG_CLOCK = 60.0


class TokenSource:
    """Asks for a token.

    A function that does not await runs in a thread, because it may make requests; in one at a
    time, and one that never returns does not keep the program from ending.
    """

    def __init__(self, token: Token, *, timeout_s: float) -> None:
        if not isinstance(token, str) and not callable(token):
            reason = "token: a text, or a function that returns one"
            raise UsageError("option_invalid", reason)
        self._token = token
        self._timeout_s = timeout_s
        self._asked: Future[str | Awaitable[str]] | None = None

    @property
    def is_renewable(self) -> bool:
        """Whether another token can be had."""
        return not isinstance(self._token, str)

    async def fresh(self) -> str:
        """A token. Raises ConnectionLostError when the function fails or does not answer."""
        if isinstance(self._token, str):
            return self._token
        try:
            async with asyncio.timeout(self._timeout_s):
                token = await self._call(self._token)
        except TimeoutError:
            reason = f"the token function did not answer in {self._timeout_s:g} s"
            raise ConnectionLostError(reason) from None
        except Exception as error:  # the program's own function may raise anything
            raise ConnectionLostError(f"the token function failed: {error!r}") from error
        if not token or not isinstance(token, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConnectionLostError("the token function returned no text")
        return token

    async def _call(self, function: Callable[[], str | Awaitable[str]]) -> str:
        if inspect.iscoroutinefunction(function):
            return cast("str", await function())
        if self._asked is None or self._asked.done():
            self._asked = _in_thread(function)
        given = await asyncio.shield(asyncio.wrap_future(self._asked))
        return await given if isinstance(given, Awaitable) else given


def renew_in_s(expires_at: float) -> float:
    """How long to wait before asking for the next token."""
    remaining_s = expires_at - time.time()
    # The server has just taken the token: if it seems to be over, this clock is wrong.
    return remaining_s * RENEW_AT if remaining_s > 0 else RENEW_S_WRONG_CLOCK


def _in_thread(function: Callable[[], str | Awaitable[str]]) -> Future[str | Awaitable[str]]:
    answer = Future[str | Awaitable[str]]()

    def ask() -> None:
        try:
            answer.set_result(function())
        except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
            answer.set_exception(error)

    threading.Thread(target=ask, name="river-token", daemon=True).start()
    return answer
