"""The image: built as a user builds it, run as an operator runs it, and a client served from it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from container_engine import ROOT, Engine
from listener import ask, listening, publish, token
from river_image import Image
from waiting import becomes

import riverd

SECRET = "the-secret-of-the-image-tests-0123456789"
API_KEY = "key-of-the-image-tests"
SERVER = ["-e", f"RIVER_SECRETS={SECRET}", "-e", f"RIVER_API_KEYS={API_KEY}"]
HARDENED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
OFTEN = ["--health-interval", "1s", "--health-retries", "1", "--health-start-period", "0s"]
# What River adds to the Python image, as it lies on disk.
ADDED_BYTES_MAX = 85 * 1_000_000

PROBE = """
import importlib.util, json, os, shutil, sys
from importlib import metadata
from pathlib import Path
import boto3
import riverd
boto3.client("secretsmanager", region_name="eu-central-1").meta.service_model.operation_names
said = {
    "user": [os.getuid(), os.getgid()],
    "python": list(sys.version_info[:2]),
    "modules": [name for name in ("pip", "ensurepip", "setuptools", "wheel", "hatchling", "pytest")
                if importlib.util.find_spec(name)],
    "programs": [name for name in ("pip", "pip3", "gcc", "git", "curl")
                 if shutil.which(name)],
    "distributions": {one.name.lower().replace("_", "-"): one.version
                      for one in metadata.distributions()},
    "riverd": sorted(str(path.relative_to(Path(riverd.__file__).parent))
                     for path in Path(riverd.__file__).parent.rglob("*") if path.is_file()),
    "compiled": bool(list(Path(riverd.__file__).parent.glob("commands/__pycache__/cli.*.pyc"))),
    "writable": [name for name in ("/", "/opt/river", "/etc", "/usr") if os.access(name, os.W_OK)],
}
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def inside(engine: Engine, image: Image) -> dict[str, object]:
    """Return what a program in the image sees."""
    text = engine(
        "run", "--rm", "--network", "none", "--entrypoint", "python", image.tag, "-c", PROBE
    )
    said: dict[str, object] = json.loads(text)
    return said


@contextmanager
def container(engine: Engine, network: str, *arguments: str) -> Iterator[str]:
    """A container that runs in the background, and is gone afterwards."""
    name = engine("run", "--detach", "--network", network, *arguments)
    try:
        yield name
    except BaseException as error:
        raise AssertionError(f"it said:\n{logs(engine, name)}") from error
    finally:
        engine("rm", "--force", name)


def logs(engine: Engine, name: str) -> str:
    done = engine.run("docker", "logs", name)
    return done.stdout + done.stderr


def address(engine: Engine, name: str, port: int) -> str:
    return engine("port", name, f"{port}/tcp").splitlines()[0]


def health(engine: Engine, name: str) -> str:
    return engine("inspect", "--format", "{{.State.Health.Status}}", name)


def ready(engine: Engine, name: str, port: int) -> str:
    """Wait until it serves; where."""
    where = address(engine, name, port)
    becomes(lambda: ask(f"http://{where}/readyz")[0] == 200)
    return where


def test_gateway_serves_a_client_without_rights_and_ends_well(
    engine: Engine, image: Image, network: str
) -> None:
    options = [*HARDENED, *OFTEN, *SERVER, "-e", "RIVER_DRAIN_S=2", "-p", "127.0.0.1::8000"]
    with container(engine, network, *options, image.tag) as name:
        where = ready(engine, name, 8000)
        becomes(lambda: health(engine, name) == "healthy")
        with listening(f"ws://{where}", token(SECRET), "dogs") as ann:
            with listening(f"ws://{where}", token(SECRET, "bob"), "dogs") as bob:
                bob.tell(type="publish", id=3, channel="dogs", event="post", data={"text": "Hello"})
                assert ann.until("event")["data"] == {"text": "Hello"}
            engine("kill", "--signal", "TERM", name)
            assert ann.until("bye")["reason"] == "draining"
            assert ann.ends() == 4503
        assert engine("wait", name) == "0"
        assert '"event": "gateway_stopped"' in logs(engine, name)


def test_dev_in_a_container_is_all_that_a_first_try_needs(
    engine: Engine, image: Image, network: str
) -> None:
    options = ["-p", "127.0.0.1::8000", "-p", "127.0.0.1::8001", image.tag, "dev"]
    with container(engine, network, *options) as name:
        where, api = ready(engine, name, 8000), ready(engine, name, 8001)
        said = logs(engine, name)
        # What listens on all addresses is told as one that a user can open.
        assert "ws://127.0.0.1:8000/ws" in said
        assert "0.0.0.0" not in said  # noqa: S104  a text
        told = dict(re.findall(r"^ +(API key|Token) +(\S+)$", said, re.MULTILINE))
        with listening(f"ws://{where}", told["Token"], "dogs") as ann:
            publish(f"http://{api}", told["API key"], "dogs")
            assert ann.until("event")["data"] == {"text": "Hello"}
        status, _ = ask(f"http://{where}/client/river.js")
        assert status == 200


def test_api_is_healthy_too(engine: Engine, image: Image, network: str) -> None:
    options = [*HARDENED, *OFTEN, *SERVER, "-p", "127.0.0.1::8001", image.tag, "api"]
    with container(engine, network, *options) as name:
        ready(engine, name, 8001)
        becomes(lambda: health(engine, name) == "healthy")


def test_a_server_that_hangs_is_unhealthy(engine: Engine, image: Image, network: str) -> None:
    options = [*HARDENED, *OFTEN, *SERVER, "-p", "127.0.0.1::8000", image.tag]
    with container(engine, network, *options) as name:
        ready(engine, name, 8000)
        engine("kill", "--signal", "STOP", name)
        becomes(lambda: health(engine, name) == "unhealthy")
        engine("kill", "--signal", "CONT", name)
        becomes(lambda: health(engine, name) == "healthy")


def test_health_check_says_why(engine: Engine, image: Image) -> None:
    command = ["run", "--rm", "--network", "none", "--entrypoint", "python", image.tag]
    done = engine.run("docker", *command, "/opt/river/healthy.py", check=False)
    assert done.returncode == 1
    assert done.stdout == "nobody listens on RIVER_PORT or RIVER_API_PORT\n"


def test_without_secrets_it_ends_with_a_clear_line(engine: Engine, image: Image) -> None:
    done = engine.run("docker", "run", "--rm", "--network", "none", image.tag, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("river: RIVER_SECRETS is missing")
    assert len(done.stderr.splitlines()) == 1


def test_nobody_in_it_is_root_or_may_write(inside: dict[str, object]) -> None:
    assert inside["user"] == [10001, 10001]
    assert inside["writable"] == []


def test_it_has_no_installer_and_no_tools(inside: dict[str, object]) -> None:
    assert inside["modules"] == []
    assert inside["programs"] == []


def test_it_has_python_3_13_and_code_that_is_compiled(inside: dict[str, object]) -> None:
    assert inside["python"] == [3, 13]
    assert inside["compiled"] is True


def test_it_has_the_package_and_not_the_repository(inside: dict[str, object]) -> None:
    files = inside["riverd"]
    assert isinstance(files, list)
    assert {"service/composition.py", "client/dist/river.min.js"} <= set(files)
    assert not [name for name in files if "tests/" in name or "test_" in name]


def test_it_has_the_whole_console(inside: dict[str, object]) -> None:
    files = inside["riverd"]
    assert isinstance(files, list)
    source = Path(riverd.__file__).parent / "api" / "console"
    assert {f"api/console/{file.name}" for file in source.iterdir()} <= {*files}


def test_its_distributions_are_those_of_the_lock(inside: dict[str, object]) -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))
    found = inside["distributions"]
    assert isinstance(found, dict)
    assert found == {name: locked.get(name) for name in found} | {"riverd": riverd.__version__}
    assert {"boto3", "picows", "hiredis", "uvloop"} <= set(found)
    assert not {"moto", "pytest", "aws-cdk-lib", "ruff"} & set(found)


def test_its_bill_of_materials_is_whole(inside: dict[str, object], image: Image) -> None:
    bill = json.loads(image.sbom.read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["version"] == riverd.__version__
    parts = bill["components"]
    pypi = {one["name"]: one["version"] for one in parts if one["purl"].startswith("pkg:pypi/")}
    assert pypi == inside["distributions"]
    debian = {one["name"] for one in parts if one["purl"].startswith("pkg:deb/debian/")}
    assert {"libc6", "ca-certificates", "base-files"} <= debian
    assert any(one["purl"].startswith("pkg:generic/python@3.13.") for one in parts)
    references = [one["bom-ref"] for one in parts]
    assert len(set(references)) == len(references)
    named = {ref for one in bill["dependencies"] for ref in (one["ref"], *one["dependsOn"])}
    assert named <= {"river", *references}


def test_its_labels_say_what_it_is(engine: Engine, image: Image) -> None:
    labels = json.loads(engine("inspect", "--format", "{{json .Config.Labels}}", image.tag))
    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}version"] == riverd.__version__
    assert labels[f"{prefix}licenses"] == "MIT"
    assert labels[f"{prefix}title"] == "River"
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", labels[f"{prefix}revision"])


def test_it_is_small(engine: Engine, image: Image) -> None:
    sizes = [
        int(engine("inspect", "--format", "{{.Size}}", tag)) for tag in (image.tag, image.base)
    ]
    assert sizes[0] - sizes[1] < ADDED_BYTES_MAX


@pytest.mark.parametrize("platform", ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"])
def test_every_dependency_has_a_wheel_for(platform: str, tmp_path: Path) -> None:
    wanted = subprocess.run(
        [
            sys.executable,
            ROOT / "deploy/image/requirements.py",
            ROOT / "requirements.lock",
            "riverd",
        ],
        capture_output=True,
        check=True,
    ).stdout
    path = tmp_path / "river.txt"
    path.write_bytes(wanted)
    # Nothing is installed, and of wheels only what describes them is read.
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "install", "--dry-run", "--no-deps", "--require-hashes"]
    command += ["--python-platform", platform, "--python-version", "3.13", "--only-binary", ":all:"]
    command += ["--target", str(tmp_path / "target"), "--requirement", str(path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert " + uvloop==" in done.stderr
