"""A first message through the whole of it, from outside: token, WebSocket, publish, delivery."""

import json
import secrets
import time
from dataclasses import dataclass

import msgspec
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.sync.client import ClientConnection, connect

from riverd.auth.tokens import Signer
from riverd.channels.grants import Grants
from riverd.commands.api_client import ApiTarget, CallFailedError
from riverd.commands.publish import publish_one
from riverd_aws.account import Account
from riverd_aws.failure import Failure

READY_S_MAX = 300.0
"""CloudFront and the gateways may take some minutes after the stack is there."""
STEP_S = 20.0
RETRY_S = 3.0
TOKEN_TTL_S = 300.0


class _Secret(msgspec.Struct, rename="pascal"):
    secret_string: str


@dataclass(frozen=True)
class Entrance:
    """Where a River is, and what opens it."""

    websocket_url: str
    publish_url: str
    secret: str
    api_key: str


@dataclass(frozen=True)
class Passed:
    """How long it took."""

    connect_ms: float
    deliver_ms: float


def entrance(account: Account, values: dict[str, str]) -> Entrance:
    """The addresses of a stack, with its secrets read."""

    def read(name: str) -> str:
        kept = account.ask("secretsmanager:get_secret_value", _Secret, SecretId=values[name])
        return kept.secret_string

    return Entrance(
        values["WebSocketUrl"], values["PublishUrl"], read("TokenSecretName"), read("ApiKeyName")
    )


def smoke(place: Entrance, *, ready_s: float = READY_S_MAX) -> Passed:
    """Connect with a token, publish, and hear it. `ready_s`: how long to try to connect.

    Raises:
        Failure: naming the step that did not work, and what it may be.
    """
    channel, word = f"river-smoke-{secrets.token_hex(4)}", secrets.token_hex(8)
    token = Signer(place.secret).sign(
        "river-smoke", now=time.time(), ttl_s=TOKEN_TTL_S, grants=Grants((channel,), ())
    )
    connection, connect_ms = _connect(place.websocket_url, ready_s)
    with connection:
        _say(connection, {"type": "auth", "id": 1, "token": token})
        _expect(connection, "authenticated", otherwise="the token was not accepted")
        _say(connection, {"type": "subscribe", "id": 2, "channel": channel})
        _expect(connection, "subscribed", otherwise="the channel cannot be subscribed to")
        began = time.monotonic()
        _publish(place, channel, word=word)
        told = _expect(connection, "event", otherwise="what was published did not arrive")
        if told.get("data") != word:
            raise Failure(f"smoke test: something else arrived: {json.dumps(told)[:200]}")
        return Passed(connect_ms, (time.monotonic() - began) * 1000)


def _connect(url: str, ready_s: float) -> tuple[ClientConnection, float]:
    deadline = time.monotonic() + ready_s
    while True:
        began = time.monotonic()
        try:
            opened = connect(url, open_timeout=STEP_S, close_timeout=1)
            return opened, (time.monotonic() - began) * 1000
        except (OSError, InvalidHandshake) as error:
            if time.monotonic() + RETRY_S > deadline:
                raise Failure(
                    f"smoke test: {url} cannot be reached: {error}. `river doctor {url}` looks "
                    "further; where this machine has no way to it, pass --no-smoke"
                ) from None
        time.sleep(RETRY_S)


def _say(connection: ClientConnection, message: dict[str, object]) -> None:
    connection.send(json.dumps(message))


def _expect(connection: ClientConnection, kind: str, *, otherwise: str) -> dict[str, object]:
    deadline = time.monotonic() + STEP_S
    last = "nothing came"
    try:
        while (left := deadline - time.monotonic()) > 0:
            told: dict[str, object] = json.loads(connection.recv(timeout=left))
            if told.get("type") == kind:
                return told
            last = json.dumps(told)[:200]
            if told.get("type") == "error":
                break
    except TimeoutError:
        pass
    except WebSocketException as error:
        last = str(error)
    raise Failure(f"smoke test: {otherwise}: {last}")


def _publish(place: Entrance, channel: str, *, word: str) -> None:
    try:
        target = ApiTarget(place.publish_url, place.api_key)
        publish_one(target, channel, event="smoke", data=json.dumps(word))
    except CallFailedError as error:
        raise Failure(f"smoke test: {error}") from None
