"""Ports of this machine's loopback, as the containers of one network reach them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

PART_BYTES = 65_536
IDLE_S_MAX = 60.0


@contextmanager
def doorway(host: str, port: int) -> Iterator[int]:
    """A port of `host`, this machine's address in a network, that leads to one of loopback."""
    with socket.create_server((host, 0)) as listening:
        threading.Thread(target=_serve, args=(listening, port), daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            # Whoever waits for clients is woken by that.
            listening.shutdown(socket.SHUT_RDWR)


def _serve(listening: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_join, args=(client, port), daemon=True).start()


def _join(client: socket.socket, port: int) -> None:
    with closing(client), suppress(OSError), socket.create_connection(("127.0.0.1", port)) as there:
        for one in (client, there):
            one.settimeout(IDLE_S_MAX)
        back = threading.Thread(target=_pass, args=(there, client), daemon=True)
        back.start()
        _pass(client, there)
        back.join(IDLE_S_MAX)


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(PART_BYTES):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
