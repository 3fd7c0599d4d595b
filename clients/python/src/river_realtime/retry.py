"""Whether a request is sent again, and when."""

import random
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar

import httpx

from river_realtime.decoding import decode
from river_realtime.errors import RiverError, UnreachableError
from river_realtime.proxies import through
from river_realtime.request import Request, is_uncertain
from river_realtime.values import Json

T = TypeVar("T")

ATTEMPT_S_MAX = 3.0
RETRY_S_FIRST = 0.1
RETRY_S_MAX = 2.0
_ATTEMPT_S_MIN = 0.05
_DOUBLINGS_MAX = 10
# A list in an answer, an entry of the list, a member of the entry.
_PART_LEVELS = 3
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An answer; or none, then `status` is 0 and `error` says why."""

    status: int = 0
    content: Json = None
    retry_after: str | None = None
    location: str | None = None
    error: UnreachableError | None = None
    is_hopeless: bool = False

    @property
    def is_uncertain(self) -> bool:
        """Whether nobody knows if the server did what it was asked."""
        return self.error.uncertain if self.error else is_uncertain(self.status)

    @property
    def may_be_wrong_port(self) -> bool:
        """Whether something answered that is well, and not in the words of a publish API."""
        is_well = 0 < self.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return is_well and not isinstance(self.content, dict)


class Retries(Generic[T]):
    """The attempts to send one request, until one succeeds, none would, or time is over."""

    def __init__(self, request: Request[T], *, timeout_s: float) -> None:
        self._request = request
        self._deadline = time.monotonic() + timeout_s
        self._failures = 0
        self._is_uncertain = False

    @property
    def attempt_s(self) -> float:
        """How long the next attempt may take: not all the time, its answer may be lost for good."""
        return max(_ATTEMPT_S_MIN, min(ATTEMPT_S_MAX, self._deadline - time.monotonic()))

    def wait_after(self, attempt: Attempt) -> float | None:
        """Note an attempt: how many seconds to wait for the next, or None if it was the last."""
        is_passing = not attempt.status or self._request.is_passing(attempt.status, attempt.content)
        if attempt.is_hopeless or not is_passing:
            return None
        # Whatever the next answer says, this attempt may have been carried out.
        self._is_uncertain |= attempt.is_uncertain
        wait_s = backoff_s(self._failures, attempt.retry_after)
        self._failures += 1
        return wait_s if time.monotonic() + wait_s < self._deadline else None

    def value(self, attempt: Attempt) -> T:
        """What the last attempt's answer means.

        Raises:
            RiverError: River refused, or there was no answer.
        """
        try:
            if attempt.error is not None:
                raise attempt.error
            return self._request.value(attempt.status, attempt.content, location=attempt.location)
        except RiverError as error:
            error.uncertain |= self._is_uncertain
            raise


def answered(response: httpx.Response) -> Attempt:
    """There was an answer."""
    try:
        content = decode(response.content, levels=_PART_LEVELS)
    except (ValueError, RecursionError):
        # Something else than River answered, a proxy perhaps.
        content = None
    headers = response.headers
    location = headers.get("location") if response.has_redirect_location else None
    return Attempt(response.status_code, content, headers.get("retry-after"), location)


def unanswered(request: Request[T], error: httpx.RequestError, *, url: str) -> Attempt:
    """There was none from `url`. A certificate that is wrong now is so in a moment too."""
    why = str(error) or type(error).__name__
    reason = f"{request.method} {url}{request.path}{through(url)}: {why}"
    code = "timeout" if isinstance(error, httpx.TimeoutException) else "unreachable"
    uncertain = not isinstance(error, _NOTHING_SENT)
    failed = UnreachableError(code, reason, id=request.id, uncertain=uncertain)
    return Attempt(error=failed, is_hopeless=is_certificate_wrong(error))


def backoff_s(number: int, retry_after: str | None) -> float:
    """How long to wait before the next attempt: full jitter on top of what the server asked for."""
    limit = min(RETRY_S_MAX, RETRY_S_FIRST * 2 ** min(number, _DOUBLINGS_MAX))
    asked = float(retry_after) if retry_after is not None and retry_after.isdecimal() else 0.0
    return min(asked, RETRY_S_MAX) + random.uniform(0, limit)  # noqa: S311  jitter


def is_certificate_wrong(error: BaseException) -> bool:
    """Whether no server of this certificate is to be trusted, now or in a moment."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in causes)
