"""Moto's stand-in for AWS on loopback, for the real boto3 to speak to."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

REGION = "eu-central-1"
START_S_MAX = 120.0


class Aws:
    """A running stand-in: what a process needs in its environment to speak to it."""

    def __init__(self, port: int) -> None:
        # By this name: a URL with the bare address is misread by some of its services.
        self.url = f"http://localhost:{port}"
        self.environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @contextmanager
    def secrets(self) -> Iterator[Any]:
        """A client of Secrets Manager beside River's."""
        import boto3  # noqa: PLC0415  half a second, for those who need it

        client = boto3.session.Session(
            aws_access_key_id="nobody", aws_secret_access_key="nothing", region_name=REGION
        ).client("secretsmanager", endpoint_url=self.url)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def moto() -> Iterator[Aws]:
    """A server for the length of a block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=said,
            stderr=said,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        try:
            _wait(process, port)
            yield Aws(port)
        finally:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_S_MAX
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "moto ended at once"
        assert time.monotonic() < deadline, "moto does not listen"
        time.sleep(0.05)
