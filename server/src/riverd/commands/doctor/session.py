"""The hops of River's own protocol: its welcome, the token, a subscription."""

import time
from typing import Any

import jwt

from riverd.auth.tokens import Signer
from riverd.channels.grants import Grants
from riverd.commands.doctor.finding import Finding, broken, not_checked, ok, warning
from riverd.commands.doctor.line import Ended, Json, Line, Silent
from riverd.commands.doctor.visit import Visit
from riverd.errors import ErrorCode
from riverd.protocols.native.close_codes import NativeCloseCode

WELCOME, TOKEN, SUBSCRIBE = "welcome", "token", "subscribe"
TOKEN_TTL_S = 600.0
USER = "river-doctor"
_AUTH_ID, _SUBSCRIBE_ID = 1, 2

_CLOCKS = (
    "compare the clocks of this machine, of River's and of the one that makes the tokens (NTP)"
)
_CURES = {
    ErrorCode.TOKEN_EXPIRED.code: f"get a new token; if it is new: {_CLOCKS}",
    ErrorCode.TOKEN_NOT_YET_VALID.code: _CLOCKS,
}


def welcome(visit: Visit) -> Finding:
    """Whether what answered is a River that takes clients."""
    try:
        message = visit.opened.receive(within_s=visit.timeout_s)
    except Silent:
        return broken(
            WELCOME,
            f"a WebSocket, but no word on it within {visit.timeout_s:g} s",
            cure="it is not River, or the proxy buffers answers (nginx: proxy_buffering off;)",
        )
    except Ended as ended:
        return _ended(WELCOME, ended)
    if message.get("type") == "bye":
        return broken(
            WELCOME,
            f"the gateway sends clients elsewhere: {message.get('reason')}",
            cure="it is full: raise RIVER_MAX_CONNECTIONS, or add a gateway",
        )
    if message.get("type") != "welcome":
        return broken(
            WELCOME,
            f"a WebSocket, but it says {str(message)[:80]}",
            cure="that is another service: correct host and path",
        )
    return ok(
        WELCOME, f"River says welcome, and waits {message.get('auth_timeout_s')} s for a token"
    )


def token(visit: Visit) -> Finding:
    """Whether a token is taken: the given one, or one that is made with the secret."""
    options = visit.options
    if not visit.token and options.secret is None:
        return not_checked(TOKEN, "none to try: set RIVER_SECRETS, or give --token")
    how = "the given token"
    if not visit.token:
        how = "a token signed with RIVER_SECRETS"
        visit.token = _signed(visit)
    try:
        answer = authenticate(visit.opened, visit)
    except Silent:
        return broken(
            TOKEN,
            f"the token was not answered within {visit.timeout_s:g} s",
            cure="what clients send does not get through: a proxy that filters WebSockets?",
        )
    except Ended as ended:
        return _ended(TOKEN, ended)
    if answer.get("type") == "error":
        return _refused(visit, answer, how=how)
    expires = answer.get("expires_at")
    left = f", for {expires - time.time():,.0f} s" if isinstance(expires, int | float) else ""
    visit.may_publish = _may_publish(visit)
    return ok(TOKEN, f"{how} is taken: user {answer.get('user')}{left}")


def subscribe(visit: Visit) -> Finding:
    """Whether the channel can be subscribed to."""
    begun = time.monotonic()
    try:
        answer = ask_for_channel(visit.opened, visit)
    except Silent:
        return broken(
            SUBSCRIBE,
            f"no answer within {visit.timeout_s:g} s: the gateway waits for its broker",
            cure="look at the broker and at the gateway's log (broker_away)",
        )
    except Ended as ended:
        return _ended(SUBSCRIBE, ended)
    if answer.get("type") == "error":
        return _no_subscription(visit, answer)
    visit.epoch, visit.offset = str(answer.get("epoch")), int(answer.get("offset", 0))
    return ok(SUBSCRIBE, f"{visit.channel} is subscribed to", ms=(time.monotonic() - begun) * 1000)


def authenticate(line: Line, visit: Visit) -> Json:
    """The answer to the token.

    Raises:
        Silent, Ended: there is none.
    """
    line.send({"type": "auth", "id": _AUTH_ID, "token": visit.token})
    return line.wait_for("authenticated", within_s=visit.timeout_s, id=_AUTH_ID)


def ask_for_channel(line: Line, visit: Visit, **position: object) -> Json:
    """The answer to a subscription.

    Raises:
        Silent, Ended: there is none.
    """
    wanted = {"type": "subscribe", "id": _SUBSCRIBE_ID, "channel": visit.channel, **position}
    line.send(wanted)
    return line.wait_for("subscribed", within_s=visit.timeout_s, id=_SUBSCRIBE_ID)


def _signed(visit: Visit) -> str:
    options = visit.options
    signer = Signer(str(options.secret), issuer=options.issuer, audience=options.audience)
    grants = Grants((visit.channel,), (visit.channel,))
    return signer.sign(USER, now=time.time(), ttl_s=TOKEN_TTL_S, grants=grants)


def _refused(visit: Visit, answer: Json, *, how: str) -> Finding:
    code, message = str(answer.get("code")), str(answer.get("message"))
    cure = _CURES.get(code, "")
    if not cure and "signature" in message:
        cure = (
            "the app signs with another secret than the gateways know: one of their RIVER_SECRETS "
            "has to be "
            "the one that signs, as the same text"
        )
    cure = cure or "compare with `river token --user you` and the gateways' RIVER_JWT_ settings"
    return broken(TOKEN, f"{how} is refused: {code}, {message}{_times(visit)}", cure=cure)


def _times(visit: Visit) -> str:
    """The token's times, where they say something."""
    now = time.time()
    times: list[str] = []
    for name, verb in (("exp", "ends"), ("nbf", "begins")):
        value = _claims(visit.token).get(name)
        if isinstance(value, int | float):
            way = "from now" if value > now else "ago"
            times.append(f"{verb} {abs(value - now):,.0f} s {way}")
    return f" (it {', '.join(times)})" if times else ""


def _claims(token: str) -> dict[str, Any]:
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return {}


def _may_publish(visit: Visit) -> bool:
    """Whether the token was made here, with the grant."""
    return visit.options.token is None


def _no_subscription(visit: Visit, answer: Json) -> Finding:
    code = str(answer.get("code"))
    if code == ErrorCode.FORBIDDEN.code:
        return warning(
            SUBSCRIBE,
            f"the token may not hear {visit.channel}",
            cure=(
                "give a channel that it may hear: --channel NAME (delivery is not tried without "
                "one)"
            ),
        )
    if code in {ErrorCode.UNAVAILABLE.code, ErrorCode.BROKER_UNAVAILABLE.code}:
        return broken(
            SUBSCRIBE,
            f"the gateway cannot read from its broker: {answer.get('message')}",
            cure="start the broker, or correct the gateways' RIVER_BROKER",
        )
    return broken(SUBSCRIBE, f"{code}: {answer.get('message')}", cure="see docs/protocol.md")


def _ended(check: str, ended: Ended) -> Finding:
    close = ended.close
    if close is None:
        return broken(
            check,
            "the connection was cut",
            cure=(
                "something between ends it: a proxy with a very short timeout, a gateway that dies"
            ),
        )
    if close.code == NativeCloseCode.NOT_AUTHENTICATED:
        cure = "see the token: compare with `river token --user you` and the same RIVER_SECRETS"
    elif close.code == NativeCloseCode.UNAVAILABLE:
        cure = "the gateway is full or stopping: RIVER_MAX_CONNECTIONS, or ask again"
    else:
        cure = "see the close codes in docs/protocol.md"
    return broken(check, f"closed with {close.code} {close.reason}", cure=cure)
