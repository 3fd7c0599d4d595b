"""What may arrive before a token: little, and little of it is kept."""

import asyncio
import math
from collections.abc import Callable

import msgspec

from riverd.websocket.small_frames import SmallFrame, Violation, early_frame


class EarlyLimits(msgspec.Struct, frozen=True):
    """What clients without a token may send, each of them and all together."""

    message_bytes_max: int = 16_896
    """One message: a token of the largest size fits in."""
    received_bytes_max: int = 65_536
    """Bytes of all kinds: not faster than so many in `received_s`, after as many at once."""
    received_s: float = 25.0
    kept_bytes_max: int = 8_388_608
    """Parts of frames that all these clients together make the process keep."""

    @classmethod
    def up_to(cls, message_bytes_max: int) -> "EarlyLimits":
        """The limits where no message at all may be larger than this."""
        usual = cls()
        return cls(message_bytes_max=min(usual.message_bytes_max, message_bytes_max))


class EarlyInputs:
    """All clients without a token that have begun a frame, the one first that did so first."""

    def __init__(self, limits: EarlyLimits) -> None:
        self.limits = limits
        self.kept_bytes = 0
        self._keeping: dict[EarlyInput, None] = {}

    def keep(self, early: "EarlyInput", size: int) -> None:
        """Count what one keeps. If it is too much, those that kept something longest go.

        Honest clients take no time, so those that fill the room with others do not shut them out.
        """
        self._keeping[early] = None
        self.kept_bytes += size
        while self.kept_bytes > self.limits.kept_bytes_max:
            next(iter(self._keeping)).evict()

    def discard(self, early: "EarlyInput", size: int) -> None:
        """Count what one keeps no more."""
        self._keeping.pop(early, None)
        self.kept_bytes -= size


class EarlyInput:
    """The input of one client without a token: unfragmented frames of a small size.

    The owner calls `discard` at the end. `on_evicted` is called when others need the room.
    """

    __slots__ = (
        "_all",
        "_on_evicted",
        "_partial",
        "_received",
        "_received_since",
        "message_bytes_max",
    )

    def __init__(self, inputs: EarlyInputs, on_evicted: Callable[[], None]) -> None:
        self.message_bytes_max = inputs.limits.message_bytes_max
        self._all = inputs
        self._on_evicted = on_evicted
        self._partial = b""
        self._received = 0
        self._received_since = -math.inf

    def take(self, data: memoryview) -> memoryview | None:
        """What there is to look at: what was kept before, and what arrived now.

        None if this client sends more than it may.
        """
        limits = self._all.limits
        self._received += len(data)
        if self._received > limits.received_bytes_max:
            now = asyncio.get_running_loop().time()
            if now - self._received_since < limits.received_s:
                return None
            self._received, self._received_since = len(data), now
        if not self._partial:
            return data
        joined = memoryview(self._partial + data)
        self.discard()
        return joined

    def frame(self, data: memoryview, at: int) -> SmallFrame | Violation | None:
        """See `early_frame`."""
        return early_frame(data, at, payload_bytes_max=self.message_bytes_max)

    def keep(self, rest: memoryview) -> None:
        """Keep a part of a frame until there is more of it."""
        if rest:
            self._partial = bytes(rest)
            self._all.keep(self, len(rest))

    def discard(self) -> None:
        """Keep nothing any more."""
        if self._partial:
            self._all.discard(self, len(self._partial))
            self._partial = b""

    def evict(self) -> None:
        """Make room for others."""
        self.discard()
        self._on_evicted()
