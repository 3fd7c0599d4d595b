"""Images that stand in for those of a registry, where none can be pulled from."""

import configparser
import hashlib
import os
import ssl
import tempfile
from pathlib import Path

from container_engine import ROOT, Engine

PYTHON = "python:3.13-slim"
CADDY = "caddy:2"
VALKEY = "valkey/valkey:8"
# Debian 13 with its Python 3.13: see scripts/install_containers.sh.
DEBIAN = ROOT / ".setup" / "python-3.13.tar"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")

FROM_DEBIAN = f"""FROM {{debian}}
COPY ca.crt {BUNDLE}
COPY pip.conf /etc/pip.conf
"""
FROM_PYTHON = """FROM {python}
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends caddy valkey-server
WORKDIR /srv
"""


def python_image(engine: Engine) -> str:
    """The official image if the engine has it, else one from Debian that trusts what we trust."""
    if engine.has(PYTHON):
        return PYTHON
    assert DEBIAN.exists(), "neither python:3.13-slim nor a stand-in: make .setup/containers"
    debian = f"river-test/debian:{int(DEBIAN.stat().st_mtime)}"
    if not engine.has(debian):
        engine("import", str(DEBIAN), debian)
    files = {"ca.crt": _certificates(), "pip.conf": _pip_settings()}
    return _built(engine, "python", FROM_DEBIAN.format(debian=debian), files)


def service_images(engine: Engine) -> dict[str, str]:
    """Caddy and Valkey for compose.yaml, by its variables."""
    if engine.has(CADDY) and engine.has(VALKEY):
        return {}
    both = _built(engine, "services", FROM_PYTHON.format(python=python_image(engine)), {})
    return {"RIVER_CADDY_IMAGE": both, "RIVER_VALKEY_IMAGE": both}


def build_flags() -> list[str]:
    """What a build needs on this machine to reach package registries."""
    proxies = [name for name in PROXIES if name in os.environ]
    return ["--network", "host", *(part for name in proxies for part in ("--build-arg", name))]


def _built(engine: Engine, name: str, recipe: str, files: dict[str, bytes]) -> str:
    """An image of this recipe; the one that was built of the same before, if there is one."""
    content = b"".join((recipe.encode(), *files.values()))
    tag = f"river-test/{name}:{hashlib.sha256(content).hexdigest()[:12]}"
    if not engine.has(tag):
        with tempfile.TemporaryDirectory() as folder:
            for path, data in {"Dockerfile": recipe.encode(), **files}.items():
                (Path(folder) / path).write_bytes(data)
            engine("build", "--quiet", *build_flags(), "--tag", tag, folder)
    return tag


def _certificates() -> bytes:
    """Whom this machine trusts; behind a proxy that looks into TLS, that is more than usual."""
    named = os.environ.get("PIP_CERT") or ssl.get_default_verify_paths().cafile or BUNDLE
    return Path(named).read_bytes()


def _pip_settings() -> bytes:
    """Where this machine's pip looks for packages, for the pip in a build."""
    parser = configparser.RawConfigParser()
    parser.read(
        ["/etc/pip.conf", Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"]
    )
    kept = {"cert": BUNDLE}
    for name in PIP_SETTINGS:
        variable = f"PIP_{name.replace('-', '_').upper()}"
        value = os.environ.get(variable) or parser.get("global", name, fallback="")
        if value:
            kept[name] = value
    return "\n".join(
        ["[global]", *(f"{name} = {value}" for name, value in kept.items()), ""]
    ).encode()
