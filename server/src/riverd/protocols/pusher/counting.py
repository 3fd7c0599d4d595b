"""Which counts clients of an app are shown: of channels' subscribers, of users' connections."""

from riverd.auth.apps import App, Apps
from riverd.channels.names import INTERNAL, divided
from riverd.protocols.pusher.names import Kind, kind_of


class ShownCounts:
    """What the apps want now."""

    def __init__(self, apps: Apps) -> None:
        self._apps = apps

    def has_channel(self, channel: str) -> bool:
        """Whether subscribers of a channel are sent how many they are."""
        if not self._apps.by_id:
            return False
        app, name = self._divided(channel)
        return (
            app is not None
            and app.subscription_counts
            and kind_of(name) is not Kind.PRESENCE
            and not name.startswith(INTERNAL)
        )

    def has_user(self, user: str) -> bool:
        """Whether users of its app may watch this user."""
        if not self._apps.by_id:
            return False
        app = self._divided(user)[0]
        return app is not None and app.watchlists

    def _divided(self, name: str) -> tuple[App | None, str]:
        app_id, rest = divided(name)
        return self._apps.native if app_id is None else self._apps.by_id.get(app_id), rest
