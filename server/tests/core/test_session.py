"""One client's session: authentication, limits, and what it answers itself."""

import pytest
from river_wire import RULES, SECRETS, Book, Client, authenticated, sent, session_of

from riverd.core.hub import Hub
from riverd.core.session import Session
from riverd.core.session_limits import SessionLimits
from riverd.errors import BrokerError, ErrorCode, Reason, RiverError
from riverd.model.claims import Claims
from riverd.model.commands import Authenticate, Subscribe


def told_one(client: Client) -> dict[str, object]:
    [told] = client.take()
    return told


def test_welcome_names_the_session_and_the_time_for_a_token() -> None:
    client = Client()
    client.write(session_of(client, limits=SessionLimits(auth_timeout_s=7)).welcome())
    assert told_one(client) == {
        "type": "welcome",
        "session": "s",
        "resume_session": SECRETS.of("s"),
        "auth_timeout_s": 7,
        "max_message_bytes": 65_536,
    }


def test_a_token_makes_a_client_known() -> None:
    client = Client()
    session = session_of(client)
    assert session.receive(sent(type="auth", id=1, token="ann"), 0) == Authenticate(1, "ann")
    assert authenticated(session, "ann", 0, id=1)
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
    assert authenticated(session_of(client), "ann", 0)
    assert told_one(client) == {"type": "authenticated", "user": "ann", "expires_at": None}


def test_a_ping_is_answered_before_a_token() -> None:
    client = Client()
    assert session_of(client).receive(sent(type="ping", id=5), 0) is None
    assert told_one(client) == {"type": "pong", "id": 5}


def test_a_sink_is_notified_of_claims_and_of_their_renewal() -> None:
    client = Client()
    session = session_of(client)
    authenticated(session, "ann", 0)
    authenticated(session, "ann", 0)
    assert client.authenticated == [False, True]


def test_a_bad_token_ends_the_connection() -> None:
    client = Client()
    session = session_of(client)
    assert not authenticated(session, "bad", 0, id=1)
    error = told_one(client)
    assert (error["id"], error["code"]) == (1, "token_invalid")
    assert client.closed == (4401, "bad")


def test_a_bad_renewal_ends_the_connection_too() -> None:
    client = Client()
    session = session_of(client, user="ann")
    assert not authenticated(session, "bad", 0, id=2)
    assert told_one(client)["code"] == "token_invalid"
    assert client.closed is not None


def test_a_renewal_for_another_user_ends_the_connection() -> None:
    client = Client()
    session = session_of(client, user="ann")
    assert not authenticated(session, "bob", 0, id=2)
    assert told_one(client)["code"] == "user_mismatch"
    assert client.closed is not None
    assert client.closed[0] == 4401
    assert session.claims is not None
    assert session.claims.user == "ann"


def test_without_a_token_in_time_the_connection_ends() -> None:
    client = Client()
    session_of(client).wake(15)
    assert client.closed == (4408, "no token in time")


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
    assert client.closed == (4401, "the token has expired")


def test_a_renewed_token_lasts_longer() -> None:
    client, book = Client(), book_of("t", "ann", 100)
    book.claims["t2"] = Claims("ann", 200)
    session = session_of(client, user="t", book=book)
    assert authenticated(session, "t2", 50)
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
    assert client.closed[0] == 4400


def test_after_the_end_nothing_is_heard_and_nothing_said() -> None:
    client = Client()
    session = session_of(client, user="ann")
    session.close(Reason.DISCONNECTED, "first")
    session.close(Reason.INTERNAL, "second")
    assert client.closed == (4403, "first")
    assert session.receive(sent(type="ping", id=1), 0) is None
    session.wake(1e9)
    assert client.told == []


def test_what_the_broker_says_is_no_business_of_a_client() -> None:
    client = Client()
    session_of(client, user="ann").fail(7, BrokerError("refused: AUTH at cache.internal:6379"))
    told = told_one(client)
    assert (told["id"], told["code"]) == (7, "broker_unavailable")
    assert told["message"] == "the broker is away: ask again later"


def code_of(session: Session, channel: str) -> ErrorCode | None:
    """Why one more channel cannot be subscribed."""
    try:
        session.check_subscribable(channel)
    except RiverError as error:
        return error.error
    return None


def test_a_channel_can_be_subscribed_once() -> None:
    session, hub = session_of(Client(), user="ann"), hub_of()
    assert code_of(session, "dogs") is None
    subscription = hub.subscribe(session, Subscribe(1, "dogs"), member=None)
    assert code_of(session, "dogs") == ErrorCode.ALREADY_SUBSCRIBED
    hub.unsubscribe(subscription)
    assert code_of(session, "dogs") is None


def test_the_number_of_channels_is_bounded_and_one_that_ended_makes_room() -> None:
    session, hub = session_of(Client(), limits=SessionLimits(channels_max=2, rate=1e9)), hub_of()
    subscriptions = [hub.subscribe(session, Subscribe(1, name), member=None) for name in "ab"]
    assert code_of(session, "c") == ErrorCode.TOO_MANY_CHANNELS
    hub.unsubscribe(subscriptions[0])
    assert code_of(session, "c") is None


def hub_of() -> Hub:
    return Hub(RULES, part_bytes_max=1)


def test_a_client_that_talks_too_fast_is_told_and_closed() -> None:
    client = Client()
    limits = SessionLimits(rate=10, channels_max=5)
    session = session_of(client, user="ann", limits=limits)
    assert limits.burst == 25
    for _ in range(25):
        session.receive(sent(type="ping"), 100)
    assert client.closed is None
    session.receive(sent(type="ping"), 100)
    assert client.told[-1]["code"] == "too_fast"
    assert client.closed is not None
    assert client.closed[0] == 4429


def test_a_client_that_keeps_to_the_rate_talks_for_ever() -> None:
    client = Client()
    session = session_of(client, user="ann", limits=SessionLimits(rate=10, channels_max=0))
    for tenth in range(1_000):
        session.receive(sent(type="ping"), 100 + tenth / 10)
    assert client.closed is None


def test_patience_is_not_saved_beyond_the_burst() -> None:
    client = Client()
    session = session_of(client, user="ann", limits=SessionLimits(rate=10, channels_max=0))
    session.receive(sent(type="ping"), 0)
    for _ in range(21):
        session.receive(sent(type="ping"), 1e6)
    assert client.closed is not None


def test_a_clock_that_goes_back_harms_nobody() -> None:
    client = Client()
    session = session_of(client, user="ann", limits=SessionLimits(rate=10, channels_max=0))
    for now in (1000, 0, 0.5, 1, 1000):
        session.receive(sent(type="ping"), now)
    assert client.closed is None
