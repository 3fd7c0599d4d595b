"""Counts the connections of users for webhooks, where one asks for them."""

from collections.abc import Mapping, Sized
from functools import partial

from riverd.broker.webhooks import WebhookWriter
from riverd.channels.names import divided, user_channel, user_of
from riverd.node.counts.reporting import SubscriberCounts
from riverd.scheduling.tasks import Tasks


class UserCounts:
    """How many connections each user has on this node. `sessions` are they, by user."""

    def __init__(
        self, webhooks: WebhookWriter, tasks: Tasks, *, sessions: Mapping[str, Sized]
    ) -> None:
        self._interests = webhooks.interests
        self._sessions = sessions
        self._counts = SubscriberCounts(webhooks.count, tasks, count=self._count, of_users=True)

    def changed(self, user: str) -> None:
        """A connection of the user began or ended."""
        if self._interests.all:
            self._counts.changed(_name_of(user))

    def count_all(self) -> None:
        """Webhooks ask for something else now."""
        self._counts.report_all(self._sessions, channels_of=partial(map, _name_of))

    def _count(self, name: str) -> int:
        user = user_of(name) if divided(name)[0] is None else name
        return len(self._sessions.get(user or "", ()))


def _name_of(user: str) -> str:
    """The name of the user's own channel; one of an app is called so already."""
    return user if divided(user)[0] is not None else user_channel(user)
