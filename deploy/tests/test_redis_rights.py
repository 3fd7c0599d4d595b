"""The rights on Redis that docs/operating.md names are enough, and give no more."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caddy_process import running
from listener import listening, publish, token
from page_blocks import block

from processes import KEY, SECRET, ApiProcess, GatewayProcess, Redis

PASSWORD = "a-password-of-the-tests"


def cli(redis: Redis, *words: str) -> str:
    done = subprocess.run(
        ["redis-cli", "-p", str(redis.port), *words],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.strip()


@contextmanager
def restricted(folder: Path) -> Iterator[tuple[Redis, GatewayProcess, ApiProcess]]:
    """River as the user of the page."""
    redis = Redis(folder)
    gateway, api = GatewayProcess(redis.port, 1), ApiProcess(redis.port)
    for one in (gateway, api):
        one._environment["RIVER_BROKER"] = f"redis://river:{PASSWORD}@127.0.0.1:{redis.port}"
    with running(redis):
        line = block("redis").strip().replace(">PASSWORD", f">{PASSWORD}")
        assert cli(redis, *line.split()) == "OK"
        with running(gateway, api):
            yield redis, gateway, api


def test_rights_of_the_page_are_enough(tmp_path: Path) -> None:
    with restricted(tmp_path) as (redis, gateway, api):
        url, api_url = f"ws://127.0.0.1:{gateway.port}", f"http://127.0.0.1:{api.port}"
        with listening(url, token(SECRET), "presence-dogs") as ann:
            publish(api_url, KEY, "presence-dogs")
            assert ann.until("event")["data"] == {"text": "Hello"}
            ann.tell(type="presence", id=3, channel="presence-dogs")
            assert [one["user"] for one in ann.until("presence")["members"]] == ["ann"]
            ann.tell(type="history", id=4, channel="presence-dogs")
            assert len(ann.until("history")["publications"]) == 1
        assert cli(redis, "ACL", "LOG") == ""


def test_user_of_the_page_can_do_nothing_else(tmp_path: Path) -> None:
    with restricted(tmp_path) as (redis, _, _):
        for refused in ("FLUSHALL", "CONFIG GET *", "KEYS *", "GET theirs", "PUBLISH theirs x"):
            words = ["--user", "river", "--pass", PASSWORD, "--no-auth-warning", *refused.split()]
            assert re.match(r"NOPERM", cli(redis, *words)), refused
