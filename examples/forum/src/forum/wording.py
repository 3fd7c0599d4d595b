"""Times and counts in words, for pages that no script touches."""

from datetime import UTC, datetime

from forum.store import Post


def when(post: Post) -> str:
    """Say when the post was made; a script puts the reader's own time in its place."""
    made = datetime.fromtimestamp(post.created_at, UTC)
    return f"{made.day} {made:%b, %H:%M} UTC"


def replies(post: Post) -> str:
    """Say how many replies the thread has."""
    return "1 reply" if post.replies == 1 else f"{post.replies} replies"
