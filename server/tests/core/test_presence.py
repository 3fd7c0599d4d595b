"""The members of a channel: versions, changes, and a list that was read again."""

from river_wire import NATIVE, RULES, Client, session_of

from riverd.core.hub import ENCODED_AT_ONCE, Hub
from riverd.core.presence import COMPARED_AT_ONCE, LISTED_MAX, PresenceReplica
from riverd.model.commands import Subscribe
from riverd.model.log import Change, Member, Position, Roster, Tail
from riverd.model.replies import Subscribed

ANN, BOB = Member("ann"), Member("bob", b'{"a":1}')


def presence_of(*members: Member, version: int = 0) -> PresenceReplica:
    return PresenceReplica(roster_of(*members, version=version))


def roster_of(*members: Member, version: int, epoch: str = "a") -> Roster:
    return Roster(Position(epoch, version), {one.user: one for one in members}, len(members))


def test_joins_and_leaves_are_taken_in_order() -> None:
    presence = presence_of()
    assert presence.apply(Change(1, joined=True, member=ANN), 0)
    assert presence.apply(Change(2, joined=True, member=BOB), 0)
    assert presence.apply(Change(3, joined=False, member=ANN), 0)
    assert presence.listed().members == (BOB,)
    assert presence.position == Position("a", 3)


def test_a_change_after_a_hole_is_not_taken() -> None:
    presence = presence_of()
    assert not presence.apply(Change(2, joined=True, member=ANN), 0)
    assert not presence.has("ann")


def test_a_change_that_is_known_changes_nothing() -> None:
    presence = presence_of(ANN, version=2)
    assert presence.apply(Change(1, joined=False, member=ANN), 0)
    assert presence.get("ann") == ANN


def test_a_list_read_again_gives_the_changes_that_lead_there() -> None:
    presence = presence_of(ANN, version=1)
    changes = presence.replace(roster_of(BOB, version=7))
    assert changes == [Change(7, joined=False, member=ANN), Change(7, joined=True, member=BOB)]
    assert presence.listed().members == (BOB,)
    assert presence.position == Position("a", 7)


def test_a_user_that_left_and_came_again_as_somebody_else_is_told_of_twice() -> None:
    presence = presence_of(Member("bob", b"1"), version=1)
    changes = presence.replace(roster_of(Member("bob", b"2"), version=3))
    assert [(change.joined, change.member.info) for change in changes] == [
        (False, b"1"),
        (True, b"2"),
    ]


def test_after_a_list_was_read_again_changes_go_on_from_its_version() -> None:
    presence = presence_of(ANN, version=1)
    presence.replace(roster_of(version=7))
    assert presence.apply(Change(8, joined=True, member=BOB), 0)
    assert presence.changes.since(7) == [Change(8, joined=True, member=BOB)]
    assert presence.changes.since(6) is None


def test_a_list_that_is_given_up_is_compared_no_further() -> None:
    presence = presence_of(*(Member(f"u{number}") for number in range(COMPARED_AT_ONCE + 1)))
    changes = presence.changes_to(roster_of(BOB, version=7))
    assert len(next(changes)) == COMPARED_AT_ONCE
    # The channel was detached meanwhile, and its members are freed some at a time.
    presence.release().popitem()
    assert all(change.member == BOB for some in changes for change in some)


def test_a_list_of_ten_thousand_shows_a_hundred_and_how_many_there_are() -> None:
    presence = presence_of(*(Member(f"u{number}") for number in range(10_000)))
    listed = presence.listed()
    assert listed.count == 10_000
    assert len(listed.members) == LISTED_MAX == 100


def test_joins_that_wait_for_a_flush_are_encoded_as_they_come() -> None:
    hub, client = Hub(RULES, part_bytes_max=10_000), Client()
    roster = Roster(Position("m1", 0), {}, 0)
    channel = hub.open("presence-c", Tail(Position("e1", 0)), roster=roster, now=0)
    subscription = hub.subscribe(
        session_of(client, user="ann"), Subscribe(1, "presence-c"), member=None
    )
    reply = NATIVE.encode(Subscribed(1, "presence-c", channel.log.position, recovered=False))
    hub.admit(subscription, channel, reply=reply, after=0)
    [audience] = channel.audiences.values()
    encode, encoded, count = audience.change, list[int](), 2 * ENCODED_AT_ONCE + 10

    def counted(change: Change) -> bytes:
        encoded.append(change.offset)
        return encode(change)

    audience.change = counted
    for offset in range(1, count + 1):
        assert hub.change(channel, Change(offset, True, Member(f"u{offset}")), now=0)
    assert len(encoded) == 2 * ENCODED_AT_ONCE
    hub.flush(0)
    assert encoded == list(range(1, count + 1))
    assert client.types() == ["subscribed", *["joined"] * count]
