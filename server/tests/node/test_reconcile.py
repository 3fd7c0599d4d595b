"""Desired states against actual ones, and background work with an owner."""

import asyncio

import pytest
from river_cluster import turns
from river_time import in_no_time

from riverd.errors import BrokerError
from riverd.node.replicas.reconcile import RETRY_S_MAX, DesiredState
from riverd.scheduling.tasks import Tasks


class Rig:
    """A desired state whose changes a test holds up and fails."""

    def __init__(self) -> None:
        self.done: list[bool] = []
        self.settled = 0
        self.failures: list[BaseException] = []
        self.cut = False
        self.gate: asyncio.Event | None = None
        self.busy = 0
        self.tasks = Tasks(self.failures.append)
        self.desired = DesiredState(self.apply, self.tasks, settled=self.settle)

    async def apply(self, wanted: bool, /) -> None:  # noqa: FBT001  the state itself
        assert not self.busy, "one change at a time"
        self.busy += 1
        try:
            await asyncio.sleep(0)
            if self.gate is not None:
                await self.gate.wait()
            if self.cut:
                raise BrokerError("away")
            self.done.append(wanted)
        finally:
            self.busy -= 1

    def settle(self) -> None:
        self.settled += 1

    def hold(self) -> None:
        self.gate = asyncio.Event()

    def let(self) -> None:
        assert self.gate is not None
        self.gate.set()
        self.gate = None


@in_no_time
async def test_a_desired_state_is_applied_once() -> None:
    rig = Rig()
    rig.desired.want(True)
    rig.desired.want(True)
    await turns()
    rig.desired.want(True)
    await turns()
    assert rig.done == [True]
    assert rig.desired.actual is True
    assert rig.settled == 1


@in_no_time
async def test_what_was_never_so_need_not_be_undone() -> None:
    rig = Rig()
    rig.desired.want(False)
    await turns()
    assert rig.done == []
    rig.desired.want(True)
    rig.desired.want(False)
    await turns()
    assert rig.done == []
    assert rig.desired.is_absent


@in_no_time
async def test_desires_during_a_change_do_not_race_it() -> None:
    rig = Rig()
    rig.hold()
    rig.desired.want(True)
    await turns()
    for wanted in (False, True, False):
        rig.desired.want(wanted)
    await turns()
    rig.let()
    await turns()
    assert rig.done == [True, False]
    assert rig.settled == 1


@in_no_time
async def test_a_desire_that_changed_back_during_a_change_needs_nothing_more() -> None:
    rig = Rig()
    rig.hold()
    rig.desired.want(True)
    await turns()
    rig.desired.want(False)
    rig.desired.want(True)
    rig.let()
    await turns()
    assert rig.done == [True]


@in_no_time
async def test_a_change_that_failed_is_made_again_and_not_all_the_time() -> None:
    rig = Rig()
    rig.cut = True
    rig.desired.want(True)
    await asyncio.sleep(60)
    assert rig.done == []
    assert rig.desired.actual is None
    rig.cut = False
    await asyncio.sleep(RETRY_S_MAX)
    assert rig.done == [True]
    assert rig.failures == []


@in_no_time
async def test_a_change_that_failed_may_have_been_made_and_is_undone() -> None:
    rig = Rig()
    rig.cut = True
    rig.desired.want(True)
    await turns()
    rig.desired.want(False)
    rig.cut = False
    await asyncio.sleep(RETRY_S_MAX)
    assert rig.done == [False]
    assert rig.desired.is_absent


@in_no_time
async def test_what_is_doubted_is_made_sure_of() -> None:
    rig = Rig()
    rig.desired.want(True)
    await turns()
    rig.desired.doubt()
    await turns()
    assert rig.done == [True, True]
    rig.desired.want(False)
    await turns()
    rig.desired.doubt()
    await turns()
    assert rig.done == [True, True, False, False]


@in_no_time
async def test_what_is_doubted_during_a_change_is_made_sure_of_after_it() -> None:
    rig = Rig()
    rig.hold()
    rig.desired.want(True)
    await turns()
    rig.desired.doubt()
    rig.let()
    await turns()
    assert rig.done == [True, True]
    assert rig.desired.actual is True


@in_no_time
async def test_a_state_is_absent_when_nothing_is_wanted_so_or_under_way() -> None:
    rig = Rig()
    assert rig.desired.is_absent
    rig.hold()
    rig.desired.want(True)
    assert not rig.desired.is_absent
    await turns()
    rig.desired.want(False)
    assert not rig.desired.is_absent
    rig.let()
    await turns()
    assert rig.desired.is_absent


@in_no_time
async def test_a_programming_error_is_reported_and_not_retried() -> None:
    rig = Rig()

    async def broken(wanted: bool, /) -> None:  # noqa: FBT001  the state itself
        raise ValueError(str(wanted))

    desired = DesiredState(broken, rig.tasks, settled=rig.settle)
    desired.want(True)
    await asyncio.sleep(60)
    assert [str(error) for error in rig.failures] == ["True"]


@in_no_time
async def test_closing_ends_what_runs_and_waits_for_it() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(1_000)
        finally:
            await asyncio.sleep(1)
            ended.append("properly")

    tasks = Tasks(pytest.fail)
    tasks.start(work())
    await turns()
    await tasks.close()
    assert ended == ["properly"]


@in_no_time
async def test_after_closing_nothing_is_begun() -> None:
    begun: list[str] = []

    async def work() -> None:
        begun.append("begun")

    async def stubborn() -> None:
        try:
            await asyncio.sleep(1_000)
        finally:
            tasks.start(work())

    tasks = Tasks(pytest.fail)
    tasks.start(stubborn())
    await turns()
    await tasks.close()
    tasks.start(work())
    await turns()
    assert begun == []
