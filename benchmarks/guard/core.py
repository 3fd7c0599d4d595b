"""The hot paths of the core: encoding, logs, the flush, decoding, tokens."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import jwt

from guard.path import Path, Work
from riverd.auth.session_secrets import SessionSecrets
from riverd.auth.tokens import Verifier
from riverd.channels.rules import ChannelRules
from riverd.core.channel import Channel
from riverd.core.channel_log import Log
from riverd.core.hub import Hub
from riverd.core.session import Session, Subscription
from riverd.core.session_limits import SessionLimits
from riverd.model.claims import Claims
from riverd.model.commands import Subscribe
from riverd.model.log import Position, Publication, Tail
from riverd.protocols.native import codec, events
from riverd.protocols.native.protocol import Native

HISTORY_SIZE = 100
HISTORY_TTL_S = 300.0
RULES = ChannelRules(history_size=HISTORY_SIZE, history_ttl_s=HISTORY_TTL_S)
SESSIONS = 100
DATA = b'{"text":"The quick brown fox jumps over the lazy dog","n":12345}'
SECRETS = ("the-first-secret-of-the-guard-0123456789", "the-second-secret-of-the-guard-0123456")
SESSION_SECRETS = SessionSecrets(SECRETS)
START = Position("0badcafe", 0)

COMMANDS = {
    "ping": b'{"type":"ping","id":7}',
    "auth": b'{"type":"auth","id":1,"token":"%b"}' % (b"a.b" * 60),
    "subscribe": b'{"type":"subscribe","id":2,"channel":"news"}',
    "resume": b'{"type":"subscribe","id":2,"channel":"news","epoch":"0badcafe","offset":41}',
    "unsubscribe": b'{"type":"unsubscribe","id":3,"channel":"news"}',
    "publish": b'{"type":"publish","id":4,"channel":"news","event":"post","data":%b}' % DATA,
    "presence": b'{"type":"presence","id":5,"channel":"presence-news"}',
    "history": b'{"type":"history","id":6,"channel":"news","limit":20}',
}


class NullSink:
    """A sink that keeps one thing at most: what is counted is River's own work."""

    def __init__(self) -> None:
        self.write: Callable[[bytes], None] = deque[bytes](maxlen=1).append

    def close(self, code: int, reason: str) -> None:
        """Nothing is closed."""

    def write_parts(self, parts: Iterator[bytes]) -> None:
        """Nothing is sent."""

    def take_guest(self) -> bool:
        """There is room."""
        return True

    def on_authenticated(self, *, renewed: bool) -> None:
        """Nobody asks."""


def token(secret: str = SECRETS[0], *, user: str = "ada") -> str:
    """A token as an application makes it."""
    river = {"subscribe": ["news", "room-*"], "publish": ["room-*"], "info": {"name": "Ada"}}
    return jwt.encode({"sub": user, "exp": 2**40, "river": river}, secret, algorithm="HS256")


def _encode() -> Work:
    encode = events.publications("news")
    publication = Publication(41, "post", DATA)

    def work(times: int) -> None:
        for _ in range(times):
            encode(publication)

    return work


def _append() -> Work:
    log: Log[Publication] = Log(START)

    def work(times: int) -> None:
        for _ in range(times):
            log.append(Publication(log.offset + 1, "post", DATA), 0.0)
            log.trim(size=HISTORY_SIZE, before=-1.0)

    return work


def _hub() -> tuple[Hub, Channel]:
    hub = Hub(RULES, part_bytes_max=131_072)
    return hub, hub.open("news", Tail(START), roster=None, now=0.0)


def _subscription(hub: Hub, protocol: Native) -> Subscription:
    session = Session(
        "s",
        NullSink(),
        protocol=protocol,
        limits=SessionLimits(),
        verify=_nobody,
    )
    return hub.subscribe(session, Subscribe(1, "news"), member=None)


def _nobody(_token: str, _now: float) -> Claims:
    return Claims("nobody")


def _flush(publications: int) -> Work:
    hub, channel = _hub()
    protocol = Native(RULES, SESSION_SECRETS)
    for _ in range(SESSIONS):
        hub.admit(_subscription(hub, protocol), channel, reply=b"", after=0)
    hub.flush(0.0)

    def work(times: int) -> None:
        for _ in range(times):
            for _ in range(publications):
                hub.append(channel, Publication(channel.log.offset + 1, "post", DATA), now=0.0)
            hub.flush(0.0)

    return work


def _come_back() -> Work:
    hub, channel = _hub()
    for offset in range(1, HISTORY_SIZE):
        hub.append(channel, Publication(offset, "post", DATA), now=0.0)
    hub.flush(0.0)
    subscription = _subscription(hub, Native(RULES, SESSION_SECRETS))

    def work(times: int) -> None:
        for _ in range(times):
            hub.admit(subscription, channel, reply=b"", after=channel.log.offset - 3)
            hub.flush(0.0)
            hub.unsubscribe(subscription)

    return work


def _decode(message: bytes) -> Callable[[], Work]:
    def make() -> Work:
        decode = codec.decode

        def work(times: int) -> None:
            for _ in range(times):
                decode(message)

        return work

    return make


def _receive() -> Work:
    # Faster than any limit: what is counted is a message that is served.
    limits = SessionLimits(rate=1e9)
    session = Session(
        "s",
        NullSink(),
        protocol=Native(RULES, SESSION_SECRETS),
        limits=limits,
        verify=_nobody,
    )
    message = COMMANDS["ping"]

    def work(times: int) -> None:
        for _ in range(times):
            session.receive(message, 0.0)

    return work


def _verify(signed_with: str) -> Callable[[], Work]:
    def make() -> Work:
        verify = Verifier(SECRETS).verify
        given = token(signed_with)

        def work(times: int) -> None:
            for _ in range(times):
                verify(given, 0.0)

        return work

    return make


JSON = ("msgspec",)
TOKENS = ("msgspec", "PyJWT", "cryptography")

PATHS = (
    Path("encode", "a publication to a frame", _encode, uses=JSON),
    Path("append", "a publication into a full log", _append),
    Path("flush", f"a publication to {SESSIONS} sessions", lambda: _flush(1), 60, JSON),
    Path("flush-turn", f"20 in one turn to {SESSIONS} sessions", lambda: _flush(20), 20, JSON),
    Path("come-back", "a session joins again after 3 publications", _come_back, uses=JSON),
    *(
        Path(f"decode-{name}", f"the command `{name}`", _decode(message), uses=JSON)
        for name, message in COMMANDS.items()
    ),
    Path("receive", "a session answers a ping", _receive, uses=JSON),
    Path("token", "a token signed with the first secret", _verify(SECRETS[0]), 100, TOKENS),
    Path("token-old", "a token signed with the second", _verify(SECRETS[1]), 100, TOKENS),
)
