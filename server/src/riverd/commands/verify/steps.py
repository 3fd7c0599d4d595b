"""The steps of `river verify`: each does something with a deployment and says what it has shown."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager

import msgspec

from riverd.commands.api_client import CallFailedError
from riverd.commands.verify.checker import DELIVERY_S_MAX, LEAVE_S_MAX, gaps, violations
from riverd.commands.verify.history import (
    Attempt,
    Fate,
    Observed,
    RunHistory,
    Stay,
)
from riverd.commands.verify.proof import PromiseCheck, PromiseVerdict, judged, not_checked, within
from riverd.commands.verify.scene import Scene
from riverd.commands.verify.subscriber import VerifySubscriber

CHANNELS = 4
CHANNELS_EACH = 2
LIVE_S_MAX = 15.0
CAUGHT_UP_S_MAX = 15.0
REPEAT_EVERY = 10
MEMBERS = 6
P99 = 0.99


class VerifyLoad(msgspec.Struct, frozen=True):
    """How many subscribers, how many publications a second, and how long."""

    clients: int
    rate: float
    seconds: float


class StepFailedError(Exception):
    """A step could not be done; the message says why."""


async def deliver(scene: Scene, load: VerifyLoad) -> list[PromiseCheck]:
    """Numbered publications to subscribers of which half are cut off, twice (promise 1)."""
    names = [scene.name(str(number)) for number in range(CHANNELS)]
    wanted = {
        scene.name(f"user-{number}"): [names[(number + n) % CHANNELS] for n in range(CHANNELS_EACH)]
        for number in range(load.clients)
    }
    async with _subscribed(scene, wanted) as subscribers:
        cutting = asyncio.create_task(_cut_twice(subscribers[::2], seconds=load.seconds))
        sent = await _publish_numbers(scene, names, load=load)
        repeated = [await scene.repeat(one) for one in sent[::REPEAT_EVERY]]
        await cutting
        await _caught_up(subscribers, sent)
    return _judged(scene, sent, repeated=repeated, subscribers=subscribers)


async def quiet(scene: Scene) -> list[PromiseCheck]:
    """The last message of a channel on which nothing follows it (promise 2)."""
    promise = "a last message is found on an idle channel"
    name = scene.name("quiet")
    async with _subscribed(scene, {scene.name("listener"): [name]}) as (listener,):
        sent = await scene.publish(name)
        if sent.position is None:
            return [not_checked(promise, "it was not accepted")]
        offset = sent.position[1]
        await _until(
            lambda: listener.received(name) >= offset, listener.news, seconds=DELIVERY_S_MAX
        )
        taken = time.monotonic() - sent.end_s
    return [within(promise, "one message", limit=DELIVERY_S_MAX, figure=taken, unit="s")]


async def members(scene: Scene) -> list[PromiseCheck]:
    """Members that come, and end without a word, on a presence channel (promise 3)."""
    name = f"presence-{scene.name('room')}"
    watcher, users = scene.name("watcher"), [scene.name(f"member-{n}") for n in range(MEMBERS)]
    async with _subscribed(scene, {watcher: [name]}) as (watching,):
        scene.history.stays.append(Stay(watcher, time.monotonic()))
        async with _subscribed(scene, {user: [name] for user in users}) as present:
            stays = [Stay(user, time.monotonic()) for user in users]
            scene.history.stays += stays
            watch = watching.watches.get(name)
            if watch is None:
                return [not_checked("members of presence channels", f"{name} has none")]
            scene.history.watches.append(watch)
            await _until(lambda: len(watch.changes) >= MEMBERS, watching.news, seconds=LEAVE_S_MAX)
            gone_s = time.monotonic()
            for stay, one in zip(stays, present, strict=True):
                one.stop(gone_s)
                stay.end_s = gone_s
        await _until(lambda: len(watch.changes) >= 2 * MEMBERS, watching.news, seconds=LEAVE_S_MAX)
    scene.history.end_s = gone_s + LEAVE_S_MAX
    lefts = [change.at_s - gone_s for change in watch.changes if not change.joined]
    wrong = violations(
        RunHistory(stays=scene.history.stays, watches=[watch], end_s=scene.history.end_s)
    )
    seen = f"{MEMBERS} members came and ended without a word; {len(lefts)} leaves were announced"
    slowest = max(lefts, default=LEAVE_S_MAX)
    return [
        judged(
            "each member joins once and leaves once",
            seen,
            kept=not wrong and len(lefts) == MEMBERS,
            details=[one.message for one in wrong],
        ),
        within(
            "a member that is gone leaves",
            "the slowest",
            limit=LEAVE_S_MAX,
            figure=slowest,
            unit="s",
        ),
    ]


async def refusals(scene: Scene) -> list[PromiseCheck]:
    """What has to be refused: keys and tokens that nobody gave, channels without a grant."""
    promise = "who has no key, no token or no grant is refused"
    accepted: list[str] = []
    name = scene.name("refused")
    stranger = Scene(scene.gateway, msgspec.structs.replace(scene.api, key="no-key"))
    if (await stranger.publish(name)).outcome is not Fate.REFUSED:
        accepted.append("a publication with a wrong key")
    stranger.close()
    token = await scene.token(scene.name("stranger"), [name])
    private = f"private-{name}"
    for what, given, channel in (
        ("a token that nobody signed", f"{token[:-8]}AAAAAAAA", name),
        ("a private channel without a grant", token, private),
    ):
        subscriber = VerifySubscriber(scene.gateway, what, token=given, channels=[channel])
        following = asyncio.create_task(subscriber.run())
        if not await _is_refused(subscriber):
            accepted.append(what)
        subscriber.stop(0.0)
        await following
    seen = "a wrong key, a forged token, a private channel"
    return [judged(promise, seen, kept=not accepted, details=accepted)]


async def drain(scene: Scene, load: VerifyLoad, *, node: str) -> list[PromiseCheck]:
    """A planned stop of one gateway under load (promise 4). The gateway ends."""
    names = [scene.name("drain")]
    wanted = {scene.name(f"moved-{number}"): names for number in range(load.clients)}
    async with _subscribed(scene, wanted) as subscribers:
        before = sum(one.connections for one in subscribers)
        publishing = asyncio.create_task(_publish_numbers(scene, names, load=load))
        await scene.ask(f"POST /nodes/{node}/drain", {})
        sent = await publishing
        await _caught_up(subscribers, sent)
        moved = sum(one.connections for one in subscribers) - before
    history = _of(scene, names)
    wrong = violations(history)
    seen = f"{moved} of {load.clients} subscribers moved; gaps reported: {gaps(history)}"
    promise = "a planned stop of a gateway loses nothing"
    if not moved and not wrong:
        return [not_checked(promise, f"no subscriber was on {node}: ask for more with --clients")]
    kept = not wrong and not gaps(history)
    return [judged(promise, seen, kept=kept, details=[one.message for one in wrong])]


# What the steps are made of.


@asynccontextmanager
async def _subscribed(
    scene: Scene, wanted: dict[str, list[str]]
) -> AsyncGenerator[list[VerifySubscriber]]:
    """Subscribers, by their users and channels; live at the begin, stopped at the end.

    Raises:
        StepFailedError: one of them was refused, or is not live in time.
    """
    tokens = await asyncio.gather(*(scene.token(user, names) for user, names in wanted.items()))
    subscribers = [
        VerifySubscriber(scene.gateway, user, token=token, channels=names)
        for (user, names), token in zip(wanted.items(), tokens, strict=True)
    ]
    following = [asyncio.create_task(one.run()) for one in subscribers]
    try:
        await _live(subscribers)
        yield subscribers
    finally:
        now = time.monotonic()
        for one in subscribers:
            one.stop(now)
            scene.history.readings += one.readings.values()
        await asyncio.gather(*following)


async def _live(subscribers: Iterable[VerifySubscriber]) -> None:
    try:
        async with asyncio.timeout(LIVE_S_MAX):
            for one in subscribers:
                await one.live.wait()
    except TimeoutError:
        raise StepFailedError(f"not subscribed within {LIVE_S_MAX:g} s") from None
    refused = [one.refused for one in subscribers if one.refused]
    if refused:
        raise StepFailedError(refused[0])


async def _is_refused(subscriber: VerifySubscriber) -> bool:
    await _until(lambda: bool(subscriber.refused), subscriber.news, seconds=LIVE_S_MAX)
    return bool(subscriber.refused)


async def _publish_numbers(scene: Scene, names: list[str], *, load: VerifyLoad) -> list[Attempt]:
    """Publish at a rate, in turn to all channels, whether or not the last was answered."""
    begun, under_way = time.monotonic(), list[asyncio.Task[Attempt]]()
    for number in range(max(1, round(load.rate * load.seconds))):
        await asyncio.sleep(begun + number / load.rate - time.monotonic())
        under_way.append(asyncio.create_task(scene.publish(names[number % len(names)])))
    return list(await asyncio.gather(*under_way))


async def _cut_twice(subscribers: list[VerifySubscriber], *, seconds: float) -> None:
    for _ in range(2):
        await asyncio.sleep(seconds / 3)
        for one in subscribers:
            one.cut()


async def _caught_up(subscribers: list[VerifySubscriber], sent: Iterable[Attempt]) -> None:
    """Wait for what was accepted, but not for ever: what is missing is judged."""
    last: dict[str, int] = {}
    for one in sent:
        if one.position is not None:
            last[one.channel] = max(last.get(one.channel, 0), one.position[1])
    deadline = time.monotonic() + CAUGHT_UP_S_MAX
    for subscriber in subscribers:
        await _received(subscriber, last, seconds=deadline - time.monotonic())
    # What comes twice comes late.
    await asyncio.sleep(DELIVERY_S_MAX / 10)
    now = time.monotonic()
    for subscriber in subscribers:
        subscriber.stop(now + DELIVERY_S_MAX)


async def _received(subscriber: VerifySubscriber, last: dict[str, int], *, seconds: float) -> None:
    """Wait until a subscriber has received its channels up to these offsets."""
    wanted = {name: offset for name, offset in last.items() if name in subscriber.readings}
    await _until(
        lambda: all(subscriber.received(name) >= offset for name, offset in wanted.items()),
        subscriber.news,
        seconds=seconds,
    )


async def _until(wanted: Callable[[], bool], news: asyncio.Event, *, seconds: float) -> bool:
    """Whether it has come to that within so many seconds."""
    deadline = time.monotonic() + seconds
    while not wanted():
        news.clear()
        try:
            await asyncio.wait_for(news.wait(), max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            return wanted()
    return True


def _judged(
    scene: Scene,
    sent: list[Attempt],
    *,
    repeated: list[Attempt],
    subscribers: list[VerifySubscriber],
) -> list[PromiseCheck]:
    history = _of(scene, {one.channel for one in sent})
    wrong, accepted = violations(history), [one for one in sent if one.position is not None]
    by_key = {one.key: one for one in accepted}
    events = [step for one in history.readings for step in one.steps if step.kind is Observed.EVENT]
    delays = sorted(step.at_s - by_key[step.key].begin_s for step in events if step.key in by_key)
    cuts = sum(one.connections - 1 for one in subscribers)
    seen = (
        f"{len(accepted):,} of {len(sent):,} publications accepted, {len(events):,} deliveries to "
        f"{len(subscribers)} subscribers, {cuts} connections cut and resumed"
    )
    p99 = delays[min(len(delays) - 1, int(len(delays) * P99))] if delays else DELIVERY_S_MAX
    again = [one for one in repeated if one.key in by_key]
    same = [one for one in again if one.position == by_key[one.key].position]
    return [
        judged(
            "accepted once, delivered once, in order",
            seen,
            kept=bool(accepted) and not wrong,
            details=[f"{one.rule.value}: {one.message}" for one in wrong],
        ),
        PromiseCheck(
            "no gap while nothing is broken",
            PromiseVerdict.BROKEN if gaps(history) else PromiseVerdict.KEPT,
            f"{gaps(history)} gaps were reported",
        ),
        judged(
            "the same id again is one publication",
            f"{len(again)} repeated, {len(same)} answered with the first position",
            kept=len(same) == len(again) and bool(again),
        ),
        within(
            "delivered in time",
            "p99 from request to subscriber, cuts included",
            limit=DELIVERY_S_MAX,
            figure=p99,
            unit="s",
        ),
    ]


def _of(scene: Scene, channels: Iterable[str]) -> RunHistory:
    """What is known of some channels."""
    wanted = set(channels)
    return RunHistory(
        [one for one in scene.history.sent if one.channel in wanted],
        [one for one in scene.history.readings if one.channel in wanted],
    )


async def history_kept(scene: Scene) -> list[PromiseCheck]:
    """What was published can be read afterwards, in order."""
    name = scene.name("kept")
    sent = [await scene.publish(name) for _ in range(3)]
    promise = "the history has what was accepted, in order"
    try:
        answer = await scene.ask(f"GET /channels/{name}/history")
    except CallFailedError as error:
        return [not_checked(promise, str(error))]
    kept = [one["data"] for one in msgspec.json.decode(answer)["publications"]]
    accepted = [one.key for one in sent if one.position is not None]
    seen = f"{len(kept)} of {len(accepted)} read back"
    if not kept:
        return [not_checked(promise, f"{seen}: these channels keep no history")]
    return [judged(promise, seen, kept=kept == accepted)]
