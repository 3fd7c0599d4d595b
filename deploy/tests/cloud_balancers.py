"""What stands before gateways in a cloud, played by haproxy: an ALB, and a Service of Kubernetes.

Neither tries another gateway when one refuses, and neither is told that one is to stop: it takes
the gateway out first, and ends it some seconds later.
"""

import socket
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from balancers import BALANCERS, CONNECTIONS_MAX, Balancer, Place
from listener import ask

from processes import KEY, ApiProcess, GatewayProcess, ServerProcess, answers, free_port

PRE_STOP_S = 5.0
"""How long the chart's pods sleep before SIGTERM."""
NOTICED_S = 1.0
"""How long the nodes of a cluster may take to notice that a pod is to stop."""
DEREGISTRATION_S = 6.0
CONFIG = """
global
    maxconn {maxconn}
    stats socket {orders} level admin
defaults
    mode http
    maxconn {maxconn}
    retries 0
    timeout connect 5s
    timeout client 75s
    timeout server 75s
    timeout tunnel 75s
frontend river
    bind 127.0.0.1:{port}
    default_backend gateways
backend gateways
    balance {balance}
"""


class CloudBalancer(ServerProcess):
    """haproxy that is given orders in place of a cloud's control plane."""

    def __init__(self, place: Place, *, balance: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._gateways = list(place.gateways)
        self._orders = place.folder / "orders.sock"
        text = CONFIG.format(
            maxconn=CONNECTIONS_MAX, orders=self._orders, port=self.port, balance=balance
        )
        servers = [f"    server g{at} {one}\n" for at, one in enumerate(self._gateways)]
        file = place.folder / "cloud.cfg"
        file.write_text(text + "".join(servers), encoding="utf-8")
        super().__init__(["haproxy", "-db", "-f", str(file)], {}, partial(answers, self.port))

    def context(self) -> None:
        """There is no TLS: these end it elsewhere."""

    def before_stop(self, gateway: GatewayProcess, api: ApiProcess) -> None:
        """What comes before the signal."""
        raise NotImplementedError

    def take_out(self, gateway: GatewayProcess) -> None:
        """Give it no new connections; those that it has stay."""
        self._order(f"set server {self._name(gateway)} state maint")

    def cut(self, gateway: GatewayProcess) -> None:
        """End what it has left."""
        self._order(f"shutdown sessions server {self._name(gateway)}")

    def put_back(self, gateway: GatewayProcess) -> None:
        """It is ready again."""
        self._order(f"set server {self._name(gateway)} state ready")

    def _name(self, gateway: GatewayProcess) -> str:
        return f"gateways/g{self._gateways.index(f'127.0.0.1:{gateway.port}')}"

    def _order(self, words: str) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._orders))
            connection.sendall(f"{words}\n".encode())
            said = connection.recv(4096).strip()
        if said:
            raise RuntimeError(f"{words}: {said.decode()}")


class LoadBalancer(CloudBalancer):
    """An ALB with the settings of the operating page: drained by name, cut after the delay."""

    def __init__(self, place: Place) -> None:
        super().__init__(place, balance="leastconn")

    def before_stop(self, gateway: GatewayProcess, api: ApiProcess) -> None:
        self.take_out(gateway)
        url = f"http://127.0.0.1:{api.port}/nodes/{quote(gateway.name)}/drain"
        status, said = ask(url, {}, key=KEY)
        if status != HTTPStatus.OK:
            raise RuntimeError(said)
        time.sleep(DEREGISTRATION_S)
        self.cut(gateway)


class KubernetesService(CloudBalancer):
    """A Service before the chart's pods, which sleep while the cluster notices that they leave."""

    def __init__(self, place: Place) -> None:
        super().__init__(place, balance="random(1)")

    def before_stop(self, gateway: GatewayProcess, api: ApiProcess) -> None:  # noqa: ARG002
        time.sleep(NOTICED_S)
        self.take_out(gateway)
        time.sleep(PRE_STOP_S - NOTICED_S)


AnyBalancer = Balancer | CloudBalancer
ALL_BALANCERS: dict[str, Callable[[Place], AnyBalancer]] = {
    **BALANCERS,
    "`deploy/helm`: a Service of Kubernetes": KubernetesService,
    "`deploy/aws`: an ALB": LoadBalancer,
}
PRE_STOP = Path(__file__).parents[1] / "helm" / "river" / "templates" / "_names.tpl"
