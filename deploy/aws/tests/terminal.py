"""A command in a terminal of its own, as a person sits before it: what it shows, what is typed."""

import fcntl
import os
import pty
import re
import subprocess
import termios
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

WAIT_S_MAX = 600.0
CTRL_C = "\x03"
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """The command runs, until it `ends`."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self._shown = bytearray()
        self._news = threading.Condition()
        self._screen, inside = pty.openpty()
        self._process = subprocess.Popen(
            command,
            env={**environment, "TERM": "xterm"},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            # Without a controlling terminal Ctrl-C would be a letter like others.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  no locks here
        )
        os.close(inside)
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    @property
    def shown(self) -> str:
        """All that it has shown so far, without colours and movements."""
        text = _CONTROLS.sub("", self._shown.decode(errors="replace"))
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def until(self, words: str) -> None:
        """Wait until it shows these words."""
        deadline = time.monotonic() + WAIT_S_MAX
        with self._news:
            while not re.search(words, self.shown):
                assert self._reading.is_alive(), f"it ended without {words!r}:\n{self.shown}"
                assert time.monotonic() < deadline, f"{words!r} did not come:\n{self.shown}"
                self._news.wait(1)

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C until it ends, as a person does.

        Python sees a signal before or during a read, not in the moment between the two.
        """
        deadline = time.monotonic() + WAIT_S_MAX
        while self._reading.is_alive() and time.monotonic() < deadline:
            with suppress(OSError):  # It has just ended.
                self.type(CTRL_C)
            self._reading.join(2)

    def ends(self) -> int:
        """Wait for its end: its exit code."""
        code = self._process.wait(WAIT_S_MAX)
        self._reading.join(WAIT_S_MAX)
        os.close(self._screen)
        return code

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self.ends()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._screen, 65_536)
            except OSError:  # Nobody holds the other end any more.
                return
            with self._news:
                self._shown += data
                self._news.notify_all()
