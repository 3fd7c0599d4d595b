"""Code of the documentation in languages that this repository has none of: it does what it says."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest
from docs_pages import Block, blocks
from protocol_server import API_KEY, SECRETS, Server

# Compiling the first Go program takes a while on a busy machine.
DEADLINE_S = 300.0
PROGRAMS = {
    "php": ["php", "-d", "error_reporting=E_ALL"],
    "ruby": ["ruby", "-w"],
    "go": ["go", "run"],
}
# What stands around the code of a page to make it a program.
TOKENS = {
    "php": "<?php\n{}\necho river_token('ada');\n",
    "ruby": "{}\nprint river_token('ada')\n",
    "go": """package main
{}
func main() {{
    token, err := riverToken("ada")
    if err != nil {{
        panic(err)
    }}
    os.Stdout.WriteString(token)
}}
""",
}
PUBLISHERS = {
    "php": "<?php\n{}\npublish('dogs', 'post', ['text' => 'Hello'], 'from-php');\n",
    "go": """package main
import (
    "bytes"
    "encoding/json"
    "fmt"
    "net/http"
    "os"
    "time"
)
{}
func main() {{
    data := map[string]string{{"text": "Hello"}}
    if err := publish("dogs", "post", data, "from-go"); err != nil {{
        panic(err)
    }}
}}
""",
}
GO_MODULE = """module example
go 1.19
require github.com/golang-jwt/jwt/v5 v5.2.1
"""
# Those of Pusher's libraries have tests of their own: system/test_pusher_docs.py.
FOREIGN = [one for one in blocks(*PROGRAMS) if one.page.name != "pusher-libraries.md"]
SIGNING = [one for one in FOREIGN if "oken(" in one.code]
PUBLISHING = [one for one in FOREIGN if "publish(" in one.code]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server for the code in the pages."""
    running = Server({}, tmp_path_factory.mktemp("docs"))
    yield running
    running.stop()


def _run(block: Block, program: str, folder: Path) -> str:
    (folder / "go.mod").write_text(GO_MODULE, encoding="utf-8")
    file = folder / f"program.{block.language}"
    file.write_text(program, encoding="utf-8")
    river = {"RIVER_API_KEY": API_KEY, "RIVER_SECRETS": ",".join(SECRETS), "GOFLAGS": "-mod=mod"}
    done = subprocess.run(
        [*PROGRAMS[block.language], file.name],
        cwd=folder,
        env={**os.environ, **river},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


def test_every_such_piece_is_one_or_the_other() -> None:
    assert len(SIGNING) + len(PUBLISHING) == len(FOREIGN) > 0


@pytest.mark.parametrize("block", SIGNING, ids=str)
def test_tokens_of_the_pages_are_good(block: Block, tmp_path: Path) -> None:
    token = _run(block, TOKENS[block.language].format(block.code), tmp_path)
    claims = jwt.decode(token, SECRETS[0], algorithms=["HS256"], options={"require": ["exp"]})
    assert claims["sub"] == "ada"
    assert claims["river"] == {"subscribe": [], "channels": ["private-user-ada"]}


@pytest.mark.parametrize("block", PUBLISHING, ids=str)
def test_events_of_the_pages_are_published(block: Block, server: Server, tmp_path: Path) -> None:
    code = block.code.replace("http://127.0.0.1:8001", server.api_url)
    _run(block, PUBLISHERS[block.language].format(code), tmp_path)
    history = httpx.get(
        f"{server.api_url}/channels/dogs/history", headers={"x-api-key": API_KEY}
    ).json()
    assert history["publications"][-1]["data"] == {"text": "Hello"}
