"""What the back ends of Pusher apps sign: subscriptions, users, HTTP requests (HMAC-SHA256, hex).

The texts that are signed: https://pusher.com/docs/channels/library_auth_reference/auth-signatures
"""

import hmac
from collections.abc import Iterable


def channel_signature(secret: str, text: str) -> str:
    """Of a subscription or a user: `text` is made by `subscription_text` or `user_text`."""
    return hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()


def subscription_text(socket_id: str, channel: str, *, data: str | None) -> str:
    """What stands for one connection's right to one channel; `data` is exactly what was sent."""
    return f"{socket_id}:{channel}" if data is None else f"{socket_id}:{channel}:{data}"


def user_text(socket_id: str, user_data: str) -> str:
    """What says who one connection's user is."""
    return f"{socket_id}::user::{user_data}"


def request_signature(
    secret: str, method: str, *, path: str, query: Iterable[tuple[str, str]]
) -> str:
    """Of an HTTP request.

    Args:
        secret: the app's.
        method: in upper case.
        path: as the client sent it.
        query: all parameters but the signature, decoded.
    """
    return channel_signature(secret, f"{method}\n{path}\n{canonical(query)}")


def canonical(query: Iterable[tuple[str, str]]) -> str:
    """The parameters in one form: names in lower case and sorted, values as they are."""
    sorted_query = sorted((name.lower(), value) for name, value in query)
    return "&".join(f"{name}={value}" for name, value in sorted_query)


def is_same(given: str, wanted: str) -> bool:
    """Whether two signatures are the same; the time it takes says nothing about them."""
    return hmac.compare_digest(given.encode(), wanted.encode())
