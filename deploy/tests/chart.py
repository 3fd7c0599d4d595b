"""The Helm chart, rendered as Helm renders it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "deploy" / "helm" / "river"
HELM = Path(sys.executable).with_name("helm")
TRIAL = {"valkey.enabled": "true"}

Resource = dict[str, Any]


class Rendered:
    """The resources of one installation."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.all: list[Resource] = [one for one in yaml.safe_load_all(text) if one]

    def one(self, kind: str, ending: str = "") -> Resource:
        """The only resource of this kind whose name ends like this."""
        (found,) = self.of(kind, ending)
        return found

    def of(self, kind: str, ending: str = "") -> list[Resource]:
        return [
            one
            for one in self.all
            if one["kind"] == kind and one["metadata"]["name"].endswith(ending)
        ]

    def pod(self, part: str) -> Resource:
        """The pod that a deployment makes."""
        found: Resource = self.one("Deployment", f"-{part}")["spec"]["template"]["spec"]
        return found

    def container(self, part: str) -> Resource:
        (found,) = self.pod(part)["containers"]
        return dict(found)

    def environment(self, part: str) -> dict[str, str]:
        return {one["name"]: one["value"] for one in self.container(part)["env"]}


def helm(*arguments: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A helm command to its end; it knows no cluster but that of `config`."""
    with tempfile.TemporaryDirectory() as home:
        places = {f"HELM_{name}_HOME": home for name in ("CACHE", "CONFIG", "DATA")}
        cluster = str(config or Path(home) / "none")
        return subprocess.run(
            [HELM, *arguments],
            env={**os.environ, **places, "KUBECONFIG": cluster},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )


def settings(values: dict[str, str]) -> list[str]:
    """Values as flags; those that begin with {, [ or a quotation mark are JSON."""
    return [
        word
        for name, value in values.items()
        for word in ("--set-json" if value[:1] in {"{", "[", '"'} else "--set", f"{name}={value}")
    ]


def rendered(values: dict[str, str], *, name: str = "live") -> Rendered:
    """The resources for these values."""
    done = helm("template", name, str(CHART), "--namespace", "apps", *settings(values))
    assert done.returncode == 0, done.stderr
    return Rendered(done.stdout)


def refused(values: dict[str, str]) -> str:
    """Why these values are refused."""
    done = helm("template", "live", str(CHART), *settings(values))
    assert done.returncode != 0, "it was rendered"
    return done.stderr
