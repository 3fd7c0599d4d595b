"""Whom Pusher's protocol lets in: `/app/KEY?protocol=7&client=js&version=8.6.0`.

With `/t/PAGE` in front the page names itself, and is sent again what it missed.
"""

import re
from urllib.parse import parse_qs, unquote

from riverd.auth.apps import Apps
from riverd.channels.rules import ChannelRules
from riverd.http.request import Request
from riverd.protocols.interface import ClientProtocol, TurnedAway
from riverd.protocols.pusher.close_codes import PusherCode
from riverd.protocols.pusher.encoding import turned_away
from riverd.protocols.pusher.pages import PATH as PAGES
from riverd.protocols.pusher.pages import divided
from riverd.protocols.pusher.protocol import PusherProtocol

PATH = "/app/"
PROTOCOLS = ("5", "6", "7")
"""Since 5 all data are texts, which is all that this server minds."""
PARAMETERS_MAX = 32

_VERSION = re.compile(r"[0-9A-Za-z.+\-_<> ]{1,64}")


class PusherPath:
    """One protocol object an app: their clients share what is encoded for them."""

    def __init__(self, apps: Apps, rules: ChannelRules) -> None:
        self._apps = apps
        self._rules = rules
        self._protocols: dict[str, PusherProtocol] = {}

    def enter(self, request: Request) -> ClientProtocol | TurnedAway | None:
        """The protocol of the app whose key stands in the path.

        Nobody gets a refused upgrade: clients would not see the reason, and wait for a minute.
        """
        path = divided(request.path)[1]
        if not self._apps.by_id:
            return None
        if not path.startswith((PATH, PAGES)):
            return _misled(request)
        if path.startswith(PAGES):
            return turned_away(PusherCode.WRONG_PATH, "path not found: it is /t/PAGE/app/KEY")
        key = unquote(path.removeprefix(PATH))
        if not key or "/" in key:
            return turned_away(PusherCode.WRONG_PATH, "path not found: it is /app/KEY")
        app = self._apps.of_key(key)
        if app is None:
            return turned_away(PusherCode.UNKNOWN_APP, "there is no app with this key")
        if not app.enabled:
            return turned_away(PusherCode.DISABLED, "application disabled")
        refused = _wrong_version(request.query)
        if refused is not None:
            return refused
        protocol = self._protocols.get(app.id)
        if protocol is None:
            protocol = self._protocols[app.id] = PusherProtocol(app, self._apps, rules=self._rules)
        return protocol


def _misled(request: Request) -> TurnedAway | None:
    """What a client is sent whose `wsPath` is wrong, such as a prefix that no proxy takes away."""
    if "upgrade" not in request.headers or PATH not in f"{request.path}/":
        return None
    return turned_away(PusherCode.WRONG_PATH, "path not found: it is /app/KEY")


def _wrong_version(query: str) -> TurnedAway | None:
    try:
        parameters = parse_qs(query, max_num_fields=PARAMETERS_MAX)
    except ValueError:
        parameters = {}
    protocol, version = parameters.get("protocol"), parameters.get("version")
    if protocol is None:
        return turned_away(PusherCode.NO_PROTOCOL, "no protocol version: add ?protocol=7")
    if protocol[0] not in PROTOCOLS:
        return turned_away(PusherCode.UNSUPPORTED_PROTOCOL, "unsupported protocol version")
    if version is not None and _VERSION.fullmatch(version[0]) is None:
        return turned_away(PusherCode.BAD_VERSION, "invalid version string")
    return None
