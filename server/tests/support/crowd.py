"""A hub, and channels with many subscribers."""

from river_wire import Client, session_of

from riverd.channels.rules import ChannelRules
from riverd.core.channel import Channel
from riverd.core.fanout import WRITES_MAX
from riverd.core.hub import Hub
from riverd.core.session import Session
from riverd.model.commands import Subscribe
from riverd.model.log import Position, Publication, Roster, Tail

MANY = 2 * WRITES_MAX + 500
RULES = ChannelRules(history_size=0, history_ttl_s=60)
KEPT = ChannelRules(history_size=50, history_ttl_s=60)


class Crowd:
    """See the module."""

    def __init__(self, rules: ChannelRules = RULES, writes_max: int = WRITES_MAX) -> None:
        self.hub = Hub(rules, part_bytes_max=10_000, writes_max=writes_max)
        self.clients: list[Client] = []
        self.sessions: list[Session] = []

    def open(self, name: str, count: int, *, roster: Roster | None = None) -> Channel:
        channel = self.hub.open(name, Tail(Position("e1", 0)), roster=roster, now=0)
        for _ in range(count):
            client = Client()
            session = session_of(client)
            session.id = f"s{len(self.sessions)}"
            client.on_full = lambda session=session: self.hub.block(session)
            self.clients.append(client)
            self.sessions.append(session)
            self.enter(session, channel)
        self.flush()
        self.forget()
        return channel

    def enter(self, session: Session, channel: Channel) -> None:
        subscription = self.hub.subscribe(session, Subscribe(1, channel.name), member=None)
        self.hub.admit(subscription, channel, reply=b"", after=channel.log.offset)

    def publish(self, channel: Channel, data: bytes = b"1", exclude: str | None = None) -> None:
        publication = Publication(channel.log.offset + 1, "e", data, exclude=exclude)
        assert self.hub.append(channel, publication, now=0)

    def flush(self, now: float = 0) -> None:
        while self.hub.flush(now).more:
            pass

    def turn(self) -> int:
        """One flush: how many writes that is."""
        before = sum(client.writes for client in self.clients)
        self.hub.flush(0)
        return sum(client.writes for client in self.clients) - before

    def has(self, channel: str) -> bool:
        """Whether somebody has an event of a channel."""
        return any(client.events(channel) for client in self.clients)

    def forget(self) -> None:
        for client in self.clients:
            client.told.clear()
