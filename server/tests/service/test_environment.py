"""What is found in an environment beside settings."""

import pytest

from riverd.service.environment import fetches_keys_in_clear, load, misspelt, service_links

SERVICE_LINKS = {
    # What Kubernetes gives every container of a namespace with Services river and river-api.
    "RIVER_SERVICE_HOST": "10.0.0.1",
    "RIVER_SERVICE_PORT": "8000",
    "RIVER_SERVICE_PORT_HTTP": "8000",
    "RIVER_PORT": "tcp://10.0.0.1:8000",
    "RIVER_PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "RIVER_PORT_8000_TCP_PROTO": "tcp",
    "RIVER_PORT_8000_TCP_PORT": "8000",
    "RIVER_PORT_8000_TCP_ADDR": "10.0.0.1",
    "RIVER_API_SERVICE_HOST": "10.0.0.2",
    "RIVER_API_PORT": "udp://[fd00::2]:8001",
    "RIVER_API_PORT_8001_TCP": "tcp://10.0.0.2:8001",
    "RIVER_HOST_PORT": "tcp://10.0.0.3:80",
}


def test_addresses_that_kubernetes_puts_there_are_no_settings() -> None:
    chosen = load(SERVICE_LINKS)
    assert (chosen.port, chosen.api_port) == (8000, 8001)
    assert service_links(SERVICE_LINKS) == ["RIVER_PORT", "RIVER_API_PORT"]
    assert not list(misspelt(SERVICE_LINKS))


def test_a_port_is_no_service_link() -> None:
    assert not service_links({"RIVER_PORT": "8000", "RIVER_BROKER": "tcp://10.0.0.1:8000"})


@pytest.mark.parametrize(
    ("url", "in_clear"),
    [
        ("https://id.example/keys", False),
        ("http://localhost:8080/keys", False),
        ("http://127.0.0.1/keys", False),
        ("http://[::1]:8080/keys", False),
        ("http://id.example/keys", True),
        ("http://localhost.example/keys", True),
        ("http://10.0.0.1/keys", True),
    ],
)
def test_public_keys_that_come_in_clear_are_noticed(url: str, *, in_clear: bool) -> None:
    assert fetches_keys_in_clear(load({"RIVER_JWKS_URL": url})) is in_clear
