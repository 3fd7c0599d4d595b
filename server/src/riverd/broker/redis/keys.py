"""The names of River's keys. What belongs to one channel is in one slot of a cluster."""

from riverd.channels.names import CONTROL

PREFIX = "river:"
NODES = f"{PREFIX}{{nodes}}"
CLAIMS = f"{PREFIX}{{nodes}}:claims"
RULES = f"{PREFIX}{{nodes}}:rules"
"""The digests of the processes' channel rules, each with the time until which it counts."""
REMAKING = f"{PREFIX}{{nodes}}:remaking"
"""Nodes that make their presence entries again, each with the time until which that counts."""
NODE_NAMES = f"{PREFIX}{{nodes}}:names"
"""The nodes that are connected, each with the time until which it counts."""
NODES_SEEN = f"{PREFIX}{{nodes}}:seen"
"""The nodes of the last day, each with the time at which it was connected last."""
TERM = f"{PREFIX}{{nodes}}:term"
"""As what the data was opened, and in which history: see `healing/process.py`."""
SIGNS = f"{PREFIX}{{nodes}}:signs"
"""The processes that publish or deliver, each with the time of its last sign of life."""
ANSWERED = f"{PREFIX}{{nodes}}:answered"
"""The same, each with the server's time in the last answer that it got."""
ROUND = f"{PREFIX}{{nodes}}:round"
"""Whose round it is, while what was lost is restored."""
OFFERS = f"{PREFIX}{{nodes}}:offers"
"""What processes have offered to the round."""
PROBE = f"{PREFIX}{{nodes}}:probe"
"""Written to find out whether writes are taken."""
PROBE_FEED = f"{PREFIX}{{nodes}}:probe:feed"
"""Nobody subscribes to it: a message there finds out whether messages are taken."""


def log_meta(channel: str) -> str:
    """A log's epoch and offset."""
    return f"{PREFIX}{{{channel}}}:meta"


def log(channel: str) -> str:
    """A log's publications: a stream whose entries' ids are their offsets."""
    return f"{PREFIX}{{{channel}}}:log"


def last(channel: str) -> str:
    """The newest publication, where it outlives the log: a stream of one entry."""
    return f"{PREFIX}{{{channel}}}:last"


def log_keys(channel: str, *, keeps_last: bool = False) -> tuple[str, str, str]:
    """All of a log.

    Without a newest publication that outlives it, the log itself stands for that: a key that is not
    there would have a cluster refuse the scripts while it moves the slot (TRYAGAIN).
    """
    return log_meta(channel), log(channel), last(channel) if keeps_last else log(channel)


def seen(channel: str, key: str) -> str:
    """The position of the publication that had an idempotency key."""
    return f"{PREFIX}{{{channel}}}:key:{key}"


def standings(kind: str) -> tuple[str, str]:
    """Revocations or blocks by user, and when each ends: in the slot of the control log."""
    head = f"{PREFIX}{{{CONTROL}}}:{kind}"
    return head, f"{head}:ends"


def tab(key: str) -> str:
    """The cursors of a page's connections."""
    return f"{PREFIX}{{#tab:{key}}}:cursors"


def answers(asked: str) -> str:
    """What nodes answered to a question."""
    return f"{PREFIX}{{{asked}}}:answers"


class FeedNames:
    """The names of what is announced. Pub/sub knows no databases: so the names do."""

    def __init__(self, database: int) -> None:
        self._end = f":feed:{database}" if database else ":feed"
        self.control = f"{PREFIX}control:{database}" if database else f"{PREFIX}control"

    def name(self, channel: str) -> str:
        """Where a channel's publications and changes are announced."""
        return f"{PREFIX}{{{channel}}}{self._end}"

    @staticmethod
    def channel(name: bytes) -> str:
        """The channel whose feed this is."""
        return name[len(PREFIX) + 1 : name.index(b"}")].decode()


def member_keys(channel: str) -> list[str]:
    """A list of members: its version, the members, on how many nodes each is."""
    head = f"{PREFIX}{{{channel}}}:members"
    return [f"{head}:meta", head, f"{head}:seats"]


def node_entries(channel: str, node: str) -> str:
    """A channel's presence entries on a node: users who are connected there."""
    return f"{PREFIX}{{{channel}}}:members:node:{node}"


def node_channels(node: str) -> str:
    """The channels in which a node has, or had, presence entries."""
    return f"{PREFIX}{{{node}}}:seated"


def counts(node: str) -> str:
    """How many connections of a node are subscribed to which channel."""
    return f"{PREFIX}{{{node}}}:counts"


def user_counts(node: str) -> str:
    """How many connections of a node each user has, where clients are shown who is connected."""
    return f"{PREFIX}{{{node}}}:users"


# Webhooks. `tag` is a hash tag in the slot of what the events are about: see `webhook_tags.py`.

WEBHOOKS = "webhooks"
"""The tag of all queues where there is one server, and of what belongs to no slot."""
WEBHOOK_SENDERS = f"{PREFIX}{{{WEBHOOKS}}}:senders"
WEBHOOKS_WANTED = f"{PREFIX}{{{WEBHOOKS}}}:wanted"
"""What senders have nodes write events for, each with the time until which it counts."""
WEBHOOK_NOTES = f"{PREFIX}{{{WEBHOOKS}}}:notes"
"""What senders report of their webhooks."""


def webhook_queues(tag: str) -> str:
    """How full the queues of a slot are."""
    return f"{PREFIX}{{{tag}}}:webhooks"


def webhook_queue(tag: str, webhook: str) -> str:
    """What waits for a webhook: a stream."""
    return f"{PREFIX}{{{tag}}}:webhooks:queue:{webhook}"


def webhook_dead(tag: str, webhook: str) -> str:
    """What could not be delivered: a stream."""
    return f"{PREFIX}{{{tag}}}:webhooks:dead:{webhook}"


def webhook_lease(webhook: str) -> str:
    """Who sends for a webhook."""
    return f"{PREFIX}{{{WEBHOOKS}}}:lease:{webhook}"


def webhook_histories(webhook: str) -> str:
    """The histories of the servers' data that a webhook's events were written in."""
    return f"{PREFIX}{{{WEBHOOKS}}}:histories:{webhook}"


def webhook_written(webhook: str) -> str:
    """The tags of queues that something may have been written to."""
    return f"{PREFIX}{{{WEBHOOKS}}}:written:{webhook}"


def subscribed_nodes(channel: str) -> str:
    """The nodes that have subscribers of a channel, or connections of a user, with how many."""
    return f"{PREFIX}{{{channel}}}:nodes"


def missed(channel: str) -> str:
    """It was said that a channel without a last event has a subscriber."""
    return f"{PREFIX}{{{channel}}}:missed"


def counted_channels(node: str) -> str:
    """The channels and users that a node has counted for webhooks."""
    return f"{PREFIX}{{{node}}}:counted"
