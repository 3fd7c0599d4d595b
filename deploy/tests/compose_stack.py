"""compose.yaml, brought up on free ports and taken down again."""

import json
import os
import resource
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from caddy_process import free_port
from container_engine import ROOT, Engine

FOLDER = ROOT / "deploy" / "compose"
DRAIN_S = 2
NOFILE_MAX = 65_536


class Stack:
    """One project of compose."""

    def __init__(self, engine: Engine, settings: dict[str, str]) -> None:
        self._engine = engine
        self._name = f"rivertest{os.getpid()}"
        has_plugin = engine.run("docker", "compose", "version", check=False).returncode == 0
        self._program = ["docker", "compose"] if has_plugin else ["docker-compose"]
        self.https_port, self.api_port = free_port(), free_port()
        # Some machines allow fewer files than the stack asks for.
        nofile = min(NOFILE_MAX, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        ours = {
            "RIVER_HTTP_PORT": str(free_port()),
            "RIVER_HTTPS_PORT": str(self.https_port),
            "RIVER_API_PORT": str(self.api_port),
            "RIVER_NOFILE": str(nofile),
            "RIVER_CADDY_NOFILE": str(nofile),
            "RIVER_DRAIN_S": str(DRAIN_S),
        }
        engine.environment.update({**ours, **settings})

    def __call__(self, *arguments: str) -> str:
        """What `docker compose ARGUMENTS` prints."""
        command = [*self._program, "--project-name", self._name, *arguments]
        return self._engine.run(*command, folder=FOLDER).stdout

    def inside(self, service: str, *command: str) -> str:
        """What a command in a service's container prints."""
        return self._engine("exec", self.container(service), *command)

    def container(self, service: str) -> str:
        """The container of a service, by its id. The engine says it sooner than compose."""
        labels = {"project": self._name, "service": service, "oneoff": "False"}
        wanted = [
            ("--filter", f"label=com.docker.compose.{name}={labels[name]}") for name in labels
        ]
        return self._engine("ps", "--quiet", *(word for pair in wanted for word in pair))

    def about(self, service: str) -> dict[str, Any]:
        """All that the engine knows of a service's container."""
        (found,) = json.loads(self._engine("inspect", self.container(service)))
        known: dict[str, Any] = found
        return known

    def context(self, folder: Path) -> ssl.SSLContext:
        """Trust in the authority that Caddy made for localhost."""
        path = folder / "root.crt"
        source = f"{self.container('caddy')}:/data/caddy/pki/authorities/local/root.crt"
        self._engine("cp", source, str(path))
        return ssl.create_default_context(cafile=str(path))


@contextmanager
def up(engine: Engine, settings: dict[str, str]) -> Iterator[Stack]:
    """The stack, as one command brings it up."""
    stack = Stack(engine, settings)
    try:
        stack("up", "--detach")
        yield stack
    except BaseException as error:
        raise AssertionError(stack("logs", "--no-color")[-6000:]) from error
    finally:
        stack("down", "--volumes", "--timeout", "5")
