"""Hands what a server announces to the node: to a channel's feed, or to all nodes."""

from riverd.broker.interface import Feed
from riverd.broker.redis import messages
from riverd.broker.redis.counting import USERS_RECOUNTED, users_recounted
from riverd.model.log import Change, Ephemeral, Publication
from riverd.model.orders import Order, OrderKind, question_of


def deliver(channel: str, message: bytes, *, listener: Feed) -> None:
    """What was announced in a channel. What a newer River announces is skipped."""
    kind, epoch, offset, body = message.split(b":", 3)
    if kind == b"n":
        listener.on_recounted(channel)
        return
    entry = messages.announced(kind, offset, body=body)
    if isinstance(entry, Publication):
        listener.on_publication(channel, epoch.decode(), entry)
    elif isinstance(entry, Ephemeral):
        listener.on_ephemeral(channel, epoch.decode(), event=entry)
    elif isinstance(entry, Change):
        listener.on_change(channel, epoch.decode(), entry)


def deliver_to_all(message: bytes, listener: Feed) -> None:
    """What was announced to all nodes. Anything else comes from a newer River."""
    kind, _, rest = message.partition(b":")
    if kind == b"q":
        listener.on_question(question_of(rest))
    elif kind == USERS_RECOUNTED:
        listener.on_users_recounted(users_recounted(rest))
    elif kind == b"d":
        listener.on_order(Order("", OrderKind.DISCONNECT, user=rest.decode()))
    elif kind == b"n":
        listener.on_order(Order("", OrderKind.DRAIN, node=rest.decode()))
