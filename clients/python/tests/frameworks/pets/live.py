"""River, for the whole project."""

from django.conf import settings
from django.db import transaction

from river_realtime import River

from .models import Post

river = River(settings.RIVER_API_URL, settings.RIVER_API_KEY, timeout_s=2.0)


def announce(post: Post) -> None:
    """Publish a post when it is committed, and not if it is rolled back.

    `robust`: when River is away, Django logs the error, and whoever posted does not see it.
    """

    def publish() -> None:
        data = {"id": post.pk, "text": post.text}
        river.publish("posts", "post", data, id=f"post-{post.pk}")

    transaction.on_commit(publish, robust=True)
