"""A TCP proxy that forgets connections: they stay open, and nothing passes any more."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class MuteProxy:
    """Between a function and its Redis, as a network that lost track of a connection."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.accepted = 0
        self._ends: list[socket.socket] = []
        self._forgotten: set[int] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def forget(self) -> None:
        """Of all connections that there are, nothing passes from now on."""
        self._forgotten.update(range(self.accepted))

    def close(self) -> None:
        for end in (self._listening, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._target_port))
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    args = (one, other, self.accepted)
                    self._threads.append(
                        threading.Thread(target=self._pipe, args=args, daemon=True)
                    )
                    self._threads[-1].start()
                self.accepted += 1

    def _pipe(self, source: socket.socket, sink: socket.socket, number: int) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if number not in self._forgotten:
                    sink.sendall(data)


@contextmanager
def mute_proxy(target_port: int) -> Iterator[MuteProxy]:
    proxy = MuteProxy(target_port)
    try:
        yield proxy
    finally:
        proxy.close()
