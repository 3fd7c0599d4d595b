"""What is kept elsewhere is read again, whatever happened at the attempts before."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from riverd.service import secret_renewal as module
from riverd.service.background_threads import THREADS_MAX
from riverd.service.secret_renewal import Renewal
from riverd.service.secret_sources import File, SecretSource


class Odd:
    """A source that fails in a way that nobody thought of, and then does not."""

    def __init__(self) -> None:
        self.attempts = 0

    def read(self, now: float) -> tuple[str, ...]:
        del now
        self.attempts += 1
        if self.attempts == 1:
            raise LookupError("with the secret in its text")
        return ("fine",)


class Kept:
    """What a renewal has handed on, and told."""

    def __init__(self, source: SecretSource) -> None:
        self.texts: list[tuple[str, ...]] = []
        self.told: list[str] = []
        self.renewal = Renewal(
            source,
            self.texts.append,
            every_s=0.01,
            clock=lambda: 0.0,
            failed=lambda error: self.told.append(str(error)),
        )


async def test_a_failure_that_nobody_expected_does_not_end_the_renewal() -> None:
    kept = Kept(Odd())
    running = asyncio.create_task(kept.renewal.run())
    async with asyncio.timeout(30):
        while not kept.texts:
            assert not running.done()
            await asyncio.sleep(0.005)
    running.cancel()
    assert kept.texts[0] == ("fine",)
    assert kept.told == ["unexpectedly LookupError"]


async def test_a_file_that_blocks_costs_a_few_threads_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_S_MAX", 0.02)
    path, before = tmp_path / "pipe", threading.active_count()
    os.mkfifo(path)
    kept = Kept(File(path))
    for _ in range(2 * THREADS_MAX):
        await kept.renewal.read()
    assert threading.active_count() - before == THREADS_MAX
    assert kept.told[-1] == f"the last {THREADS_MAX} attempts have not ended yet"
    # Somebody writes at last: all of them end, and it goes on.
    with path.open("wb") as pipe:
        pipe.write(b"secret")
    path.unlink()
    path.write_text("next")
    monkeypatch.setattr(module, "READ_S_MAX", 30)
    async with asyncio.timeout(30):
        while not kept.texts:
            await kept.renewal.read()
            await asyncio.sleep(0)
    assert kept.texts == [("next",)]
