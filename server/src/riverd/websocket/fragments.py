"""A message that comes in several frames (RFC 6455, section 5.4)."""

from picows import WSFrame, WSMsgType


class FragmentedMessage:
    """The fragments so far, in one array: a tiny fragment costs its bytes and no object.

    The caller sees to the order of frames, and to the limit of the message's size.
    """

    __slots__ = ("count", "kind", "payload")

    def __init__(self, kind: WSMsgType) -> None:
        self.kind = kind
        self.payload = bytearray()
        self.count = 0

    def append(self, frame: WSFrame) -> None:
        """Take one more fragment, the first one too."""
        self.payload += frame.get_payload_as_memoryview()
        self.count += 1
