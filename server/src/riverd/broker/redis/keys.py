"""The names of River's keys. What belongs to one channel is in one slot of a cluster."""

from riverd.channels import CONTROL

PREFIX = "river:"
NODES = f"{PREFIX}{{nodes}}"
CLAIMS = f"{PREFIX}{{nodes}}:claims"
RULES = f"{PREFIX}{{nodes}}:rules"
"""The digests of the processes' channel rules, each with the time until which it counts."""
NODE_NAMES = f"{PREFIX}{{nodes}}:names"
"""The nodes that are connected, each with the time until which it counts."""
NODES_SEEN = f"{PREFIX}{{nodes}}:seen"
"""The nodes of the last day, each with the time at which it was connected last."""
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
