"""River's part of the forum: it hears of every post, and each reader gets a token for it."""

import logging
import time
from collections.abc import Mapping

import httpx
import jwt

from forum.people import hue, initials
from forum.settings import River
from forum.store import Post

TOKEN_TTL_S = 600
PUBLISH_TIMEOUT_S = 1.0

log = logging.getLogger("forum.live")


class Live:
    """What the forum says to River."""

    def __init__(self, river: River) -> None:
        self.url = river.url
        self._secret = river.secret
        self._api = httpx.Client(
            base_url=river.api_url,
            headers={"x-api-key": river.api_key},
            timeout=PUBLISH_TIMEOUT_S,
        )

    def publish(self, post: Post) -> None:
        """Tell the readers of the board. A River that is away costs them the news, no post."""
        message = {"channel": f"board-{post.board}", "event": "post", "data": _as_data(post)}
        try:
            self._api.post("/publish", json=message | {"id": post.id}).raise_for_status()
        except httpx.HTTPError as problem:
            log.warning("post %s is kept but was not announced: %s", post.id, problem)

    def token(self, user: str, board: str) -> str:
        """Sign what the reader of a board may do: hear it, be seen on it, say "I am typing"."""
        grants = {
            "subscribe": [f"board-{board}", f"presence-board-{board}", f"typing-{board}"],
            "publish": [f"typing-{board}"],
            "info": {"initials": initials(user), "hue": hue(user)},
        }
        return self._sign(user, grants)

    def front_token(self, user: str) -> str:
        """Sign what the reader of the front page may do: hear every board."""
        return self._sign(user, {"subscribe": ["board-*"], "publish": []})

    def _sign(self, user: str, grants: Mapping[str, object]) -> str:
        claims = {"sub": user, "exp": int(time.time()) + TOKEN_TTL_S, "river": grants}
        return jwt.encode(claims, self._secret, algorithm="HS256")


def _as_data(post: Post) -> dict[str, str | int]:
    """Return the whole post, so that a page can draw it without asking the forum."""
    return {
        "id": post.id,
        "number": post.number,
        "author": post.author,
        "initials": initials(post.author),
        "hue": hue(post.author),
        "body": post.body,
        "time": post.time,
        "board": post.board,
        "thread": post.thread_id,
        "title": post.title,
        "replies": post.replies,
    }
