"""Keeps a secret what its source holds now."""

import asyncio
from collections.abc import Callable

from riverd.errors import SettingsError
from riverd.service.background_threads import BackgroundThreads, BusyError
from riverd.service.secret_sources import SecretSource, SourceError

READ_S_MAX = 15.0
AGAIN_S_MIN = 10.0
LOOK_S = 0.5


class Renewal:
    """Reads a source again and again, and hands on what it has.

    `take` gets the texts, the newest first, and raises SettingsError if they are no good. `failed`
    gets the reason why what was there before is kept. `missed` says that a client brought what only
    a newer secret could explain: then the source is read within seconds.
    """

    def __init__(
        self,
        source: SecretSource,
        take: Callable[[tuple[str, ...]], None],
        *,
        every_s: float,
        clock: Callable[[], float],
        failed: Callable[[Exception], None],
        missed: Callable[[], bool] = bool,
    ) -> None:
        self._source = source
        self._take = take
        self._every_s = every_s
        self._clock = clock
        self._failed = failed
        self._missed = missed
        self._threads = BackgroundThreads()

    async def run(self) -> None:
        """Keep to the source until cancelled; what was read at the start is fresh."""
        while True:
            await self._until_due()
            await self.read()

    async def read(self) -> None:
        """Read the source once. If that fails, what is known stays good: nobody is locked out."""
        try:
            async with asyncio.timeout(READ_S_MAX):
                texts = await self._threads.run(lambda: self._source.read(self._clock()))
            self._take(texts)
        except TimeoutError:
            self._failed(SourceError(f"no answer within {READ_S_MAX:g} s"))
        except (SourceError, SettingsError, BusyError) as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001  whatever it is, the next attempt must come
            # Not its text: nobody knows what stands in there.
            self._failed(SourceError(f"unexpectedly {type(error).__name__}"))

    async def _until_due(self) -> None:
        # Who makes up tokens cannot have the source read more often than this.
        at_once_s = min(AGAIN_S_MIN, self._every_s)
        await asyncio.sleep(at_once_s)
        left_s = self._every_s - at_once_s
        while left_s > 0 and not self._missed():
            await asyncio.sleep(min(LOOK_S, left_s))
            left_s -= LOOK_S
