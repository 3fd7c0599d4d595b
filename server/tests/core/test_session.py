"""One client's state machine: authentication, limits, grants, and what it answers itself."""

import pytest
from river_wire import Book, Client, sent, session_of

from riverd.core.session import Limits, Session
from riverd.errors import BrokerError, CloseCode
from riverd.model import Authenticate, Claims, Grants, Publish, Subscribe, Unsubscribe


def told_one(client: Client) -> dict[str, object]:
    [told] = client.take()
    return told


def test_welcome_names_the_session_and_the_time_for_a_token() -> None:
    client = Client()
    client.write(session_of(client, limits=Limits(auth_timeout_s=7)).welcome())
    assert told_one(client) == {"type": "welcome", "session": "s", "auth_timeout_s": 7}


def test_a_token_makes_a_client_known() -> None:
    client = Client()
    session = session_of(client)
    assert session.receive(sent(type="auth", id=1, token="ann"), 0) == Authenticate(1, "ann")
    assert session.claims is not None
    assert session.claims.user == "ann"
    assert told_one(client) == {
        "type": "authenticated",
        "id": 1,
        "user": "ann",
        "expires_at": None,
    }


def test_a_token_that_came_with_the_upgrade_is_answered_without_an_id() -> None:
    client = Client()
    assert session_of(client).authenticate("ann", 0)
    assert told_one(client) == {"type": "authenticated", "user": "ann", "expires_at": None}


@pytest.mark.parametrize(
    "request_fields",
    [
        {"type": "subscribe", "channel": "c"},
        {"type": "unsubscribe", "channel": "c"},
        {"type": "publish", "channel": "c", "event": "e", "data": 1},
        {"type": "presence", "channel": "presence-c"},
        {"type": "history", "channel": "c"},
    ],
)
def test_before_a_token_nothing_is_served_but_ping(request_fields: dict[str, object]) -> None:
    client = Client()
    session = session_of(client)
    assert session.receive(sent(id=4, **request_fields), 0) is None
    error = told_one(client)
    assert (error["type"], error["id"], error["code"]) == ("error", 4, "unauthenticated")
    assert client.closed is None
    assert session.receive(sent(type="ping", id=5), 0) is None
    assert told_one(client) == {"type": "pong", "id": 5}


def test_a_bad_token_ends_the_connection() -> None:
    client = Client()
    session = session_of(client)
    assert session.receive(sent(type="auth", id=1, token="bad"), 0) is None
    error = told_one(client)
    assert (error["id"], error["code"]) == (1, "token_invalid")
    assert client.closed == (CloseCode.NOT_AUTHENTICATED, "bad")


def test_a_bad_renewal_ends_the_connection_too() -> None:
    client = Client()
    session = session_of(client, user="ann")
    assert session.receive(sent(type="auth", id=2, token="bad"), 0) is None
    assert told_one(client)["code"] == "token_invalid"
    assert client.closed is not None


def test_a_renewal_for_another_user_ends_the_connection() -> None:
    client = Client()
    session = session_of(client, user="ann")
    assert session.receive(sent(type="auth", id=2, token="bob"), 0) is None
    assert told_one(client)["code"] == "user_mismatch"
    assert client.closed is not None
    assert client.closed[0] == CloseCode.NOT_AUTHENTICATED
    assert session.claims is not None
    assert session.claims.user == "ann"


def test_without_a_token_in_time_the_connection_ends() -> None:
    client = Client()
    session_of(client).wake(15)
    assert client.closed == (CloseCode.AUTH_TIMEOUT, "no token in time")


def book_of(token: str, user: str, expires_at: float) -> Book:
    book = Book()
    book.claims[token] = Claims(user, expires_at)
    return book


def test_the_connection_ends_with_its_token() -> None:
    client = Client()
    session = session_of(client, user="t", book=book_of("t", "ann", 100))
    session.wake(99.9)
    assert client.closed is None
    session.wake(100)
    assert told_one(client)["code"] == "token_expired"
    assert client.closed == (CloseCode.NOT_AUTHENTICATED, "the token has expired")


def test_a_renewed_token_lasts_longer() -> None:
    client, book = Client(), book_of("t", "ann", 100)
    book.claims["t2"] = Claims("ann", 200)
    session = session_of(client, user="t", book=book)
    assert session.receive(sent(type="auth", token="t2"), 50) is not None
    assert told_one(client)["expires_at"] == 200
    session.wake(100)
    assert client.closed is None
    session.wake(200)
    assert client.closed is not None


def test_a_token_without_an_end_lasts() -> None:
    client = Client()
    session_of(client, user="ann").wake(1e12)
    assert client.closed is None


@pytest.mark.parametrize("payload", [b"nonsense", b"[]"])
def test_whoever_does_not_speak_the_protocol_is_told_and_closed(payload: bytes) -> None:
    client = Client()
    assert session_of(client, user="ann").receive(payload, 0) is None
    assert client.types() == ["error"]
    assert client.closed is not None
    assert client.closed[0] == CloseCode.NOT_THE_PROTOCOL


def test_after_the_end_nothing_is_heard_and_nothing_said() -> None:
    client = Client()
    session = session_of(client, user="ann")
    session.close(CloseCode.DISCONNECTED, "first")
    session.close(CloseCode.INTERNAL, "second")
    assert client.closed == (CloseCode.DISCONNECTED, "first")
    assert session.receive(sent(type="ping", id=1), 0) is None
    session.wake(1e9)
    assert client.told == []


def grants_of(client: Client, grants: Grants) -> Session:
    book = Book()
    book.claims["t"] = Claims("ann", None, grants)
    return session_of(client, user="t", book=book)


def test_a_channel_needs_its_grant() -> None:
    client = Client()
    session = grants_of(client, Grants(("room-*",), ("room-1",)))
    for request in (
        {"type": "subscribe", "channel": "dogs"},
        {"type": "history", "channel": "dogs"},
        {"type": "presence", "channel": "presence-dogs"},
        {"type": "publish", "channel": "room-2", "event": "e", "data": 1},
    ):
        assert session.receive(sent(id=1, **request), 0) is None
        assert told_one(client)["code"] == "forbidden"
    room = sent(type="subscribe", id=2, channel="room-2")
    assert session.receive(room, 0) == Subscribe(2, "room-2")
    publish = sent(type="publish", channel="room-1", event="e", data=1)
    assert session.receive(publish, 0) == Publish(None, "room-1", "e", b"1")
    assert client.told == []


def test_a_private_channel_is_forbidden_without_a_grant() -> None:
    client = Client()
    session = grants_of(client, Grants())
    assert session.receive(sent(type="subscribe", id=1, channel="private-a"), 0) is None
    assert told_one(client)["code"] == "forbidden"


def test_what_the_broker_says_is_no_business_of_a_client() -> None:
    client = Client()
    session_of(client, user="ann").fail(7, BrokerError("refused: AUTH at cache.internal:6379"))
    told = told_one(client)
    assert (told["id"], told["code"]) == (7, "broker_unavailable")
    assert told["message"] == "the broker is away: ask again later"


def test_only_presence_channels_can_be_asked_for_members() -> None:
    client = Client()
    session = session_of(client, user="ann")
    assert session.receive(sent(type="presence", id=1, channel="dogs"), 0) is None
    assert told_one(client)["code"] == "invalid_field"
    assert session.receive(sent(type="presence", id=1, channel="presence-dogs"), 0) is not None


def test_a_channel_can_be_had_once() -> None:
    client = Client()
    session = session_of(client, user="ann")
    assert session.receive(sent(type="subscribe", id=1, channel="dogs"), 0) is not None
    assert session.receive(sent(type="subscribe", id=2, channel="dogs"), 0) is None
    error = told_one(client)
    assert (error["id"], error["code"]) == (2, "already_subscribed")


def test_the_number_of_channels_is_bounded_and_one_let_go_makes_room() -> None:
    client = Client()
    session = session_of(client, user="ann", limits=Limits(channels_max=2, rate=1e9))
    for channel in ("a", "b"):
        assert session.receive(sent(type="subscribe", channel=channel), 0) is not None
    assert session.receive(sent(type="subscribe", id=3, channel="c"), 0) is None
    assert told_one(client)["code"] == "too_many_channels"
    session.subscriptions.pop("a")
    assert session.receive(sent(type="subscribe", channel="c"), 0) is not None


def test_unsubscribing_from_what_was_never_had_is_answered_all_the_same() -> None:
    client = Client()
    session = session_of(client, user="ann")
    assert session.receive(sent(type="unsubscribe", id=1, channel="dogs"), 0) is None
    assert told_one(client) == {"type": "unsubscribed", "id": 1, "channel": "dogs"}


def test_unsubscribing_before_it_was_live_cancels_the_subscribing() -> None:
    client = Client()
    session = session_of(client, user="ann")
    session.receive(sent(type="subscribe", id=1, channel="dogs"), 0)
    asked = session.receive(sent(type="unsubscribe", id=2, channel="dogs"), 0)
    assert asked == Unsubscribe(2, "dogs")
    cancelled, unsubscribed = client.take()
    assert (cancelled["id"], cancelled["code"]) == (1, "cancelled")
    assert unsubscribed == {"type": "unsubscribed", "id": 2, "channel": "dogs"}


def test_a_client_that_talks_too_fast_is_told_and_closed() -> None:
    client = Client()
    limits = Limits(rate=10, channels_max=5)
    session = session_of(client, user="ann", limits=limits)
    assert limits.burst == 25
    for _ in range(25):
        session.receive(sent(type="ping"), 100)
    assert client.closed is None
    session.receive(sent(type="ping"), 100)
    assert client.told[-1]["code"] == "too_fast"
    assert client.closed is not None
    assert client.closed[0] == CloseCode.TOO_FAST


def test_a_client_that_keeps_to_the_rate_talks_for_ever() -> None:
    client = Client()
    session = session_of(client, user="ann", limits=Limits(rate=10, channels_max=0))
    for tenth in range(1_000):
        session.receive(sent(type="ping"), 100 + tenth / 10)
    assert client.closed is None


def test_patience_is_not_saved_beyond_the_burst() -> None:
    client = Client()
    session = session_of(client, user="ann", limits=Limits(rate=10, channels_max=0))
    session.receive(sent(type="ping"), 0)
    for _ in range(21):
        session.receive(sent(type="ping"), 1e6)
    assert client.closed is not None


def test_a_clock_that_goes_back_harms_nobody() -> None:
    client = Client()
    session = session_of(client, user="ann", limits=Limits(rate=10, channels_max=0))
    for now in (1000, 0, 0.5, 1, 1000):
        session.receive(sent(type="ping"), now)
    assert client.closed is None
