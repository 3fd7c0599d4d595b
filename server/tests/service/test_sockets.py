"""What the kernel keeps for a connection."""

import socket
from contextlib import suppress

import pytest

from riverd.errors import SettingsError
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


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b"])
@pytest.mark.parametrize(
    ("variable", "named"), [("RIVER_PORT", "RIVER_HOST"), ("RIVER_API_PORT", "RIVER_API_HOST")]
)
def test_host_that_is_not_of_this_machine_is_told_by_the_name_of_its_setting(
    host: str, variable: str, named: str
) -> None:
    with pytest.raises(SettingsError, match=rf"^{named}: cannot listen on {host}:0: "):
        bound_socket(host, 0, variable=variable)
