"""Who is let in, and how: passwords, users, databases, TLS."""

import datetime as dt
import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from brokers import RedisBrokers
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis_server import RedisServer, running
from river_feed import until

from riverd.channels.names import CONTROL
from riverd.errors import BrokerError
from riverd.model.log import Message
from riverd.model.orders import Order, OrderKind

BrokersAt = Callable[[str], RedisBrokers]
Key = ec.EllipticCurvePrivateKey
PASSWORD = "p@ss/w:rd?"
QUOTED = "p%40ss%2Fw%3Ard%3F"


@pytest.fixture(scope="module")
def locked() -> Iterator[RedisServer]:
    with running(requirepass=PASSWORD) as server:
        yield server


async def works(brokers: RedisBrokers, channel: str = "c") -> None:
    """A node hears what a publisher publishes."""
    broker, notes = await brokers.node()
    await broker.subscribe(channel)
    await brokers().publish(Message(channel, "e", b"1"))
    await until(lambda: len(notes.publications) == 1)


async def test_a_password_opens(locked: RedisServer, brokers_at: BrokersAt) -> None:
    await works(brokers_at(f"redis://:{QUOTED}@127.0.0.1:{locked.port}"))


@pytest.mark.parametrize("credentials", ["", ":wrong@", "nobody:wrong@"])
async def test_without_the_password_everything_is_refused(
    locked: RedisServer, brokers_at: BrokersAt, credentials: str
) -> None:
    brokers = brokers_at(f"redis://{credentials}127.0.0.1:{locked.port}")
    broker, notes = await brokers.node()
    with pytest.raises(BrokerError, match=r"NOAUTH|WRONGPASS"):
        await broker.ping()
    with pytest.raises(BrokerError):
        await broker.publish(Message("c", "e", b"1"))
    with pytest.raises(BrokerError):
        await broker.subscribe("c")
    assert notes.interruptions == 0


async def test_a_user_with_the_rights_that_are_documented_is_enough(
    locked: RedisServer, brokers_at: BrokersAt
) -> None:
    rights = [
        "~river:*",
        "resetchannels",
        "&river:*",
        "+@all",
        "-@admin",
        "-@dangerous",
        "+info",
        "-@blocking",
    ]
    with locked.client() as client:
        client.execute_command("ACL", "SETUSER", "river", "on", ">pw", *rights)
    await works(brokers_at(f"redis://river:pw@127.0.0.1:{locked.port}"), "d")


async def test_databases_of_one_server_hear_nothing_of_each_other(
    server: RedisServer, brokers_at: BrokersAt
) -> None:
    none, two = brokers_at(server.url), brokers_at(f"{server.url}/2")
    first, first_notes = await none.node()
    second, second_notes = await two.node()
    for broker in (first, second):
        await broker.subscribe("c")
        await broker.subscribe(CONTROL)
    await first.publish(Message("c", "e", b"1"))
    await first.control.order(Order("1", OrderKind.DISCONNECT, user="ann"))
    for _ in range(2):
        await second.publish(Message("c", "e", b"2"))
    await second.control.order(Order("1", OrderKind.DISCONNECT, user="bob"))
    await until(lambda: bool(first_notes.disconnected and second_notes.disconnected))
    assert (first_notes.offsets("c"), second_notes.offsets("c")) == ([1], [1, 2])
    assert (first_notes.disconnected, second_notes.disconnected) == (["ann"], ["bob"])


async def test_a_database_that_is_not_there_is_said(
    server: RedisServer, brokers_at: BrokersAt
) -> None:
    with pytest.raises(BrokerError, match="DB index is out of range"):
        await brokers_at(f"{server.url}/99")().ping()


async def test_a_replica_is_no_broker(server: RedisServer, brokers_at: BrokersAt) -> None:
    with (
        running(replicaof=f"127.0.0.1 {server.port}") as replica,
        pytest.raises(BrokerError, match="replica"),
    ):
        await brokers_at(replica.url)().ping()


async def test_a_master_that_was_made_a_replica_is_left(
    server: RedisServer, brokers_at: BrokersAt
) -> None:
    with running() as other, other.client() as client:
        brokers = brokers_at(other.url)
        broker = brokers()
        await broker.publish(Message("c", "e", b"1"))
        client.replicaof("127.0.0.1", server.port)
        with pytest.raises(BrokerError, match="READONLY"):
            await broker.publish(Message("c", "e", b"1"))
        with pytest.raises(BrokerError, match="replica"):
            await broker.publish(Message("c", "e", b"1"))
        client.replicaof("NO", "ONE")
        await brokers.published(Message("c", "e", b"1"))


async def test_nobody_there_is_said(brokers_at: BrokersAt) -> None:
    broker = brokers_at("redis://127.0.0.1:1")()
    with pytest.raises(BrokerError, match="ConnectionRefused"):
        await broker.ping()
    unknown = brokers_at("redis://nowhere.invalid")()
    with pytest.raises(BrokerError, match="the broker is away"):
        await unknown.ping()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, and a certificate of it for this machine."""
    folder = tmp_path_factory.mktemp("tls")
    authority_key, key = new_key(folder / "ca.key"), new_key(folder / "redis.key")
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The tests' authority")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    ours = builder(authority, authority, authority_key)
    ours = ours.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    write(folder / "ca.pem", ours, authority_key)
    place = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    theirs = builder(name, authority, key).add_extension(place, critical=False)
    write(folder / "redis.pem", theirs, authority_key)
    return folder


@pytest.fixture(scope="module")
def encrypted(certificates: Path) -> Iterator[RedisServer]:
    options = {
        "tls-cert-file": certificates / "redis.pem",
        "tls-key-file": certificates / "redis.key",
        "tls-ca-cert-file": certificates / "ca.pem",
        "tls-auth-clients": "no",
        "tls-replication": "no",
    }
    with running(tls=True, **{name: str(value) for name, value in options.items()}) as server:
        yield server


async def test_tls_with_an_authority_of_one_s_own(
    encrypted: RedisServer, certificates: Path, brokers_at: BrokersAt
) -> None:
    place = f"127.0.0.1:{encrypted.port}"
    await works(brokers_at(f"rediss://{place}?ca_file={certificates / 'ca.pem'}"))


@pytest.mark.parametrize("scheme", ["rediss", "redis"])
async def test_nothing_is_said_to_a_server_that_nobody_vouches_for(
    encrypted: RedisServer, brokers_at: BrokersAt, scheme: str
) -> None:
    broker, notes = await brokers_at(f"{scheme}://127.0.0.1:{encrypted.port}").node()
    with pytest.raises(BrokerError):
        await broker.publish(Message("c", "e", b"1"))
    assert notes.interruptions == 0


async def test_a_certificate_for_another_name_is_refused(
    encrypted: RedisServer, certificates: Path, brokers_at: BrokersAt
) -> None:
    url = f"rediss://localhost:{encrypted.port}?ca_file={certificates / 'ca.pem'}"
    with pytest.raises(BrokerError, match="SSLCertVerificationError"):
        await brokers_at(url)().ping()


def new_key(path: Path) -> Key:
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return key


def builder(name: x509.Name, issuer: x509.Name, key: Key) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
    )


def write(path: Path, unsigned: x509.CertificateBuilder, key: Key) -> None:
    path.write_bytes(unsigned.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


@pytest.mark.parametrize(
    ("channels", "refused"), [("", "may not PUBLISH"), ("&other:*", "PUBLISH")]
)
async def test_a_user_without_the_channels_is_not_ready_and_publishes_nothing(
    locked: RedisServer, brokers_at: BrokersAt, channels: str, refused: str
) -> None:
    rights = ["~river:*", "resetchannels", *channels.split(), "+@all", "-@dangerous", "+info"]
    with locked.client() as client:
        client.execute_command("ACL", "SETUSER", "mute", "reset", "on", ">pw", *rights)
    broker, notes = await brokers_at(f"redis://mute:pw@127.0.0.1:{locked.port}").node()
    with pytest.raises(BrokerError, match=refused):
        await broker.ping()
    with pytest.raises(BrokerError, match=refused):
        await broker.publish(Message("mute", "e", b"1"))
    with locked.client() as client:
        assert client.keys("river:{mute}*") == []
    assert notes.interruptions == 0


async def test_a_node_whose_feed_cannot_be_subscribed_is_not_ready(
    locked: RedisServer, brokers_at: BrokersAt
) -> None:
    rights = ["~river:*", "&river:*", "+@all", "-@dangerous", "+info", "-subscribe"]
    with locked.client() as client:
        client.execute_command("ACL", "SETUSER", "deaf", "reset", "on", ">pw", *rights)
    broker, _ = await brokers_at(f"redis://deaf:pw@127.0.0.1:{locked.port}").node()
    with pytest.raises(BrokerError, match=r"the feed is away: .*NOPERM"):
        await broker.ping()
