"""Made-up conversations against session and hub: nobody misses anything without being told."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from river_hearing import Hearing, Truth
from river_wire import NATIVE, Client, sent, session_of

from riverd.channels.rules import ChannelRules
from riverd.core.channel import Channel
from riverd.core.hub import Hub
from riverd.core.recovery import start_of
from riverd.core.session import Session
from riverd.errors import RiverError
from riverd.model.commands import Subscribe
from riverd.model.log import Change, Member, Position, Publication, Roster, Tail
from riverd.model.replies import Subscribed

CHANNELS = ("dogs", "presence-cats")
SESSIONS = 4
HISTORY_SIZE = 6
HISTORY_TTL_S = 50.0
PART_BYTES_MAX = 200
RULES = ChannelRules(history_size=HISTORY_SIZE, history_ttl_s=HISTORY_TTL_S)

channels = st.sampled_from(CHANNELS)
numbers = st.integers(0, SESSIONS - 1)
users = st.sampled_from(["ann", "bob", "cat"])
infos = st.sampled_from([None, b"1", b"2"])


@dataclass
class Guest:
    """A session, its sink, and what it makes of each channel that it hears."""

    session: Session
    client: Client
    hearings: dict[str, Hearing] = field(default_factory=dict[str, Hearing])


class Conversation(RuleBasedStateMachine):
    """Plays the node's part: the broker's truth on one side, clients on the other."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.epochs = 0
        self.hub = Hub(RULES, part_bytes_max=PART_BYTES_MAX)
        self.truth: dict[str, Truth] = {name: {} for name in CHANNELS}
        self.members: dict[str, Member] = {}
        self.guests: list[Guest] = []

    @initialize(held=st.integers(0, HISTORY_SIZE))
    def begin(self, held: int) -> None:
        for name in CHANNELS:
            roster = Roster(Position("m", 0), {}, 0) if RULES.has_members(name) else None
            self.hub.open(name, self.new_log(name, held), roster=roster, now=self.now)
        for _ in range(SESSIONS):
            client = Client()
            session = session_of(client, user="ann")
            client.on_full = self.blocker(session)
            self.guests.append(Guest(session, client))

    def blocker(self, session: Session) -> Any:
        return lambda: self.hub.block(session)

    def new_log(self, name: str, held: int) -> Tail:
        self.epochs += 1
        epoch = f"e{self.epochs}"
        self.truth[name][epoch] = []
        return Tail(
            Position(epoch, held), tuple(self.made(name, epoch, n + 1) for n in range(held))
        )

    def made(self, name: str, epoch: str, offset: int) -> Publication:
        texts = self.truth[name][epoch]
        if offset > len(texts):
            texts.append(f"{name} {epoch} {offset}")
        return Publication(offset, "e", f'"{texts[offset - 1]}"'.encode())

    def channel(self, name: str) -> Channel:
        return self.hub.channels[name]

    # What clients do.

    @rule(
        number=numbers,
        name=channels,
        kind=st.sampled_from(["plain", "history", "resume", "other epoch"]),
        back=st.integers(-2, HISTORY_SIZE + 3),
    )
    def subscribe(self, number: int, name: str, kind: str, back: int) -> None:
        guest, log = self.guests[number], self.channel(name).log
        fields: dict[str, object] = {}
        if kind == "history":
            fields["history"] = max(0, back)
        elif kind != "plain":
            epoch = log.epoch if kind == "resume" else "e0"
            fields |= {"epoch": epoch, "offset": max(0, log.offset - back)}
        message = sent(type="subscribe", id=number, channel=name, **fields)
        command = guest.session.receive(message, self.now)
        assert isinstance(command, Subscribe)
        if name in guest.hearings:
            with pytest.raises(RiverError, match="already in"):
                guest.session.check_subscribable(name)
        else:
            guest.session.check_subscribable(name)
            self.admit(guest, command)

    def admit(self, guest: Guest, command: Subscribe) -> None:
        channel, log = self.channel(command.channel), self.channel(command.channel).log
        start = start_of(command, log)
        wanted = command.position
        can = (
            wanted is not None
            and wanted.epoch == log.epoch
            and log.oldest <= wanted.offset <= log.offset
        )
        assert start.recovered == can
        expected = max(log.oldest, log.offset - command.history)
        if can and wanted is not None:
            expected = wanted.offset
        guest.hearings[command.channel] = Hearing(
            self.truth[command.channel], expected_start=expected
        )
        listed = None if channel.presence is None else channel.presence.listed()
        reply = Subscribed(
            command.id, command.channel, log.position, start.recovered, start.reason, listed
        )
        subscription = self.hub.subscribe(guest.session, command, member=None)
        self.hub.admit(subscription, channel, reply=NATIVE.encode(reply), after=start.after)

    @rule(number=numbers, name=channels)
    def unsubscribe(self, number: int, name: str) -> None:
        guest = self.guests[number]
        subscription = guest.session.subscriptions.get(name)
        self.listen(guest)
        assert (subscription is not None) == (guest.hearings.pop(name, None) is not None)
        if subscription is not None:
            self.hub.unsubscribe(subscription)

    @rule(number=numbers, takes=st.none() | st.integers(0, 400))
    def block(self, number: int, takes: int | None) -> None:
        guest = self.guests[number]
        if takes is None:
            self.hub.block(guest.session)
        else:
            guest.client.takes = takes

    @rule(number=numbers)
    def unblock(self, number: int) -> None:
        self.guests[number].client.takes = None
        self.hub.unblock(self.guests[number].session)

    # What the broker brings.

    @rule(name=channels, count=st.integers(1, HISTORY_SIZE * 2))
    def publish(self, name: str, count: int) -> None:
        channel = self.channel(name)
        for _ in range(count):
            publication = self.made(name, channel.log.epoch, channel.log.offset + 1)
            assert self.hub.append(channel, publication, now=self.now)

    @rule(name=channels, missing=st.integers(1, 3))
    def publish_with_a_hole(self, name: str, missing: int) -> None:
        channel = self.channel(name)
        first = channel.log.offset + 1
        new = [self.made(name, channel.log.epoch, first + n) for n in range(missing + 1)]
        assert not self.hub.append(channel, new[-1], now=self.now)
        for publication in new:
            assert self.hub.append(channel, publication, now=self.now)

    @rule(name=channels, back=st.integers(0, HISTORY_SIZE))
    def publish_again(self, name: str, back: int) -> None:
        channel = self.channel(name)
        offset = channel.log.offset - back
        if offset > 0:
            old = self.made(name, channel.log.epoch, offset)
            assert self.hub.append(channel, old, now=self.now)

    @rule(name=channels, held=st.integers(0, HISTORY_SIZE))
    def restart(self, name: str, held: int) -> None:
        self.hub.restart(self.channel(name), self.new_log(name, held), now=self.now)

    @rule(user=users, info=infos)
    def come_or_go(self, user: str, info: bytes | None) -> None:
        channel = self.channel("presence-cats")
        assert channel.presence is not None
        version = channel.presence.position.offset
        joined = user not in self.members
        member = Member(user, info) if joined else self.members.pop(user)
        if joined:
            self.members[user] = member
        assert not self.hub.change(channel, Change(version + 2, joined, member), now=self.now)
        assert self.hub.change(channel, Change(version + 1, joined, member), now=self.now)
        assert self.hub.change(channel, Change(version + 1, joined, member), now=self.now)

    @rule(members=st.dictionaries(users, infos), new_epoch=st.booleans(), ahead=st.integers(1, 9))
    def read_members_again(
        self, *, members: dict[str, bytes | None], new_epoch: bool, ahead: int
    ) -> None:
        channel = self.channel("presence-cats")
        assert channel.presence is not None
        epoch, version = channel.presence.position.epoch, channel.presence.position.offset
        self.members = {user: Member(user, info) for user, info in members.items()}
        at = Position(epoch + "m", ahead) if new_epoch else Position(epoch, version + ahead)
        self.hub.replace_members(channel, Roster(at, dict(self.members), len(self.members)))

    # What the loop does.

    @rule(seconds=st.sampled_from([0.0, 1.0, HISTORY_TTL_S / 2, HISTORY_TTL_S + 1]))
    def let_time_pass(self, seconds: float) -> None:
        self.now += seconds
        self.hub.expire(self.now)

    @rule()
    def flush_once(self) -> None:
        self.hub.flush(self.now)

    @rule()
    def flush(self) -> None:
        asleep = [guest for guest in self.guests if guest.session.blocked]
        before = [guest.client.writes for guest in asleep]
        rounds = 0
        while self.hub.flush(self.now).more:
            rounds += 1
            assert rounds < 1000, "a flush comes to its end"
        assert before == [guest.client.writes for guest in asleep]
        for guest in self.guests:
            self.listen(guest)
            if not guest.session.blocked:
                self.check_all_told(guest)

    def check_all_told(self, guest: Guest) -> None:
        for name, hearing in guest.hearings.items():
            channel = self.channel(name)
            assert (hearing.epoch, hearing.offset) == (channel.log.epoch, channel.log.offset)
            assert hearing.offset == len(self.truth[name][hearing.epoch])
            if channel.presence is not None:
                assert hearing.users == {
                    user: None if member.info is None else int(member.info)
                    for user, member in self.members.items()
                }

    def listen(self, guest: Guest) -> None:
        """Have a guest take what it was told; what it lost must have been out of reach."""
        for message in guest.client.told:
            name = message.get("channel")
            if message["type"] == "unsubscribed":
                continue
            hearing, log = guest.hearings[name], self.channel(name).log
            before = Position(hearing.epoch, hearing.offset)
            hearing.tell(message)
            if message["type"] == "gap" and message["epoch"] == before.epoch == log.epoch:
                assert before.offset < log.oldest, "no gap without a loss"
        guest.client.told.clear()

    @invariant()
    def nobody_is_both_live_and_behind(self) -> None:
        for channel in self.hub.channels.values():
            for audience in channel.audiences.values():
                assert not audience.behind & set(audience.live)
                assert all(one.is_live and not one.session.blocked for one in audience.live)
                assert not any(one.is_live for one in audience.behind)

    def teardown(self) -> None:
        for number in range(len(self.guests)):
            self.unblock(number)
        self.flush()
        for name in self.hub.channels:
            hearers = sum(name in guest.hearings for guest in self.guests)
            assert self.channel(name).subscribers == hearers


Conversation.TestCase.settings = settings(
    max_examples=1000, stateful_step_count=30, deadline=None, print_blob=True
)
test_a_conversation_loses_nothing_without_a_word = Conversation.TestCase
