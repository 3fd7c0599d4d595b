"""A stream of events as the doctor reads it."""

import http.client
import socket
import time

from riverd.commands.doctor.line import Silent

READ_BYTES = 65_536
KEPT_BYTES = 262_144


class StreamProbe:
    """One GET of /events. Blocking; every wait has a limit."""

    def __init__(self, link: http.client.HTTPConnection, path: str, *, token: str) -> None:
        """Ask for what the path names.

        Raises:
            OSError, http.client.HTTPException: it was not answered; TimeoutError: not in time.
        """
        self._link = link
        # The connection drops it when it has read the head of a stream.
        self._socket: socket.socket = link.sock
        self._body = b""
        try:
            link.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            self.answer = link.getresponse()
        except BaseException:
            self.close()
            raise

    @property
    def headers(self) -> dict[str, str]:
        """Those of the answer, names in lower case."""
        return {name.lower(): value for name, value in self.answer.getheaders()}

    @property
    def comments(self) -> int:
        """How many comments came in silence."""
        return self._body.count(b"\n:") + self._body.startswith(b":")

    def wait_for(self, text: bytes, *, within_s: float) -> None:
        """Read until a text has come.

        Raises:
            Silent: it did not come in time.
            EOFError: the stream has ended.
        """
        deadline = time.monotonic() + within_s
        while text not in self._body:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise Silent
            self._socket.settimeout(left_s)
            try:
                data = self.answer.read1(READ_BYTES)
            except TimeoutError:
                raise Silent from None
            except (OSError, http.client.HTTPException) as error:
                raise EOFError(str(error)) from None
            if not data:
                raise EOFError("the answer has ended")
            self._body = (self._body + data)[-KEPT_BYTES:]

    def close(self) -> None:
        """End it."""
        self._link.close()
        self._socket.close()
