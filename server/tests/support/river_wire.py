"""The other end of a session: takes its frames apart and keeps what they said."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from riverd.auth.session_secrets import SessionSecrets
from riverd.channels.grants import Grants
from riverd.channels.rules import ChannelRules
from riverd.core.session import Session
from riverd.core.session_limits import SessionLimits
from riverd.errors import ErrorCode, TokenError
from riverd.model.claims import Claims
from riverd.model.commands import Authenticate
from riverd.protocols.native.protocol import Native
from riverd.websocket import frames

TEXT = 0x81
CLOSE = 0x88

SECRETS = SessionSecrets(["a-secret-of-sessions-in-tests-0123456"])
RULES = ChannelRules(history_size=100, history_ttl_s=300)


@lru_cache(maxsize=16)
def native(rules: ChannelRules) -> Native:
    """The native protocol with these rules: one for all sessions, which share their frames."""
    return Native(rules, SECRETS)


NATIVE = native(RULES)


def split(frames: bytes) -> Iterator[tuple[int, bytes]]:
    """First byte and payload of each frame (RFC 6455, section 5.2); a server's has no mask."""
    at = 0
    while at < len(frames):
        first, length = frames[at], frames[at + 1]
        at += 2
        assert length < 128, "a server's frame is not masked"
        if length >= 126:
            width = 2 if length == 126 else 8
            length = int.from_bytes(frames[at : at + width])
            at += width
        assert at + length <= len(frames), "a write holds whole frames"
        yield first, frames[at : at + length]
        at += length


def texts(frames: bytes) -> list[dict[str, Any]]:
    """The JSON objects of a run of text frames."""
    told: list[dict[str, Any]] = []
    for first, payload in split(frames):
        assert first == TEXT, "whole text frames and nothing else"
        told.append(json.loads(payload.decode()))
    return told


@dataclass
class Client:
    """A sink that keeps what it is given; it blocks by itself after `takes` bytes."""

    told: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    closed: tuple[int, str] | None = None
    writes: int = 0
    written_bytes: int = 0
    takes: int | None = None
    on_full: Callable[[], None] | None = None
    authenticated: list[bool] = field(default_factory=list[bool])

    def write(self, frames: bytes) -> None:
        self.writes += 1
        self.written_bytes += len(frames)
        self.told += texts(frames)
        if self.takes is not None:
            self.takes -= len(frames)
            if self.takes < 0 and self.on_full is not None:
                self.takes = None
                self.on_full()

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def write_parts(self, parts: Iterator[bytes]) -> None:
        self.write(frames.text(b"".join(payload for part in parts for _, payload in split(part))))

    def take_guest(self) -> bool:
        return True

    def on_authenticated(self, *, renewed: bool) -> None:
        self.authenticated.append(renewed)

    def take(self) -> list[dict[str, Any]]:
        """What was told since the last time."""
        told, self.told = self.told, []
        self.writes = self.written_bytes = 0
        return told

    def events(self, channel: str | None = None) -> list[int]:
        """The offsets of the events that it was told."""
        return [
            one["offset"]
            for one in self.told
            if one["type"] == "event" and channel in (None, one["channel"])
        ]

    def types(self) -> list[str]:
        return [one["type"] for one in self.told]


class Book:
    """Verifies tokens by looking them up; a token is the user's name until told otherwise."""

    def __init__(self) -> None:
        self.claims: dict[str, Claims] = {}

    def grant(self, user: str, *globs: str) -> None:
        """The user's token may subscribe to these channels."""
        self.claims[user] = Claims(user, grants=Grants(globs, ("*",)))

    def verify(self, token: str, now: float) -> Claims:
        if token.startswith("bad"):
            raise TokenError(ErrorCode.TOKEN_INVALID, "bad")
        claims = self.claims.get(token, Claims(token, grants=Grants(None, ("*",))))
        if claims.expires_at is not None and claims.expires_at <= now:
            raise TokenError(ErrorCode.TOKEN_EXPIRED, "expired")
        return claims


def session_of(
    client: Client,
    *,
    user: str | None = None,
    limits: SessionLimits | None = None,
    book: Book | None = None,
    rules: ChannelRules = RULES,
) -> Session:
    """A session of the native protocol, of a user that is known already if one is named."""
    session = Session(
        "s",
        client,
        protocol=native(rules),
        limits=limits or SessionLimits(rate=1e9),
        verify=(book or Book()).verify,
    )
    if user is not None:
        assert authenticated(session, user, 0)
        client.take()
    return session


def authenticated(
    session: Session,
    token: str,
    now: float,
    *,
    id: int | None = None,  # noqa: A002
) -> bool:
    """Whether a session takes a token, where users are as many as they like."""
    command = Authenticate(id, token)
    answer = session.authenticate(command, now, check=lambda _session, _claims: None)
    if answer is not None:
        session.reply(answer)
        session.prove()
    return answer is not None


def sent(**fields: object) -> bytes:
    """A client's message."""
    return json.dumps(fields).encode()
