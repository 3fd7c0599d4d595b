"""Work is waited for as long as is allowed, and is none the wiser."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from riverd.api.asgi import create_app
from riverd.api.context import Api
from riverd.api.patience import within
from riverd.auth.api_keys import Keys
from riverd.broker.memory.broker import MemoryBroker, Switchboard
from riverd.broker.memory.store import Store
from riverd.channel_rules import ChannelRules

LONG_S = 60.0

Step = Callable[[], Awaitable[object]]


async def once(step: Step) -> str:
    await step()
    return "done"


def test_what_does_not_wait_needs_no_loop() -> None:
    async def at_once() -> int:
        return 5

    with pytest.raises(StopIteration) as ended:
        within(LONG_S, at_once()).send(None)
    assert ended.value.value == 5


async def test_what_waits_gets_what_it_waited_for() -> None:
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(3)]

    async def work() -> list[int]:
        return [await future for future in futures]

    waiting = asyncio.create_task(within(LONG_S, work()))
    for number, future in enumerate(futures):
        await asyncio.sleep(0)
        future.set_result(number)
    assert await waiting == [0, 1, 2]


async def test_an_error_of_what_is_waited_for_is_the_works_to_handle() -> None:
    future = asyncio.get_running_loop().create_future()

    async def work() -> str:
        try:
            await future
        except ValueError:
            await asyncio.sleep(0)
            return "handled"
        return "not raised"

    waiting = asyncio.create_task(within(LONG_S, work()))
    await asyncio.sleep(0)
    future.set_exception(ValueError("no"))
    assert await waiting == "handled"


@pytest.mark.parametrize("step", [lambda: asyncio.sleep(0), lambda: once(lambda: asyncio.sleep(0))])
async def test_an_error_of_the_work_is_raised_early_and_late(step: Step) -> None:
    async def early() -> None:
        raise KeyError

    async def late() -> None:
        await step()
        raise KeyError

    for work in (early, late):
        with pytest.raises(KeyError):
            await within(LONG_S, work())


async def test_what_takes_too_long_is_cancelled() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    with pytest.raises(TimeoutError):
        await within(0, work())
    assert ended == ["cancelled"]


async def test_a_cancellation_reaches_the_work() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    waiting = asyncio.create_task(within(LONG_S, work()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == ["cancelled"]


async def test_the_work_is_in_the_task_of_who_waits() -> None:
    async def work() -> set[object]:
        tasks: set[object] = {asyncio.current_task()}
        await asyncio.sleep(0)
        return tasks | {asyncio.current_task()}

    assert await within(LONG_S, work()) == {asyncio.current_task()}


async def test_what_is_no_http_is_refused_as_the_specification_has_it() -> None:
    async def never(*_: object) -> dict[str, object]:
        raise AssertionError("nothing is read or sent")

    rules = ChannelRules(history_size=1, history_ttl_s=1)
    store = Store(rules, new_epoch=lambda: "e")
    application = create_app(Api(MemoryBroker(Switchboard(store), lambda: 0.0), Keys(()), rules))
    with pytest.raises(NotImplementedError, match="lifespan"):
        await application({"type": "lifespan"}, never, never)
