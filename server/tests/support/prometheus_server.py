"""A real Prometheus that scrapes what a test names."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from redis_server import free_port
from river_process import ask


class Prometheus:
    """What answers queries."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **query: str) -> Any:
        """The data of an answer of its HTTP API."""
        status, text = ask(f"{self.url}/api/v1/{path}?{urlencode(query)}")
        answer = json.loads(text)
        assert (status, answer["status"]) == (200, "success"), f"{query}: {text}"
        return answer["data"]

    def series(self, expression: str) -> list[Any]:
        """What an expression gives now."""
        found: list[Any] = self.get("query", query=expression)["result"]
        return found

    def is_ready(self) -> bool:
        """Whether it answers yet."""
        try:
            return ask(f"{self.url}/-/ready")[0] == 200
        except OSError:
            return False


@contextmanager
def scraping(folder: Path, addresses: Sequence[str], *, rules: Path) -> Iterator[Prometheus]:
    """Scrape these twice a second, as the job `river`."""
    jobs = [{"job_name": "river", "static_configs": [{"targets": list(addresses)}]}]
    settings = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
        "rule_files": [str(rules)],
        "scrape_configs": jobs,
    }
    (folder / "prometheus.yml").write_text(json.dumps(settings), encoding="utf-8")
    port = free_port()
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()
