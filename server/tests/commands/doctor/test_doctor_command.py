"""`river doctor`: its list, its JSON, its exit codes."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from doctor_cluster import Cluster
from doctor_proxies import ROOT, free_port
from river_process import API_KEY, SECRET, run

from riverd.commands.doctor.address import Address, AddressError, parse
from riverd.commands.doctor.command import doctor
from riverd.commands.doctor.walk import CHAIN


def examine(*arguments: str, **settings: str) -> Result:
    return CliRunner().invoke(doctor, arguments, env=settings)


def test_a_healthy_river_is_a_list_of_ok_and_exit_0(cluster: Cluster) -> None:
    told = examine(
        cluster.gateway.url,
        *("--api-url", cluster.api.url, "--idle", "0.2"),
        RIVER_SECRETS=SECRET,
        RIVER_API_KEYS=API_KEY,
    )
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    checks = [line.split()[1] for line in lines if line.startswith("  ") and "->" not in line]
    assert checks == [hop.check for hop in CHAIN]
    assert lines[-1] == "All fine."
    assert SECRET not in told.output
    assert API_KEY not in told.output


def test_secrets_and_keys_are_taken_from_where_they_are_kept(
    cluster: Cluster, tmp_path: Path
) -> None:
    places = {}
    for name, text in (("SECRETS", f"{SECRET},{'o' * 32}"), ("API_KEYS", API_KEY)):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        places[f"RIVER_{name}_FROM"] = path.as_uri()
    told = examine(
        cluster.gateway.url, "--api-url", cluster.api.url, "--idle", "0", "--json", **places
    )
    assert told.exit_code == 0, told.output
    status = {one["check"]: one["status"] for one in json.loads(told.output)["findings"]}
    assert status["token"] == status["publish"] == status["delivery"] == "ok"


def test_a_place_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    place = (tmp_path / "nothing").as_uri()
    told = examine("ws://localhost", RIVER_SECRETS_FROM=place)
    assert told.exit_code == 2
    assert f"RIVER_SECRETS_FROM={place}: No such file or directory" in told.stderr


def test_a_broken_hop_has_its_cure_and_exit_1(cluster: Cluster) -> None:
    secret = "another-secret-of-at-least-32-bytes-x"
    told = examine(cluster.gateway.url, "--idle", "0", RIVER_SECRETS=secret)
    assert told.exit_code == 1
    assert "broken  token" in told.output
    assert "-> the app signs with another secret" in told.output
    assert "1 broken; begin with token." in told.output
    assert secret not in told.output


def test_what_was_not_checked_is_named_and_has_an_exit_code_of_its_own(cluster: Cluster) -> None:
    told = examine(cluster.gateway.url, "--idle", "0.2")
    assert told.exit_code == 3
    assert "?       token     none to try: set RIVER_SECRETS, or give --token" in told.output
    unknown = "token, subscribe, publish, broker, rules, delivery, stream, idle, quiet, resume"
    assert told.output.splitlines()[-1] == f"Nothing broken, but 10 not checked: {unknown}."


def test_json_is_all_of_it(cluster: Cluster) -> None:
    told = examine(cluster.gateway.url, "--idle", "0", "--json")
    found = json.loads(told.output)
    assert (found["ok"], found["outcome"], told.exit_code) == (False, "not checked", 3)
    assert found["url"].endswith("/ws")
    assert [one["check"] for one in found["findings"]] == [hop.check for hop in CHAIN]
    assert {one["status"] for one in found["findings"]} == {"ok", "skipped", "not checked"}


def test_river_dev_is_found_by_itself_with_its_keys(cluster: Cluster, tmp_path: Path) -> None:
    kept = {
        "secret": SECRET,
        "api_key": API_KEY,
        "url": cluster.gateway.url,
        "api_url": cluster.api.url,
    }
    folder = tmp_path / ".river"
    folder.mkdir()
    (folder / "dev.json").write_text(json.dumps(kept), encoding="utf-8")
    code, out, err = run("doctor", "--idle", "0", "--json", folder=tmp_path)
    assert code == 0, err
    status = {one["check"]: one["status"] for one in json.loads(out)["findings"]}
    assert status["token"] == status["publish"] == status["delivery"] == "ok"
    # Another address gets none of those keys.
    away = f"ws://127.0.0.1:{free_port()}"
    code, out, _ = run("doctor", away, "--json", folder=tmp_path)
    assert code == 1
    assert "no API to try" in out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "which URL"),
        (("ftp://rt.example.com",), "begins with wss://"),
        (("ws://rt.example.com:99999",), "Port out of range"),
        (("ws://user@rt.example.com",), "nothing else"),
        (("ws://localhost", "--api-url", "localhost:8001"), "--api-url"),
        (("ws://localhost", "--idle", "-1"), "--idle"),
        (("ws://localhost", "--timeout", "0"), "--timeout"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    arguments: tuple[str, ...], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = examine(*arguments)
    assert told.exit_code == 2
    assert word in told.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("rt.example.com", Address("wss", "rt.example.com", 443, "/ws")),
        ("https://rt.example.com/", Address("wss", "rt.example.com", 443, "/ws")),
        ("http://[::1]:8000", Address("ws", "::1", 8000, "/ws")),
        ("wss://rt.example.com/live", Address("wss", "rt.example.com", 443, "/live/ws")),
        ("wss://rt.example.com/live/ws", Address("wss", "rt.example.com", 443, "/live/ws")),
    ],
)
def test_addresses_are_taken_as_people_write_them(text: str, address: Address) -> None:
    assert parse(text) == address
    assert parse(address.url) == address


@pytest.mark.parametrize("text", ["", "ws://", "ws://host?token=x", "mailto:me", "ws://a b:x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse(text)


def test_pages_are_beside_the_websocket() -> None:
    assert parse("wss://rt.example.com/live").beside("healthz") == "/live/healthz"


def test_the_page_names_all_hops_in_their_order() -> None:
    page = (ROOT / "docs" / "deploy" / "doctor.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert rows == [hop.check for hop in CHAIN]
    whole = page.partition("```text\n")[2].partition("```")[0]
    shown = re.findall(r"^  (?:ok|broken|warning|-|\?) +(\w+) ", whole, re.MULTILINE)
    # Of a longer one, in their order.
    assert shown
    assert [one for one in rows if one in shown] == shown
