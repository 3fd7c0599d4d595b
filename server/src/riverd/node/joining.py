"""The channels that a token has the server subscribe its client to (contract, "Users")."""

from riverd.core.session import Session
from riverd.model.commands import Authenticate, Subscribe


def to_join(session: Session, command: Authenticate) -> list[Subscribe]:
    """What is to be subscribed since a token was accepted: from where the client says it stands."""
    claims = session.claims
    if claims is None or not claims.join or not session.protocol.joins_channels:
        return []
    positions = command.positions or {}
    return [
        Subscribe(None, channel, positions.get(channel))
        for channel in dict.fromkeys(claims.join)
        if channel not in session.subscriptions
    ]


def is_joined(session: Session, channel: str) -> bool:
    """Whether the server has subscribed the client to a channel."""
    return (
        channel in session.subscriptions
        and session.claims is not None
        and channel in session.claims.join
    )
