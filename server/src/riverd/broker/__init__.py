"""What stands between publishers and gateways: the interface, and its implementations."""

from riverd.broker.interface import Broker, Feed

__all__ = ["Broker", "Feed"]
