"""What reads bodies of the publish API, and what processes announce to each other, for the fuzz."""

from collections.abc import Sequence
from contextlib import suppress

from riverd.api import requests as bodies
from riverd.api.endpoints.messages import message_to, messages_of
from riverd.broker.redis.delivery import deliver, deliver_to_all
from riverd.broker.redis.messages import ephemeral_body, member_body, publication_body, receipt_of
from riverd.channels.rules import ChannelRules
from riverd.errors import RiverError
from riverd.model.log import Change, Ephemeral, Member, Message, Publication
from riverd.model.orders import Order, Question

RULES = ChannelRules((), history_size=100, history_ttl_s=300)
MESSAGE_BYTES_MAX = 64 * 1024
DECODERS = (
    bodies.wanted_token,
    bodies.wanted_disconnect,
    bodies.wanted_replay,
    bodies.wanted_test,
    bodies.wanted_block,
    bodies.no_fields,
)
API_BODIES = [
    b'{"channel":"c","event":"e","data":{"a":[1,2.5e3,"x",null]},"id":"k","keep":false}',
    b'{"channels":["c","presence-d"],"eventName":"e","data":"\\u00e9","exclude":"s"}',
    b'{"messages":[{"channel":"c","event":"e","data":1},{"channel":"d","event":"e","data":[]}]}',
    b'{"user":"u","ttl_s":60,"subscribe":["a-*"],"publish":[],"channels":["x"],"info":{"n":1}}',
    b'{"revoke":true}',
    b'{"until":1.5e9}',
    b'{"webhook":"w","ids":["1"],"limit":3}',
]
MESSAGE = Message("c", "e", b'{"a":1}', "k", "u", exclude="s")
ANNOUNCED = [
    b"p:epoch:12:" + publication_body(MESSAGE),
    b"p2:epoch:12:" + ephemeral_body(MESSAGE),
    b"e2:epoch:12:" + ephemeral_body(MESSAGE),
    b"j:epoch:3:" + member_body(Member("u", b'{"n":1}')),
    b"l:epoch:4:u",
    b"n:::",
]


class _Nobody:
    """Takes whatever is announced."""

    def on_publication(self, channel: str, epoch: str, publication: Publication) -> None:
        """Nothing follows from it."""

    def on_ephemeral(self, channel: str, epoch: str, *, event: Ephemeral) -> None:
        """Nothing follows from it."""

    def on_change(self, channel: str, epoch: str, change: Change) -> None:
        """Nothing follows from it."""

    def on_order(self, order: Order) -> None:
        """Nothing follows from it."""

    def on_question(self, question: Question) -> None:
        """Nothing follows from it."""

    def on_interrupted(self) -> None:
        """Nothing follows from it."""

    def on_presence_lost(self) -> None:
        """Nothing follows from it."""

    def on_counts_wanted(self) -> None:
        """Nothing follows from it."""

    def on_recounted(self, channel: str) -> None:
        """Nothing follows from it."""

    def on_users_recounted(self, users: Sequence[str]) -> None:
        """Nothing follows from it."""


NOBODY = _Nobody()


def read_api_body(data: bytes) -> None:
    """A body, as each of the endpoints reads it."""
    limit, data = MESSAGE_BYTES_MAX, bodies.check_text(data)
    with suppress(RiverError):
        wanted = bodies.decoded(bodies.publish, data)
        messages_of(wanted, RULES, message_bytes_max=limit, by=None)
    with suppress(RiverError):
        message_to("u", bodies.decoded(bodies.user_publish, data), message_bytes_max=limit)
    with suppress(RiverError):
        for one in bodies.decoded(bodies.batch, data).messages:
            with suppress(RiverError):
                wanted = bodies.decoded(bodies.publish, one)
                messages_of(wanted, RULES, message_bytes_max=limit, by=None)
    for decoder in DECODERS:
        with suppress(RiverError):
            bodies.decoded(decoder, data)


def read_announcement(data: bytes) -> None:
    """What a server announces, in a channel and to all nodes, and what it answers."""
    for read in (_in_a_channel, _to_all, receipt_of):
        # Nobody but River writes there: what cannot be read ends the connection.
        with suppress(ValueError):
            read(data)


def _in_a_channel(data: bytes) -> None:
    deliver("c", data, listener=NOBODY)


def _to_all(data: bytes) -> None:
    deliver_to_all(data, NOBODY)
