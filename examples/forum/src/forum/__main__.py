"""The command that serves the forum: `python -m forum`."""

import logging
import signal
import socket
import sys
from types import FrameType

from waitress import serve

from forum.app import create_app
from forum.settings import ForumSettingsError, from_process

THREADS = 8


def main() -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for chatty in ("httpx", "waitress"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        settings = from_process(sys.argv[1:])
    except ForumSettingsError as problem:
        sys.stderr.write(f"forum: {problem}\n")
        sys.exit(2)
    signal.signal(signal.SIGTERM, _stop)
    try:
        listener = socket.create_server((settings.host, settings.port))
    except OSError as problem:
        place = f"{settings.host}:{settings.port}"
        sys.stderr.write(
            f"forum: cannot listen on {place}: {problem.strerror}. "
            "Choose another port with --port or FORUM_PORT\n"
        )
        sys.exit(2)
    port = listener.getsockname()[1]
    river = f"live with River at {settings.river.url}" if settings.river else "without River"
    sys.stdout.write(
        f"  The forum     http://{settings.host}:{port}/\n"
        f"                ({river}; open it in two windows)\n\n"
    )
    sys.stdout.flush()
    serve(create_app(settings), sockets=[listener], threads=THREADS)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
