"""A task of ECS in a container of this machine's engine: as its definition says, field by field."""

import copy
import json
import resource
import shlex
import time
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from container_engine import Engine

WAIT_S_MAX = 120.0
CPU_UNITS = 1024
HARDENED = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges")
"""What Fargate's tasks cannot do either, and River does not need."""

ELSEWHERE = {"name", "essential", "logConfiguration", "cpu", "mountPoints", "volumesFrom"}
"""Fields that say nothing to one container: they are for ECS, or empty here."""

_open = build_opener(ProxyHandler({})).open


class Task:
    """It runs from the beginning, until it is stopped.

    Two things are not as on Fargate: the processor is this machine's, and a limit of open files is
    no higher than this machine allows.
    """

    def __init__(
        self,
        engine: Engine,
        definition: Mapping[str, Any],
        *,
        network: str,
        told: Mapping[str, str],
        mounts: Mapping[str, str],
    ) -> None:
        """`told`: what ECS and its surroundings add to the environment."""
        (container,) = definition["containerDefinitions"]
        self._engine = engine
        self._fields = copy.deepcopy(container)
        environment = {one["name"]: one["value"] for one in self._take("environment")}
        (mapping,) = self._take("portMappings")
        self._port: int = mapping["containerPort"]
        words = [*self._health(), *self._limits(), *self._size(definition)]
        image, command = self._take("image"), self._take("command")
        assert set(self._fields) <= ELSEWHERE, f"nothing is made of {set(self._fields) - ELSEWHERE}"
        for name, value in {**environment, **told}.items():
            words += ["--env", f"{name}={value}"]
        for there, here in mounts.items():
            words += ["--volume", f"{here}:{there}:ro"]
        publish = f"127.0.0.1::{self._port}"
        words += ["--network", network, "--publish", publish, *HARDENED]
        self.id = engine("run", "--detach", *words, image, *command)

    @property
    def url(self) -> str:
        """Where it is reached, on loopback."""
        return f"http://{self._engine('port', self.id, f'{self._port}/tcp').splitlines()[0]}"

    @property
    def ws_url(self) -> str:
        return f"{self.url.replace('http', 'ws', 1)}/ws"

    def about(self) -> dict[str, Any]:
        """All that the engine knows of it."""
        (found,) = json.loads(self._engine("inspect", self.id))
        known: dict[str, Any] = found
        return known

    def log(self) -> str:
        done = self._engine.run("docker", "logs", self.id)
        return done.stdout + done.stderr

    def event(self, name: str) -> dict[str, Any]:
        """Wait for a line of its log."""
        found: list[dict[str, Any]] = []

        def said() -> bool:
            lines = [json.loads(line) for line in self.log().splitlines() if line[:1] == "{"]
            found.extend(one for one in lines if one["event"] == name)
            return bool(found)

        self.becomes(said, name)
        return found[0]

    def becomes_healthy(self) -> None:
        """Wait until its own health check says so, and the balancer's would."""
        self.becomes(lambda: self.about()["State"]["Health"]["Status"] == "healthy", "healthy")
        self.becomes(lambda: status(f"{self.url}/readyz") == 200, "ready")

    def becomes(self, holds: Any, what: str) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + WAIT_S_MAX
        while not holds():
            assert self.about()["State"]["Running"], f"it ended:\n{self.log()}"
            assert time.monotonic() < deadline, f"not {what}:\n{self.log()}"
            time.sleep(0.2)  # a container is waited for

    def stop(self) -> int:
        """Have it end as ECS does: SIGTERM, and its exit code."""
        self._engine("stop", self.id)
        return int(self._engine("wait", self.id))

    def remove(self) -> None:
        self._engine("rm", "--force", self.id)

    def _take(self, field: str) -> Any:
        return self._fields.pop(field)

    def _health(self) -> list[str]:
        check = self._take("healthCheck")
        kind, *command = check.pop("command")
        assert kind == "CMD"
        names = {"interval": "interval", "timeout": "timeout", "startPeriod": "start-period"}
        words = ["--health-cmd", shlex.join(command), "--health-retries", str(check.pop("retries"))]
        for field, name in names.items():
            words += [f"--health-{name}", f"{check.pop(field)}s"]
        assert not check, f"nothing is made of {check}"
        return words

    def _limits(self) -> list[str]:
        words = ["--stop-timeout", str(self._take("stopTimeout"))]
        if self._take("readonlyRootFilesystem"):
            words.append("--read-only")
        if "user" in self._fields:
            words += ["--user", self._take("user")]
        (limit,) = self._take("ulimits")
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        soft, hard = (min(limit[name], most) for name in ("softLimit", "hardLimit"))
        return [*words, "--ulimit", f"{limit['name']}={soft}:{hard}"]

    @staticmethod
    def _size(definition: Mapping[str, Any]) -> list[str]:
        cores = int(definition["cpu"]) / CPU_UNITS
        return ["--cpus", f"{cores:g}", "--memory", f"{definition['memory']}m"]


def status(url: str) -> int:
    """The status of an answer; 0 if there is none."""
    try:
        with _open(url, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0
