"""What both clients of the publish API share: where it is, and how requests to it are written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict, TypeVar

import httpx

from river_realtime.addresses import api_url
from river_realtime.encoding import Default, encode
from river_realtime.errors import UnreachableError, UsageError
from river_realtime.proxies import proxy_for
from river_realtime.request import Request
from river_realtime.tokens import check_secret

T = TypeVar("T")

TIMEOUT_S = 10.0
GATEWAY_FILE = "/client/river.js"
"""What only a gateway has."""
_SOCKS_MODULE = "socksio"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """The settings of a client, checked.

    Raises:
        UsageError: one of them cannot work.
    """

    url: str
    key: str = field(repr=False)
    secret: str | None = field(repr=False)
    timeout_s: float
    default: Default | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", api_url(self.url))
        object.__setattr__(self, "key", _api_key(self.key))
        if self.secret is not None:
            check_secret(self.secret)

    @property
    def proxy(self) -> str | None:
        """The proxy of the environment, if the API is to be reached through one."""
        return proxy_for(self.url, socks_module=_SOCKS_MODULE)

    def arguments(self, request: Request[T]) -> "Arguments":
        """What httpx takes to send a request.

        Raises:
            UsageError: `data_invalid`, there is no JSON for the body.
        """
        headers = {"x-api-key": self.key}
        content = None
        if request.body is not None:
            headers["content-type"] = "application/json"
            content = encode(request.body, self.default)
        return {
            "method": request.method,
            "url": request.path,
            "params": request.query,
            "headers": headers,
            "content": content,
        }

    def wrong_port(self) -> UnreachableError:
        """The error for a URL that is a gateway's."""
        reason = (
            f"{self.url} is River's gateway, for WebSockets; give the address of its publish API,"
            " which has a port of its own (RIVER_API_PORT, 8001 by default)"
        )
        return UnreachableError("unexpected_answer", reason)


class Arguments(TypedDict):
    """A request as httpx takes it."""

    method: str
    url: str
    params: Mapping[str, str | int]
    headers: dict[str, str]
    content: bytes | None


def is_gateways(response: httpx.Response) -> bool:
    """Whether an answer for GATEWAY_FILE is a gateway's."""
    headers = response.headers
    is_script = response.is_success and "javascript" in headers.get("content-type", "")
    return is_script or (response.has_redirect_location and "/client/river" in headers["location"])


def _api_key(key: object) -> str:
    # A file or a variable it comes from often ends with a newline, or is not there.
    stripped = key.strip() if isinstance(key, str) else ""
    if not stripped or not stripped.isascii() or not stripped.isprintable():
        raise UsageError("option_invalid", "key: one of RIVER_API_KEYS")
    return stripped
