"""Runs a Lambda function's own code in a fresh interpreter, as much as this machine allows.

The package is made for ARM and Python 3.13. Its Python files are what runs here; what is compiled
in it is taken from this environment instead, and so is boto3, which Lambda's runtime has. Nothing
else of this environment can be imported: a module that is missing from the package is missing here.
"""

import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
"""What the runtime brings along."""
TIMEOUT_S = 120.0
"""Not the function's own: a busy machine is slower than Lambda."""

SETTINGS: dict[str, str] = {}
"""Environment that a test puts over the functions' own: where the broker really is."""

_BOOT = """
import importlib, json, sys, traceback
called = json.load(sys.stdin)
module, _, name = called["handler"].rpartition(".")
try:
    told = {"result": getattr(importlib.import_module(module), name)(called["event"], None)}
except BaseException as error:
    traceback.print_exc()
    told = {"error": {"errorType": type(error).__name__, "errorMessage": str(error)}}
print("\\n" + json.dumps(told))
"""


def run(
    package: bytes, handler: str, *, event: object, environment: Mapping[str, str], region: str
) -> tuple[Any, bool, str]:
    """Call a handler: its answer, whether it failed, and what it wrote to its log."""
    folder = unpacked(package)
    told = json.dumps({"handler": handler, "event": event})
    done = subprocess.run(
        [sys.executable, "-S", "-s", "-c", _BOOT],
        input=told,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        cwd=folder / "code",
        env={
            **environment,
            **SETTINGS,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ENDPOINT_URL": f"http://localhost:{os.environ['MOTO_PORT']}",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "lambda",
            "PATH": os.environ["PATH"],
            # Beside the package, which stays what it is.
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
            "PYTHONPATH": os.pathsep.join(str(folder / one) for one in ("code", "machine")),
        },
    )
    *said, last = done.stdout.rstrip().splitlines() or [""]
    log = "\n".join([*said, done.stderr])
    try:
        answer = json.loads(last)
    except ValueError:
        return {"errorType": "Runtime.ExitError", "errorMessage": log[-2000:]}, True, log
    return answer.get("result", answer.get("error")), "error" in answer, log


def unpacked(package: bytes) -> Path:
    """A folder with the package's Python in `code`, this machine's compiled parts in `machine`."""
    digest = hashlib.sha256(package).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"fake-aws-{os.getpid()}" / digest
    if folder.exists():
        return folder
    making = folder.with_suffix(".new")
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        archive.extractall(making / "code")
    compiled = {
        path.relative_to(making / "code").parts[0] for path in (making / "code").rglob("*.so")
    }
    (making / "machine").mkdir()
    for name in compiled:
        shutil.rmtree(making / "code" / name)
    for name in (*compiled, *RUNTIME):
        found = importlib.util.find_spec(name)
        assert found is not None, name
        assert found.origin is not None, name
        place = Path(found.origin)
        place = place.parent if place.name == "__init__.py" else place
        (making / "machine" / place.name).symlink_to(place)
    making.rename(folder)
    return folder


def forget() -> None:
    """Remove the unpacked packages."""
    shutil.rmtree(Path(tempfile.gettempdir()) / f"fake-aws-{os.getpid()}", ignore_errors=True)
