"""A wire between one browser and a server, which a test can cut and mend."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

PIECE_BYTES = 65_536


class Wire:
    """Carries TCP connections to a port.

    Cut, it drops those it has and takes no others. Stalled, it holds what is sent, and nobody is
    told.
    """

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._whole = True
        self._flowing = threading.Event()
        self._flowing.set()
        self._ends: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        """Drop every connection, and each new one."""
        with self._lock:
            self._whole = False
            for end in self._ends:
                _shut(end)

    def stall(self) -> None:
        """Hold everything back."""
        self._flowing.clear()

    def mend(self) -> None:
        """Carry again: new connections, and what was held."""
        with self._lock:
            self._whole = True
        self._flowing.set()

    def close(self) -> None:
        """End it, and wait for its threads."""
        _shut(self._listener)
        self._listener.close()
        self.cut()
        self._flowing.set()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # The listener is closed.
            thread = threading.Thread(target=self._carry, args=(near,))
            self._threads.append(thread)
            thread.start()

    def _carry(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self._to_port)) as far:
            with self._lock:
                if not self._whole:
                    return
                self._ends |= {near, far}
            back = threading.Thread(target=self._pump, args=(far, near))
            back.start()
            self._pump(near, far)
            back.join()
            with self._lock:
                self._ends -= {near, far}

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while piece := source.recv(PIECE_BYTES):
                self._flowing.wait()
                sink.sendall(piece)
        except OSError:
            pass  # One side is gone, so the other goes too.
        _shut(source)
        _shut(sink)


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # It was down already.


@contextmanager
def wire_to(port: int) -> Generator[Wire]:
    """Lay a wire for the length of the block."""
    wire = Wire(port)
    try:
        yield wire
    finally:
        wire.close()
