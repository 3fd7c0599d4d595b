"""Standard error as a log's file: what cannot be written there is dropped, and never an error."""

import io
import os
from contextlib import suppress

STANDARD_ERROR = 2


class LogStream(io.TextIOBase):
    """Writes each text at once. A closed pipe or a full disk costs lines, not the process.

    An exception out of a log line would end the background task that wrote it. `dropped` counts
    the texts that were lost.
    """

    def __init__(self, descriptor: int = STANDARD_ERROR) -> None:
        self._descriptor = descriptor
        self.dropped = 0
        with suppress(OSError):
            _reserve(descriptor)

    def write(self, text: str) -> int:
        """Write all of it, or count it as dropped."""
        left = text.encode(errors="backslashreplace")
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            self.dropped += 1
        return len(text)

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether a person reads along."""
        return os.isatty(self._descriptor)


def _reserve(descriptor: int) -> None:
    """Open nothing at this number if it is free: a connection of the process would get it."""
    try:
        os.fstat(descriptor)
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        if nothing != descriptor:
            os.dup2(nothing, descriptor)
            os.close(nothing)
