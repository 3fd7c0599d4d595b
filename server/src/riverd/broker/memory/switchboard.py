"""Which nodes of one process listen to what: what Redis is for many processes."""

from collections import OrderedDict
from itertools import count

from riverd.broker.interface import Feed
from riverd.broker.memory.store import Store
from riverd.broker.memory.tabs import TabStore
from riverd.broker.memory.webhooks import WebhookStore
from riverd.model.log import Change, Ephemeral, Publication


class Switchboard:
    """A store, and the feeds of those who listen to its channels."""

    def __init__(self, store: Store, webhooks: WebhookStore | None = None) -> None:
        self.store = store
        self.webhooks = WebhookStore() if webhooks is None else webhooks
        self.feeds: dict[str, Feed] = {}
        self.listeners: dict[str, dict[str, None]] = {}
        """In the order in which they came: the same in every process."""
        self.numbers = count(1)
        self.names: dict[str, str] = {}
        self.remaking: set[str] = set()
        """Nodes that make their presence entries again."""
        self.tabs = TabStore()
        self.connections: dict[str, dict[str, int]] = {}
        """By user and node."""
        self.answers: OrderedDict[str, dict[str, bytes]] = OrderedDict()

    def event(self, channel: str, epoch: str, *, event: Publication | Ephemeral) -> None:
        """Notify all who listen."""
        for node in self.listeners.get(channel, ()):
            if isinstance(event, Publication):
                self.feeds[node].on_publication(channel, epoch, event)
            else:
                self.feeds[node].on_ephemeral(channel, epoch, event=event)

    def change(self, channel: str, epoch: str, *, change: Change) -> None:
        """Notify all who listen, and webhooks."""
        if self.webhooks.interests.all:
            self.webhooks.changed(channel, change)
        for node in self.listeners.get(channel, ()):
            self.feeds[node].on_change(channel, epoch, change)

    def want_counts(self) -> None:
        """Webhooks ask for something else now."""
        for feed in list(self.feeds.values()):
            feed.on_counts_wanted()
