"""A back end that publishes numbers, each until it is accepted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from simulation.broker import SimBroker
from simulation.truth import demand

from riverd.errors import BrokerError, OutcomeUnknownError
from riverd.model.log import Message, Position, Receipt

if TYPE_CHECKING:
    from simulation.world import World

RETRY_S_MAX = 0.5
BURSTS = (1, 1, 1, 2, 8)


class Publisher:
    """Its numbers of one epoch rise, whatever became of the answers to it."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.broker = SimBroker(world, name)
        self.idle = True
        self._world = world
        self._number = 0
        self._newest: dict[tuple[str, str], int] = {}

    def crash(self) -> None:
        """Its process is gone, and what it knew; another one goes on asking for the same."""
        self._world.note(self.name, "crashes")
        self.broker.kill()
        self.broker = SimBroker(self._world, self.name)

    async def live(self) -> None:
        """Publish now and then, alone or in bursts, while the weather is not calm."""
        dice = self._world.dice
        pace = dice.choice((0.5, 2.0, 5.0))
        while not self._world.calm:
            await asyncio.sleep(dice.expovariate(pace))
            channel, count = dice.choice(self._world.published), dice.choice(BURSTS)
            for _ in range(0 if self._world.calm else count):
                await self.publish(channel)

    async def publish(self, channel: str) -> None:
        """Publish the next number, until it is accepted."""
        await self._publish(channel, self._world.drawn_fields())

    async def pass_on(self, channel: str, *, exclude: str | None) -> Message:
        """Publish the next number to those who are there now."""
        return await self._publish(channel, {"keep": False, "exclude": exclude})

    async def _publish(self, channel: str, fields: dict[str, Any]) -> Message:
        self._number += 1
        mark = f"{self.name}:{self._number}"
        message = Message(channel, "number", f'"{mark}"'.encode(), key=mark, **fields)
        self.idle = False
        while True:
            try:
                receipt = await self.broker.publish(message)
            except (BrokerError, OutcomeUnknownError):
                await asyncio.sleep(self._world.dice.uniform(0, RETRY_S_MAX))
            else:
                break
        self.idle = True
        self._check(message, receipt)
        return message

    def _check(self, message: Message, position: Receipt) -> None:
        truth = self._world.server.truth
        if not isinstance(position, Position):
            passed = truth.passing(message.channel, position.epoch, message.data)
            demand(
                passed is not None and not message.keep, "{} was {}: {}", message, position, passed
            )
            return
        if self._is_of_former_master(message, position):
            return
        true = truth.tell(message.channel, position.epoch, position.offset, data=message.data)
        same = (true.data, true.exclude) == (message.data, message.exclude)
        demand(same and message.keep, "{} was accepted as {}: {}", message, position, true)
        place = message.channel, position.epoch
        demand(position.offset > self._newest.get(place, 0), "{} before its elder", message)
        self._newest[place] = position.offset

    def _is_of_former_master(self, message: Message, position: Position) -> bool:
        """Whether a master that was given up, and is it again, knows it by its key alone.

        The log went on without it meanwhile, and may have given its offset to another one. Then it
        has begun again since: who was subscribed when this was accepted was sent a gap.
        """
        server, channel, epoch = self._world.server, message.channel, position.epoch
        if not server.truth.was_cut(channel, message.data):
            return False
        if position.offset > server.truth.end(channel, epoch):
            return True
        current = server.position(channel)
        is_over = current is None or current.epoch != epoch
        is_others = server.truth.at(channel, epoch, position.offset).data != message.data
        return is_over and is_others and self._world.was_split
