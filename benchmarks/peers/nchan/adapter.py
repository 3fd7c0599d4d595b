"""Nchan: a publish/subscribe module of nginx, as Debian packages both.

Documentation: nchan.io (its README), nginx.org/en/docs/http/ngx_http_secure_link_module.html.
"""

from __future__ import annotations

import base64
import hashlib
import os
import resource
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from peers.contender import Ability, Ask, Contender, PeerServer
from peers.installing import DONE, from_debian, has, version_in
from serving import filled, free_port, running

if TYPE_CHECKING:
    from collections.abc import Generator

    from keys import RunKeys

CONFIG = Path(__file__).resolve().parent / "nginx.conf"
KEPT = "nchan"
PACKAGES = ("nginx", "libnginx-mod-nchan")
HISTORY = 100


class Nchan(Contender):
    """The leanest of all: everything stays in one worker of nginx."""

    name = "nchan"
    title = "Nchan"
    offers: ClassVar[frozenset[Ability]] = frozenset(
        ("history", "plain", "publish", "recovery", "sockets")
    )
    differs = (
        "a signed link (MD5) instead of a JWT, checked at the upgrade",
        "the channels stand in the URL: no subscribe message, no answer to it",
        "no batches of publications, and no joins told to others",
        "its message head has an id, no channel and no event name",
    )

    def is_here(self) -> bool:
        """Whether it was installed before."""
        return has(KEPT, "root", DONE)

    def install(self) -> str:
        """Unpack Debian's packages."""
        root = from_debian(KEPT, *PACKAGES)
        nginx, nchan = (version_in(root, package) for package in PACKAGES)
        return f"{nchan} in nginx {nginx}"

    def token(self, keys: RunKeys, user: str) -> str:
        """The query of a signed link."""
        digest = hashlib.md5(f"{user} {keys.secret}".encode(), usedforsecurity=False).digest()
        signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return f"signature={signature}&user={user}"

    @contextmanager
    def start(self, ask: Ask) -> Generator[PeerServer, None, None]:
        """A master and one worker."""
        port = free_port()
        root = from_debian(KEPT, *PACKAGES)
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        values = {
            "MODULES": root / "usr" / "lib" / "nginx" / "modules",
            "FILES": files,
            "CONNECTIONS": files,
            "USER": "user root;" if os.geteuid() == 0 else "",
            "HOME": ask.home,
            "PORT": port,
            "SECRET": ask.keys.secret,
            "API_KEY": ask.keys.api_key,
            "HISTORY": HISTORY if ask.history else 0,
        }
        config = ask.home / "nginx.conf"
        config.write_text(filled(CONFIG, values), encoding="utf-8")
        command = [str(root / "usr" / "sbin" / "nginx"), "-c", str(config), "-p", str(ask.home)]
        with running(command, ask.home, core=ask.core) as server:
            server.await_urls(f"http://127.0.0.1:{port}/healthz")
            yield PeerServer(
                pid=server.pid,
                websocket_url=f"ws://127.0.0.1:{port}/",
                publish_url=f"http://127.0.0.1:{port}",
                load=("--dialect", "nchan", "--api", "nchan"),
                api_key=ask.keys.api_key,
            )


class NchanStreams(Nchan):
    """The same to clients of its EventSource."""

    name = "nchan-sse"
    title = "Nchan, EventSource"
    offers: ClassVar[frozenset[Ability]] = frozenset(("publish", "recovery", "streams"))

    @contextmanager
    def start(self, ask: Ask) -> Generator[PeerServer, None, None]:
        """The same process: what is asked for differs."""
        with super().start(ask) as server:
            yield replace(server, load=("--dialect", "nchan-sse", "--api", "nchan"))
