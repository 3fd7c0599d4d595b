"""How clients speak: what comes as bytes, what goes out as frames, what each may do."""

from riverd.protocols.interface import ChannelCommand, ClientProtocol

__all__ = ["ChannelCommand", "ClientProtocol"]
