"""What the doctor finds at an address, and what of it is a complaint."""

from collections.abc import Callable

from doctor_cluster import Cluster
from doctor_proxies import Nginx
from river_process import API_KEY, SECRET, address

from riverd.commands.doctor import Finding, Status, walk
from riverd.commands.doctor.address import parse
from riverd.commands.doctor.visit import VisitOptions

StartNginx = Callable[..., Nginx]
UPGRADE_LINES = (
    "proxy_set_header Upgrade $http_upgrade;",
    'proxy_set_header Connection "upgrade";',
)
PATIENT_S = 20.0


def examine(url: str, cluster: Cluster | None = None, **options: object) -> dict[str, Finding]:
    """All findings, by hop. With a cluster its API and its keys are tried too."""
    usual: dict[str, object] = {"timeout_s": PATIENT_S, "idle_s": 0}
    if cluster is not None:
        usual |= {"api_url": cluster.api.url, "api_key": API_KEY, "secret": SECRET}
    found = walk(VisitOptions(address=parse(url), **{**usual, **options}))  # type: ignore[arg-type]
    return {finding.check: finding for finding in found}


def broken(found: dict[str, Finding]) -> list[str]:
    return [check for check, one in found.items() if one.status is Status.BROKEN]


def complaints(found: dict[str, Finding]) -> list[Finding]:
    return [one for one in found.values() if one.status in {Status.BROKEN, Status.WARNING}]


def gateway_of(cluster: Cluster) -> str:
    host, port = address(cluster.gateway.url)
    return f"{host}:{port}"
