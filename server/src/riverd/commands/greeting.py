"""What `river dev` prints once it runs: addresses, a key, a token, and lines to paste."""

import os
import shutil
import sys
import time
from pathlib import Path

from riverd import __version__
from riverd.auth.apps import App
from riverd.auth.tokens import Signer
from riverd.channels.grants import Grants

DEV_TOKEN_TTL_S = 86_400.0
USER = "you"

_RETRY = "new Promise((go) => setTimeout(go, 2000)).then(() => load(`${url}#`))"


def greeting(signer: Signer, public: str, *, private: str, key: str, app: App | None) -> str:
    """All of it. `public` and `private` are the addresses of the gateway and the publish API."""
    token = signer.sign(USER, now=time.time(), ttl_s=DEV_TOKEN_TTL_S, grants=Grants(("*",), ("*",)))
    body = '{"channel":"dogs","event":"post","data":{"text":"Hello, River"}}'
    return f"""
  River {__version__}

  Gateway       http://{public}   WebSocket: ws://{public}/ws
  Publish API   http://{private}
  Console       http://{private}/console   (log in with the API key)
{_pusher(app)}  API key       {key}
  Token         {token}
                (user "{USER}", every channel, one day)

  Subscribe:    {as_typed()} subscribe dogs
  Publish:
    curl http://{private}/publish -H 'x-api-key: {key}' \\
      -H 'content-type: application/json' \\
      -d '{body}'

  In a page, also while River is away:
    <script type="module">
      const load = (url) => import(url).catch(() => {_RETRY});
      const {{ River }} = await load("http://{public}/client/river.js");
      const river = new River({{ token: "{token}" }});
      river.subscribe("dogs").on("post", (data) => console.log(data));
    </script>

  Stop with Ctrl-C.
"""


def as_typed() -> str:
    """This command, as it can be typed in this folder."""
    if shutil.which("river") is not None:
        return "river"
    beside = Path(sys.executable).with_name("river")
    if not beside.exists():
        return f"{sys.executable} -m riverd"
    return min(str(beside), os.path.relpath(beside), key=len)


def _pusher(app: App | None) -> str:
    if app is None:
        return ""
    return f"  Pusher app    {app.id}, key {app.key}, secret {app.secret}   (docs/pusher.md)\n"
