"""What was deployed works together: its image, settings, secrets and functions.

The fake account says what a task is and which function stands behind which route and rule. Two
containers are started of just that, in a network of their own, where the name of the deployed
Valkey leads to one with TLS and the deployed password. Nothing here says whether AWS lets one reach
the other.
"""

import asyncio
import dataclasses
import ipaddress
import json
import os
import resource
import socket
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import container_engine
import pytest
from api_gateway import behind_api_gateway, event_for
from cloud import ACCOUNT, REGION, Cloud
from container_engine import Engine
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from doorway import doorway
from ecs_agent import agent
from ecs_task import Task, status
from river_client import Client, member, token
from river_life import Interruption
from stand_ins import VALKEY, service_images

from riverd_aws.account import Account
from riverd_aws.failure import Failure
from riverd_aws.smoke import entrance, smoke

pytestmark = pytest.mark.deploy

PLACE = "aws-secretsmanager:"
LOOPBACK = "127.0.0.1"
NAMES = ("one", "two")


def arn(name: str) -> str:
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/River/{name}"


class Deployed:
    """A River in a fake account, as its own services describe it."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.outputs = cloud.outputs()
        ecs = cloud.client("ecs")
        there = cloud.resources()
        told = ecs.describe_services(
            cluster=there["ECS::Cluster"], services=[there["ECS::Service"]]
        )["services"][0]
        self.cluster: str = told["clusterArn"]
        self.service: str = told["serviceName"]
        task = ecs.describe_task_definition(taskDefinition=told["taskDefinition"])
        self.definition: dict[str, Any] = task["taskDefinition"]
        (container,) = self.definition["containerDefinitions"]
        self.settings: dict[str, str] = {
            one["name"]: one["value"] for one in container["environment"]
        }

    def secret(self, name: str) -> str:
        kept = self.cloud.client("secretsmanager").get_secret_value(SecretId=name)
        return str(kept["SecretString"])

    @property
    def token_secret(self) -> str:
        return self.secret(self.outputs["TokenSecretName"])

    @property
    def api_key(self) -> str:
        return self.secret(self.outputs["ApiKeyName"])

    def ask(self, event: object, context: object = None) -> Any:
        """Have the function answer that stands behind the publish API's address."""
        del context
        api = self.outputs["PublishUrl"].removeprefix("https://").partition(".")[0]
        (behind,) = self.cloud.client("apigatewayv2").get_integrations(ApiId=api)["Items"]
        told = self.cloud.client("lambda").invoke(
            FunctionName=behind["IntegrationUri"], Payload=json.dumps(event)
        )
        assert "FunctionError" not in told, told["Payload"].read()
        return json.loads(told["Payload"].read())

    def publish(self, channel: str, data: object, *, key: str) -> int:
        body = json.dumps({"channel": channel, "event": "post", "data": data}).encode()
        headers = {"content-type": "application/json", "x-api-key": key}
        status: int = self.ask(event_for("POST", "/publish", body, headers=headers))["statusCode"]
        return status

    def stops(self, task: str, *, service: str) -> list[str]:
        """ECS says that a task is to stop: the rules that hear it."""
        heard: list[str] = self.cloud.control(
            "event",
            {
                "version": "0",
                "id": "9bcdac79-b31f-4d3d-9410-fbd727c29fab",
                "detail-type": "ECS Task State Change",
                "source": "aws.ecs",
                "account": ACCOUNT,
                "time": "2026-01-01T00:00:00Z",
                "region": REGION,
                "resources": [task],
                "detail": {
                    "clusterArn": self.cluster,
                    "group": f"service:{service}",
                    "taskArn": task,
                    "desiredStatus": "STOPPED",
                    "lastStatus": "RUNNING",
                },
            },
        )
        return heard


@pytest.fixture(scope="module")
def deployed(cloud: Cloud, changed: Interruption) -> Deployed:
    """Return River as the last change left it: with an image of this repository."""
    del changed
    return Deployed(cloud)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """Return a container engine, which forgets the deployed image afterwards, not its layers."""
    with container_engine.engine() as running:
        yield running
        tags = running("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
        made = [one for one in tags if one.startswith(("cdkasset-", f"{ACCOUNT}.dkr.ecr."))]
        running("image", "rm", "--no-prune", *made)


@dataclass(frozen=True)
class Network:
    """Where the containers are, and this machine's address in it."""

    name: str
    host: str


@pytest.fixture(scope="module")
def network(engine: Engine) -> Iterator[Network]:
    name = f"river-aws-{os.getpid()}"
    engine("network", "create", name)
    try:
        shown = "{{(index .IPAM.Config 0).Gateway}}"
        yield Network(name, engine("network", "inspect", "--format", shown, name))
    finally:
        engine("network", "rm", name)


def certificate(folder: Path, name: str) -> Path:
    """A file with a key and a certificate for a name and loopback, which vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the tests' broker")])
    loopback = x509.IPAddress(ipaddress.ip_address(LOOPBACK))
    places = x509.SubjectAlternativeName([loopback, x509.DNSName(name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(places, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "broker.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return file


@pytest.fixture(scope="module")
def authority(
    deployed: Deployed, engine: Engine, network: Network, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Return whom to trust for Valkey, which runs under its deployed name; functions are told."""
    place = urlsplit(deployed.settings["RIVER_BROKER"])
    assert (place.scheme, place.port) == ("rediss", 6379)
    folder = tmp_path_factory.mktemp("tls")
    file = certificate(folder, str(place.hostname))
    folder.chmod(0o755)
    password = deployed.secret(deployed.settings["RIVER_BROKER_PASSWORD_FROM"].removeprefix(PLACE))
    image = service_images(engine).get("RIVER_VALKEY_IMAGE", VALKEY)
    words = ["--network", network.name, "--network-alias", str(place.hostname)]
    words += ["--publish", f"{LOOPBACK}::6379", "--volume", f"{folder}:/tls:ro"]
    options = ["--port", "0", "--tls-port", "6379", "--tls-auth-clients", "no", "--save", ""]
    for name in ("cert", "key", "ca-cert"):
        options += [f"--tls-{name}-file", "/tls/broker.pem"]
    name = engine(
        *("run", "--detach", *words, image, "valkey-server", *options, "--requirepass", password)
    )
    try:
        port = engine("port", name, "6379/tcp").splitlines()[0].rpartition(":")[2]
        here = f"{place.scheme}://{LOOPBACK}:{port}?ca_file={file}"
        deployed.cloud.control("settings", {"RIVER_BROKER": here})
        yield file
    finally:
        deployed.cloud.control("settings", {})
        engine("rm", "--force", name)


@pytest.fixture(scope="module")
def gateways(
    deployed: Deployed, engine: Engine, network: Network, authority: Path
) -> Iterator[Mapping[str, Task]]:
    """Two tasks as ECS would start them, each told its name."""
    aws = {key: one for key, one in deployed.cloud.environment().items() if key[:4] == "AWS_"}
    started: dict[str, Task] = {}
    with ExitStack() as stack:

        def reached(url: str) -> str:
            """An address of this machine's loopback, as a container says it."""
            parts = urlsplit(url)
            assert parts.port is not None
            port = stack.enter_context(doorway(network.host, parts.port))
            return parts._replace(netloc=f"{network.host}:{port}").geturl()

        aws["AWS_ENDPOINT_URL"] = reached(deployed.cloud.url)
        for name in NAMES:
            metadata = stack.enter_context(agent(json.dumps({"TaskARN": arn(name)}).encode()))
            told = {
                **aws,
                "ECS_CONTAINER_METADATA_URI_V4": reached(metadata),
                # Sooner than after a minute; and whom to trust for what is no Amazon.
                "RIVER_SECRETS_REFRESH_S": "1",
                "SSL_CERT_FILE": "/broker.pem",
            }
            mounts = {"/broker.pem": str(authority)}
            task = Task(engine, deployed.definition, network=network.name, told=told, mounts=mounts)
            stack.callback(task.remove)
            started[name] = task
        for task in started.values():
            task.becomes_healthy()
        yield started


async def answers(client: Client) -> None:
    await client.send(type="ping", id="still there?")
    await client.until("pong")


async def hears(client: Client, data: object) -> None:
    assert (await client.until("event"))["data"] == data


def test_a_task_is_told_where_its_secrets_are_and_no_secret(deployed: Deployed) -> None:
    told = deployed.settings
    assert told["RIVER_BROKER"].startswith("rediss://")
    assert told["RIVER_NODE_NAME"] == "ecs-task"
    names = ("RIVER_SECRETS_FROM", "RIVER_BROKER_PASSWORD_FROM")
    secrets = [deployed.secret(told[name].removeprefix(PLACE)) for name in names]
    assert secrets[0] == deployed.token_secret
    for one in (*secrets, deployed.api_key):
        assert one not in json.dumps(deployed.definition, default=str)


def test_a_task_is_what_its_definition_says(
    deployed: Deployed, gateways: Mapping[str, Task]
) -> None:
    (container,) = deployed.definition["containerDefinitions"]
    for task in gateways.values():
        about = task.about()
        assert about["Config"]["Image"] == container["image"]
        assert about["Config"]["User"] == "10001:10001"
        assert about["Config"]["Cmd"] == ["gateway"]
        assert about["Config"]["StopTimeout"] == 40
        assert about["HostConfig"]["ReadonlyRootfs"] is True
        assert about["HostConfig"]["Memory"] == 512 << 20
        assert about["HostConfig"]["NanoCpus"] == 250_000_000
        (limit,) = about["HostConfig"]["Ulimits"]
        assert limit["Hard"] == min(65_536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        assert "urlopen" in about["Config"]["Healthcheck"]["Test"][1]
        assert about["State"]["Health"]["Status"] == "healthy"
        assert deployed.token_secret not in json.dumps(about)


async def test_a_publish_through_the_function_reaches_clients_of_both_gateways(
    deployed: Deployed, gateways: Mapping[str, Task]
) -> None:
    secret, key = deployed.token_secret, deployed.api_key
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(member(one.url, token(secret=secret), "dogs"))
            for one in gateways.values()
        ]
        assert await asyncio.to_thread(deployed.publish, "dogs", "no", key="k" * 64) == 401
        assert await asyncio.to_thread(deployed.publish, "dogs", {"n": 1}, key=key) == 200
        for client in clients:
            await hears(client, {"n": 1})


async def test_a_rotation_of_the_token_secret_drops_nobody(
    deployed: Deployed, gateways: Mapping[str, Task]
) -> None:
    old = token("old", secret=deployed.token_secret)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(member(one.url, old, "dogs"))
            for one in gateways.values()
        ]
        vault = deployed.cloud.client("secretsmanager")
        await asyncio.to_thread(vault.rotate_secret, SecretId=deployed.outputs["TokenSecretName"])
        new = token("new", secret=deployed.token_secret)
        assert new != old
        for one in gateways.values():
            renewed = await asyncio.to_thread(one.event, "secrets_renewed")
            assert renewed["setting"] == "secrets"
            clients += [
                await stack.enter_async_context(member(one.url, proof, "dogs"))
                for proof in (old, new)
            ]
        told = await asyncio.to_thread(deployed.publish, "dogs", "still?", key=deployed.api_key)
        assert told == 200
        for client in clients:
            await hears(client, "still?")


def test_the_smoke_test_passes_and_names_what_is_wrong(
    deployed: Deployed, gateways: Mapping[str, Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in deployed.cloud.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    found = entrance(Account(region=REGION), deployed.outputs)
    assert (found.secret, found.api_key) == (deployed.token_secret, deployed.api_key)
    with socket.create_server((LOOPBACK, 0)) as listening:
        port = listening.getsockname()[1]
        with behind_api_gateway(deployed.ask, listening):
            here = dataclasses.replace(
                found,
                websocket_url=gateways["two"].ws_url,
                publish_url=f"http://{LOOPBACK}:{port}",
            )
            passed = smoke(here)
            assert passed.connect_ms > 0
            assert passed.deliver_ms > 0
            with pytest.raises(Failure, match=r"the token was not accepted: .*token_invalid"):
                smoke(dataclasses.replace(here, secret="x" * 64))
            with pytest.raises(Failure, match="/publish answered 401: "):
                smoke(dataclasses.replace(here, api_key="k" * 64))
    nowhere = dataclasses.replace(here, websocket_url=f"ws://{LOOPBACK}:1/ws")
    with pytest.raises(Failure, match=r"cannot be reached: .*--no-smoke"):
        smoke(nowhere, ready_s=0)


async def test_a_gateway_whose_task_is_to_stop_moves_its_clients_and_the_other_keeps_its_own(
    deployed: Deployed, gateways: Mapping[str, Task]
) -> None:
    proof = token(secret=deployed.token_secret)
    stopping, staying = (gateways[name] for name in NAMES)
    async with AsyncExitStack() as stack:
        moved, kept = [
            await stack.enter_async_context(member(one.url, proof, "dogs"))
            for one in (stopping, staying)
        ]
        heard = await asyncio.to_thread(deployed.stops, arn("one"), service="another")
        assert heard == []
        heard = await asyncio.to_thread(deployed.stops, arn("one"), service=deployed.service)
        assert len(heard) == 1
        assert (await moved.until("bye"))["reason"] == "draining"
        # Who published the container's port may take a connection, and then finds nobody.
        assert status(f"{stopping.url}/readyz") == 0
        assert status(f"{staying.url}/readyz") == 200
        await answers(kept)
        elsewhere = await stack.enter_async_context(member(staying.url, proof, "dogs"))
        told = await asyncio.to_thread(deployed.publish, "dogs", "moved", key=deployed.api_key)
        assert told == 200
        # Who was asked to move hears everything until it has moved.
        for client in (moved, kept, elsewhere):
            await hears(client, "moved")


def test_tasks_that_are_stopped_end_well(gateways: Mapping[str, Task]) -> None:
    for task in gateways.values():
        assert task.stop() == 0
        said = task.log()
        assert '"event": "gateway_stopped"' in said
