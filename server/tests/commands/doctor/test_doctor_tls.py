"""Each fault of a certificate is named by the doctor."""

from typing import Any

import pytest
from doctor_certificates import Certificates
from doctor_cluster import Cluster
from doctor_proxies import recommended
from doctor_visits import StartNginx, broken, complaints, examine, gateway_of


def secured(cluster: Cluster, lines: str) -> str:
    config = recommended(gateway_of(cluster))
    return config.replace("listen 127.0.0.1:PORT;", f"listen 127.0.0.1:PORT ssl; {lines}")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"first_day": -90, "last_day": -1}, "has expired"),
        ({"first_day": 2}, "not valid yet"),
        ({"name": "other.example"}, "another name than localhost"),
    ],
)
def test_a_wrong_certificate_is_named(
    cluster: Cluster,
    nginx: StartNginx,
    certificates: Certificates,
    wrong: dict[str, Any],
    word: str,
) -> None:
    proxy = nginx(secured(cluster, certificates.nginx(**wrong)))
    found = examine(f"wss://localhost:{proxy.port}", cluster, ca_file=str(certificates.authority))
    assert broken(found) == ["tls"]
    assert word in found["tls"].message


def test_an_unknown_issuer_is_named_and_taken_with_its_file(
    cluster: Cluster, nginx: StartNginx, certificates: Certificates
) -> None:
    proxy = nginx(secured(cluster, certificates.nginx()))
    url = f"wss://localhost:{proxy.port}"
    found = examine(url, cluster)
    assert broken(found) == ["tls"]
    assert "issuer is not known" in found["tls"].message
    trusted = examine(url, cluster, ca_file=str(certificates.authority))
    assert complaints(trusted) == []
    assert "certificate valid until" in trusted["tls"].message


def test_a_certificate_that_ends_soon_is_a_warning(
    cluster: Cluster, nginx: StartNginx, certificates: Certificates
) -> None:
    proxy = nginx(secured(cluster, certificates.nginx(last_day=3)))
    found = examine(f"wss://localhost:{proxy.port}", cluster, ca_file=str(certificates.authority))
    assert [one.check for one in complaints(found)] == ["tls"]
    assert "ends in" in found["tls"].message


def test_tls_where_none_is_spoken_is_named(cluster: Cluster, nginx: StartNginx) -> None:
    proxy = nginx(recommended(gateway_of(cluster)))
    found = examine(f"wss://localhost:{proxy.port}", cluster)
    assert broken(found) == ["tls"]
    assert "does not speak TLS" in found["tls"].message
