"""As much of Kubernetes' API as Helm asks for what is there already: discovery, and Secrets."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KINDS = {
    "v1": ["Secret", "Service", "ServiceAccount"],
    "apps/v1": ["Deployment"],
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
    "networking.k8s.io/v1": ["Ingress", "NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
    "monitoring.coreos.com/v1": ["ServiceMonitor"],
}
CONFIG = """apiVersion: v1
kind: Config
current-context: it
clusters: [{{name: it, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
contexts: [{{name: it, context: {{cluster: it, user: it, namespace: apps}}}}]
users: [{{name: it, user: {{}}}}]
"""

Json = dict[str, Any]


class KubernetesApi:
    """A cluster in which there are these Secrets of the namespace `apps`, and nothing else."""

    def __init__(self, secrets: dict[str, dict[str, str]]) -> None:
        self._secrets = secrets

    def answer(self, path: str) -> tuple[int, Json]:
        """Status and body of a GET."""
        if path == "/version":
            return 200, {"major": "1", "minor": "30", "gitVersion": "v1.30.0"}
        if path == "/api":
            return 200, {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": _groups()}
        version = path.removeprefix("/apis/").removeprefix("/api/")
        if version in KINDS:
            return 200, _resources(version)
        if path == "/api/v1/namespaces/apps/secrets":
            # Where Helm keeps its releases: there is none yet.
            return 200, {"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": []}
        name = path.removeprefix("/api/v1/namespaces/apps/secrets/")
        if name in self._secrets:
            return 200, {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": "apps"},
                "data": self._secrets[name],
            }
        return 404, {"kind": "Status", "apiVersion": "v1", "reason": "NotFound", "code": 404}


def _groups() -> list[Json]:
    found = []
    for version in KINDS:
        if "/" in version:
            group, short = version.split("/")
            one = {"groupVersion": version, "version": short}
            found.append({"name": group, "versions": [one], "preferredVersion": one})
    return found


def _resources(version: str) -> Json:
    resources = [
        {
            "name": _plural(kind),
            "singularName": kind.lower(),
            "namespaced": True,
            "kind": kind,
            "verbs": ["get", "list"],
        }
        for kind in KINDS[version]
    ]
    return {"kind": "APIResourceList", "groupVersion": version, "resources": resources}


def _plural(kind: str) -> str:
    name = kind.lower()
    if name.endswith("y"):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith("s") else f"{name}s"


@contextmanager
def cluster(secrets: dict[str, dict[str, str]], folder: Path) -> Iterator[Path]:
    """Serve it; what is given is a kubeconfig that leads to it."""
    api = KubernetesApi(secrets)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = api.answer(self.path.partition("?")[0])
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    config = folder / "kubeconfig"
    config.write_text(CONFIG.format(port=server.server_port), encoding="ascii")
    config.chmod(0o600)
    try:
        yield config
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
