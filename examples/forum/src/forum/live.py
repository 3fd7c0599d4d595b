"""River's part of the forum: it hears of every post, and each reader gets a token for it."""

import logging

from forum.people import hue, initials
from forum.settings import RiverPlace
from forum.store import Post
from river_realtime import River, RiverError

TOKEN_TTL_S = 600
PUBLISH_TIMEOUT_S = 1.0

log = logging.getLogger("forum.live")


class Live:
    """What the forum says to River."""

    def __init__(self, place: RiverPlace) -> None:
        self.url, self.pusher = place.url, place.pusher
        self._river = River(
            place.api_url, place.api_key, secret=place.secret, timeout_s=PUBLISH_TIMEOUT_S
        )

    def publish(self, post: Post) -> None:
        """Publish to the readers of the board. While River is away the post is still saved."""
        try:
            self._river.publish(f"board-{post.board}", "post", _as_data(post), id=post.id)
        except RiverError as problem:
            log.warning("post %s is kept but was not announced: %s", post.id, problem)

    def token(self, user: str, board: str) -> str:
        """Sign what the reader of a board may do: subscribe, be present, say "I am typing"."""
        return self._river.token(
            user,
            ttl_s=TOKEN_TTL_S,
            subscribe=[f"board-{board}", f"presence-board-{board}", f"typing-{board}"],
            publish=[f"typing-{board}"],
            info={"initials": initials(user), "hue": hue(user)},
        )

    def front_token(self, user: str) -> str:
        """Sign what the reader of the front page may do: hear every board."""
        return self._river.token(user, ttl_s=TOKEN_TTL_S, subscribe=["board-*"])


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
