"""How pages name themselves: `/t/PAGE/app/KEY`, where PAGE begins with when the page did.

A page makes it with `Date.now().toString(36) + "-" + crypto.randomUUID()`. Who knows it can have
the page's cursors moved: it is never logged.
"""

import re

from riverd.auth.apps import App
from riverd.model.tabs import PageIdentity

PATH = "/t/"

_path = re.compile(r"/t/([0-9a-z]{6,10}-[0-9A-Za-z-]{16,64})(/app/.*)", re.DOTALL).fullmatch


def divided(path: str) -> tuple[str | None, str]:
    """The page in a path, if there is one, and the path without it."""
    found = _path(path)
    return (None, path) if found is None else (found[1], found[2])


def identity(app: App, page: str) -> PageIdentity:
    """Of a page of an app."""
    return PageIdentity(f"{app.id}:{page}", int(page.partition("-")[0], 36) / 1000)
