"""What handlers take and give: the API's surroundings, one call, the answer's object."""

import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Protocol

import msgspec

from riverd.auth.api_keys import Keys
from riverd.auth.apps import Apps
from riverd.auth.tokens import Signer
from riverd.auth.webhooks import WebhookEndpoint
from riverd.broker import Broker
from riverd.channels.rules import ChannelRules
from riverd.http.response import Response
from riverd.model.claims import Claims

ENVELOPE_BYTES_MAX = 131_072
"""What a publish request may need beside its data: 100 channel names, all escaped, and some."""

ANSWER_S_MAX = 0.8
"""How long the broker may take, so that a caller knows within a second (contract, promise 5)."""
LIST_S_MAX = 10.0
"""How long a whole list may take: of 100,000 channels many round trips, between which others go."""


class Counts(Protocol):
    """Notes how publishing goes."""

    def published(self, count: int) -> None:
        """The broker has this many more publications."""
        ...

    def refused(self, code: str) -> None:
        """A message, or a whole request to publish, was refused with this error code."""
        ...


class Uncounted:
    """Counts for those who do not count."""

    def published(self, count: int) -> None:
        """Nothing."""

    def refused(self, code: str) -> None:
        """Nothing."""


def _ignore(_error: BaseException) -> None:
    pass


class Api(msgspec.Struct, frozen=True):
    """Everything that handlers need.

    `read_keys` may look and change nothing. Without a `signer` there are no tokens to be had.
    `clock` is in unix seconds. `failed` is called with errors that nobody expected: with the
    exception only, never a key or a payload.
    `webhooks` gives those that are set now.
    `leeway_s` and `token_max_age_s` are those of the nodes.
    """

    broker: Broker
    keys: Keys
    rules: ChannelRules
    signer: Signer | None = None
    apps: Apps = Apps()
    clock: Callable[[], float] = time.time
    version: str = "0"
    message_bytes_max: int = 65_536
    body_bytes_max: int = 10_485_760
    body_s_max: float = 30.0
    answer_s_max: float = ANSWER_S_MAX
    list_s_max: float = LIST_S_MAX
    requests_max: int = 1_000
    render_metrics: Callable[[], bytes] = bytes
    counts: Counts = Uncounted()
    failed: Callable[[BaseException], None] = _ignore
    read_keys: Keys = Keys(())
    leeway_s: float = 5.0
    token_max_age_s: float = 2_592_000.0
    webhooks: Callable[[], Sequence[WebhookEndpoint]] = tuple

    @property
    def single_bytes_max(self) -> int:
        """The largest body with one message."""
        return self.message_bytes_max + ENVELOPE_BYTES_MAX

    @property
    def batch_bytes_max(self) -> int:
        """The largest body with many; a single message always fits."""
        return max(self.body_bytes_max, self.single_bytes_max)


class Call(msgspec.Struct, frozen=True):
    """What a handler is asked: the path's and the query's parameters, decoded, and the body.

    With `claims` it is asked by a client, who may do what they grant, not by a back end.
    `reads_only` is found out for routes that show it.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    claims: Claims | None = None
    reads_only: bool = False


Handler = Callable[[Api, Call], Coroutine[object, None, msgspec.Struct | Response]]
"""Gives the object of a 200, or a whole answer.

Raises:
    RiverError: what the caller is answered instead.
    TimeoutError: the broker did not answer.
"""
