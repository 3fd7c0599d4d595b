"""The JSON objects that the API answers with."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from riverd.http.json_errors import Error
from riverd.model.facts import NodeState, SessionFacts, Stretch, TraceLine
from riverd.model.log import Receipt
from riverd.model.orders import DepartedNode

Epoch = Annotated[str, Meta(description="Which log: a new epoch is a log begun again.")]
Offset = Annotated[int, Meta(description="The place in the log; offsets rise by one.")]

AfterOffset = Annotated[int, Meta(description="The offset that an event without `keep` follows.")]


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one message.

    Either its position (or the one that it follows, if it is not kept), or the results of its
    `channels` in their order, or an error.
    """

    epoch: Epoch | UnsetType = UNSET
    offset: Offset | UnsetType = UNSET
    after: AfterOffset | UnsetType = UNSET
    results: "list[Result] | UnsetType" = UNSET
    error: Error | UnsetType = UNSET


class Results(msgspec.Struct, frozen=True):
    """What became of each message, in their order."""

    results: list[Result]


class Accepted(msgspec.Struct, frozen=True):
    """The same as `Results`, when every message was accepted: made of what the broker gave."""

    results: list[Receipt]


class Counted(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many connections hear a channel; on a presence channel also how many users."""

    subscribers: int
    users: int | UnsetType = UNSET


class ChannelList(msgspec.Struct, frozen=True, omit_defaults=True):
    """The channels that anybody hears, by name; with a limit there may be more."""

    channels: dict[str, Counted]
    more: bool = False


class ChannelState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A channel's counts, and where its log stands."""

    channel: str
    subscribers: int
    epoch: Epoch
    offset: Offset
    users: int | UnsetType = UNSET


class ShownPolicy(msgspec.Struct, frozen=True):
    """What holds for a channel. `rule` is the glob of the rule that decides, null for none.

    For `last_ttl_s` the newest publication outlives the window; 0: it does not.
    """

    channel: str
    rule: str | None
    access: str
    presence: bool
    client_publish: bool
    history_size: int
    history_ttl_s: float
    history_bytes: int
    last_ttl_s: float


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One publication; `user` is the client that made it, if a client did."""

    offset: Offset
    event: str
    data: Raw
    user: str | UnsetType = UNSET


class History(msgspec.Struct, frozen=True):
    """A part of a channel's log, oldest first, and where the log stands."""

    channel: str
    epoch: Epoch
    offset: Offset
    publications: list[Entry]


class Present(msgspec.Struct, frozen=True, omit_defaults=True):
    """A user in a channel, with the info of its token if that has one."""

    user: str
    info: Raw | UnsetType = UNSET


class Presence(msgspec.Struct, frozen=True):
    """All members of a channel."""

    channel: str
    count: int
    members: list[Present]


Reached = Annotated[int, Meta(description="How many connections it has reached so far.")]
Unanswered = Annotated[
    list[str], Meta(description="Nodes that have not said so yet: they follow when they can.")
]


class Connected(msgspec.Struct, frozen=True):
    """A connection of a user: its session, its node, since when (unix seconds), its channels.

    `client` is what it calls itself: its library where that says so, and its `User-Agent`.
    """

    session: str
    node: str
    since: float
    channels: list[str]
    client: str = ""
    channels_more: Annotated[int, Meta(description="Further channels, which are not listed.")] = 0


class UserState(msgspec.Struct, frozen=True):
    """A user's connections, the oldest first."""

    user: str
    connections: list[Connected]
    unanswered: Annotated[list[str], Meta(description="Nodes that did not answer in time.")]
    more: Annotated[int, Meta(description="Further connections, which are not listed.")] = 0


class Traced(msgspec.Struct, frozen=True):
    """What a trace has found since `after`: ask again with `id` and `after`, within ten seconds."""

    id: str
    after: str
    lines: list[TraceLine]


class UserList(msgspec.Struct, frozen=True):
    """Connected users by name, with how many connections each has; there may be more."""

    users: dict[str, int]
    more: bool
    unanswered: Annotated[list[str], Meta(description="Nodes that did not answer in time.")]


class NodeList(msgspec.Struct, frozen=True):
    """All gateway processes, and those of the last day that are gone.

    `rules` and `version` are those of the API that answers.
    """

    nodes: list[NodeState]
    unanswered: Annotated[list[str], Meta(description="Nodes that did not answer in time.")]
    gone: list[DepartedNode]
    rules: str
    version: str
    broker_evicts: Annotated[
        str, Meta(description="The policy by which a full broker drops logs; empty if it does not.")
    ]


class Access(msgspec.Struct, frozen=True):
    """What the key may do that was sent."""

    writes: bool


class Judged(msgspec.Struct, frozen=True):
    """What became of a publication for one subscription of a user.

    `at` is when that subscription began, or ended, in unix seconds.
    """

    reason: str
    sentence: str
    node: str
    session: SessionFacts | None
    at: float
    subscription: Stretch | None = None


class Explanation(msgspec.Struct, frozen=True):
    """Why a user did not get a publication, or that it did: a sentence, and what it rests on.

    `published_at` is in unix seconds, null if nobody knows. `notes` say what may be so without
    anybody here knowing it.
    """

    user: str
    channel: str
    epoch: Epoch
    offset: Offset
    reason: str
    sentence: str
    published_at: float | None
    subscriptions: list[Judged]
    notes: list[str]
    unanswered: Annotated[list[str], Meta(description="Nodes that did not answer in time.")]
    gone: Annotated[list[str], Meta(description="Nodes of the last day that are gone.")]


class Disconnected(msgspec.Struct, frozen=True):
    """All nodes are ordered to close the user's connections."""

    user: str
    reached: Reached
    unanswered: Unanswered


class Blocked(msgspec.Struct, frozen=True):
    """The user is refused on all nodes until then (unix seconds; null is for good)."""

    user: str
    until: float | None
    reached: Reached
    unanswered: Unanswered


class Unblocked(msgspec.Struct, frozen=True):
    """The user is not blocked any more."""

    user: str


class BlockedUser(msgspec.Struct, frozen=True):
    """A user who is refused, and until when (unix seconds; null is for good)."""

    user: str
    until: float | None


class Blocks(msgspec.Struct, frozen=True):
    """Users who are blocked, by name. With `more` there are others after the last one's name."""

    blocks: list[BlockedUser]
    more: bool


class Removed(msgspec.Struct, frozen=True):
    """All nodes are ordered to end the user's subscriptions to the channel."""

    user: str
    channel: str
    reached: Reached
    unanswered: Unanswered


class Drained(msgspec.Struct, frozen=True):
    """The node of this name is ordered to move its clients."""

    node: str
    asked: bool
    reached: Reached
    unanswered: Unanswered


class Token(msgspec.Struct, frozen=True):
    """A token, and when it ends in unix seconds."""

    token: str
    expires_at: int


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the service is."""

    status: str
    warning: Annotated[str, Meta(description="What will not go well for long.")] = ""


UnixMs = Annotated[int, Meta(description="In unix milliseconds.")]


class WebhookState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A webhook: what it asks for, what waits for it, how its requests went lately.

    `form` is `river` or `pusher`; `app` the Pusher app whose webhook it is. `url` is without its
    query. `attempts` is how often requests failed since one succeeded, `dead` how many events were
    given up and can be replayed, `overflows` how often more waited than may wait.
    """

    webhook: str
    url: str
    form: str
    events: list[str]
    channels: str
    waiting: int
    waiting_bytes: int
    dead: int
    overflows: int
    attempts: int
    app: str | None = None
    oldest_at_ms: UnixMs | None = None
    delivered_at_ms: UnixMs | None = None
    failed_at_ms: UnixMs | None = None
    error: str | None = None


class WebhookList(msgspec.Struct, frozen=True):
    """All webhooks that this process knows."""

    webhooks: list[WebhookState]


class DeadWebhookEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event that could not be delivered, when it was written and given up, and why."""

    id: str
    type: str
    time_ms: UnixMs
    dead_at_ms: UnixMs
    error: str
    channel: str | None = None
    user: str | None = None


class DeadWebhookEvents(msgspec.Struct, frozen=True):
    """What a webhook could not deliver, the oldest first."""

    webhook: str
    dead: list[DeadWebhookEvent]


class Replayed(msgspec.Struct, frozen=True):
    """How many events are sent again, behind all that waits."""

    webhook: str
    events: int
