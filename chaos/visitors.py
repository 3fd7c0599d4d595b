"""Users who come to a presence channel and go again, while something goes wrong."""

import asyncio
import random

from witness import Witness, end

USERS = 16
TURN_S = 0.25


class Visitors:
    """While it is not `pausing`, every quarter of a second one of them comes or goes."""

    def __init__(self, url: str, channel: str) -> None:
        self.pausing = False
        self._url = url
        self._channel = channel
        self._here: dict[str, tuple[Witness, asyncio.Task[None]]] = {}

    @property
    def here(self) -> set[str]:
        """Who is there, or comes back because it was cut off."""
        return {*self._here}

    def state_of(self, user: str) -> str:
        """How one of those who are there is served, as far as it knows."""
        one, _ = self._here[user]
        place = "live" if one.is_live else "not live"
        return f"{user} is {place}, was told {one.errors}, last ended by {one.ended_by}"

    async def run(self) -> None:
        """Come and go until cancelled."""
        try:
            while True:
                await asyncio.sleep(TURN_S)
                if not self.pausing:
                    await self._turn(f"visitor-{random.randrange(USERS)}")
        finally:
            for user in list(self._here):
                await self._turn(user)

    async def _turn(self, user: str) -> None:
        here = self._here.pop(user, None)
        if here is None:
            one = Witness(self._url, user, [self._channel], {self._channel: {}})
            self._here[user] = one, asyncio.create_task(one.run())
            return
        await end(here[1])
