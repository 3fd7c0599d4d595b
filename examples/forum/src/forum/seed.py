"""The few threads that a new forum starts with."""

import secrets
import tomllib
from pathlib import Path

from forum.store import Draft, PostStore

MINUTE_S = 60

_SEED = Path(__file__).with_suffix(".toml")


def plant(store: PostStore, *, now_s: int) -> None:
    """Fill an empty forum; one that has posts is left as it is."""
    if not store.is_empty():
        return
    for thread in tomllib.loads(_SEED.read_text(encoding="utf-8"))["threads"]:
        opening, *replies = [
            Draft(
                id=secrets.token_hex(8),
                author=post["author"],
                body=post["body"],
                created_at=now_s - post["minutes_ago"] * MINUTE_S,
            )
            for post in thread["posts"]
        ]
        thread_id = store.start_thread(thread["board"], thread["title"], opening).thread_id
        for reply in replies:
            store.reply(thread_id, reply)
