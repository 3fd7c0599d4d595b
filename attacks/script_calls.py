"""Everything that River asks of its Lua scripts, with hostile arguments."""

import secrets
import time
from collections.abc import Awaitable, Callable

from script_arguments import OFFSET_MAX, Arguments

from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.connection import RedisConnection
from riverd.broker.redis.healing import RedisSite
from riverd.broker.redis.history import ServerState
from riverd.broker.webhooks import QueuedEvent
from riverd.channels.rules import ChannelRules
from riverd.healing.offers import Contribution, HealedLog, Known
from riverd.healing.process import Term
from riverd.model.log import Position
from riverd.model.orders import Order, OrderKind, Question, Standing, StandingKind
from riverd.model.webhook_events import Interest, WebhookKind

BEAT = ("river:{nodes}:signs", "river:{nodes}:term", "river:{nodes}:answered")
ROUND = "round"
CLEARED_AT_ONCE = 200


class ScriptCalls:
    """A node, a sender of webhooks and a process that heals, at one Redis.

    Each call draws its arguments; `epoch` is one that a log had, as clients know it.
    """

    def __init__(self, node: RedisBroker, draw: Arguments, *, site: RedisSite) -> None:
        self.node, self.draw, self.site = node, draw, site
        self.epoch = ""
        self._queued: list[QueuedEvent] = []

    def any(self) -> Callable[[], Awaitable[object]]:
        """One of all calls."""
        return self.draw.chance.choice(self._all())

    def _all(self) -> list[Callable[[], Awaitable[object]]]:
        return [
            *[self.publish] * 4,
            *[self.read] * 3,
            *[self.join] * 3,
            *[self.leave] * 2,
            *[self.count] * 2,
            *[self.save_tab] * 2,
            *[self.queues] * 3,
            self.claim_tab,
            self.client_event,
            self.renounce,
            self.positions,
            self.members,
            self.clear,
            self.counts,
            self.order,
            self.give_back,
            self.standings,
            self.nodes,
            self.ages,
            self.answers,
            self.rules,
            self.miss,
            self.want,
            self.beat,
            self.heal,
        ]

    async def publish(self) -> object:
        """A message, after a position that the publisher knows of."""
        draw = self.draw
        channel = draw.channel()
        if draw.chance.randrange(6) == 0:
            self.node._given[channel] = draw.position(self.epoch)  # noqa: SLF001
        receipt = await self.node.publish(draw.message(channel))
        self.epoch = receipt.epoch
        return receipt

    async def client_event(self) -> object:
        """The same with an event for webhooks."""
        return await self.node.webhooks.publish(
            self.draw.message(self.draw.channel()), self.draw.session()
        )

    async def read(self) -> object:
        """A log, from where a client says that it is."""
        draw = self.draw
        after = draw.position(self.epoch) if draw.chance.randrange(2) else None
        keep = draw.chance.randrange(3) == 0
        return await self.node.read(draw.channel(), after=after, limit=draw.limit(), keep=keep)

    async def renounce(self) -> object:
        """An epoch."""
        return await self.node.renounce(self.draw.channel(), self.epoch or "e")

    async def positions(self) -> object:
        """Those of some channels, which live on."""
        draw = self.draw
        return await self.node.positions([draw.channel(), draw.membered(), draw.channel()])

    async def join(self) -> object:
        """A user of this node."""
        draw = self.draw
        return await self.node.join(draw.membered(), draw.member(), limit=draw.limit())

    async def leave(self) -> object:
        """A user of this node."""
        return await self.node.leave(self.draw.membered(), self.draw.text())

    async def members(self) -> object:
        """Of a channel."""
        draw = self.draw
        keep = draw.chance.randrange(2) == 0
        return await self.node.members(draw.membered(), limit=draw.limit(), keep=keep)

    async def clear(self) -> object:
        """What another node left in a channel."""
        assert self.node._lease is not None  # noqa: SLF001
        node = self.draw.chance.choice((self.node._lease.node, secrets.token_hex(8)))  # noqa: SLF001
        return await self.node._lease._clear_channel(node, self.draw.membered())  # noqa: SLF001

    async def count(self) -> object:
        """Subscribers of channels and connections of users, for webhooks too."""
        draw = self.draw
        names = (draw.channel(), draw.membered())
        return await self.node.report({name: draw.chance.choice((0, 1, 2**31)) for name in names})

    async def counts(self) -> object:
        """What all nodes counted."""
        draw = self.draw
        await self.node.occupied(draw.chance.choice(("", "p", "[a")), limit=draw.limit())
        await self.node.occupancy(draw.membered())
        await self.node.counts.report_users({draw.text(): draw.chance.randrange(3)})
        return await self.node.counts.connections([draw.text(), draw.text()])

    # Orders.

    def _order(self) -> Order:
        draw = self.draw
        return Order(
            secrets.token_hex(8) if draw.chance.randrange(4) else draw.text(128),
            draw.chance.choice(list(OrderKind)),
            at=draw.chance.choice((0, time.time(), 2**53)),
            user=draw.text(),
            channel=draw.channel(),
            node=draw.text(),
            ends_at=draw.chance.choice((None, 0, time.time() + 1, 2.0**53, 1e300)),
            before=draw.chance.choice((0, time.time())),
        )

    async def order(self) -> object:
        """To all nodes."""
        return await self.node.control.order(self._order())

    async def give_back(self) -> object:
        """Revocations and blocks that a node has."""
        draw = self.draw
        standings = [
            Standing(
                draw.chance.choice(list(StandingKind)),
                draw.text(),
                draw.chance.choice((0, -1, time.time(), 2**53)),
                ends_at=draw.chance.choice((None, 0, 1e300)),
            )
            for _ in range(draw.chance.randrange(4))
        ]
        return await self.node.control.give_back(standings, reload=self._order())

    async def standings(self) -> object:
        """All that there are, and a user's."""
        async for _ in self.node.control.standings():
            pass
        return await self.node.control.standings_of(self.draw.text())

    async def nodes(self) -> object:
        """Register, and look at all."""
        await self.node.control.register(self.draw.text())
        return await self.node.control.departed()

    async def ages(self) -> object:
        """Since when the log has something."""
        channel, offset = self.draw.channel(), min(self.draw.offset(), OFFSET_MAX)
        await self.node.control.published_at(channel, offset)
        return await self.node.control.age_s(channel, offset)

    async def answers(self) -> object:
        """Questions to all nodes."""
        asked = secrets.token_hex(8)
        await self.node.control.ask(Question(asked, self.draw.text()))
        await self.node.control.answer(asked, self.draw.data())
        return await self.node.control.answers(asked)

    async def rules(self) -> object:
        """Digests of channel rules."""
        return await self.node.compare_rules(self.draw.text(), self.draw.chance.choice("ab"))

    # Pages.

    async def save_tab(self) -> object:
        """A page's cursors."""
        return await self.node.tabs.save(
            [self.draw.tab(self.epoch)], life_s=max(1, self.draw.life_s())
        )

    async def claim_tab(self) -> object:
        """A page's cursors for a new connection."""
        key = self.draw.tab(self.epoch).key
        life_s = max(1, self.draw.life_s())
        return await self.node.tabs.claim(key, self.draw.session(), life_s=life_s)

    # Webhooks.

    async def want(self) -> object:
        """What senders want."""
        draw = self.draw
        kinds = tuple(draw.chance.sample(list(WebhookKind), draw.chance.randrange(1, 5)))
        wanted = [Interest(webhook=draw.webhook(), events=kinds, channels="*")]
        await self.node.webhook_queues.want(wanted)
        return await self.node.webhooks.refresh()

    async def miss(self) -> object:
        """A subscriber found nothing."""
        return await self.node.webhooks.miss(self.draw.channel())

    async def queues(self) -> object:
        """One of the things that senders do."""
        draw, queues, webhook = self.draw, self.node.webhook_queues, self.draw.webhook()
        some, self._queued = self._queued[:9], self._queued[9:]
        match draw.chance.randrange(9):
            case 0:
                await queues.senders(draw.text())
                await queues.lease(webhook, draw.text())
            case 1:
                await queues.release(webhook, draw.text())
            case 2:
                await queues.begin(webhook)
            case 3:
                await queues.test(webhook)
            case 4:
                self._queued = list((await queues.read(webhook, {})).events)
            case 5:
                await queues.settle(webhook, some)
            case 6:
                await queues.bury(webhook, some, error=draw.text())
            case 7:
                await queues.replay(webhook, None, limit=draw.chance.choice((1, 500)))
            case _:
                await queues.note(webhook, draw.data())
                await queues.truth(Interest(webhook=webhook, events=tuple(WebhookKind)))
                return await queues.state(webhook)
        return None

    # Healing.

    async def beat(self) -> object:
        """A sign of life."""
        draw = self.draw
        name = draw.chance.choice("abc")
        sign = draw.chance.choice(("", name, f"?{name}", f"-{name}"))
        answered_ms = draw.chance.choice((0, 1, 2**53))
        arguments = (sign, 20_000, draw.chance.choice((0, 3_000)), name, 8_000, answered_ms, "t")
        return await self.node._server.call("beat", BEAT, arguments=arguments)  # noqa: SLF001

    async def heal(self) -> object:
        """A round, from its beginning."""
        draw, site = self.draw, self.site
        turn = await site.turn(draw.chance.choice("ab"), least=draw.offset(), round_name=ROUND)
        at = min(draw.offset(), OFFSET_MAX)
        known = (Known(draw.channel(), self.epoch, at, draw.publication(1), draw.text()),)
        await site.offer(ROUND, "a", offer=Contribution(1, known=known))
        offers = await site.offers(ROUND, [])
        await site.part(draw.chance.randrange(3), names=list(offers))
        channel = draw.channel()
        [kept] = await site.stored([channel])
        count, last = draw.chance.randrange(4), draw.chance.choice((3, OFFSET_MAX))
        log = HealedLog(
            channel,
            self.epoch or "e",
            last,
            tuple(draw.publication(last - count + n) for n in range(1, count + 1)),
            tuple(draw.chance.choice((0.0, 1e6)) for _ in range(count)),
            keys=((draw.text(), at),),
            was_epoch="" if kept is None else kept.epoch,
            was_offset=0 if kept is None else kept.offset,
            was_mark="" if kept is None else kept.mark,
        )
        if turn.is_mine or draw.chance.randrange(4) == 0:
            await site.restore(Term(1, ROUND), [log])
            await site.open(Term(1, ROUND), members=[draw.text(), "a"])
        return Position(log.epoch, log.offset)


def new_site(connection: RedisConnection, state: ServerState, rules: ChannelRules) -> RedisSite:
    """A process that heals."""
    return RedisSite(connection, state, rules=rules, key_ttl_s=600)
