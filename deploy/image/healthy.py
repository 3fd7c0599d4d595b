"""Whether the River in this container answers: the image's health check.

`river gateway` and `river dev` answer on RIVER_PORT, `river api` on RIVER_API_PORT; the first that
is open is asked. It asks /healthz: a gateway whose broker is away must keep its sockets, not be
restarted.
"""

import os
import socket
import sys

TIMEOUT_S = 3.0
# Twice that for both ports stays below the health check's own limit.
PORTS = (("RIVER_PORT", 8000), ("RIVER_API_PORT", 8001))
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def status_line(port: int) -> bytes | None:
    """The first line of the answer; None if nobody listens on this port."""
    try:
        connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
    except ConnectionRefusedError:
        return None
    with connection:
        connection.sendall(REQUEST)
        with connection.makefile("rb") as answer:
            return answer.readline(256)


def main() -> int:
    """0 is healthy, 1 is not; the reason goes to the container's health log."""
    for name, usual in PORTS:
        port = int(os.environ.get(name) or usual)
        try:
            line = status_line(port)
        except OSError as error:
            sys.stdout.write(f"port {port}: {error}\n")
            return 1
        if line is not None:
            sys.stdout.write(f"port {port}: {line.decode('latin-1').strip()}\n")
            return 0 if b" 200 " in line else 1
    sys.stdout.write("nobody listens on RIVER_PORT or RIVER_API_PORT\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
