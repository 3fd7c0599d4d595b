"""What the Helm chart says of its containers, done: they run so, and a client hears an event."""

import base64
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from chart import TRIAL, Rendered, Resource, rendered
from container_engine import Engine
from listener import ask, listening, publish, token
from river_image import Image
from stand_ins import VALKEY, service_images
from waiting import becomes

PORTS = {"gateway": 8000, "api": 8001}
PARTS = ("valkey", "gateway", "api")


def secret(found: Rendered, name: str, ending: str) -> str:
    return base64.b64decode(found.one("Secret", ending)["data"][name]).decode()


def fill(folder: Path, found: Rendered, *, volume: Resource) -> None:
    """Make the folder that a Secret is mounted as, as the kubelet does."""
    wanted = volume["secret"]
    data = found.one("Secret", wanted["secretName"])["data"]
    folder.mkdir(parents=True)
    for item in wanted.get("items") or [{"key": key, "path": key} for key in data]:
        path = folder / item["path"]
        path.write_bytes(base64.b64decode(data[item["key"]]))
        path.chmod(wanted["defaultMode"] if os.geteuid() == 0 else 0o444)
        if os.geteuid() == 0:
            os.chown(path, 0, 10001)


def flags(found: Rendered, part: str, folder: Path) -> Iterator[str]:
    """`docker run` with what the pod and its container say."""
    pod, container = found.pod(part), found.container(part)
    rights = container["securityContext"]
    assert rights["readOnlyRootFilesystem"]
    yield from ("--read-only", "--security-opt", "no-new-privileges")
    yield from (f"--cap-drop={name}" for name in rights["capabilities"]["drop"])
    yield f"--user={pod['securityContext']['runAsUser']}:{pod['securityContext']['fsGroup']}"
    for one in container.get("env", []):
        yield f"--env={one['name']}={one['value']}"
    volumes = {one["name"]: one for one in pod["volumes"]}
    for mount in container["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "secret" in volume:
            path = folder / part / mount["name"]
            fill(path, found, volume=volume)
            yield f"--volume={path}:{mount['mountPath']}:ro"
        else:
            yield f"--tmpfs={mount['mountPath']}"
    if part in PORTS:
        yield f"--publish=127.0.0.1::{container['ports'][0]['containerPort']}"


@contextmanager
def pod(engine: Engine, network: str, found: Rendered, *, part: str, folder: Path) -> Iterator[str]:
    """One container that runs as the chart wants it; reached by its Service's name."""
    container = found.container(part)
    command = container.get("command", [])
    entry = ["--entrypoint", command[0]] if command else []
    service = found.one("Service", f"-{part}")["metadata"]["name"]
    name = engine(
        *("run", "--detach", "--network", network, "--network-alias", service),
        *flags(found, part, folder),
        *entry,
        container["image"],
        *command[1:],
        *container["args"],
    )
    try:
        yield name
    except BaseException as error:
        done = engine.run("docker", "logs", name)
        raise AssertionError(f"{part} said:\n{done.stdout}{done.stderr}") from error
    finally:
        engine("rm", "--force", name)


def ready(engine: Engine, name: str, probe: Resource, *, port: int) -> str:
    """Wait until its probe is content; where it is."""
    where = f"http://{engine('port', name, f'{port}/tcp').splitlines()[0]}"
    becomes(lambda: ask(f"{where}{probe['httpGet']['path']}")[0] == 200)
    return where


@pytest.fixture
def found(engine: Engine, image: Image) -> Rendered:
    """Return the trial installation, of images that are here."""
    valkey = service_images(engine).get("RIVER_VALKEY_IMAGE", VALKEY)
    images = {}
    for prefix, tag in (("", image.tag), ("valkey.", valkey)):
        repository, _, version = tag.rpartition(":")
        images |= {f"{prefix}image.repository": repository, f"{prefix}image.tag": version}
    return rendered({**TRIAL, **images, "gateway.drainSeconds": "1"})


def test_containers_run_as_the_chart_says_and_a_client_hears_an_event(
    engine: Engine, network: str, found: Rendered, tmp_path: Path
) -> None:
    with ExitStack() as stack:

        def run(part: str) -> str:
            return stack.enter_context(pod(engine, network, found, part=part, folder=tmp_path))

        _, gateway, api = map(run, PARTS)
        probe = found.container("gateway")["readinessProbe"]
        url = ready(engine, gateway, probe, port=PORTS["gateway"])
        probe = found.container("api")["readinessProbe"]
        api_url = ready(engine, api, probe, port=PORTS["api"])
        proof = token(secret(found, "secrets", "-keys"))
        with listening(url.replace("http", "ws", 1), proof, "dogs") as ann:
            told = publish(api_url, secret(found, "api-keys", "-keys"), "dogs")
            assert ann.until("event")["offset"] == told["offset"]
            leave(engine, gateway, found)
            assert ann.ends() == 4503
        assert engine("wait", gateway) == "0"


def leave(engine: Engine, gateway: str, found: Rendered) -> None:
    """Stop it as Kubernetes does: what the chart wants before, then SIGTERM, then patience."""
    container = found.container("gateway")
    engine("exec", gateway, *container["lifecycle"]["preStop"]["exec"]["command"])
    patience_s = found.pod("gateway")["terminationGracePeriodSeconds"]
    engine("stop", "--time", str(patience_s), gateway)
