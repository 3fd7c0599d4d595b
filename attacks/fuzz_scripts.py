"""Calls the Lua scripts of a real Redis with what is nearly right: part of `make fuzz`.

    python attacks/fuzz_scripts.py --seconds 60 --seed 7
    python attacks/fuzz_scripts.py --seed 7 --round 41

In every second round somebody else writes to the database as well. It fails when a script ends with
an error in a sound database, when an answer cannot be read or none comes, and when a key is none of
River's or would stay for good. It prints the round, which does the same again.
"""

import argparse
import asyncio
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "server" / "tests" / "support"))

import redis
from brokers import RULES, RedisBrokers
from redis_server import RedisServer, running
from script_arguments import Arguments
from script_calls import ScriptCalls, new_site
from script_damage import damage

from riverd.broker.redis import calls, keys
from riverd.broker.redis.connection import RedisConnection, UnansweredError
from riverd.broker.redis.history import state_of
from riverd.errors import BrokerError, OutcomeUnknownError, RiverError
from riverd.model.orders import StandingKind

CALLS = 2_000
AT_ONCE = 200
ROUND_S_MAX = 60.0
SILENCE_S_MAX = 20.0
"""A busy machine is slow; a script that never ends is slower."""
HARM_MAX = 3
"""What is damaged before so many calls."""
CRASHES_SHOWN = 10
ROUNDS_MIN = 2
OURS = "ROUNDOVER"
"""The only error that scripts end with on purpose."""
FOR_GOOD = {
    keys.NODES: "the nodes' leases, which end by themselves",
    keys.TERM: "as what the data was opened",
    **{
        name: "blocks without an end"
        for kind in StandingKind
        for name in keys.standings(kind.value)
    },
}


@dataclass
class Tally:
    """What came of all rounds."""

    calls: int = 0
    refused: int = 0
    crashes: list[str] = field(default_factory=list)


class Rounds:
    """Rounds of calls at one server, each from an empty database."""

    def __init__(self, server: RedisServer, seed: int) -> None:
        self._server, self._seed = server, seed
        self._client = server.client()
        self.tally = Tally()
        self.is_over = False

    async def play(self, number: int) -> None:
        """One round."""
        self._client.flushall()
        brokers = RedisBrokers(self._server.url)
        node, _ = await brokers.node()
        connection = RedisConnection(SILENCE_S_MAX)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: connection, *self._server.address)
        site = new_site(connection, await state_of(connection), RULES)
        draw = Arguments(f"{self._seed}:{number}")
        is_harmed = number % 2 == 1
        try:
            async with asyncio.timeout(ROUND_S_MAX):
                await self._calls(ScriptCalls(node, draw, site=site), number, is_harmed=is_harmed)
        except TimeoutError:
            self._crashed(number, f"no end after {ROUND_S_MAX:g} s")
        except redis.RedisError as error:
            # A script that does not end: nothing but the server's end ends it.
            self._crashed(number, f"{error!r}")
            self.is_over = True
        if not is_harmed and not self.is_over:
            self._look_at_keys(number)
        for failure in brokers.failures:
            self._crashed(number, f"in the background: {failure!r}")
        brokers.failures.clear()
        connection.drop()
        with suppress(RiverError):
            await brokers.close()

    async def _calls(self, all_calls: ScriptCalls, number: int, *, is_harmed: bool) -> None:
        chance = all_calls.draw.chance
        for _ in range(0, CALLS, AT_ONCE):
            harm = [
                damage(self._client, chance)
                for _ in range(chance.randint(0, HARM_MAX) if is_harmed else 0)
            ]
            some = [all_calls.any() for _ in range(AT_ONCE)]
            answers = await asyncio.gather(*[one() for one in some], return_exceptions=True)
            for call, answer in zip(some, answers, strict=True):
                self.tally.calls += 1
                if isinstance(answer, BaseException):
                    self._failed(
                        f"{call.__name__} {harm or ''}", answer, number, is_harmed=is_harmed
                    )

    def _failed(self, name: str, error: BaseException, number: int, *, is_harmed: bool) -> None:
        is_clear = isinstance(error, RiverError) and not isinstance(error, UnansweredError)
        if not is_clear or (not is_harmed and is_failure(error)):
            steps = traceback.extract_tb(error.__traceback__)
            at = [f"{Path(one.filename).name}:{one.lineno}" for one in steps[-3:]]
            self._crashed(number, f"{name}: {error!r} at {', '.join(at)}")
        else:
            self.tally.refused += 1

    def _look_at_keys(self, number: int) -> None:
        names = self._client.keys()
        assert isinstance(names, list)
        for name in names:
            if not name.startswith(keys.PREFIX.encode()):
                self._crashed(number, f"{name!r} is none of River's keys")
            elif self._client.ttl(name) == -1 and name.decode() not in FOR_GOOD:
                self._crashed(number, f"{name!r} would stay for good")

    def _crashed(self, number: int, what: str) -> None:
        self.tally.crashes.append(what)
        if len(self.tally.crashes) <= CRASHES_SHOWN:
            print(f"round {number}: {what[:2_000]}", file=sys.stderr)


def is_failure(error: BaseException) -> bool:
    """Whether the broker is at fault, and not what was asked for."""
    return isinstance(error, BrokerError | OutcomeUnknownError) and OURS not in str(error)


async def fuzz_scripts(seconds: float, seed: int, *, only: int | None = None) -> Tally:
    """Play rounds for so long, at least two; or one of them."""
    calls.SILENCE_S_MAX = SILENCE_S_MAX
    ends_at = time.monotonic() + seconds
    with running() as server:
        rounds = Rounds(server, seed)
        if only is not None:
            await rounds.play(only)
            return rounds.tally
        number = 0
        while not rounds.is_over and (number < ROUNDS_MIN or time.monotonic() < ends_at):
            await rounds.play(number)
            number += 1
        return rounds.tally


def main() -> int:
    """Fuzz for some time; 1 if something crashed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--round", type=int, help="this one alone")
    wanted = parser.parse_args()
    found = asyncio.run(fuzz_scripts(wanted.seconds, wanted.seed, only=wanted.round))
    print(
        f"Lua scripts: {found.calls:,} calls, {len(found.crashes)} crashes, "
        f"{found.refused:,} refused"
    )
    return 1 if found.crashes else 0


if __name__ == "__main__":
    sys.exit(main())
