"""The documentation says what is so: its code runs, its messages decode, its links lead on."""

import ast
import html
import json
import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click
import httpx
import jwt
import pytest
from docs_pages import FENCE, PAGES, ROOT, Block, anchors, blocks, links, text_of
from flask import Flask, session
from protocol_server import API_KEY, SECRETS, Server

import riverd
from riverd.commands.cli import cli
from riverd.errors import ErrorCode
from riverd.model import replies
from riverd.model.log import After, Change, Ephemeral, Member, Position, Publication, Tail
from riverd.model.replies import MemberList
from riverd.protocols.native import codec, events
from riverd.protocols.native.close_codes import NATIVE_CLOSE_CODES

DEADLINE_S = 60.0

JSON_BLOCKS = list(blocks("json"))
PYTHON_BLOCKS = list(blocks("python"))
SCRIPT_BLOCKS = list(blocks("js"))
RUN_BLOCKS = [one for one in blocks("sh", "python", "js") if one.mark == "runs" and not one.rest]
LISTENING_BLOCKS = [one for one in blocks("python") if one.mark == "runs" and one.rest]
QUOTED_BLOCKS = [one for one in blocks("python", "js") if one.mark == "from"]
COMMANDS = [
    (f"{block}", shlex.split(line, comments=True))
    for block in blocks("sh")
    for line in block.code.splitlines()
    if line.startswith(("river ", ".venv/bin/river "))
]

# Files that docs/operating.md includes.
INCLUDED = ("deploy/nginx/river.conf", "deploy/haproxy/river.cfg", "deploy/caddy/Caddyfile")

_PLACE = Position("e", 1)
_MEMBERS = MemberList(1, (Member("u", b"{}"),))
_ENTRY = Publication(1, "e", b"1", "u")
REPLIES = (
    replies.Welcome("s", "s.mac", 15, 65_536),
    replies.Authenticated(1, "u", None),
    replies.Subscribed(1, "c", _PLACE, reason="epoch", presence=_MEMBERS),
    replies.Unsubscribed(1, "c"),
    replies.Published(1, _PLACE),
    replies.Published(1, After("e", 1)),
    replies.Members(1, "c", _MEMBERS),
    replies.HistoryReply(1, "c", Tail(_PLACE, (_ENTRY,))),
    replies.Pong(1),
    replies.Gap("c", _PLACE),
    replies.Bye("draining", 1),
    replies.ErrorReply(1, "c", "m"),
)
OPTIONAL = {"id", "reason", "presence", "user", "info", "offset", "after", "session"}
ASKED = {"auth", "subscribe", "unsubscribe", "publish", "ping"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server for the code in the pages."""
    running = Server({}, tmp_path_factory.mktemp("docs"))
    yield running
    running.stop()


def _objects(block: Block) -> list[object]:
    """The JSON texts of a block: one for each line, or one for all."""
    lines = [line for line in block.code.splitlines() if line.strip()]
    if all(line.startswith("{") and line.endswith("}") for line in lines):
        return [json.loads(line) for line in lines]
    return [json.loads(block.code)]


def _messages(block: Block) -> Iterator[dict[str, object]]:
    for value in _objects(block):
        if isinstance(value, dict) and "type" in value:
            yield cast("dict[str, object]", value)


def _payload(frame: bytes) -> dict[str, object]:
    found: dict[str, object] = json.loads(frame[frame.index(b"{") :])
    return found


def _told() -> dict[str, set[str]]:
    """The fields of everything that the dialect can say, by type."""
    frames = [codec.encode(reply) for reply in REPLIES]
    frames.append(events.publications("c")(_ENTRY))
    changes = [Change(1, joined=joined, member=Member("u", b"{}")) for joined in (True, False)]
    frames += map(events.changes("c"), changes)
    frames.append(events.ephemerals("c")(Ephemeral(1, "e", b"1", "u")))
    told = defaultdict[str, set[str]](set)
    for one in map(_payload, frames):
        told[str(one["type"])] |= set(one)
    return told


def _runnable(block: Block, server: Server) -> tuple[list[str], dict[str, str]]:
    """The command that runs a piece of code against a server, and its environment."""
    code = block.code.replace("http://127.0.0.1:8001", server.api_url)
    code = code.replace("ws://127.0.0.1:8000", server.url.replace("http", "ws", 1))
    code = code.replace("http://127.0.0.1:8000", server.url)
    programs = {
        "sh": ["bash", "-euo", "pipefail", "-c", code],
        "python": [sys.executable, "-u", "-c", code],
        "js": ["node", "--input-type=module", "-e", code],
    }
    token = jwt.encode({"sub": "ada"}, SECRETS[0], algorithm="HS256")
    river = {"RIVER_API_KEY": API_KEY, "RIVER_SECRETS": ",".join(SECRETS), "RIVER_TOKEN": token}
    return programs[block.language], {**os.environ, **river}


@pytest.mark.parametrize("block", JSON_BLOCKS, ids=str)
def test_json_of_the_pages_is_json(block: Block) -> None:
    assert _objects(block)


@pytest.mark.parametrize("block", JSON_BLOCKS, ids=str)
def test_messages_of_the_pages_are_the_dialects(block: Block) -> None:
    told = _told()
    for message in _messages(block):
        kind = str(message["type"])
        is_answer = bool(message.keys() & {"publications", "members"})
        if kind in ASKED or (kind in {"presence", "history"} and not is_answer):
            codec.decode(json.dumps(message).encode())
        else:
            assert message.keys() <= told[kind], message
            assert told[kind] - OPTIONAL <= message.keys(), message


def test_protocol_shows_every_message_that_there_is() -> None:
    shown = {
        str(message["type"])
        for block in JSON_BLOCKS
        if block.page.parent.name == "protocol"
        for message in _messages(block)
    }
    assert shown == _told().keys() | ASKED


def test_protocol_names_every_code_that_a_client_can_meet() -> None:
    page = text_of(ROOT / "protocol" / "README.md")
    only_http = {
        ErrorCode.BATCH_TOO_LARGE,
        ErrorCode.USER_CHANNELS_OFF,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        ErrorCode.API_KEY_INVALID,
        ErrorCode.NOT_FOUND,
        ErrorCode.METHOD_NOT_ALLOWED,
        ErrorCode.TOO_LARGE,
        ErrorCode.BODY_LATE,
        ErrorCode.UNAVAILABLE,
        # Of the Pusher protocol alone.
        ErrorCode.TOO_MANY_MEMBERS,
        ErrorCode.TOO_MANY_WATCHED,
    }
    assert [one.code for one in set(ErrorCode) - only_http if f"`{one.code}`" not in page] == []
    codes = {1002, 1006, 1007, *NATIVE_CLOSE_CODES.values()}
    assert [code for code in sorted(codes) if str(int(code)) not in page] == []


def test_publishing_names_every_code_that_a_publisher_can_meet() -> None:
    page = text_of(ROOT / "docs" / "publishing.md")
    for code in (
        ErrorCode.API_KEY_INVALID,
        ErrorCode.BATCH_TOO_LARGE,
        ErrorCode.BROKER_UNAVAILABLE,
        ErrorCode.TOO_LARGE,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    ):
        assert f"`{code.code}`" in page


@pytest.mark.parametrize("block", PYTHON_BLOCKS, ids=str)
def test_python_of_the_pages_compiles(block: Block) -> None:
    ast.parse(block.code)


@pytest.mark.parametrize("block", SCRIPT_BLOCKS, ids=str)
def test_javascript_of_the_pages_compiles(block: Block, tmp_path: Path) -> None:
    module = tmp_path / "block.mjs"
    module.write_text(block.code, encoding="utf-8")
    subprocess.run(["node", "--check", module], check=True)


@pytest.mark.parametrize("block", RUN_BLOCKS, ids=str)
def test_code_of_the_pages_runs(block: Block, server: Server) -> None:
    command, environment = _runnable(block, server)
    done = subprocess.run(
        command,
        # From there Node finds river-realtime.
        cwd=ROOT / "clients" / "js",
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    if block.language == "sh":
        assert "error" not in json.loads(done.stdout)


def test_route_of_the_pages_gives_tokens_to_who_is_logged_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RIVER_SECRETS", ",".join(SECRETS))
    app = Flask("pages")
    app.secret_key = "for this test"
    page = ROOT / "docs" / "authentication.md"
    pieces = [one.code for one in PYTHON_BLOCKS if one.page == page]
    exec("".join(pieces), {"app": app, "session": session})  # noqa: S102  our own pages
    with app.test_client() as client:
        with client.session_transaction() as logged_in:
            logged_in["user"] = "ada"
        token = client.get("/river-token").text
    claims = jwt.decode(token, SECRETS[0], algorithms=["HS256"])
    assert claims["sub"] == "ada"
    assert claims["river"] == {"subscribe": [], "channels": ["private-user-ada"]}


@pytest.mark.parametrize("block", LISTENING_BLOCKS, ids=str)
def test_code_of_the_pages_hears_events(block: Block, server: Server) -> None:
    command, environment = _runnable(block, server)
    # It does not say when it is subscribed: so it is published to until it has heard something.
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as listening:
        assert listening.stdout is not None
        deadline = time.monotonic() + DEADLINE_S
        heard = False
        while not heard and listening.poll() is None and time.monotonic() < deadline:
            event = {"channel": block.rest, "event": "post", "data": "Hello"}
            httpx.post(f"{server.api_url}/publish", json=event, headers={"x-api-key": API_KEY})
            heard = bool(select.select([listening.stdout], [], [], 0.1)[0])
        line = listening.stdout.readline() if heard else b""
        listening.terminate()
    assert line == b"post Hello\n"


@pytest.mark.parametrize("block", QUOTED_BLOCKS, ids=str)
def test_code_that_is_quoted_is_still_there(block: Block) -> None:
    source = [line.strip() for line in (ROOT / block.rest).read_text().splitlines()]
    quoted = [line.strip() for line in block.code.splitlines()]
    starts = [at for at, line in enumerate(source) if line == quoted[0]]
    assert any(source[at : at + len(quoted)] == quoted for at in starts)


@pytest.mark.parametrize(("place", "words"), COMMANDS)
def test_commands_of_the_pages_exist(place: str, words: list[str]) -> None:
    command: click.Command | None = cli
    for word in words[1:]:
        if isinstance(command, click.Group):
            command = command.get_command(click.Context(command), word)
    assert command is not None, place
    if isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words[2])
        assert command is not None, place
    options = {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }
    flags = {word.partition("=")[0] for word in words[2:] if word.startswith("--")}
    assert flags <= options, place


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_the_pages_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_table_of_settings_is_that_of_the_code() -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "settings_table.py", "--check"], check=True)


def test_table_of_metrics_is_that_of_the_code(server: Server) -> None:
    page = text_of(ROOT / "docs" / "operating.md")
    table = page.partition("<!-- metrics -->")[2].partition("<!-- /metrics -->")[0]
    told = set(re.findall(r"^\| `(river_\w+)", table, re.MULTILINE))
    scraped = httpx.get(f"{server.url}/metrics").text + httpx.get(f"{server.api_url}/metrics").text
    # A labelled counter without values has no line but its type.
    types = re.findall(r"^# TYPE (river_\w+) ", scraped, re.MULTILINE)
    assert told == set(types)


def test_architecture_knows_every_room() -> None:
    page = text_of(ROOT / "docs" / "architecture.md")
    package = Path(riverd.__file__).parent
    rooms = [f"{one.name}/" if one.is_dir() else one.name for one in package.iterdir()]
    named = [room for room in rooms if not room.startswith(("_", "."))]
    assert [room for room in named if f"`{room}`" not in page and room != "py.typed"] == []


def test_architecture_draws_the_floors_that_are_checked() -> None:
    page = text_of(ROOT / "docs" / "architecture.md")
    drawn = page.partition("<!-- floors -->\n```text\n")[2].partition("```")[0].splitlines()
    project = tomllib.loads(text_of(ROOT / "server" / "pyproject.toml"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["id"] == "layers")
    assert ["__main__", *(line.split("  ")[0] for line in drawn)] == layers


def test_site_is_built_without_a_complaint(tmp_path: Path) -> None:
    # A copy: what the tests build must not lie in anybody's site/.
    for folder in ("docs", "protocol"):
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True)
    for file in ("zensical.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / file, tmp_path)
    for file in INCLUDED:
        (tmp_path / file).parent.mkdir(parents=True)
        shutil.copy(ROOT / file, tmp_path / file)
    zensical = Path(sys.executable).with_name("zensical")
    subprocess.run([zensical, "build", "--strict"], cwd=tmp_path, check=True)
    for page in ("index.html", "protocol/index.html", "comparison/index.html"):
        assert (tmp_path / "site" / page).exists()
    operating = text_of(tmp_path / "site" / "operating" / "index.html")
    shown = html.unescape(re.sub(r"<[^>]+>", "", operating))
    for file in INCLUDED:
        assert text_of(ROOT / file).strip().expandtabs(4) in shown


def test_home_page_says_the_version_that_this_is() -> None:
    assert f"Version {riverd.__version__}," in text_of(ROOT / "docs" / "index.md")
    assert f"Version {riverd.__version__} " in text_of(ROOT / "README.md")


def test_configuration_knows_every_command() -> None:
    page = text_of(ROOT / "docs" / "configuration.md").partition("## The command")[2]
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        group = command.list_commands(context) if isinstance(command, click.Group) else [""]
        for one in group:
            assert f"`river {name} {one}".rstrip() in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_line_of_text_begins_with_a_comment(page: Path) -> None:
    # Markdown takes such a line for HTML: it ends the list or the paragraph that it is in.
    prose = FENCE.sub("", text_of(page))
    assert re.findall(r"^ *<!--(?:(?!-->).)*-->[^\n<]*\w.*$", prose, re.MULTILINE) == []
