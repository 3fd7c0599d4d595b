"""compose.yaml: one command on a machine, and a client hears an event through TLS."""

import json
import re
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import yaml
from compose_stack import FOLDER, Stack, up
from container_engine import Engine
from listener import Listener, ask, listening, publish
from river_image import Image
from stand_ins import service_images
from waiting import becomes

import riverd

GATEWAYS = 2


@dataclass(frozen=True)
class Town:
    """The stack, and what a user of it has in hand."""

    stack: Stack
    context: ssl.SSLContext
    key: str

    @property
    def url(self) -> str:
        return f"wss://localhost:{self.stack.https_port}"

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.stack.api_port}"

    def token(self, user: str = "ann") -> str:
        return self.stack.inside("gateway-a", "river", "token", "--user", user)


@pytest.fixture(scope="module")
def town(engine: Engine, image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    settings = {"RIVER_IMAGE": image.tag, **service_images(engine)}
    with up(engine, settings) as stack:
        context = stack.context(tmp_path_factory.mktemp("compose"))
        town = Town(stack, context, stack.inside("api", "cat", "api/api-keys"))
        address = f"{town.url.replace('wss', 'https', 1)}/readyz"
        becomes(lambda: ask(address, context=context)[0] == 200)
        yield town


def hears(listener: Listener, town: Town, key: str) -> None:
    told = publish(town.api, key, "dogs")
    assert listener.until("event")["offset"] == told["offset"]


def accepted(town: Town, key: str) -> None:
    """Wait until everyone knows the new secret and the new key: the first that come are early."""
    proof = town.token("early")

    def are_known() -> bool:
        with ExitStack() as stack:
            try:
                # Clients are spread over the gateways: as many at a time met all of them.
                for _ in range(GATEWAYS * 2):
                    stack.enter_context(listening(town.url, proof, "dogs", context=town.context))
            except AssertionError:
                return False
        return ask(f"{town.api}/channels", key=key)[0] == 200

    becomes(are_known)


def test_one_command_and_a_client_hears_an_event_through_tls(town: Town) -> None:
    with listening(town.url, town.token(), "dogs", context=town.context) as ann:
        hears(ann, town, town.key)


def test_only_caddy_and_this_machine_can_reach_anything(town: Town) -> None:
    open_ports = {}
    for name in ("caddy", "api", "gateway-a", "gateway-b", "valkey"):
        bound = town.stack.about(name)["HostConfig"]["PortBindings"] or {}
        ports = [one for several in bound.values() for one in several]
        open_ports[name] = sorted({one["HostIp"] or "everywhere" for one in ports})
    assert open_ports == {
        "caddy": ["everywhere"],
        "api": ["127.0.0.1"],
        "gateway-a": [],
        "gateway-b": [],
        "valkey": [],
    }


def test_publish_api_is_not_public(town: Town) -> None:
    body = {"channel": "dogs", "event": "post", "data": 1}
    for path in ("/publish", "/api/publish", "/metrics"):
        url = f"https://localhost:{town.stack.https_port}{path}"
        assert ask(url, body, key=town.key, context=town.context)[0] in {404, 405}, path


def test_valkey_asks_for_its_password(town: Town) -> None:
    assert "NOAUTH" in town.stack.inside("valkey", "sh", "-c", "valkey-cli keys '*' 2>&1 || true")


def test_nothing_secret_stands_in_an_environment(town: Town) -> None:
    made = town.stack.inside("api", "sh", "-c", "cat keys/* api/* broker/password")
    words = re.findall(r"[0-9a-f]{64}", made)
    assert len(set(words)) == 3
    for name in ("api", "gateway-a", "gateway-b", "valkey", "caddy"):
        said = json.dumps(town.stack.about(name))
        assert not [word for word in words if word in said], name


def test_gateways_cannot_read_the_api_keys(town: Town) -> None:
    for name in ("gateway-a", "gateway-b", "caddy", "valkey"):
        mounted = {one.get("Name", "") for one in town.stack.about(name)["Mounts"]}
        assert not [volume for volume in mounted if volume.endswith("api-keys")], name
    found = town.stack.inside("gateway-a", "sh", "-c", "ls /var/lib/river/api")
    assert found == ""


def test_a_full_valkey_refuses_writes_and_deletes_nothing(town: Town) -> None:
    with_password = (
        'valkey-cli -a "$(cut -d" " -f2 /broker/valkey.conf)" --no-auth-warning info memory'
    )
    said = town.stack.inside("valkey", "sh", "-c", with_password)
    assert re.search(r"maxmemory:268435456\b", said)
    assert re.search(r"maxmemory_policy:noeviction\b", said)


def test_all_run_with_as_few_rights_as_they_need(town: Town) -> None:
    for name in ("api", "gateway-a", "gateway-b", "valkey", "caddy"):
        found = town.stack.about(name)
        host = found["HostConfig"]
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        if name != "caddy":
            assert found["Config"]["User"] == "10001:10001", name


def test_a_second_start_changes_no_key(town: Town) -> None:
    town.stack("up", "--detach")
    assert town.stack.inside("api", "cat", "api/api-keys") == town.key


def test_rotated_secrets_reach_what_runs_and_old_ones_stay_good(town: Town) -> None:
    old = town.token()
    with listening(town.url, old, "dogs", context=town.context) as ann:
        for name in ("secrets", "api-keys"):
            town.stack("run", "--rm", "keys", "rotate", name)
        keys = town.stack.inside("api", "cat", "api/api-keys").split(",")
        assert keys[1] == town.key
        accepted(town, keys[0])
        with listening(town.url, town.token("bob"), "dogs", context=town.context) as bob:
            hears(bob, town, keys[0])
        assert ann.until("event")
        with listening(town.url, old, "dogs", context=town.context) as again:
            hears(again, town, town.key)


def test_a_gateway_is_replaced_while_the_other_serves(town: Town) -> None:
    with (
        listening(town.url, town.token("one"), "dogs", context=town.context) as one,
        listening(town.url, town.token("two"), "dogs", context=town.context) as two,
    ):
        town.stack("up", "--detach", "--no-deps", "--force-recreate", "gateway-a")
        # One of them was on it, and was asked to go; the other heard nothing of it.
        publish(town.api, town.key, "dogs")
        kinds = {listener.until("bye", "event")["type"]: listener for listener in (one, two)}
        assert set(kinds) == {"bye", "event"}
        assert kinds["bye"].ends() == 4503
        with listening(town.url, town.token("one"), "dogs", context=town.context) as again:
            hears(again, town, town.key)


def test_webhooks_and_keys_that_read_are_for_the_api_alone() -> None:
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    theirs = {"RIVER_WEBHOOKS", "RIVER_WEBHOOK_NETWORKS", "RIVER_READ_KEYS"}
    for name, service in services.items():
        found = theirs & set(service.get("environment", {}))
        assert found == (theirs if name == "api" else set()), name
    # A way out, which the network of the broker has not.
    assert "front" in services["api"]["networks"]
    assert services["api"]["ports"][0].startswith("127.0.0.1:")


def test_image_that_it_names_is_of_this_version() -> None:
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert (
        services["gateway-a"]["image"] == f"${{RIVER_IMAGE:-riverlive/river:{riverd.__version__}}}"
    )
    assert services["keys"]["image"] == services["gateway-a"]["image"]


def test_a_gateway_has_time_to_move_its_clients() -> None:
    api = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]["api"]
    (drain_s,) = re.findall(r":-(\d+)", api["environment"]["RIVER_DRAIN_S"])
    (grace_s,) = re.findall(r":-(\d+)s", api["stop_grace_period"])
    assert int(grace_s) >= int(drain_s) + 10
