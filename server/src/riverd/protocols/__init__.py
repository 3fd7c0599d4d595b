"""How clients speak with River: one room a protocol, and what every protocol has to have."""

from riverd.protocols.interface import (
    ADDRESS,
    ORIGIN,
    QUOTA,
    ChannelCommand,
    ClientIdentity,
    ClientProtocol,
    ProtocolPath,
    TurnedAway,
)

__all__ = [
    "ADDRESS",
    "ORIGIN",
    "QUOTA",
    "ChannelCommand",
    "ClientIdentity",
    "ClientProtocol",
    "ProtocolPath",
    "TurnedAway",
]
