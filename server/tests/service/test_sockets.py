"""What the kernel keeps for a connection."""

import socket
from contextlib import suppress

from riverd.service.sockets import RECEIVE_BUFFER_BYTES, SEND_BUFFER_BYTES, bound_socket


def test_kernel_keeps_little_for_a_client_that_reads_nothing() -> None:
    with bound_socket("127.0.0.1", 0) as listening:
        client = socket.create_connection(listening.getsockname())
        listening.setblocking(True)
        accepted, _ = listening.accept()
    with client, accepted:
        # The kernel counts its records of each packet: twice what is set.
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * SEND_BUFFER_BYTES
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * RECEIVE_BUFFER_BYTES
        accepted.setblocking(False)
        written = 0
        with suppress(BlockingIOError):
            while written < 64 * SEND_BUFFER_BYTES:
                written += accepted.send(bytes(65_536))
    # The client's own buffer is as large as it was when it connected.
    assert written < 8 * SEND_BUFFER_BYTES
