"""`river dev` and the small commands beside it, as a newcomer uses them."""

import asyncio
import json
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest
from river_client import member, token, visitor
from river_process import (
    API_KEY,
    KEYS,
    SECRET,
    Command,
    River,
    Start,
    ask,
    environment,
    publish,
    run,
    run_all,
)

from riverd.service.sockets import local_address_of

NO_KEYS = {"RIVER_SECRETS": "", "RIVER_API_KEYS": ""}


@pytest.fixture(scope="module")
def dev(start_shared: Start) -> River:
    """Return a `river dev` in a folder where another made a secret and a key."""
    first = start_shared("dev", settings=NO_KEYS)
    first.stop()
    return start_shared("dev", settings=NO_KEYS, folder=first.folder)


def kept_in(folder: Path) -> dict[str, str]:
    kept: dict[str, str] = json.loads((folder / ".river" / "dev.json").read_text(encoding="utf-8"))
    return kept


def printed(river: River, name: str) -> str:
    """What stands behind a name in the greeting."""
    return river.stdout.wait_for(lambda line: line.strip().startswith(name)).split()[-1]


async def opens(river: River, proof: str) -> bool:
    async with visitor(river.url, Authorization=f"Bearer {proof}") as client:
        await client.expect("welcome")
        return (await client.next())["type"] == "authenticated"


@pytest.mark.parametrize(
    ("family", "bound", "told"),
    [
        (socket.AF_INET, "0.0.0.0", "127.0.0.1"),  # noqa: S104  nobody listens
        (socket.AF_INET6, "::", "[::1]"),
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
    ],
)
def test_all_addresses_are_told_as_one_that_can_be_opened(
    family: socket.AddressFamily, bound: str, told: str
) -> None:
    with socket.socket(family) as sock:
        sock.bind((bound, 0))
        assert local_address_of(sock) == f"{told}:{sock.getsockname()[1]}"


async def test_secret_and_key_are_made_once_and_for_their_owner_only(
    start: Start, tmp_path: Path
) -> None:
    first = start("dev", settings=NO_KEYS, folder=tmp_path)
    file = tmp_path / ".river" / "dev.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    before, proof = kept_in(tmp_path), printed(first, "Token")
    assert len(bytes.fromhex(before["secret"])) == 32
    assert printed(first, "API key") == before["api_key"]
    assert before["secret"] not in first.stdout.text
    await asyncio.to_thread(first.stop)
    file.chmod(0o644)
    second = start("dev", settings=NO_KEYS, folder=tmp_path)
    after = kept_in(tmp_path)
    assert (after["secret"], after["api_key"]) == (before["secret"], before["api_key"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["dev.json"]
    assert await opens(second, proof)


async def test_what_is_printed_can_be_pasted(dev: River) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl to paste the line to")
    lines = dev.stdout.text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.strip().startswith("curl"))
    pasted = "\n".join(lines[at : at + 3])
    async with member(dev.url, printed(dev, "Token"), "dogs") as client:
        done = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-c", pasted],
            env=environment({}),
            capture_output=True,
            check=True,
        )
        event = await client.expect("event")
    assert event["data"] == {"text": "Hello, River"}
    assert json.loads(done.stdout)["offset"] == event["offset"]
    script = next(line for line in lines if "await load" in line).split('"')[1]
    assert script.startswith(dev.url)
    assert "export" in ask(script)[1]
    page = next(line for line in lines if "new River" in line)
    assert f'token: "{printed(dev, "Token")}"' in page
    # This command, as this folder's terminal knows it.
    typed = next(line for line in lines if "Subscribe:" in line).split()[1]
    asked = shlex.split(f"{typed} --version")
    done = await asyncio.to_thread(
        subprocess.run, asked, cwd=dev.folder, capture_output=True, check=True
    )
    assert done.stdout.startswith(b"river, version")


async def test_river_token_makes_what_it_was_asked_for(dev: River) -> None:
    grants = ("--subscribe", "private-*", "--subscribe", "dogs", "--publish", "dogs")
    asked = ("token", "--user", "ann", "--ttl", "15m", "--info", '{"name":"Ann"}', *grants)
    [(code, proof, _), (_, plain, _)] = await asyncio.to_thread(
        run_all, [(asked, {}), (("token", "--user", "bob"), {})], folder=dev.folder
    )
    assert code == 0
    claims = jwt.decode(proof, kept_in(dev.folder)["secret"], algorithms=["HS256"])
    assert claims["sub"] == "ann"
    assert claims["exp"] - claims["iat"] == 900
    assert claims["river"] == {
        "subscribe": ["private-*", "dogs"],
        "publish": ["dogs"],
        "info": {"name": "Ann"},
    }
    async with member(dev.url, proof, "private-ann", "dogs") as client:
        await client.send(type="publish", id=9, channel="dogs", event="bark", data=1)
        await client.until("published")
    claims = jwt.decode(plain, kept_in(dev.folder)["secret"], algorithms=["HS256"])
    assert claims["exp"] - claims["iat"] == 3_600
    assert "river" not in claims
    assert await opens(dev, plain)


async def test_settings_go_before_what_river_dev_keeps(dev: River) -> None:
    settings = {"RIVER_SECRETS": SECRET, "RIVER_JWT_ISSUER": "us", "RIVER_JWT_AUDIENCE": "them"}
    [(_, proof, _)] = run_all([(("token", "--user", "ann"), settings)], folder=dev.folder)
    claims = jwt.decode(proof, SECRET, algorithms=["HS256"], issuer="us", audience="them")
    assert claims["sub"] == "ann"
    assert not await opens(dev, proof)


async def test_river_publish_publishes_and_says_where(dev: River) -> None:
    data = '{"text": "Grüße, \\u0041 and a \\"quote\\"", "n": [1, 2.50, null]}'
    async with member(dev.url, printed(dev, "Token"), "cats") as client:
        code, out, complaint = await asyncio.to_thread(
            run, "publish", "cats", "post it", data, folder=dev.folder
        )
        event = await client.expect("event")
    assert (code, complaint) == (0, "")
    assert json.loads(out)["offset"] == event["offset"]
    assert event["event"] == "post it"
    assert event["data"] == json.loads(data)


def test_river_publish_that_fails_says_why_and_ends_with_1(dev: River, tmp_path: Path) -> None:
    post = ("publish", "dogs", "post")
    mine, nowhere = {"RIVER_API_KEYS": API_KEY}, {"RIVER_API_URL": "http://127.0.0.1:1"}
    failing = [
        ((*post, "1"), mine, "answered 401: api_key_invalid, the key is none of"),
        ((*post, f'"{"x" * 70_000}"'), {}, "too_large"),
        ((*post, "NaN"), {}, "not_json"),
        ((*post, "1"), nowhere, "cannot be reached"),
        ((*post, "1", "--api-url", f"{dev.url}/ws"), {}, "405: that is not a publish API"),
        ((*post, "1", "--api-url", "http://127.0.0.1:port"), {}, "cannot be reached"),
        ((*post, "1", "--api-url", "http://["), {}, "cannot be reached"),
    ]
    ended = run_all([(arguments, more) for arguments, more, _ in failing], folder=dev.folder)
    for (code, out, complaint), (_, _, why) in zip(ended, failing, strict=True):
        assert (code, out) == (1, "")
        assert why in complaint
        assert complaint.startswith("river: ")
        assert len(complaint.splitlines()) == 1
    [(code, _, complaint)] = run_all([((*post, "1"), {})], folder=tmp_path)
    assert code == 2
    assert "river dev" in complaint


@pytest.mark.parametrize(
    "content",
    [
        "nothing",
        '{"secret":"short","api_key":"0123456789abcdef"}',
        '{"secret":"0123456789abcdef0123456789abcdef","api_key":""}',
    ],
)
def test_spoiled_file_is_told_of_and_nothing_starts(tmp_path: Path, content: str) -> None:
    (tmp_path / ".river").mkdir()
    (tmp_path / ".river" / "dev.json").write_text(content, encoding="utf-8")
    commands = [(("dev",), {}), (("token", "--user", "ann"), {})]
    for code, out, complaint in run_all(commands, folder=tmp_path):
        assert (code, out) == (2, "")
        assert ".river/dev.json" in complaint
        assert len(complaint.splitlines()) == 1


def test_folder_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    (tmp_path / ".river").symlink_to(tmp_path / "nowhere" / "at-all")
    free = {"RIVER_PORT": "0", "RIVER_API_PORT": "0"}
    [(code, out, complaint)] = run_all([(("dev",), free)], folder=tmp_path)
    assert (code, out) == (1, "")
    assert complaint.startswith("river: .river/dev.json cannot be written (")
    assert "set RIVER_SECRETS and RIVER_API_KEYS" in complaint
    assert len(complaint.splitlines()) == 1


def test_river_dev_needs_no_folder_where_secret_and_key_are_given(tmp_path: Path) -> None:
    (tmp_path / ".river").symlink_to(tmp_path / "nowhere" / "at-all")
    free = {"RIVER_PORT": "0", "RIVER_API_PORT": "0"}
    river = Command("dev", settings={**KEYS, **free}, folder=tmp_path)
    try:
        river.stdout.wait_for(lambda line: "Stop with" in line)
        river.signal(signal.SIGTERM)
        assert river.wait() == 0
    finally:
        river.kill()


def test_river_dev_does_not_overwrite_a_file_that_it_cannot_read(
    tmp_path: Path,
) -> None:
    (tmp_path / ".river").mkdir()
    file = tmp_path / ".river" / "dev.json"
    file.write_text("what somebody keeps", encoding="utf-8")
    free = {"RIVER_PORT": "0", "RIVER_API_PORT": "0"}
    river = Command("dev", settings={**KEYS, **free}, folder=tmp_path)
    try:
        river.stdout.wait_for(lambda line: "Stop with" in line)
        assert file.read_text(encoding="utf-8") == "what somebody keeps"
    finally:
        river.kill()


def test_river_publish_sends_its_key_to_no_other_address(tmp_path: Path) -> None:
    asked: list[str] = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            asked.append(self.path)
            self.send_response(302)
            self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        settings = {"RIVER_API_KEYS": API_KEY, "RIVER_API_URL": url}
        [(code, out, complaint)] = run_all(
            [(("publish", "dogs", "post", "1"), settings)], folder=tmp_path
        )
        server.shutdown()
    assert (code, out, asked) == (1, "", ["/publish"])
    assert "redirects to /elsewhere" in complaint


def test_secrets_that_are_flags_are_not_in_the_list_of_processes(tmp_path: Path) -> None:
    free = {"RIVER_PORT": "0", "RIVER_API_PORT": "0"}
    flags = ("--secrets", SECRET, f"--api-keys={API_KEY}", "--drain-s", "0")
    river = Command("dev", *flags, settings=free, folder=tmp_path)
    try:
        river.stdout.wait_for(lambda line: API_KEY in line)
        shown = Path(f"/proc/{river.pid}/cmdline").read_bytes()
        assert b"--drain-s" in shown
        assert not any(secret.encode() in shown for secret in (SECRET, API_KEY))
    finally:
        river.kill()


async def test_river_dev_takes_secrets_and_keys_that_are_set(start: Start, tmp_path: Path) -> None:
    river = start("dev", folder=tmp_path)
    assert await opens(river, token())
    assert ask(f"{river.api_url}/channels", key=API_KEY)[0] == 200
    kept = (tmp_path / ".river" / "dev.json").read_text(encoding="utf-8")
    # What is set elsewhere is not written down here.
    assert SECRET not in kept
    assert API_KEY not in kept


def test_river_subscribe_finds_what_river_dev_keeps(dev: River) -> None:
    command = Command("subscribe", "birds", folder=dev.folder)
    try:
        command.stderr.wait_for(lambda line: "live in birds" in line)
        publish(dev, "birds", key=kept_in(dev.folder)["api_key"])
        command.stdout.wait_for(lambda line: '{"n": 0}' in line)
        command.signal(signal.SIGINT)
        assert command.wait() == 0
    finally:
        command.kill()
