"""What the toolkit takes for `docker`: this machine's engine, before the fake account's registry.

Building, tagging and looking are real. No engine can push to a fake registry: what would be pushed
must be there, and the registry is told of it. The image is built for this machine, not for ARM.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from container_engine import Engine
from stand_ins import build_flags, python_image

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def launcher(folder: Path) -> Path:
    """A program that runs this, as CDK_DOCKER wants it."""
    path = folder / "docker"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$@"\n', encoding="utf-8")
    path.chmod(0o700)
    return path


def main(words: list[str]) -> int:
    """One docker command: its exit code."""
    engine = Engine()
    if words[0] == "login":
        return 0 if sys.stdin.read().strip() else 1
    if words[0] == "push":
        return _push(engine, words[-1])
    if words[0] == "build":
        words = _for_this_machine(engine, words)
    return subprocess.run(["docker", *words], env=engine.environment, check=False).returncode


def _for_this_machine(engine: Engine, words: list[str]) -> list[str]:
    at = words.index("--platform")
    assert words[at + 1] == "linux/arm64"
    base = ["--build-arg", f"PYTHON_IMAGE={python_image(engine)}"]
    return [words[0], *build_flags(), *base, *words[1:at], *words[at + 2 :]]


def _push(engine: Engine, image: str) -> int:
    digest = engine("image", "inspect", "--format", "{{.Id}}", image)
    repository, _, tag = image.partition("/")[2].partition(":")
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {**config, "digest": digest},
        "layers": [],
    }
    boto3.client("ecr", region_name=os.environ["AWS_REGION"]).put_image(
        repositoryName=repository, imageTag=tag, imageManifest=json.dumps(manifest)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
