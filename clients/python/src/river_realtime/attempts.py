"""What came of one HTTP request, and whether to make it again."""

import ssl
import time
from dataclasses import dataclass
from typing import TypeVar, cast

import httpx

from river_realtime import calls
from river_realtime.calls import Call
from river_realtime.errors import UnreachableError
from river_realtime.values import Json

T = TypeVar("T")

ATTEMPT_S_MAX = 3.0
_ATTEMPT_S_MIN = 0.05


@dataclass(frozen=True, slots=True)
class Attempt:
    """An answer; or none, then `status` is 0 and `reason` says why."""

    status: int = 0
    content: Json = None
    retry_after: str | None = None
    reason: str = ""
    is_hopeless: bool = False

    def pause_s(self, call: Call[T], number: int) -> float | None:
        """How long to wait before the next attempt; None if this one was the last."""
        if self.is_hopeless:
            return None
        if self.status and not call.is_to_be_repeated(self.status, self.content):
            return None
        return calls.pause_s(number, self.retry_after)

    def value(self, call: Call[T]) -> T:
        """What the answer says. Raises RiverError, or UnreachableError if there was none."""
        if not self.status:
            raise UnreachableError(f"{call.method} {call.path}: {self.reason}", key=call.key)
        return call.answer(self.status, self.content)


def answered(response: httpx.Response) -> Attempt:
    """There was an answer."""
    try:
        content = cast("Json", response.json())
    except (ValueError, RecursionError):
        # Something else than River answered, a proxy perhaps.
        content = None
    return Attempt(response.status_code, content, response.headers.get("retry-after"))


def unanswered(error: httpx.RequestError) -> Attempt:
    """There was none. A certificate that is wrong now is so in a moment too."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    hopeless = any(isinstance(one, ssl.SSLCertVerificationError) for one in causes)
    return Attempt(reason=str(error) or type(error).__name__, is_hopeless=hopeless)


def time_for_one_s(deadline: float) -> float:
    """One attempt does not take the time of all: an answer may be lost that would never come."""
    return max(_ATTEMPT_S_MIN, min(ATTEMPT_S_MAX, deadline - time.monotonic()))
