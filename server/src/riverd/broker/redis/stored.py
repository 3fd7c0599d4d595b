"""Reading what is stored at the broker, where others may have written as well.

What River did not write must not end background work, and is no fault of the program: it is one of
the broker's, and the call can be made again.
"""

import msgspec

from riverd.errors import BrokerError


class UnreadableError(BrokerError):
    """The broker has something that River did not write, or not all of what it wrote."""


class _Reading:
    """A block that decodes what is stored: what cannot be decoded is an UnreadableError."""

    def __enter__(self) -> None:
        """Nothing is kept: one object serves all."""

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        error = raised[0]
        # Without its text: there it may have what was published.
        if isinstance(error, ValueError | msgspec.MsgspecError):
            raise UnreadableError(
                f"the broker has what River did not write: {type(error).__name__}"
            ) from error


READING = _Reading()
