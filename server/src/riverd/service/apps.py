"""What Pusher apps have a process do beside their protocol."""

import structlog

from riverd.auth.apps import Apps
from riverd.node.node import Node
from riverd.protocols.pusher.counting import ShownCounts

log = structlog.get_logger()


def show_counts(node: Node, apps: Apps) -> None:
    """Have a node send the counts that apps want their clients to be shown."""
    shown = ShownCounts(apps)
    node.count_events.is_counted = shown.has_channel
    node.watchlists.is_counted = shown.has_user


async def note_sharing(apps: Apps) -> None:
    """Log at the start what an app that shares River's channels opens and closes."""
    app = apps.native
    if app is not None:
        log.info(
            "app_shares_channels",
            app=app.id,
            public=app.public,
            presence=app.presence,
            text="the key is public: with public open, who has it may subscribe to every channel "
            "that needs no grant; with presence grant, presence- channels need one on /ws",
        )
