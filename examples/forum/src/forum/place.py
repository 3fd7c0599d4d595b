"""What the pages of one running forum share."""

from dataclasses import dataclass

from flask import Flask, current_app, session

from forum.limits import RateLimit
from forum.live import Live
from forum.store import PostStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Forum:
    """The forum's data, its limits, and River when there is one."""

    store: PostStore
    posts: RateLimit
    logins: RateLimit
    live: Live | None

    def open_in(self, app: Flask) -> None:
        """Make this the place that the app's pages are about."""
        app.extensions["place"] = self


def place() -> Forum:
    """Return the place of the app that serves this request."""
    found: Forum = current_app.extensions["place"]
    return found


def reader() -> str | None:
    """Return the name of the person who asks, None when nobody is logged in."""
    return session.get("user")
